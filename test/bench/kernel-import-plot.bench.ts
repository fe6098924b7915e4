import type { Bench } from "./bench.ts";
import { cell, interleaved, kernels, start } from "./peers.ts";

/**
 * The cell that imports Observable Plot for the first time, in a fresh kernel that has run one cell: at once, as a
 * notebook that is run from top to bottom does, and two seconds later, as a person does.
 */
const bench: Bench = {
  name: "kernel-import-plot",
  async run(say) {
    const { ours, tslab, deno } = await kernels();
    const measure = (name: string, wait: number) =>
      interleaved(
        name,
        ours,
        [tslab, deno],
        5,
        async (candidate) => {
          const kernel = await start(candidate);
          try {
            await cell(kernel, "const first = 1");
            await new Promise((resolve) => setTimeout(resolve, wait));
            return await cell(kernel, 'import * as Plot from "@observablehq/plot"');
          } finally {
            await kernel.shutdown();
          }
        },
        say,
      );
    return [...(await measure("kernel-import-plot", 0)), ...(await measure("kernel-import-plot-later", 2_000))];
  },
};

export default bench;
