import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CodeCell, joinText, readNotebook, runNotebooks } from "../../kernel/client/index.ts";

const notebooks = join(import.meta.dirname, "../../notebooks");
const path = join(notebooks, "explore.ipynb");
const stored = readNotebook(path);
const code = stored.cells.filter((cell): cell is CodeCell => cell.cell_type === "code");
const STATE = "application/vnd.jupyter.widget-state+json";
const VIEW = "application/vnd.jupyter.widget-view+json";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "difflab-explore-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the explorer's notebook", () => {
  test("says where it belongs, and changes to the real model by one constant", () => {
    const text = joinText(stored.cells[0]!.source);
    const links = [...text.matchAll(/\]\((\d\d-[\w-]+\.ipynb)\)/g)].map(([, link]) => link!);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !existsSync(join(notebooks, link)))).toEqual([]);
    const naming = code.filter((cell) => joinText(cell.source).includes("tiny-sd"));
    expect(naming.map((cell) => /^const MODEL = "difflab\/tiny-sd";/m.test(joinText(cell.source)))).toEqual([true]);
  });

  test("has code that a beginner can read: no non-null assertions, no double await, no casts", () => {
    for (const cell of code) {
      const plain = joinText(cell.source).replace(/"[^"\n]*"|`[^`]*`|\/\/.*|\/\*\*.*/g, "");
      expect(plain, cell.id).not.toMatch(/[\w\])]![.[;,)]|await \(await|\bas (const|unknown|number|Tensor)\b/);
    }
  });

  // Committed before its outputs, which a machine without other work has to make.
  const isRun = code.some((cell) => cell.execution_count !== null);
  test.skipIf(!isRun)("holds its outputs and its widgets' states, in less than 2 MB, without an error", () => {
    expect(statSync(path).size).toBeLessThan(2e6);
    for (const cell of code) {
      expect(cell.execution_count, cell.id).toEqual(expect.any(Number));
      for (const output of cell.outputs) {
        expect(output.output_type, cell.id).not.toBe("error");
        if (output.output_type === "stream") expect(output.name, cell.id).not.toBe("stderr");
      }
    }
    const states = stored.metadata.widgets?.[STATE]?.state ?? {};
    const views = code.flatMap((cell) =>
      cell.outputs.flatMap((output) => ("data" in output && output.data[VIEW] ? [output.data[VIEW]] : [])),
    ) as { model_id: string }[];
    expect(views.length).toBeGreaterThan(8);
    for (const { model_id } of views) expect(states).toHaveProperty([model_id]);
  });

  test("runs from top to bottom", { timeout: 600_000 }, async () => {
    const cells = stored.cells.map((cell) => {
      if (cell.cell_type !== "code") return cell;
      let source = joinText(cell.source);
      for (const [from, to] of Object.entries((cell.metadata.difflab?.quick ?? {}) as Record<string, string>)) {
        expect(source, `${cell.id}: what a quick run replaces`).toContain(from);
        source = source.replace(from, to);
      }
      return { ...cell, source };
    });
    const file = join(folder, "explore.ipynb");
    writeFileSync(file, JSON.stringify({ ...stored, cells }));
    const [result] = await runNotebooks([file], { outDir: join(folder, "out"), collectErrors: true });
    expect(result!.failures).toEqual([]);
    expect(result!.ok).toBe(true);
  });
});
