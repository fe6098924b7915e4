import { randomUUID } from "node:crypto";
import type { Json } from "../wire/index.ts";
import { CellQueue, type CellQueueEvents } from "./cell-queue.ts";

/**
 * The shell and its subshells: each has a queue of its own, so that what is sent to one does not wait for a cell of
 * another. All cells share one thread: those of a subshell run while another awaits, not while it computes.
 *
 * @see https://jupyter.org/enhancement-proposals/91-kernel-subshells/kernel-subshells.html
 */
export class Subshells<R> {
  readonly #events: CellQueueEvents<R>;
  readonly #main: CellQueue<R>;
  readonly #queues = new Map<string, CellQueue<R>>();

  constructor(events: CellQueueEvents<R>) {
    this.#events = events;
    this.#main = new CellQueue(events);
  }

  /** The queue of a subshell, or with "" of the shell itself; undefined if there is no such subshell. */
  queue(id: string): CellQueue<R> | undefined {
    return id === "" ? this.#main : this.#queues.get(id);
  }

  /** The request whose cell runs, that of the shell itself before those of subshells. */
  get running(): R | undefined {
    return [this.#main, ...this.#queues.values()].find((queue) => queue.running !== undefined)?.running;
  }

  interrupt(): void {
    for (const queue of [this.#main, ...this.#queues.values()]) queue.interrupt();
  }

  create(): Json {
    const id = randomUUID();
    this.#queues.set(id, new CellQueue(this.#events));
    return { status: "ok", subshell_id: id };
  }

  list(): Json {
    return { status: "ok", subshell_id: [...this.#queues.keys()] };
  }

  delete({ subshell_id: id }: Json): Json {
    const queue = this.#queues.get(id);
    if (!queue) return unknownSubshell(id);
    this.#queues.delete(id);
    queue.close();
    return { status: "ok" };
  }
}

/** The reply to a request that names a subshell which is not there. */
export function unknownSubshell(id: unknown): Json {
  const evalue = `there is no subshell ${JSON.stringify(id)}; create_subshell_request creates one.`;
  return { status: "error", ename: "SubshellError", evalue, traceback: [`SubshellError: ${evalue}`] };
}
