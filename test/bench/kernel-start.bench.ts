import { KernelClient } from "../../kernel/client/client.ts";
import { ROOT } from "../root.ts";
import { type Bench, timed } from "./bench.ts";
import { interleaved, kernels } from "./peers.ts";

/** From starting the process to the reply of the first cell, in this repository's folder with its packages. */
const bench: Bench = {
  name: "kernel-start",
  async run(say) {
    const { ours, tslab, deno } = await kernels();
    return interleaved(
      "kernel-start",
      ours,
      [tslab, deno],
      7,
      async ({ spec }) => {
        let kernel: KernelClient | undefined;
        const took = await timed(async () => {
          kernel = await KernelClient.start({ spec, cwd: ROOT, wait: false });
          await kernel.execute("const first = 1 + 1").reply;
        });
        await kernel!.shutdown();
        return took;
      },
      say,
    );
  },
};

export default bench;
