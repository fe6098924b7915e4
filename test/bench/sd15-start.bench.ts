import { StableDiffusionPipeline, setNumThreads } from "../../lib/index.ts";
import { type Bench, result } from "./bench.ts";
import { withRandomWeights } from "./sd15.ts";

/**
 * From `fromPretrained` on a checkpoint of Stable Diffusion 1.5's size to the start of the first step, with two prompts
 * encoded; and what JavaScript (scheduler, guidance, copies) adds to a step.
 */
const bench: Bench = {
  name: "sd15-start",
  async run(say) {
    return withRandomWeights(["unet", "text_encoder", "vae"], async (folder) => {
      setNumThreads(2);
      const start = performance.now();
      const pipe = await StableDiffusionPipeline.fromPretrained(folder);
      say(`loaded after ${(performance.now() - start).toFixed(0)} ms`);
      const ends: number[] = [];
      const starts: number[] = [];
      const inside: number[] = [];
      const { scheduler } = pipe;
      let asked = 0;
      const input = scheduler.scaleModelInput.bind(scheduler);
      scheduler.scaleModelInput = (sample, t) => {
        asked = performance.now();
        starts.push(asked);
        return input(sample, t);
      };
      const step = scheduler.step.bind(scheduler);
      scheduler.step = (...args) => {
        inside.push(performance.now() - asked);
        return step(...args);
      };
      const options = { prompt: "a horse", numInferenceSteps: 3, seed: 1 };
      for await (const _ of pipe.steps(options)) {
        ends.push(performance.now());
        say(`a step ended after ${(ends.at(-1)! - start).toFixed(0)} ms`);
      }
      const usual = ends[2]! - ends[1]!;
      const seconds = (ms: number) => `${(ms / 1e3).toFixed(1)} s`;
      const first = `the first step took ${seconds(ends[0]! - starts[0]!)}, with opening the session and reading weights from disk, the third ${seconds(usual)}`;
      return [
        result("sd15-start", "ms", starts[0]! - start, { missing: first }),
        result("sd15-overhead", "ms", usual - inside[2]!, {
          missing: `${((100 * (usual - inside[2]!)) / usual).toFixed(2)} % of a step of ${seconds(usual)}`,
        }),
      ];
    });
  },
};

export default bench;
