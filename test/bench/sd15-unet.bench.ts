import type { Bench } from "./bench.ts";
import { comparePart } from "./sampling.ts";

/** One call of Stable Diffusion 1.5's U-Net: 64x64 latents, a batch of 2, 77 tokens, float32. Takes 3.4 GB of disk. */
const bench: Bench = {
  name: "sd15-unet",
  async run(say) {
    return [(await comparePart("unet", 5, say)).time];
  },
};

export default bench;
