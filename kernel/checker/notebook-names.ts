import { readFileSync } from "node:fs";
import type * as t from "@babel/types";
import { declareStatement, type NameKind, parseCell } from "../cells/parse.ts";
import { collectVars } from "../cells/syntax.ts";

/** A cell of the notebook that declares a name. */
export interface NotebookCell {
  /** Its place in the notebook. */
  index: number;
  /** The heading that it stands under, if any. */
  heading: string | undefined;
  /** The first line of the statement that declares the name. */
  line: string;
  /** Whether it stands above the cell that asks; undefined where that one has not been saved yet. */
  isAbove: boolean | undefined;
}

interface CodeCell {
  heading: string | undefined;
  source: string;
}

/**
 * The notebook that the cells come from: Jupyter's server says which file that is, other front ends do not. It may
 * have been changed since it was saved, so what it says is a hint and nothing to rest on.
 */
export function notebookPath(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = env.JPY_SESSION_NAME;
  return path?.endsWith(".ipynb") ? path : undefined;
}

/**
 * Finds the cells that declare names which a cell misses.
 *
 * @param path - the notebook's file
 * @param source - the cell that misses them
 * @returns for each name the nearest cell above the one that asks, or else the first; nothing where the file cannot
 *   be read or no cell declares it
 */
export function findDeclarations(path: string, source: string, names: Iterable<string>): Map<string, NotebookCell> {
  const found = new Map<string, NotebookCell>();
  const cells = codeCells(path);
  const here = placeOf(source, cells, [...names]);
  for (const name of names) {
    for (const [index, cell] of cells.entries()) {
      const isAbove = here === undefined ? undefined : index < here;
      if (index === here || (found.has(name) && !isAbove)) continue;
      const line = declaringLine(cell.source, name);
      if (line !== undefined) found.set(name, { index, heading: cell.heading, line, isAbove });
    }
  }
  return found;
}

/** Which of the cells as they were saved a source is, or has become by a change: none that declares what it misses. */
function placeOf(source: string, cells: readonly CodeCell[], missing: readonly string[]): number | undefined {
  const same = cells.findIndex((cell) => cell.source.trim() === source.trim());
  if (same >= 0) return same;
  const words = wordsOf(source);
  const likeness = cells.map((cell) => {
    if (missing.some((name) => declaringLine(cell.source, name) !== undefined)) return 0;
    const theirs = wordsOf(cell.source);
    const both = [...words].filter((word) => theirs.has(word)).length;
    return both / Math.max(1, words.size + theirs.size - both);
  });
  const most = Math.max(0, ...likeness);
  return most > 0.6 ? likeness.indexOf(most) : undefined;
}

function wordsOf(source: string): Set<string> {
  return new Set(source.match(/[\p{L}\p{N}_$]+/gu));
}

function codeCells(path: string): CodeCell[] {
  let cells: { cell_type?: unknown; source?: unknown }[];
  try {
    cells = JSON.parse(readFileSync(path, "utf8")).cells;
    if (!Array.isArray(cells)) return [];
  } catch {
    return []; // no hint, then
  }
  const code: CodeCell[] = [];
  let heading: string | undefined;
  for (const cell of cells) {
    const source = [cell?.source ?? ""].flat().join("");
    if (cell?.cell_type === "markdown") heading = [...source.matchAll(/^#+ +(.+?)\s*$/gm)].at(-1)?.[1] ?? heading;
    if (cell?.cell_type === "code") code.push({ heading, source });
  }
  return code;
}

/** The line of a cell that declares a name, as far as the cell can be read. */
export function declaringLine(source: string, name: string): string | undefined {
  // Most cells do not even mention it.
  if (!source.includes(name)) return undefined;
  const statement = parseCell(source)?.program.body.find((each) => declares(each, name));
  return statement && source.split("\n")[statement.loc!.start.line - 1];
}

function declares(statement: t.Statement, name: string): boolean {
  const names = new Map<string, NameKind>();
  declareStatement(statement, names);
  collectVars([statement], (each) => names.set(each, "let"));
  return names.has(name);
}
