import { type Cell, joinText, type Notebook } from "./notebook.ts";

/** The stub that replaces a solution: it passes the type check, whatever the function should return. */
export const STUB = "// Your code here.\nTODO()";

/** The markers around tests that students do not get to see. */
export const HIDDEN = { begin: "BEGIN HIDDEN TESTS", end: "END HIDDEN TESTS" } as const;

const HIDDEN_TESTS = new RegExp(`^.*${HIDDEN.begin}[\\s\\S]*?${HIDDEN.end}.*(\\n|$)`, "gm");

const SOLUTION = /^([ \t]*)\/\/ BEGIN SOLUTION\n([\s\S]*?)^[ \t]*\/\/ END SOLUTION$/gm;

/** What nbgrader puts in place of a written answer. */
const TEXT_STUB = "YOUR ANSWER HERE";

const WRITTEN_SOLUTION = /^<!-- BEGIN SOLUTION -->\n([\s\S]*?)^<!-- END SOLUTION -->$/gm;

/**
 * A notebook as students get it: a stub in place of each solution, as nbgrader's ClearSolutions makes it, and no hidden
 * tests. The outputs of exercises and their checks are removed, because they would give the answer away; all others stay.
 *
 * @param options.keepHidden - keep the hidden tests, to see whether a stub passes them
 */
export function withoutSolutions(notebook: Notebook, { keepHidden = false } = {}): Notebook {
  const cells = notebook.cells.map((cell) => (keepHidden ? unsolved(cell) : withoutHidden(unsolved(cell))));
  return { ...notebook, cells };
}

/** A cell without its hidden tests. */
export function withoutHidden<C extends Cell>(cell: C): C {
  const source = joinText(cell.source);
  const seen = source.replace(HIDDEN_TESTS, "").trimEnd();
  return source.includes(HIDDEN.begin) ? { ...cell, source: seen } : cell;
}

/** A notebook for a quick run: with the replacements listed in its cells' metadata (fewer steps, a wider threshold). */
export function quickly(notebook: Notebook): Notebook {
  const cells = notebook.cells.map((cell) => {
    const replacements = (cell.metadata.difflab as { quick?: Record<string, string> } | undefined)?.quick ?? {};
    let source = joinText(cell.source);
    for (const [from, to] of Object.entries(replacements)) source = source.replace(from, () => to);
    return { ...cell, source };
  });
  return { ...notebook, cells };
}

/** A notebook to work in: no outputs, stubs, and each solution folded away below the check of its exercise. */
export function toWorkIn(notebook: Notebook): Notebook {
  let waiting: Cell[] = [];
  const cells = notebook.cells.flatMap((cell) => {
    const own = cleared(withoutHidden(unsolved(cell)));
    const solution = solutionOf(cell);
    if (solution !== undefined) waiting.push(folded(cell, solution));
    if (!isCheck(cell)) return [own];
    const below = waiting;
    waiting = [];
    return [own, ...below];
  });
  return { ...notebook, cells: [...cells, ...waiting] };
}

function isCheck(cell: Cell): boolean {
  return (cell.metadata.nbgrader as { grade?: boolean } | undefined)?.grade === true;
}

function unsolved(cell: Cell): Cell {
  const source = joinText(cell.source);
  if (cell.cell_type !== "code") {
    const open = source.replace(WRITTEN_SOLUTION, TEXT_STUB);
    return open === source ? cell : { ...cell, source: open };
  }
  const stubbed = source.replace(SOLUTION, (_, indent: string) => STUB.replace(/^/gm, indent));
  if (stubbed === source) return isCheck(cell) ? cleared(cell) : cell;
  return cleared({ ...cell, source: stubbed });
}

function cleared(cell: Cell): Cell {
  return cell.cell_type === "code" ? { ...cell, outputs: [], execution_count: null } : cell;
}

/** The text between a cell's markers, as a page shows it; undefined if there are no markers. */
function solutionOf(cell: Cell): string | undefined {
  const source = joinText(cell.source);
  if (cell.cell_type !== "code") {
    return [...source.matchAll(WRITTEN_SOLUTION)].map(([, written]) => written!.trimEnd())[0];
  }
  const parts = [...source.matchAll(SOLUTION)].map(([, indent, lines]) =>
    lines!.replaceAll(new RegExp(`^${indent}`, "gm"), "").trimEnd(),
  );
  return parts.length > 0 ? `\`\`\`ts\n${parts.join("\n\n")}\n\`\`\`` : undefined;
}

function folded(cell: Cell, solution: string): Cell {
  const title = cell.cell_type === "code" ? "A solution" : "An answer";
  const source = `<details>\n<summary>${title}</summary>\n\n${solution}\n\n</details>`;
  return { cell_type: "markdown", id: `${cell.id}-solution`, metadata: {}, source };
}
