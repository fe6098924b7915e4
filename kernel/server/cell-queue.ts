/** A cell's end, as those that wait behind it see it. */
export type CellEnd = "ok" | "failed";

/** What a queue does with its requests. Neither function rejects or throws. */
export interface CellQueueEvents<R> {
  execute(request: R): Promise<CellEnd>;
  /** A cell before it failed, and it is not run. */
  abort(request: R): void;
}

/** The cells of one shell, which run one after the other. */
export class CellQueue<R> {
  readonly #events: CellQueueEvents<R>;
  readonly #waiting: R[] = [];
  /** Requests that waited when the running cell was interrupted. */
  #interrupted: Set<R> | undefined;
  #running: R | undefined;

  constructor(events: CellQueueEvents<R>) {
    this.#events = events;
  }

  /** The request whose cell runs. */
  get running(): R | undefined {
    return this.#running;
  }

  push(request: R): void {
    this.#waiting.push(request);
    if (this.#running === undefined) void this.#run();
  }

  /** The running cell is interrupted: what is sent from now on is sent in the knowledge of that, and will be run. */
  interrupt(): void {
    if (this.#running !== undefined) this.#interrupted = new Set([...this.#waiting, ...(this.#interrupted ?? [])]);
  }

  /** Lets go of what waits. */
  close(): void {
    for (const request of this.#waiting.splice(0)) this.#events.abort(request);
  }

  async #run(): Promise<void> {
    for (let request = this.#waiting.shift(); request !== undefined; request = this.#waiting.shift()) {
      this.#running = request;
      const end = await this.#events.execute(request);
      // They were sent in the belief that it would work.
      if (end === "failed") this.#abort(this.#interrupted ?? new Set(this.#waiting));
      this.#interrupted = undefined;
    }
    this.#running = undefined;
  }

  #abort(requests: ReadonlySet<R>): void {
    for (const request of this.#waiting.splice(0)) {
      if (requests.has(request)) this.#events.abort(request);
      else this.#waiting.push(request);
    }
  }
}
