import { StableDiffusionPipeline, setNumThreads } from "../../lib/index.ts";
import { type Bench, result } from "./bench.ts";
import { withRandomWeights } from "./sd15.ts";

/**
 * From `fromPretrained` on a checkpoint of Stable Diffusion 1.5's size to the start of the first step, with two prompts
 * encoded and the U-Net's session open; and what JavaScript (scheduler, guidance, copies) adds to a step.
 */
const bench: Bench = {
  name: "sd15-start",
  async run(say) {
    return withRandomWeights(["unet", "text_encoder", "vae"], async (folder) => {
      setNumThreads(2);
      const start = performance.now();
      const pipe = await StableDiffusionPipeline.fromPretrained(folder);
      say(`loaded after ${(performance.now() - start).toFixed(0)} ms`);
      // The first step's own work is that of the second: what came before it is the way to its start.
      const ends: number[] = [];
      const inside: number[] = [];
      const { scheduler } = pipe;
      let asked = 0;
      const input = scheduler.scaleModelInput.bind(scheduler);
      scheduler.scaleModelInput = (sample, t) => {
        asked = performance.now();
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
      const missing = { missing: "diffusers reads all weights before" };
      return [
        result("sd15-start", "ms", ends[0]! - start - usual, missing),
        result("sd15-overhead", "ms", usual - inside[2]!, {
          missing: `${((100 * (usual - inside[2]!)) / usual).toFixed(2)} % of a step of ${(usual / 1e3).toFixed(1)} s`,
        }),
      ];
    });
  },
};

export default bench;
