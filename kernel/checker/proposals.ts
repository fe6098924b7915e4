import type { ParsedCell } from "../cells/parse.ts";
import type { Fix } from "./fix.ts";
import { fixesFor } from "./fixes.ts";
import { type Problem, problemAt } from "./problems.ts";
import { rangeOf } from "./tree.ts";

/** As many changes are tried for one cell: each takes a check. */
const TRIES = 12;

/**
 * Problems with what to write, where a change that we know of takes them away.
 *
 * @param check - errors of the cell with another source
 */
export async function propose(
  problems: readonly Problem[],
  cell: ParsedCell,
  check: (source: string) => Promise<Problem[]>,
): Promise<Problem[]> {
  const shown: Problem[] = [];
  let open = [...problems];
  let tries = 0;
  while (open.length > 0) {
    const [problem, ...others] = open as [Problem, ...Problem[]];
    let solution: Fix | undefined;
    for (const fix of fixesFor(problem, problems, cell)) {
      if (tries++ >= TRIES) break;
      const source = cell.source.slice(0, fix.start) + fix.text + cell.source.slice(fix.end);
      const after = await check(source);
      const inside = after.filter((each) => isWithin(each, source, fix.start, fix.text.length));
      const isBetter = fix.ends
        ? after.length <= problems.length && !inside.some(({ message }) => fix.ends!.test(message))
        : after.length < problems.length && inside.length === 0;
      if (!isBetter) continue;
      solution = fix;
      break;
    }
    if (solution) {
      const { start, end, text, why } = solution;
      const message = `${why} Write: ${text.replace(/\s*\n\s*/g, " ")}`;
      const { code } = problem;
      shown.push({ ...problemAt(cell.source, start, end, message), ...(code !== undefined && { code }) });
      open = others.filter((each) => !isWithin(each, cell.source, start, end - start));
    } else {
      shown.push(problem);
      open = others;
    }
  }
  return shown.filter(({ isTentative }) => !isTentative);
}

function isWithin(problem: Problem, source: string, start: number, length: number): boolean {
  const range = rangeOf(problem, source);
  return range.start < start + length && range.end > start;
}
