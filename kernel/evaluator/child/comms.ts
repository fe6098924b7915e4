import { randomUUID } from "node:crypto";
import type { CommKind } from "../protocol/messages.ts";
import { currentRun } from "./context.ts";
import type { Outbox } from "./outbox.ts";

/** Data that goes over a comm: JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the two ends of a comm agree on what it is
export type CommData = any;

/** Binary data and remarks that go with a comm message. */
export interface CommOptions {
  buffers?: Uint8Array[];
  metadata?: Record<string, unknown>;
}

/** One connection to an object in the front end, such as a widget's model. */
export interface Comm {
  readonly id: string;
  readonly target: string;
  /** Called with each message of the other end. The kernel is busy until the promise settles that it may return. */
  onMessage: (data: CommData, buffers: Uint8Array[]) => unknown;
  /** Called as the other end closes. */
  onClose: (data: CommData) => unknown;
  send(data: CommData, options?: CommOptions): void;
  close(data?: CommData): void;
}

/** Connections to the front end, as ipywidgets and other extensions use them. */
export interface Comms {
  /** Opens a connection to what the front end registered under a target name. */
  open(target: string, data?: CommData, options?: CommOptions): Comm;
  /** Says what to do where the front end opens a connection to this target name. */
  register(target: string, opened: (comm: Comm, data: CommData, buffers: Uint8Array[]) => unknown): void;
}

/** A comm message from the front end. */
interface Incoming {
  kind: CommKind;
  content: { comm_id?: unknown; target_name?: unknown; data?: unknown };
  buffers: Uint8Array[];
}

export class CommRegistry implements Comms {
  readonly #outbox: Outbox;
  readonly #open = new Map<string, Comm>();
  readonly #targets = new Map<string, (comm: Comm, data: CommData, buffers: Uint8Array[]) => unknown>();

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  open(target: string, data: CommData = {}, options: CommOptions = {}): Comm {
    const comm = this.#make(randomUUID().replaceAll("-", ""), target);
    this.#send("comm_open", { comm_id: comm.id, target_name: target, data }, options);
    return comm;
  }

  register(target: string, opened: (comm: Comm, data: CommData, buffers: Uint8Array[]) => unknown): void {
    this.#targets.set(target, opened);
  }

  /** @returns what the code returns that the message is for: a promise where it goes on */
  receive({ kind, content, buffers }: Incoming): unknown {
    const id = String(content.comm_id ?? "");
    const data = content.data ?? {};
    if (kind === "comm_open") {
      const target = String(content.target_name ?? "");
      const opened = this.#targets.get(target);
      if (opened) return opened(this.#make(id, target), data, buffers);
      this.#send("comm_close", { comm_id: id, data: {} }); // as the protocol asks where nobody knows the target
      return undefined;
    }
    const comm = this.#open.get(id);
    if (!comm) return undefined;
    if (kind === "comm_msg") return comm.onMessage(data, buffers);
    this.#open.delete(id);
    return comm.onClose(data);
  }

  #make(id: string, target: string): Comm {
    const comm: Comm = {
      id,
      target,
      onMessage: () => {},
      onClose: () => {},
      send: (data, options) => this.#send("comm_msg", { comm_id: id, data }, options),
      close: (data = {}) => {
        if (this.#open.delete(id)) this.#send("comm_close", { comm_id: id, data });
      },
    };
    this.#open.set(id, comm);
    return comm;
  }

  #send(kind: CommKind, content: object, { buffers = [], metadata = {} }: CommOptions = {}): void {
    this.#outbox.send({ type: "comm", run: currentRun(), kind, content, metadata }, buffers);
  }
}
