import type { Bench } from "./bench.ts";
import { compareSteps } from "./finetune.ts";

/** One training step of textual inversion for Stable Diffusion 1.5, beside diffusers. Takes 4.3 GB of disk, and as much memory and more for each. */
const bench: Bench = {
  name: "finetune-ti",
  run: (say) => compareSteps("finetune-ti", 3, say),
};

export default bench;
