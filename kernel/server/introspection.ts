import { syntaxProblem } from "../cells/parse.ts";
import type { Checker } from "../checker/checker.ts";
import { steadily } from "../checker/steady.ts";
import type { Json } from "../wire/index.ts";
import { textOf } from "./fields.ts";
import { nextIndent } from "./indent.ts";
import { toCodePoints, toUtf16 } from "./positions.ts";

/** Answers about code that does not run: what completes it, what it means, whether it is whole. */
export class Introspection {
  readonly #checker: Checker;

  constructor(checker: Checker) {
    this.#checker = checker;
  }

  async complete({ code, cursor_pos: cursor }: Json): Promise<Json> {
    const source = textOf(code);
    const { candidates, start, end } = await steadily(this.#checker, () =>
      this.#checker.complete(source, offsetOf(source, cursor)),
    );
    const range = { start: toCodePoints(source, start), end: toCodePoints(source, end) };
    return {
      status: "ok",
      matches: candidates.map(({ text }) => text),
      cursor_start: range.start,
      cursor_end: range.end,
      metadata: { _jupyter_types_experimental: candidates.map((candidate) => ({ ...candidate, ...range })) },
    };
  }

  async inspect({ code, cursor_pos: cursor }: Json): Promise<Json> {
    const source = textOf(code);
    const text = await steadily(this.#checker, () => this.#checker.inspect(source, offsetOf(source, cursor)));
    if (text === undefined) return { status: "ok", found: false, data: {}, metadata: {} };
    const plain = text.replace(/^```.*\n?/gm, "").trim();
    return { status: "ok", found: true, data: { "text/plain": plain, "text/markdown": text }, metadata: {} };
  }

  isComplete({ code }: Json): Json {
    const source = textOf(code);
    if (nameAskedFor(source) !== undefined) return { status: "complete" };
    const problem = syntaxProblem(source);
    if (!problem) return { status: "complete" };
    return problem.atEnd ? { status: "incomplete", indent: nextIndent(source) } : { status: "invalid" };
  }

  /** What a front end shows in its pager. */
  async help(name: string): Promise<Json[]> {
    const { data } = await this.inspect({ code: name });
    const nothing = { "text/plain": `Nothing is known about ${name}. If a cell declares it, run that cell first.` };
    return [{ source: "page", data: Object.keys(data).length > 0 ? data : nothing, start: 0 }];
  }
}

/** What a cell asks the meaning of, as in IPython: `sharp?`, `Plot.plot??`, `?sharp`. No TypeScript looks so. */
export function nameAskedFor(source: string): string | undefined {
  const name = "([\\p{L}_$][\\p{L}\\p{N}_$.]*)";
  const match = new RegExp(`^\\s*(?:\\?{1,2}\\s*${name}|${name}\\?{1,2})\\s*$`, "u").exec(source);
  return match?.[1] ?? match?.[2];
}

function offsetOf(source: string, cursor: unknown): number {
  return typeof cursor === "number" ? toUtf16(source, cursor) : source.length;
}
