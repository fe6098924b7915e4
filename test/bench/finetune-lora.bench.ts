import type { Bench } from "./bench.ts";
import { compareSteps } from "./finetune.ts";

/** One training step of rank-4 LoRA for Stable Diffusion 1.5, beside diffusers. Takes 4.3 GB of disk, and as much memory and more for each. */
const bench: Bench = {
  name: "finetune-lora",
  run: (say) => compareSteps("finetune-lora", 3, say),
};

export default bench;
