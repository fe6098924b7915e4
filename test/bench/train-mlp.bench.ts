import type { Bench } from "./bench.ts";
import { measure } from "./training.ts";

/** A training step of a network of three linear layers on 28x28 pictures, batch 64. */
const bench: Bench = {
  name: "train-mlp",
  run: async (say) => [(await measure("train-mlp", "mlp", 64, 10, 50, say)).times],
};

export default bench;
