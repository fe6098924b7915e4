import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type NotebookResult, runNotebooks } from "../../kernel/client/index.ts";

const path = join(import.meta.dirname, "../../notebooks/00-hello.ipynb");

interface Cell {
  id: string;
  cell_type: string;
  source: string | string[];
  outputs: {
    output_type: string;
    data?: Record<string, unknown>;
    text?: unknown;
    ename?: string;
    traceback?: string[];
  }[];
}

describe("the notebook 00-hello", () => {
  let out: string;
  let result: NotebookResult;
  let fresh: Map<string, Cell>;
  beforeAll(async () => {
    out = mkdtempSync(join(tmpdir(), "difflab-hello-"));
    [result] = (await runNotebooks([path], { outDir: out })) as [NotebookResult];
    fresh = cellsOf(join(out, "00-hello.ipynb"));
  });
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  test("runs from top to bottom", () => {
    expect(result.failures).toEqual([]);
    expect(result.ok).toBe(true);
  });

  test("shows plots and pictures made by the library, and a plot of another package", () => {
    for (const id of ["histogram", "picture", "mix", "distances", "packages"]) {
      expect(kinds(id), id).toContainEqual(expect.arrayContaining(["image/svg+xml"]));
    }
  });

  test("shows a type error, a forgotten await and an error at run time, each with its line", () => {
    const [typed] = fresh.get("type-error")!.outputs;
    expect(typed).toMatchObject({ output_type: "error", ename: "TypeScriptError" });
    expect(plain(typed!.traceback)).toContain("> 2 | guidance.toUpperCase()");
    const [forgotten] = fresh.get("forgotten-await")!.outputs;
    expect(plain(forgotten!.traceback)).toContain(
      "is a promise, not its value yet. Write: (await x.sum().item()).toFixed(2)",
    );
    const [thrown] = fresh.get("runtime-error")!.outputs;
    expect(thrown).toMatchObject({ output_type: "error", ename: "RangeError" });
    expect(plain(thrown!.traceback)).toMatch(/> 1 \| picture\.add\(randn\(\[32, 32\]\)\)/);
  });

  test("gives the very numbers and pictures that are stored in it, since all its noise has a seed", () => {
    const stored = cellsOf(path);
    for (const id of ["noise", "histogram", "picture", "mix", "check-seed"]) {
      const shown = (cells: Map<string, Cell>) =>
        cells.get(id)!.outputs.map(({ data, text }) => data?.["text/plain"] ?? text);
      expect(shown(fresh), id).toEqual(shown(stored));
    }
  });

  function kinds(id: string): string[][] {
    return fresh.get(id)!.outputs.map(({ data }) => Object.keys(data ?? {}));
  }
});

function cellsOf(file: string): Map<string, Cell> {
  const { cells } = JSON.parse(readFileSync(file, "utf8")) as { cells: Cell[] };
  return new Map(cells.map((cell) => [cell.id, cell]));
}

function plain(traceback: string[] | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours begin with one
  return (traceback ?? []).join("\n").replace(/\u001b\[[\d;]*m/g, "");
}
