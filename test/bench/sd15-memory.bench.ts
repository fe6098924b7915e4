import type { Bench } from "./bench.ts";
import { comparePart } from "./sampling.ts";

/** The peak of memory of a process that calls Stable Diffusion 1.5's U-Net, as `sd15-unet` does. */
const bench: Bench = {
  name: "sd15-memory",
  async run(say) {
    return [(await comparePart("unet", 5, say)).memory];
  },
};

export default bench;
