import type { Bench } from "./bench.ts";
import { measure } from "./training.ts";

/** A training step of a small convolutional classifier of 28x28 pictures, batch 64. */
const bench: Bench = {
  name: "train-cnn",
  run: async (say) => [(await measure("train-cnn", "cnn", 64, 10, 15, say)).times],
};

export default bench;
