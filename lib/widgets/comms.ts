/** One connection to an object of the front end, as the kernel offers it. */
export interface Comm {
  readonly id: string;
  onMessage: (data: CommMessage, buffers: Uint8Array[]) => void;
  onClose: (data: unknown) => void;
  send(data: object, options?: CommOptions): void;
  close(data?: object): void;
}

export interface CommOptions {
  buffers?: Uint8Array[];
  metadata?: Record<string, unknown>;
}

/** What front ends send: JSON whose keys nobody has checked. */
export type CommMessage = { readonly [key: string]: unknown } | null | undefined;

/** What a kernel offers under `Symbol.for("Jupyter.comms")` on `globalThis`. */
export interface Comms {
  open(target: string, data?: object, options?: CommOptions): Comm;
  register(target: string, opened: (comm: Comm, data: CommMessage, buffers: Uint8Array[]) => void): void;
}

/**
 * The kernel's connections to the front end.
 *
 * @returns undefined if there is no kernel, or one without comms: then widgets show a still picture
 */
export function findComms(): Comms | undefined {
  const comms = (globalThis as { [key: symbol]: unknown })[Symbol.for("Jupyter.comms")] as Comms | undefined;
  return typeof comms?.open === "function" ? comms : undefined;
}
