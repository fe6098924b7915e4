import type { Json } from "../wire/index.ts";
import { textOf } from "./fields.ts";

/** One executed cell of the session. */
interface Entry {
  line: number;
  input: string;
  output: string | null;
}

/** The number under which this session's entries are listed; 0 means it too. */
const SESSION = 1;

/** Characters that are kept in all; beyond them the oldest entries go. */
const LIMIT = 20_000_000;

/** Inputs and results of the session, as `history_request` asks for them. */
export class History {
  readonly #entries: Entry[] = [];
  #size = 0;

  add(line: number, input: string): void {
    this.#entries.push({ line, input, output: null });
    this.#grow(input.length);
  }

  /** Text of a cell's result. */
  setOutput(line: number, output: string): void {
    const entry = this.#entries.findLast((e) => e.line === line);
    if (!entry) return;
    entry.output = output;
    this.#grow(output.length);
  }

  #grow(size: number): void {
    this.#size += size;
    while (this.#size > LIMIT && this.#entries.length > 1) {
      const { input, output } = this.#entries.shift()!;
      this.#size -= input.length + (output?.length ?? 0);
    }
  }

  /** Answers a request by its access type: "range", "tail" or "search". */
  request({ hist_access_type: access, output, n, start, stop, session, pattern, unique }: Json): Json[] {
    let found = this.#entries;
    if (access === "range") {
      if (session !== undefined && session !== 0 && session !== SESSION) found = [];
      const to = typeof stop === "number" ? stop : Number.POSITIVE_INFINITY;
      found = found.filter(({ line }) => line >= (Number(start) || 0) && line < to);
    } else {
      if (access === "search") {
        const wanted = globToRegExp(textOf(pattern) || "*");
        found = found.filter(({ input }) => wanted.test(input));
        if (unique) found = found.filter((e, i, all) => all.findLastIndex((other) => other.input === e.input) === i);
      }
      found = found.slice(-(typeof n === "number" && n > 0 ? n : found.length) || undefined);
    }
    return found.map((e) => [SESSION, e.line, output ? [e.input, e.output] : e.input]);
  }
}

/** `*` is any text and `?` one character, as in Jupyter's search. */
function globToRegExp(pattern: string): RegExp {
  const escaped = pattern.replace(/[\\^$.|+()[\]{}]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", "[^]*").replaceAll("?", "[^]")}$`);
}
