import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ROOT } from "../root.ts";
import { type Bench, median, result, timed } from "./bench.ts";

/** What a notebook's first cells do, in a process of its own. */
const PROGRAM = `
const { StableDiffusionPipeline } = await import("difflab");
const pipe = await StableDiffusionPipeline.fromPretrained("difflab/tiny-sd");
await pipe.generate({ prompt: "a red seven in chalk, at night", numInferenceSteps: 16, guidanceScale: 3, seed: 1, progress: false });
process.exit(0);`;

/** From the start of a process, through `import` and loading, to its first picture in 16 guided steps. */
const bench: Bench = {
  name: "tiny-first-picture",
  async run(say) {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const run = () => promisify(execFile)(process.execPath, ["--input-type=module", "-e", PROGRAM], { cwd: ROOT });
      times.push(await timed(run));
      say(`${times.at(-1)!.toFixed(0)} ms`);
    }
    return [result("tiny-first-picture", "s", median(times) / 1e3, { missing: "no peer; at most 2.5 s are wanted" })];
  },
};

export default bench;
