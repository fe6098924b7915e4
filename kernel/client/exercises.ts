import { type Cell, type CodeCell, joinText, type Notebook } from "./notebook.ts";

/** What stands in place of a solution: it passes the type check, whatever the function is to return. */
export const STUB = "// Your code here.\nTODO()";

const SOLUTION = /^([ \t]*)\/\/ BEGIN SOLUTION\n([\s\S]*?)^[ \t]*\/\/ END SOLUTION$/gm;

/**
 * A notebook as students get it: a stub in place of each solution, as nbgrader's ClearSolutions makes it. What its
 * exercises and their checks printed is taken away, as it would tell the answer; all other outputs stay.
 */
export function withoutSolutions(notebook: Notebook): Notebook {
  return { ...notebook, cells: notebook.cells.map(unsolved) };
}

/** A notebook to work in: no outputs, stubs, and each solution folded away below the check of its exercise. */
export function toWorkIn(notebook: Notebook): Notebook {
  let waiting: Cell[] = [];
  const cells = notebook.cells.flatMap((cell) => {
    const solution = cell.cell_type === "code" ? solutionOf(cell) : undefined;
    if (solution) waiting.push(folded(cell as CodeCell, solution));
    const own = cleared(unsolved(cell));
    if (solution || !isCheck(cell)) return [own];
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
  if (cell.cell_type !== "code") return cell;
  const source = joinText(cell.source);
  const stubbed = source.replace(SOLUTION, (_, indent: string) => STUB.replace(/^/gm, indent));
  if (stubbed === source) return isCheck(cell) ? cleared(cell) : cell;
  return cleared({ ...cell, source: stubbed });
}

function cleared(cell: Cell): Cell {
  return cell.cell_type === "code" ? { ...cell, outputs: [], execution_count: null } : cell;
}

/** The lines between the marks of a cell, not indented; undefined where there are none. */
function solutionOf(cell: CodeCell): string | undefined {
  const parts = [...joinText(cell.source).matchAll(SOLUTION)].map(([, indent, lines]) =>
    lines!.replaceAll(new RegExp(`^${indent}`, "gm"), "").trimEnd(),
  );
  return parts.length > 0 ? parts.join("\n\n") : undefined;
}

function folded(cell: CodeCell, solution: string): Cell {
  const source = `<details>\n<summary>A solution</summary>\n\n\`\`\`ts\n${solution}\n\`\`\`\n\n</details>`;
  return { cell_type: "markdown", id: `${cell.id}-solution`, metadata: {}, source };
}
