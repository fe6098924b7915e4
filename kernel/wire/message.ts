import { randomUUID } from "node:crypto";

/** Version of the Jupyter messaging protocol that this wire layer speaks. */
export const PROTOCOL_VERSION = "5.5";

/** A JSON object of a message. Its values are whatever the peer sent: check before use. */
// biome-ignore lint/suspicious/noExplicitAny: content differs by message type and comes from outside
export type Json = Record<string, any>;

/** Who sent a message, when, and what kind it is. */
export interface Header {
  msg_id: string;
  msg_type: string;
  session: string;
  username: string;
  /** ISO 8601, as the sender wrote it. */
  date: string;
  version: string;
}

/** One message of the Jupyter protocol, on any channel. */
export interface Message {
  /** Routing frames before the delimiter: on a router the peer, on iopub the topic. */
  identities: Buffer[];
  header: Header;
  /** Header of the request that this message answers or stems from; empty if there is none. */
  parent_header: Header | Record<string, never>;
  metadata: Json;
  content: Json;
  /** Binary frames after the content (widgets, comms). */
  buffers: Uint8Array[];
}

/** What {@link MessageFactory.message} may be given beside type and content. */
export interface MessageOptions {
  /** Request that this message belongs to; its header becomes `parent_header`. */
  parent?: { header: Header } | undefined;
  metadata?: Json | undefined;
  buffers?: Uint8Array[] | undefined;
  identities?: Buffer[] | undefined;
}

/** Makes messages of one session: a kernel's life, or one client of it. */
export class MessageFactory {
  readonly session: string;
  readonly username: string;

  /**
   * @param options.session - unique name of this kernel or client; default a new UUID
   * @param options.username - default "kernel"
   */
  constructor(options: { session?: string; username?: string } = {}) {
    this.session = options.session ?? randomUUID();
    this.username = options.username ?? "kernel";
  }

  /** A new message with its own id and date. */
  message(type: string, content: Json, options: MessageOptions = {}): Message {
    return {
      identities: options.identities ?? [],
      header: {
        msg_id: randomUUID(),
        msg_type: type,
        session: this.session,
        username: this.username,
        date: new Date().toISOString(),
        version: PROTOCOL_VERSION,
      },
      parent_header: options.parent?.header ?? {},
      metadata: options.metadata ?? {},
      content,
      buffers: options.buffers ?? [],
    };
  }

  /** The answer to a request: goes back to who sent it. */
  reply(
    request: Message,
    type: string,
    content: Json,
    options: Omit<MessageOptions, "parent" | "identities"> = {},
  ): Message {
    return this.message(type, content, { ...options, parent: request, identities: request.identities });
  }
}
