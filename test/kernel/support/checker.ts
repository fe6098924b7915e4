import { join } from "node:path";
import { expect } from "vitest";
import { parseCell } from "../../../kernel/cells/parse.ts";
import { Checker } from "../../../kernel/checker/checker.ts";
import { GLOBAL_NAMES } from "../../../kernel/evaluator/child/globals.ts";
import { ROOT } from "../../root.ts";

/** The checker of a notebook in a folder, as a kernel has it. */
export function checkerIn(folder: string): Checker {
  return new Checker(folder, { module: join(ROOT, "dist/kernel/evaluator/child/globals.js"), names: GLOBAL_NAMES });
}

/** The checker of a notebook in the lesson's folder, which knows the library. */
export async function notebookChecker(): Promise<Checker> {
  const checker = checkerIn(join(ROOT, "notebooks"));
  await checker.preload(["difflab"]);
  return checker;
}

/** Takes a cell into the session, as one that ran. */
export async function commitCell(checker: Checker, source: string): Promise<void> {
  expect(await checker.check(source, parseCell(source)), source).toEqual([]);
  await checker.commit(parseCell(source)!, () => true);
}
