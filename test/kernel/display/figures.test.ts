import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CodeCell, joinText, readNotebook, runNotebooks } from "../../../kernel/client/index.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "difflab-figures-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs cells in a fresh kernel and returns what each shows. */
async function run(...cells: string[]): Promise<CodeCell["outputs"][]> {
  const path = join(folder, "a.ipynb");
  const kernelspec = { name: "difflab", display_name: "TypeScript", language: "typescript" };
  const code = cells.map((source, i) => ({
    cell_type: "code",
    id: `c${i}`,
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  }));
  writeFileSync(path, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells: code }));
  await runNotebooks([path], { inPlace: true, collectErrors: true });
  return readNotebook(path).cells.map((cell) => (cell as CodeCell).outputs);
}

function text(output: CodeCell["outputs"][number] | undefined): string {
  return output && "data" in output ? joinText(output.data["text/plain"] as string) : "";
}

test("a curve grows in one output of its cell, and goes on in the next cell's after a failure", async () => {
  const [first, failed, next, last] = await run(
    `import { lossCurve } from "difflab";
const curve = lossCurve({ title: "Training" });
for (let step = 0; step < 100; step++) curve.add(step, 1 / (step + 1));
curve`,
    `for (let step = 100; step < 200; step++) { curve.add(step, 0.01); if (step === 150) throw new Error("stopped"); }`,
    `curve.add(151, 0.01);
curve`,
    "curve",
  );
  expect(first!.map((output) => output.output_type)).toEqual(["display_data"]);
  expect(text(first![0])).toContain("loss over step: 100 values, first 1, last 0.01");
  expect(failed!.map((output) => output.output_type).sort()).toEqual(["display_data", "error"]);
  expect(next!.map((output) => output.output_type)).toEqual(["display_data"]);
  expect(text(next![0])).toContain("loss over step: 152 values");
  expect(last!.map((output) => output.output_type)).toEqual(["execute_result"]);
  expect(text(last![0])).toBe(text(next![0]));
});

test("a figure is shown in three forms, the same bytes in each run", async () => {
  const cell = `import { digits, showImages } from "difflab";
showImages(digits({ n: 4, seed: 1 }), { captions: ["a", "b", "c", "d"] })`;
  const [[once]] = (await run(cell)) as [[CodeCell["outputs"][number]]];
  const [[again]] = (await run(cell)) as [[CodeCell["outputs"][number]]];
  expect(again).toEqual(once);
  expect("data" in once ? Object.keys(once.data).sort() : []).toEqual(["image/svg+xml", "text/html", "text/plain"]);
  expect(text(once)).toBe("4 pictures of 28 × 28 grey pixels: a; b; c; d");
});
