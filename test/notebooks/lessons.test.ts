import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HIDDEN, quickly, STUB, withoutHidden, withoutSolutions } from "../../kernel/client/exercises.ts";
import { type CodeCell, joinText, type Notebook, readNotebook, runNotebooks } from "../../kernel/client/index.ts";
import { ROOT } from "../root.ts";
import { FITTED, WRONG_ANSWERS } from "./wrong-answers.ts";

const notebooks = join(import.meta.dirname, "../../notebooks");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "difflab-lessons-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("what stands in place of a solution is what nbgrader would write", () => {
  const config = readFileSync(join(ROOT, "kernel/class/python/difflab_class.py"), "utf8");
  expect(JSON.parse(/^STUB = (".*")$/m.exec(config)![1]!)).toBe(STUB);
});

// The lesson's notebooks have numbers; what stands beside them has a test of its own.
const lessons = readdirSync(notebooks).filter((name) => /^\d\d-.*\.ipynb$/.test(name));
/** Milliseconds for a run of a whole notebook, on a machine with other work. */
const PATIENCE = 300_000;

test("there are wrong answers to the exercises of every notebook", () => {
  expect(lessons.filter((name) => !WRONG_ANSWERS[name])).toEqual([]);
});

describe.each(lessons)("the notebook %s", (name) => {
  const path = join(notebooks, name);
  const stored = readNotebook(path);
  const checks = codeCells(stored).filter((cell) => cell.metadata.nbgrader?.grade);
  const exercises = codeCells(stored).filter((cell) => cell.metadata.nbgrader?.solution);

  test("opens with what it goes with in the video, and with its neighbours", () => {
    const [title] = stored.cells;
    const text = joinText(title!.source);
    expect(text).toMatch(
      /\n\*(Goes with (minutes [\d:]+ to [\d:]+ of \[Lesson 9\]|the end of the \[Deep Dive\]|\[notebooks [\d, to]+\])\(https:|The first notebook)/,
    );
    const links = [...text.matchAll(/\]\((\d\d-[\w-]+\.ipynb)\)/g)].map(([, link]) => link!);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !existsSync(join(notebooks, link)))).toEqual([]);
  });

  test("has code that a beginner can read: no non-null assertions, no double await, no casts", () => {
    for (const cell of codeCells(stored)) {
      const code = joinText(cell.source).replace(/"[^"\n]*"|`[^`]*`|\/\/.*|\/\*\*.*/g, "");
      expect(code, cell.id).not.toMatch(/[\w\])]![.[;,)]|await \(await|\bas (const|unknown|number|Tensor)\b/);
    }
  });

  // A notebook that was changed is committed before its outputs, which a machine without other work has to make.
  const isRun = codeCells(stored).some((cell) => cell.execution_count !== null);
  test.skipIf(!isRun)("holds its outputs, in less than 2 MB, and errors only where they are the point", () => {
    expect(statSync(path).size).toBeLessThan(2e6);
    const shown = codeCells(stored).filter((cell) => cell.outputs.some((output) => "data" in output));
    expect(shown.length).toBeGreaterThanOrEqual(10);
    for (const cell of codeCells(stored)) {
      expect(cell.execution_count, cell.id).toEqual(expect.any(Number));
      for (const output of cell.outputs) {
        const meant = (cell.metadata.tags as string[] | undefined)?.includes("raises-exception") ?? false;
        expect(output.output_type === "error", cell.id).toBe(meant);
        if (output.output_type === "stream") expect(output.name, cell.id).not.toBe("stderr");
        // A value that is no number would be said in the figure's text.
        if ("data" in output) expect(joinText(output.data["text/plain"] as string), cell.id).not.toContain("NaN");
      }
    }
  });

  test("marks its exercises for nbgrader: a solution, then a locked check worth points", () => {
    expect(exercises.length).toBeGreaterThanOrEqual(2);
    expect(checks.length).toBe(exercises.length);
    for (const cell of [...exercises, ...checks]) {
      expect(cell.metadata.nbgrader).toMatchObject({ schema_version: 3, task: false, grade_id: cell.id });
    }
    for (const cell of exercises) {
      expect(cell.metadata.nbgrader).toMatchObject({ grade: false, locked: false });
      expect(joinText(cell.source)).toMatch(/\/\/ BEGIN SOLUTION\n[\s\S]+\/\/ END SOLUTION\n/);
    }
    for (const cell of checks) {
      expect(cell.metadata.nbgrader).toMatchObject({ locked: true, solution: false, points: expect.any(Number) });
      expect(joinText(cell.source), cell.id).toContain(HIDDEN.begin);
    }
  });

  test("names in its cells' metadata only lines that are there, for a quick run", () => {
    for (const cell of codeCells(stored)) {
      for (const line of Object.keys(cell.metadata.difflab?.quick ?? {})) {
        expect(joinText(cell.source), `${cell.id}: what a quick run replaces`).toContain(line);
      }
    }
  });

  test(
    "runs from top to bottom, every solution passing its check, and wrong answers failing it",
    async () => {
      const { notebook, wrong } = withWrongAnswers(quickly(stored), WRONG_ANSWERS[name] ?? {});
      const result = await run(notebook, `whole-${basename(name)}`);
      expect(result.error).toBeUndefined();
      expect(result.failures.filter(({ cell }) => !wrong.has(cell))).toEqual([]);
      const unseen = [...wrong].filter(([cell]) => !result.failures.some((failure) => failure.cell === cell));
      expect(unseen.map(([, answer]) => answer)).toEqual([]);
      // In words for the student.
      for (const { evalue } of result.failures) {
        expect(evalue.length, evalue).toBeGreaterThan(25);
      }
    },
    PATIENCE,
  );

  test(
    "with its solutions taken away fails all its checks, and nothing else",
    async () => {
      const stripped = withoutSolutions(quickly(stored));
      const result = await run(stripped, `stripped-${basename(name)}`);
      const open = codeCells(stripped).filter((cell) => cell.metadata.nbgrader?.grade);
      expect(open.length).toBe(checks.length);
      expect(result.failures.map((failure) => failure.source)).toEqual(open.map((cell) => joinText(cell.source)));
      for (const failure of result.failures) expect(failure.evalue).toBe("No answer yet.");
    },
    PATIENCE,
  );

  test(
    "has hidden tests that fail answers which only the checks that students see let pass",
    async () => {
      expect(Object.keys(FITTED).filter((id) => exercises.some((cell) => cell.id === id))).toHaveLength(
        exercises.length,
      );
      const fitted = quickly(stored);
      // Each check first as students see it, then whole.
      fitted.cells = fitted.cells.flatMap((cell) => {
        if (FITTED[cell.id!]) return [{ ...cell, source: joinText(cell.source).replace(SOLUTION, FITTED[cell.id!]!) }];
        const isCheck = cell.cell_type === "code" && cell.metadata.nbgrader?.grade;
        return isCheck ? [{ ...withoutHidden(cell), id: `seen-${cell.id}` }, cell] : [cell];
      });
      const result = await run(fitted, `fitted-${basename(name)}`);
      const failed = new Set(result.failures.map((failure) => fitted.cells[failure.cell - 1]!.id));
      expect([...failed]).toEqual(checks.map((cell) => cell.id));
    },
    PATIENCE,
  );
});

async function run(notebook: Notebook, name: string) {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(notebook));
  const [result] = await runNotebooks([path], { outDir: join(folder, "out"), collectErrors: true });
  return result!;
}

/** Each wrong answer and a check of it before the exercise itself; the numbers of those checks, with the answer. */
function withWrongAnswers(notebook: Notebook, answers: Readonly<Record<string, readonly string[]>>) {
  const wrong = new Map<number, string>();
  const cells: Notebook["cells"] = [];
  const waiting: CodeCell[] = [];
  for (const cell of notebook.cells) {
    if (cell.cell_type === "code" && cell.metadata.nbgrader?.solution) waiting.push(cell);
    if (cell.cell_type === "code" && cell.metadata.nbgrader?.grade) {
      const exercise = waiting.shift()!;
      const bodies = answers[exercise.id!] ?? [];
      expect(bodies.length, exercise.id).toBeGreaterThanOrEqual(3);
      for (const body of bodies) {
        const source = joinText(exercise.source).replace(SOLUTION, () => body);
        // As the student sees it: without the hidden tests.
        cells.push({ ...exercise, source, outputs: [] }, { ...withoutHidden(cell), outputs: [] });
        wrong.set(cells.length, `${exercise.id}: ${body}`);
      }
      cells.push(exercise);
    }
    cells.push(cell);
  }
  return { notebook: { ...notebook, cells }, wrong };
}

function codeCells(notebook: Notebook): CodeCell[] {
  return notebook.cells.filter((cell): cell is CodeCell => cell.cell_type === "code");
}

const SOLUTION = /\/\/ BEGIN SOLUTION\n[\s\S]*\/\/ END SOLUTION/;
