import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { KernelClient } from "../client/client.ts";
import { DISPLAY_NAME, KERNEL_NAME } from "../spec/kernelspec.ts";
import { type JupyterLab, jupyterProgram, pythonPath } from "./jupyter.ts";
import type { KernelPlace } from "./kernel-place.ts";
import { run } from "./run.mjs";
import { StepError } from "./steps.mjs";

/** One cell whose expected result only a TypeScript kernel can produce. */
const CELL = "const answer: number = [6, 7].reduce((product, factor) => product * factor, 1);\nanswer";
const WANTED = "42";

const NEXT = `Run npm ci and npm run build. If it still fails, see the kernel's own messages above.`;

/**
 * Runs one cell through the installed kernel with Jupyter's own runner (nbclient, a client that is not ours).
 *
 * @returns the cell's result
 * @throws StepError if the kernel does not start, the cell fails, or the result is wrong
 */
export async function runCellWithJupyter(jupyter: JupyterLab, place: KernelPlace): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "difflab-check-"));
  try {
    const file = join(folder, "check.ipynb");
    writeFileSync(file, JSON.stringify(notebookWith(CELL)));
    const JUPYTER_PATH = [place.dataDir, process.env.JUPYTER_PATH].filter(Boolean).join(delimiter);
    const program = jupyterProgram(jupyter, "jupyter-execute");
    const { code, output } = await run(program, ["--inplace", "--timeout=60", file], {
      env: { ...process.env, PYTHONPATH: pythonPath(), JUPYTER_PATH },
    });
    if (code !== 0) throw new StepError("the cell did not run", { next: NEXT, detail: output });
    return expectAnswer(JSON.parse(readFileSync(file, "utf8")).cells[0].outputs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same check through our own headless client, for a machine without Jupyter. */
export async function runCellHeadless(place: KernelPlace): Promise<string> {
  const outputs: unknown[] = [];
  const kernel = await KernelClient.start({ spec: place.folder });
  try {
    const { done } = kernel.execute(CELL, { onOutput: ({ content }) => outputs.push(content) });
    const { content } = await done;
    if (content.status !== "ok")
      throw new StepError(`the cell failed: ${content.ename}: ${content.evalue}`, { next: NEXT });
  } finally {
    await kernel.shutdown();
  }
  return expectAnswer(outputs);
}

function expectAnswer(outputs: unknown): string {
  const result = (outputs as { data?: Record<string, unknown> }[]).find(
    ({ data }) => data?.["text/plain"] !== undefined,
  );
  const text = [result?.data?.["text/plain"]].flat().join("");
  if (text === WANTED) return text;
  const detail = JSON.stringify(outputs, null, 2);
  throw new StepError(`the cell gave ${JSON.stringify(text)}, expected ${WANTED}`, { next: NEXT, detail });
}

function notebookWith(source: string): object {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: KERNEL_NAME, display_name: DISPLAY_NAME, language: "typescript" } },
    cells: [{ cell_type: "code", id: "check", metadata: {}, execution_count: null, outputs: [], source }],
  };
}
