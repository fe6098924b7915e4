import type { Json, Message } from "../wire/index.ts";
import { entriesOf, textOf } from "./fields.ts";
import type { History } from "./history.ts";
import { type Introspection, nameAskedFor } from "./introspection.ts";
import type { Iopub } from "./iopub.ts";
import type { Runs } from "./runs.ts";
import type { Session } from "./session.ts";

/** What an `execute_request` needs of the kernel. */
interface Parts {
  readonly session: Session;
  readonly runs: Runs;
  readonly history: History;
  readonly introspection: Introspection;
  readonly iopub: Iopub;
}

/** Runs the cells of `execute_request`s, and numbers them. */
export class Execution {
  readonly #parts: Parts;
  #count = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Number of the latest cell, as front ends show it. */
  get count(): number {
    return this.#count;
  }

  /** @returns the content of the reply */
  async run(message: Message): Promise<Json> {
    const { session, runs, history, introspection, iopub } = this.#parts;
    const { silent = false, user_expressions: expressions } = message.content;
    const code = textOf(message.content.code);
    const storesHistory = !silent && message.content.store_history !== false;
    const ok = () => ({ status: "ok", execution_count: this.#count, user_expressions: {}, payload: [] });
    if (code.trim() === "") return ok();
    if (storesHistory) this.#count++;
    const count = this.#count;
    if (storesHistory) history.add(count, code);
    if (!silent) iopub.publish("execute_input", { code, execution_count: count }, message);
    const asked = nameAskedFor(code);
    if (asked !== undefined) return { ...ok(), execution_count: count, payload: await introspection.help(asked) };
    const run = runs.begin("cell", message, count);
    // A number that is not counted up belongs to an earlier cell, whose lines an error would be looked for in this one.
    const label = storesHistory ? `In [${count}]` : "In [ ]";
    const { failure } = await session.run(run, code, { label, showsResult: !silent });
    if (!failure)
      return { ...ok(), execution_count: count, user_expressions: await this.#values(expressions, message) };
    if (!silent) iopub.publish("error", { ...failure }, message);
    return { ...ok(), status: "error", execution_count: count, ...failure };
  }

  /** Values of a request's `user_expressions`. */
  async #values(expressions: unknown, message: Message): Promise<Json> {
    const { session, runs } = this.#parts;
    const values: Json = {};
    for (const [key, expression] of entriesOf(expressions)) {
      const run = runs.begin("cell", message, this.#count);
      const options = { label: "user expression", showsResult: false, returnsResult: true };
      const { failure, bundle } = await session.run(run, `(${textOf(expression)})`, options);
      values[key] = failure ? { status: "error", ...failure } : { status: "ok", data: {}, metadata: {}, ...bundle };
    }
    return values;
  }
}
