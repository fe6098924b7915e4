import type { Bench } from "./bench.ts";
import { cell, interleaved, kernels, start } from "./peers.ts";

/** The cell that imports Observable Plot for the first time, in a fresh kernel that has run one cell. */
const bench: Bench = {
  name: "kernel-import-plot",
  async run(say) {
    const { ours, tslab, deno } = await kernels();
    return interleaved(
      "kernel-import-plot",
      ours,
      [tslab, deno],
      5,
      async (candidate) => {
        const kernel = await start(candidate);
        try {
          await cell(kernel, "const first = 1");
          // A student writes the first import some seconds after the notebook has opened.
          await new Promise((resolve) => setTimeout(resolve, 2_000));
          return await cell(kernel, 'import * as Plot from "@observablehq/plot"');
        } finally {
          await kernel.shutdown();
        }
      },
      say,
    );
  },
};

export default bench;
