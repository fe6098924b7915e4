import type { Bench } from "./bench.ts";
import { comparePart } from "./sampling.ts";

/** Decoding one picture of 512x512 with Stable Diffusion 1.5's autoencoder, and the memory that it takes. */
const bench: Bench = {
  name: "sd15-decoder",
  async run(say) {
    const { time, memory } = await comparePart("vae", 3, say);
    return [time, memory];
  },
};

export default bench;
