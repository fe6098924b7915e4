import { afterAll, beforeAll, expect, test } from "vitest";
import type { KernelClient } from "../../../kernel/client/client.ts";
import { run, startKernel, until } from "../support/kernel.ts";

let kernels: KernelClient[];
beforeAll(async () => {
  kernels = await Promise.all(["", "off"].map((mode) => startKernel({ env: { DIFFLAB_PRELOAD: mode } })));
});
afterAll(async () => {
  await Promise.all(kernels.map((kernel) => kernel.shutdown()));
});

/** Whether a package is loaded that no cell has imported. */
async function isLoaded(kernel: KernelClient): Promise<boolean> {
  const { result } = await run(kernel, 'Object.keys(require.cache).some((path) => path.includes("/sharp/"))');
  return result!.data["text/plain"] === "true";
}

test("what most notebooks import is loaded before they do, but where that is turned off", async () => {
  const [usual, off] = kernels as [KernelClient, KernelClient];
  await until("the packages are loaded", () => isLoaded(usual));
  expect(await isLoaded(off)).toBe(false);
});
