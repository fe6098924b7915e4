import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HIDDEN, quickly, STUB, withoutHidden, withoutSolutions } from "../../kernel/client/exercises.ts";
import { type CodeCell, joinText, type Notebook, readNotebook, runNotebooks } from "../../kernel/client/index.ts";
import { ROOT } from "../root.ts";

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

describe.each(["00-hello.ipynb", "02-gradients.ipynb", "04-steps.ipynb", "03-noise.ipynb"])(
  "the notebook %s",
  (name) => {
    const path = join(notebooks, name);
    const stored = readNotebook(path);
    const checks = codeCells(stored).filter((cell) => cell.metadata.nbgrader?.grade);
    const exercises = codeCells(stored).filter((cell) => cell.metadata.nbgrader?.solution);

    test("opens with what it goes with in the video, and with its neighbours", () => {
      const [title] = stored.cells;
      const text = joinText(title!.source);
      expect(text).toMatch(/\n\*Goes with minutes [\d:]+ to [\d:]+ of \[Lesson 9\]\(https:|\n\*The first notebook/);
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

    test("runs from top to bottom, every solution passing its check", async () => {
      const result = await run(quickly(stored), `whole-${basename(name)}`);
      expect(result.failures).toEqual([]);
      expect(result.ok).toBe(true);
    });

    test("with its solutions taken away fails all its checks, and nothing else", async () => {
      const stripped = withoutSolutions(quickly(stored));
      const result = await run(stripped, `stripped-${basename(name)}`);
      const open = codeCells(stripped).filter((cell) => cell.metadata.nbgrader?.grade);
      expect(open.length).toBe(checks.length);
      expect(result.failures.map((failure) => failure.source)).toEqual(open.map((cell) => joinText(cell.source)));
      for (const failure of result.failures) expect(failure.evalue).toBe("No answer yet.");
    });

    test("has hidden tests that fail answers which only the checks that students see let pass", async () => {
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
    });
  },
);

async function run(notebook: Notebook, name: string) {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(notebook));
  const [result] = await runNotebooks([path], { outDir: join(folder, "out"), collectErrors: true });
  return result!;
}

function codeCells(notebook: Notebook): CodeCell[] {
  return notebook.cells.filter((cell): cell is CodeCell => cell.cell_type === "code");
}

const SOLUTION = /\/\/ BEGIN SOLUTION\n[\s\S]*\/\/ END SOLUTION/;

/** Answers that were fitted to the checks that students see: constants, what the check compares with, half of the cases. */
const FITTED: Record<string, string> = {
  "ex-shape": "const x = randn([8, 1, 28, 28]);\n  return x.sub(x.max());",
  "ex-seed": "manualSeed(seed % 2);\n  return randn([28, 28]);",
  "ex-evaluations": "return central ? 1568 : 785;",
  "ex-central": "return gradient;",
  "ex-sign":
    'const step = gradient.div(gradient.norm()).mul(0.2);\n  return kind === "score" ? x.add(step) : x.sub(step);',
  "ex-clean": "return clean;",
  "ex-zero": "return variance === 1 ? 1 : 4;",
  "ex-loss": "return mse(predictNoise(noisy, sigmas), noise).item();",
  "ex-sigma": "return alphaBar === 0.5 ? 1 : alphaBar === 0.2 ? 2 : 1 / 3;",
  "ex-euler": "return x.add(noise.mul(from > to ? to - from : 0));",
  "ex-untold": "return unet.forward(x.div(2), zeros([32]));",
};
