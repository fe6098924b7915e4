import type { Json } from "../wire/index.ts";
import { textOf } from "./fields.ts";

/** The comms that are open, and the messages of front ends to them that cells have not dealt with. */
export class CommTable {
  readonly #targets = new Map<string, string>();
  readonly #pending = new Set<number>();

  /** Follows what either side sends. */
  follow(kind: string, { comm_id: id, target_name: target }: Json): void {
    if (kind === "comm_open") this.#targets.set(String(id), textOf(target));
    if (kind === "comm_close") this.#targets.delete(String(id));
  }

  /** A front end's message goes to the cells as this run. */
  begin(run: number): void {
    this.#pending.add(run);
  }

  /** @returns whether the run was one that had begun */
  end(run: number): boolean {
    return this.#pending.delete(run);
  }

  /** The cells' process is gone; @returns the runs that it will not end */
  clear(): number[] {
    const runs = [...this.#pending];
    this.#targets.clear();
    return runs;
  }

  /** Answer to `comm_info_request`. */
  info({ target_name: target }: Json): Json {
    const wanted = [...this.#targets].filter(([, name]) => !target || name === target);
    return { status: "ok", comms: Object.fromEntries(wanted.map(([id, name]) => [id, { target_name: name }])) };
  }
}
