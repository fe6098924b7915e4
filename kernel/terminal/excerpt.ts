import { grey, red } from "./ansi.ts";

/** A place in a text: line and columns from 1; `endColumn` is behind the last character meant. */
export interface Range {
  line: number;
  column: number;
  endColumn?: number;
}

/** Longer lines are cut around the place: a line of data may have megabytes. */
const LONGEST = 160;

/**
 * The line of a place with its number and carets below, between the lines beside it.
 *
 * @param options.after - lines to show below; default 0
 */
export function excerpt(source: string, { line, column, endColumn }: Range, { after = 0 } = {}): string {
  const lines = source.split("\n");
  const first = Math.max(1, line - 1);
  const last = Math.min(line + after, lines.length);
  const width = String(last).length;
  const from = column > LONGEST - 40 ? column - 40 : 0;
  const cut = (text: string) => {
    const start = from > 0 ? `…${text.slice(from + 1)}` : text;
    return start.length > LONGEST ? `${start.slice(0, LONGEST)}…` : start;
  };
  const shown: string[] = [];
  for (let number = first; number <= last; number++) {
    const text = cut(lines[number - 1] ?? "");
    const gutter = grey(`${String(number).padStart(width)} |`);
    shown.push(`${number === line ? red(">") : " "} ${gutter} ${text}`);
    if (number !== line) continue;
    const start = column - from;
    const end = Math.min((endColumn ?? column + 1) - from, text.length + 1);
    const before = text
      .slice(0, start - 1)
      .replace(/[^\t]/g, " ")
      .padEnd(start - 1);
    shown.push(`  ${grey(`${" ".repeat(width)} |`)} ${before}${red("^".repeat(Math.max(1, end - start)))}`);
  }
  return shown.join("\n");
}
