import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CodeCell, joinText, type Notebook, readNotebook, runNotebooks } from "../../kernel/client/index.ts";

/** What nbgrader writes for a solution: taken from its configuration, so that both stay the same. */
const config = readFileSync(join(import.meta.dirname, "../../notebooks/nbgrader_config.py"), "utf8");
const STUB = JSON.parse(`"${/"typescript": '([^']*)'/.exec(config)![1]!.replaceAll('"', '\\"')}"`) as string;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "difflab-lessons-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(["02-gradients.ipynb", "03-noise.ipynb"])("the notebook %s", (name) => {
  const path = join(import.meta.dirname, "../../notebooks", name);
  const stored = readNotebook(path);
  const checks = codeCells(stored).filter((cell) => cell.metadata.nbgrader?.grade);
  const exercises = codeCells(stored).filter((cell) => cell.metadata.nbgrader?.solution);

  test("holds its outputs, none of them an error, in less than 2 MB", () => {
    expect(statSync(path).size).toBeLessThan(2e6);
    const shown = codeCells(stored).filter((cell) => cell.outputs.some((output) => "data" in output));
    expect(shown.length).toBeGreaterThanOrEqual(10);
    for (const cell of codeCells(stored)) {
      expect(cell.execution_count, cell.id).toEqual(expect.any(Number));
      for (const output of cell.outputs) {
        expect(output.output_type, cell.id).not.toBe("error");
        if (output.output_type === "stream") expect(output.name, cell.id).not.toBe("stderr");
        // A value that is no number would be said in the figure's text.
        if ("data" in output) expect(joinText(output.data["text/plain"] as string), cell.id).not.toContain("NaN");
      }
    }
  });

  test("marks its exercises for nbgrader: a solution, then a locked check worth points", () => {
    expect(exercises.length).toBeGreaterThanOrEqual(3);
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
    }
  });

  test("runs from top to bottom, every solution passing its check", async () => {
    const result = await run(quickly(stored), `whole-${basename(name)}`);
    expect(result.failures).toEqual([]);
    expect(result.ok).toBe(true);
  });

  test("with its solutions taken away fails all its checks, and nothing else", async () => {
    const result = await run(stripped(quickly(stored)), `stripped-${basename(name)}`);
    expect(result.failures.map((failure) => failure.source)).toEqual(checks.map((cell) => quick(cell)));
    for (const failure of result.failures) expect(failure.evalue).toBe("No answer yet.");
  });
});

async function run(notebook: Notebook, name: string) {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(notebook));
  const [result] = await runNotebooks([path], { outDir: join(folder, "out"), collectErrors: true });
  return result!;
}

function codeCells(notebook: Notebook): CodeCell[] {
  return notebook.cells.filter((cell): cell is CodeCell => cell.cell_type === "code");
}

/** A cell's source with the replacements that its metadata name for a quick run: fewer steps, a wider threshold. */
function quick(cell: CodeCell): string {
  let source = joinText(cell.source);
  for (const [from, to] of Object.entries((cell.metadata.difflab?.quick ?? {}) as Record<string, string>)) {
    expect(source, `${cell.id}: what a quick run replaces`).toContain(from);
    source = source.replace(from, to);
  }
  return source;
}

function quickly(notebook: Notebook): Notebook {
  return map(notebook, quick);
}

/** As nbgrader's ClearSolutions does it: the lines from mark to mark become the stub, indented as the mark was. */
function stripped(notebook: Notebook): Notebook {
  return map(notebook, ({ source }) =>
    joinText(source).replace(/^([ \t]*)\/\/ BEGIN SOLUTION\n[\s\S]*?\/\/ END SOLUTION$/gm, (_, indent: string) =>
      STUB.replace(/^/gm, indent),
    ),
  );
}

function map(notebook: Notebook, change: (cell: CodeCell) => string): Notebook {
  const cells = notebook.cells.map((cell) => (cell.cell_type === "code" ? { ...cell, source: change(cell) } : cell));
  return { ...notebook, cells };
}
