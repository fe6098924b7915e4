import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KernelClient } from "../../kernel/client/client.ts";
import { type CodeCell, joinText, readNotebook } from "../../kernel/client/index.ts";
import { contents, run, send, startKernel, until } from "../kernel/support/kernel.ts";

const notebook = readNotebook(join(import.meta.dirname, "../../notebooks/03-noise.ipynb"));
const cells = notebook.cells.filter((cell): cell is CodeCell => cell.cell_type === "code");
const source = (id: string) => joinText(cells.find((cell) => cell.id === id)!.source);

let kernel: KernelClient;
beforeAll(async () => {
  // In the notebooks' own folder, whose settings count.
  kernel = await startKernel({ cwd: join(import.meta.dirname, "../../notebooks") });
});
afterAll(async () => {
  await kernel?.shutdown();
});

test("training in notebook 03 stops at an interrupt, keeps its weights and curve, and goes on when run again", async () => {
  for (const { id } of cells.slice(
    0,
    cells.findIndex((cell) => cell.id === "training"),
  )) {
    expect((await run(kernel, source(id!))).error).toBeUndefined();
  }
  const weights = "(await unet.convOut.weight.norm().item()).toFixed(9)";
  const before = (await run(kernel, weights)).result!.data["text/plain"];
  const cell = send(kernel, source("training"));
  await until("the curve grows", () => contents(cell.messages, "update_display_data").length > 3);
  await kernel.interrupt();
  expect((await cell.run).reply.ename).toMatch(/Interrupt/);

  const reached = Number((await run(kernel, "curve.losses.length")).result!.data["text/plain"]);
  expect(reached).toBeGreaterThan(0);
  const after = (await run(kernel, weights)).result!.data["text/plain"];
  expect(after).not.toBe(before);

  await run(kernel, "const steps = 5;");
  const again = send(kernel, source("training"));
  expect((await again.run).error).toBeUndefined();
  // The curve is shown below the cell that runs now, with the losses of both runs.
  const shown = contents(again.messages, "display_data").map((content) => String(content.data["text/plain"]));
  expect(shown.filter((text) => text.includes("loss over step")).length).toBe(1);
  // It goes to the end of the round that was broken off; the step that was at work at the interrupt may have ended after it.
  const total = Number((await run(kernel, "curve.losses.length")).result!.data["text/plain"]);
  expect(total).toBeGreaterThan(reached);
  expect([0, 1]).toContain(total % 5);
});

test("a learning rate that diverges ends the training with an error, and run again from the network on it learns", async () => {
  const first = cells.findIndex((cell) => cell.id === "network");
  const training = cells.findIndex((cell) => cell.id === "training");
  expect((await run(kernel, "optimizer.lr = 1e9;")).error).toBeUndefined();
  const { error } = await run(kernel, source("training"));
  expect(error?.evalue).toMatch(
    /^The loss is (NaN|Infinity) in step \d+, .*\n.*lower learning rate, and run again from/,
  );
  expect((await run(kernel, "const steps = 5;")).error).toBeUndefined();
  for (const { id } of cells.slice(first, training + 1)) {
    const code = source(id!).replace("const steps = 800", "const steps = 5");
    expect((await run(kernel, code)).error).toBeUndefined();
  }
  expect((await run(kernel, "curve.losses.every(Number.isFinite)")).result!.data["text/plain"]).toBe("true");
});
