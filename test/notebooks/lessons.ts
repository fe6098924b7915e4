import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseCell } from "../../kernel/cells/parse.ts";
import { HIDDEN, quickly, STUB, withoutHidden } from "../../kernel/client/exercises.ts";
import { type CodeCell, joinText, type Notebook, readNotebook, runNotebooks } from "../../kernel/client/index.ts";
import { FITTED, WRONG_ANSWERS } from "./wrong-answers.ts";

const notebooks = join(import.meta.dirname, "../../notebooks");

let folder: string;

// The lesson's notebooks have numbers; what stands beside them has a test of its own.
const lessons = readdirSync(notebooks).filter((name) => /^\d\d-.*\.ipynb$/.test(name));
/** Milliseconds for a run of a whole notebook, on a machine with other work. */
const PATIENCE = 300_000;

/** Files that share the notebooks out between them, so that two cores have them done in half the time: `lessons-0.test.ts` and so on. */
const FILES = 3;

/**
 * Tests every third notebook, each in one run.
 *
 * @param first - the number of the first, from 0
 */
export function testLessons(first: 0 | 1 | 2): void {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "difflab-lessons-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  describe.each(lessons.filter((_, i) => i % FILES === first))("the notebook %s", testLesson);
}

function testLesson(name: string): void {
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
    "runs from top to bottom with stubs, every solution passing its check, and whatever else is answered failing it",
    async () => {
      expect(Object.keys(FITTED).filter((id) => exercises.some((cell) => cell.id === id))).toHaveLength(
        exercises.length,
      );
      const { notebook, fails } = withAnswers(quickly(stored), WRONG_ANSWERS[name] ?? {});
      const result = await run(notebook, basename(name));
      expect(result.error).toBeUndefined();
      expect(result.failures.filter(({ cell }) => !fails.has(cell))).toEqual([]);
      const unseen = [...fails].filter(([cell]) => !result.failures.some((failure) => failure.cell === cell));
      expect(unseen.map(([, answer]) => answer)).toEqual([]);
      for (const { cell, evalue } of result.failures) {
        const { exercise, body } = fails.get(cell)!;
        if (body === STUB) expect(evalue).toBe("No answer yet.");
        // In words for the student, who does not see what the hidden tests say.
        else if (body !== FITTED[exercise]) expect(evalue.length, evalue).toBeGreaterThan(25);
      }
    },
    PATIENCE,
  );

  // So that one exercise left open, or answered wrongly, costs nothing but its own points.
  test("has no cell that needs an exercise or a check before it, but an exercise's own check", () => {
    const known = new Map<string, string>();
    const own = new Map<string, Set<string>>();
    let waiting: string[] = [];
    for (const cell of codeCells(stored)) {
      const source = joinText(cell.source);
      const { declared, mentioned } = parseCell(source)!;
      // Words in messages are not names.
      const code = source
        .replace(/"[^"\n]*"/g, "")
        .replace(/`[^`]*`/g, (text) => [...text.matchAll(/\$\{[^}]*\}/g)].join());
      const reads = (name: string) => !declared.has(name) && new RegExp(`(?<![.\\w$])${name}\\b`).test(code);
      const { solution, grade } = cell.metadata.nbgrader ?? {};
      if (solution) waiting.push(cell.id!);
      if (grade) {
        own.set(cell.id!, new Set(waiting));
        waiting = [];
      }
      const foreign = [...mentioned].filter((name) => known.has(name) && reads(name));
      expect(
        foreign.filter((name) => !own.get(cell.id!)?.has(known.get(name)!)),
        `${cell.id}: what only an exercise or a check declares`,
      ).toEqual([]);
      for (const [name, kind] of declared) {
        // What a cell imports is there, however it ends, and types were never values.
        if ((solution || grade) && kind !== "import" && kind !== "type") known.set(name, cell.id!);
        else known.delete(name);
      }
    }
  });
}

async function run(notebook: Notebook, name: string) {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(notebook));
  const [result] = await runNotebooks([path], { outDir: join(folder, "out"), collectErrors: true });
  return result!;
}

interface Answer {
  exercise: string;
  /** What stands in place of the solution. */
  body: string;
}

/**
 * A notebook as students get it, in which every exercise is answered again and again before its check: left open, wrongly,
 * fitted to the values that the check shows, and rightly.
 *
 * @returns also the numbers of the checks that have to fail, with the answer that each is of
 */
function withAnswers(notebook: Notebook, answers: Readonly<Record<string, readonly string[]>>) {
  const fails = new Map<number, Answer>();
  const cells: Notebook["cells"] = [];
  const waiting: CodeCell[] = [];
  for (const cell of notebook.cells) {
    const { solution, grade } = cell.cell_type === "code" ? (cell.metadata.nbgrader ?? {}) : {};
    if (solution) {
      waiting.push(cell as CodeCell);
      cells.push(answered(cell as CodeCell, STUB));
    } else if (grade) {
      const check = cell as CodeCell;
      const exercise = waiting.shift()!;
      const wrong = answers[exercise.id!] ?? [];
      expect(wrong.length, exercise.id).toBeGreaterThanOrEqual(3);
      const expectFailure = (body: string, check: CodeCell) => {
        cells.push(answered(exercise, body), check);
        fails.set(cells.length, { exercise: exercise.id!, body });
      };
      const seen = withoutHidden(check);
      for (const body of [STUB, ...wrong]) expectFailure(body, seen);
      // What students see lets it pass, the hidden tests do not.
      cells.push(answered(exercise, FITTED[exercise.id!]!), seen);
      expectFailure(FITTED[exercise.id!]!, check);
      cells.push(exercise, check);
    } else cells.push(cell);
  }
  return { notebook: { ...notebook, cells }, fails };
}

function answered(exercise: CodeCell, body: string): CodeCell {
  return { ...exercise, source: joinText(exercise.source).replace(SOLUTION, () => body), outputs: [] };
}

function codeCells(notebook: Notebook): CodeCell[] {
  return notebook.cells.filter((cell): cell is CodeCell => cell.cell_type === "code");
}

const SOLUTION = /\/\/ BEGIN SOLUTION\n[\s\S]*\/\/ END SOLUTION/;
