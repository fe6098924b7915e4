import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findProblems, staticProblems } from "../../kernel/class/problems.ts";
import { type CodeCell, joinText, type Notebook, writeNotebook } from "../../kernel/client/index.ts";
import { temporaryFolder } from "../kernel/support/folder.ts";
import { tinyNotebook } from "./tiny.ts";

const scratch = temporaryFolder();

function changed(change: (notebook: Notebook, cell: (id: string) => CodeCell) => void): Notebook {
  const notebook = tinyNotebook();
  change(notebook, (id) => notebook.cells.find((cell) => cell.id === id) as CodeCell);
  return notebook;
}

test("a notebook that is fit for students has no problems", () => {
  expect(staticProblems(tinyNotebook())).toEqual([]);
});

describe("what is refused before anything runs, with the cell's name", () => {
  test.each<[string, Parameters<typeof changed>[0], object]>([
    [
      "points are missing",
      (_, cell) => delete cell("check-total").metadata.nbgrader.points,
      { cell: "check-total", number: 6, message: expect.stringMatching(/no points/) },
    ],
    [
      "points are a word",
      (_, cell) => (cell("check-total").metadata.nbgrader.points = "2"),
      { cell: "check-total", message: expect.stringMatching(/no points \("2"\)/) },
    ],
    [
      "a question has no points",
      (_, cell) => delete cell("why").metadata.nbgrader.points,
      { cell: "why", message: expect.stringMatching(/no points/) },
    ],
    [
      "an id is there twice",
      (_, cell) => (cell("check-total").metadata.nbgrader.grade_id = "check-double"),
      { cell: "check-double", number: 6, message: expect.stringMatching(/same id as cell 4/) },
    ],
    [
      "an id is missing",
      (_, cell) => delete cell("ex-total").metadata.nbgrader.grade_id,
      { number: 5, message: expect.stringMatching(/no id/) },
    ],
    [
      "an exercise has no check",
      (notebook) => notebook.cells.splice(3, 1),
      { cell: "ex-double", message: expect.stringMatching(/no check follows/) },
    ],
    [
      "the last exercise has no check",
      (notebook) => notebook.cells.splice(5, 1),
      { cell: "ex-total", message: expect.stringMatching(/no check follows/) },
    ],
    [
      "an exercise holds no solution",
      (_, cell) => (cell("ex-total").source = "const x = 1"),
      { cell: "ex-total", message: expect.stringMatching(/no solution/) },
    ],
    [
      "a solution would be given away",
      (_, cell) => delete cell("ex-total").metadata.nbgrader,
      { cell: "ex-total", message: expect.stringMatching(/students would see it/) },
    ],
    [
      "a mark has no end",
      (_, cell) =>
        (cell("check-total").source = joinText(cell("check-total").source).replace("// END HIDDEN TESTS", "")),
      { cell: "check-total", message: expect.stringMatching(/not paired/) },
    ],
    [
      "a check can be changed",
      (_, cell) => (cell("check-total").metadata.nbgrader.locked = false),
      { cell: "check-total", message: expect.stringMatching(/not locked/) },
    ],
  ])("%s", (_, change, problem) => {
    expect(staticProblems(changed(change))).toEqual([expect.objectContaining(problem)]);
  });
});

test("what shows only as it runs: a solution that fails its check, a hidden test, and a stub that passes", async () => {
  const notebook = changed((_, cell) => {
    const replace = (id: string, from: string, to: string) => {
      expect(joinText(cell(id).source)).toContain(from);
      cell(id).source = joinText(cell(id).source).replace(from, to);
    };
    // Fits the visible check only.
    replace("ex-double", "return 2 * n", "return n + 2");
    // No test at all is left.
    cell("check-total").source = 'console.log("Right.")';
  });
  const path = join(scratch, "bad.ipynb");
  writeNotebook(path, notebook);
  const progress: string[] = [];
  const problems = await findProblems(path, (done, of) => progress.push(`${done}/${of}`));
  expect(problems).toEqual([
    {
      cell: "check-double",
      number: 4,
      message: expect.stringMatching(/solution fails this check: Error: Twice 3 is not 5/),
    },
    { cell: "check-total", number: 6, message: expect.stringMatching(/stub passes it/) },
  ]);
  expect(progress.at(-1)).toBe("10/10");
}, 300_000);
