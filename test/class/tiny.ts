import type { Cell, Notebook } from "../../kernel/client/index.ts";

const mark = (grade_id: string, options: object) => ({
  nbgrader: { schema_version: 3, grade: false, solution: false, locked: false, task: false, grade_id, ...options },
});
const code = (id: string, source: string, metadata: object = {}): Cell => ({
  cell_type: "code",
  id,
  source,
  metadata: { ...metadata },
  execution_count: null,
  outputs: [],
});

/** A notebook with two exercises and a question, which runs in a moment. */
export function tinyNotebook(): Notebook {
  const kernelspec = { name: "difflab", display_name: "TypeScript (difflab)", language: "typescript" };
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec },
    cells: [
      { cell_type: "markdown", id: "title", source: "# Tiny", metadata: {} },
      code("base", "const base = 10;\nlet rounds = 100_000;\nbase", {
        difflab: { quick: { "rounds = 100_000": "rounds = 1" } },
      }),
      code(
        "ex-double",
        "/** Twice as much. */\nfunction double(n: number): number {\n  // BEGIN SOLUTION\n  return 2 * n;\n  // END SOLUTION\n}",
        mark("ex-double", { solution: true }),
      ),
      code(
        "check-double",
        'if (double(2) !== 4) throw new Error("Twice 2 is not " + double(2));\n// BEGIN HIDDEN TESTS\nfor (const n of [3, -7, 0.5]) {\n  if (Math.abs(double(n) - 2 * n) > 1e-9) throw new Error("Twice " + n + " is not " + double(n));\n}\n// END HIDDEN TESTS\nconsole.log("Right.");',
        mark("check-double", { grade: true, locked: true, points: 1 }),
      ),
      code(
        "ex-total",
        "/** The sum of all. */\nfunction total(values: number[]): number {\n  // BEGIN SOLUTION\n  let sum = 0;\n  for (const value of values) sum += value;\n  return sum;\n  // END SOLUTION\n}",
        mark("ex-total", { solution: true }),
      ),
      code(
        "check-total",
        'if (total([base, 1]) !== 11) throw new Error("The sum is wrong.");\n// BEGIN HIDDEN TESTS\nfor (const values of [[], [5], [1, 2, 3.5]]) {\n  const expected = values.reduce((a, b) => a + b, 0);\n  if (total(values) !== expected) throw new Error("The sum of " + values + " is not " + total(values));\n}\n// END HIDDEN TESTS\nconsole.log("Right.");',
        mark("check-total", { grade: true, locked: true, points: 2 }),
      ),
      {
        cell_type: "markdown",
        id: "why",
        source: "### BEGIN SOLUTION\nBecause a sum has no order.\n### END SOLUTION",
        metadata: mark("why", { grade: true, solution: true, points: 1 }),
      },
    ],
  };
}
