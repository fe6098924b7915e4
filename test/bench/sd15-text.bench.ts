import type { Bench } from "./bench.ts";
import { comparePart } from "./sampling.ts";

/** One call of Stable Diffusion 1.5's text encoder: 77 tokens. */
const bench: Bench = {
  name: "sd15-text",
  async run(say) {
    return [(await comparePart("text_encoder", 9, say)).time];
  },
};

export default bench;
