import type { Codec, Json, Message, MessageFactory, WireSocket } from "../wire/index.ts";

/** What a message on iopub stems from: a request, or nothing. */
export type Parent = Pick<Message, "header"> | undefined;

/** Messages that may wait to be sent before those who make them are held back. */
const ENOUGH = 64;

/** The kernel's broadcast: what cells show, and what the kernel is doing. */
export class Iopub {
  readonly #socket: WireSocket;
  readonly #codec: Codec;
  readonly #factory: MessageFactory;

  constructor(socket: WireSocket, codec: Codec, factory: MessageFactory) {
    this.#socket = socket;
    this.#codec = codec;
    this.#factory = factory;
  }

  publish(
    type: string,
    content: Json,
    parent: Parent,
    options: { metadata?: Json; buffers?: Uint8Array[] } = {},
  ): void {
    const topic = Buffer.from(`kernel.${this.#factory.session}.${type}`);
    const message = this.#factory.message(type, content, { ...options, parent, identities: [topic] });
    this.#socket.send(this.#codec.encode(message));
  }

  status(state: "starting" | "busy" | "idle", parent: Parent): void {
    this.publish("status", { execution_state: state }, parent);
  }

  stream(name: "stdout" | "stderr", text: string, parent: Parent): void {
    if (text !== "") this.publish("stream", { name, text }, parent);
  }

  /** Resolves when few enough messages wait; undefined if that is so now. */
  drained(): Promise<void> | undefined {
    return this.#socket.pending > ENOUGH ? this.#socket.flush() : undefined;
  }
}
