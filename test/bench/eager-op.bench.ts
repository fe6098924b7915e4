import { tensor } from "../../lib/index.ts";
import { type Bench, median, result } from "./bench.ts";

/** One operation on a small tensor, awaited, once its session exists. */
const bench: Bench = {
  name: "eager-op",
  async run() {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const times: number[] = [];
    for (let i = 0; i < 500; i++) {
      const start = performance.now();
      await x.mul(i).data();
      times.push(performance.now() - start);
    }
    return [result("eager-op", "ms", median(times), { missing: "PyTorch has no queue between caller and engine" })];
  },
};

export default bench;
