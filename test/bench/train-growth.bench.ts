import { type Bench, result } from "./bench.ts";
import { ours } from "./training.ts";

/** Memory of a process that trains, after 1,000 steps beside that after 100: it must not grow. */
const bench: Bench = {
  name: "train-growth",
  async run(say) {
    const trainer = await ours("cnn", 64, 2);
    try {
      const early = (await trainer.run(100)).rss;
      say(`after 100 steps: ${early.toFixed(0)} MB`);
      const late = (await trainer.run(900)).rss;
      say(`after 1,000 steps: ${late.toFixed(0)} MB`);
      const peer = { name: "itself after 100 steps", value: early };
      return [result("train-growth", "MB", late, peer, "memory after 1,000 steps of the small classifier, batch 64")];
    } finally {
      await trainer.end();
    }
  },
};

export default bench;
