import { rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { HIDDEN, quickly, withoutSolutions } from "../client/exercises.ts";
import { type Cell, joinText, type Notebook, readNotebook } from "../client/notebook.ts";
import { runNotebooks } from "../client/run.ts";

/** A fault that makes an exercise unfit for students. */
export interface Problem {
  /** The cell's id: nbgrader's where it has one. */
  cell: string;
  /** Its number among all cells of the notebook, from 1. */
  number: number;
  message: string;
}

interface Grading {
  grade_id?: unknown;
  grade?: boolean;
  solution?: boolean;
  locked?: boolean;
  task?: boolean;
  points?: unknown;
}

function grading(cell: Cell): Grading | undefined {
  return cell.metadata.nbgrader as Grading | undefined;
}

/** The faults that can be found without running anything. */
export function staticProblems({ cells }: Notebook): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  let open: { at: number } | undefined;
  const tell = (i: number, message: string) => {
    const id = grading(cells[i]!)?.grade_id ?? cells[i]!.id;
    problems.push({ cell: typeof id === "string" ? id : "without an id", number: i + 1, message });
  };
  const close = () => {
    if (open) tell(open.at, "no check follows it before the next exercise, so it cannot earn points.");
    open = undefined;
  };
  for (const [i, cell] of cells.entries()) {
    const marks = grading(cell);
    const source = joinText(cell.source);
    for (const [begin, end] of [
      ["BEGIN SOLUTION", "END SOLUTION"],
      [HIDDEN.begin, HIDDEN.end],
    ] as const) {
      if (count(source, begin) !== count(source, end)) tell(i, `${begin} and ${end} are not paired.`);
    }
    if (count(source, "BEGIN SOLUTION") > 0 && !marks?.solution) {
      tell(i, "it contains a solution but is not marked as one, so students would see it.");
    }
    if (count(source, HIDDEN.begin) > 0 && !marks?.grade)
      tell(i, "it contains hidden tests but is not marked as a check.");
    if (!marks) continue;
    if (typeof marks.grade_id !== "string" || marks.grade_id === "") tell(i, "it has no id.");
    else if (seen.has(marks.grade_id)) tell(i, `it has the same id as cell ${seen.get(marks.grade_id)}.`);
    else seen.set(marks.grade_id, i + 1);
    if (marks.grade || marks.task) {
      const { points } = marks;
      if (typeof points !== "number" || !Number.isFinite(points) || points < 0) {
        tell(i, `it has no points (${JSON.stringify(points)}); expected a number from 0 up.`);
      }
    }
    if (marks.grade && !marks.solution) {
      if (!marks.locked) tell(i, "it is a check but is not locked, so students could change it.");
      open = undefined;
    }
    if (marks.solution && !marks.grade && cell.cell_type === "code") {
      close();
      open = { at: i };
      if (count(source, "BEGIN SOLUTION") === 0) tell(i, "it has no solution between BEGIN SOLUTION and END SOLUTION.");
    }
  }
  close();
  return problems;
}

/** Progress of {@link findProblems}. */
export type ReportProgress = (done: number, of: number) => void;

/**
 * The faults of a notebook's exercises: those that can be found by reading it, and if there are none, those that show when
 * it runs. Training is shortened as the cells' metadata say (`difflab.quick`).
 *
 * @param path - the notebook as its author wrote it
 */
export async function findProblems(path: string, onProgress: ReportProgress = () => {}): Promise<Problem[]> {
  const notebook = readNotebook(path);
  const problems = staticProblems(notebook);
  if (problems.length > 0 || !notebook.cells.some((cell) => grading(cell)?.grade)) return problems;
  const isCheck = (cell: Cell) =>
    cell.cell_type === "code" && grading(cell)?.grade === true && !grading(cell)?.solution;
  const runs = [
    { notebook: quickly(notebook), name: "solved" },
    { notebook: withoutSolutions(quickly(notebook), { keepHidden: true }), name: "stubs" },
  ];
  const failed: Map<number, string>[] = [];
  let before = 0;
  for (const { notebook: variant, name } of runs) {
    const { failures, cells, error } = await runInSameFolder(variant, path, name, (done, of) =>
      onProgress(before + done, 2 * of),
    );
    before += cells;
    if (error) return [{ cell: basename(path), number: 0, message: `it could not be run: ${error.message}` }];
    failed.push(new Map(failures.map(({ cell, ename, evalue }) => [cell, `${ename}: ${evalue.split("\n")[0]}`])));
  }
  const [solved, stubs] = failed as [Map<number, string>, Map<number, string>];
  return notebook.cells.flatMap((cell, i) => {
    const number = i + 1;
    const id = `${grading(cell)?.grade_id ?? cell.id}`;
    if (solved.has(number)) {
      const what = isCheck(cell) ? "the model solution fails this check" : "it fails";
      return [{ cell: id, number, message: `${what}: ${solved.get(number)}` }];
    }
    if (isCheck(cell) && !stubs.has(number)) {
      return [
        {
          cell: id,
          number,
          message: "the unchanged stub passes it, so a student who writes nothing would get the points.",
        },
      ];
    }
    return [];
  });
}

/** Runs a modified notebook in the original's folder, so that it finds its files. */
async function runInSameFolder(notebook: Notebook, path: string, name: string, onProgress: ReportProgress) {
  const file = join(dirname(path), `.${name}-${basename(path)}`);
  writeFileSync(file, JSON.stringify(notebook));
  try {
    const report = ({ done, cells }: { done: number; cells: number }) => onProgress(done, cells);
    const options = { collectErrors: true, cellTimeout: 600_000, onProgress: report };
    const [result] = await runNotebooks([file], options);
    return result!;
  } finally {
    rmSync(file, { force: true });
  }
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
