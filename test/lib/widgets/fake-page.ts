import type { Comm, CommMessage, Comms } from "../../../lib/widgets/comms.ts";

interface Sent {
  id: string;
  data: { method?: string; state?: Record<string, unknown>; [key: string]: unknown };
  buffers: Uint8Array[];
}

/** A front end that keeps what it is told, and says what a test lets it say. */
export class FakePage implements Comms {
  readonly opened: Sent[] = [];
  readonly sent: Sent[] = [];
  readonly #comms = new Map<string, Comm>();
  readonly #targets = new Map<string, (comm: Comm, data: CommMessage, buffers: Uint8Array[]) => void>();

  /** Puts it where libraries look. @returns takes it away again */
  install(): () => void {
    const key = Symbol.for("Jupyter.comms");
    Object.defineProperty(globalThis, key, { configurable: true, value: this });
    return () => void delete (globalThis as { [key: symbol]: unknown })[key];
  }

  open(_target: string, data: object = {}, { buffers = [] }: { buffers?: Uint8Array[] } = {}): Comm {
    const comm = this.#make(`comm-${this.#comms.size}`);
    this.opened.push({ id: comm.id, data: data as Sent["data"], buffers });
    return comm;
  }

  register(target: string, opened: (comm: Comm, data: CommMessage, buffers: Uint8Array[]) => void): void {
    this.#targets.set(target, opened);
  }

  /** A page that opens a comm, as one that is loaded anew does. */
  request(target: string, data: CommMessage): void {
    const comm = this.#make(`page-${this.#comms.size}`);
    this.#targets.get(target)?.(comm, {}, []);
    comm.onMessage(data, []);
  }

  /** The state that a model's comm was opened with. */
  stateOf(id: string): Record<string, unknown> {
    return this.opened.find((each) => each.id === id)!.data.state!;
  }

  /** A person changes a widget. */
  change(id: string, state: unknown, buffer_paths: unknown = [], buffers: Uint8Array[] = []): void {
    this.#comms.get(id)!.onMessage({ method: "update", state, buffer_paths }, buffers);
  }

  say(id: string, data: CommMessage): void {
    this.#comms.get(id)!.onMessage(data, []);
  }

  #make(id: string): Comm {
    const comm: Comm = {
      id,
      onMessage: () => {},
      onClose: () => {},
      send: (data, { buffers = [] } = {}) => void this.sent.push({ id, data: data as Sent["data"], buffers }),
      close: () => void this.#comms.delete(id),
    };
    this.#comms.set(id, comm);
    return comm;
  }
}
