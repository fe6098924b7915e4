import { cat, Generator, type StableDiffusionPipeline, schedulerFromConfig, type Tensor } from "../../lib/index.ts";

export const SCHEDULERS = {
  PNDM: "PNDMScheduler",
  DDIM: "DDIMScheduler",
  "DPM-Solver++": "DPMSolverMultistepScheduler",
  LCM: "LCMScheduler",
} as const;
export type SchedulerName = keyof typeof SCHEDULERS;

export interface Manner {
  readonly scheduler: SchedulerName;
  readonly steps: number;
  readonly guidance: number;
  readonly negativePrompt?: string;
}

/** Pictures of prompts, each from the seed of its number: `[n, 3, 64, 64]`, -1 to 1. */
export async function paint(
  pipe: StableDiffusionPipeline,
  prompts: readonly string[],
  { scheduler, steps, guidance, negativePrompt }: Manner,
  seed = 0,
): Promise<Tensor> {
  pipe.scheduler = schedulerFromConfig({ ...pipe.scheduler.toJSON(), _class_name: SCHEDULERS[scheduler] });
  const parts: Tensor[] = [];
  for (let from = 0; from < prompts.length; from += 32) {
    const prompt = prompts.slice(from, from + 32);
    const run = pipe.steps({
      prompt,
      ...{ numInferenceSteps: steps, guidanceScale: guidance, progress: false },
      generator: prompt.map((_, i) => new Generator(seed + from + i)),
      ...(negativePrompt === undefined ? {} : { negativePrompt }),
    });
    let step = await run.next();
    while (!step.done) step = await run.next();
    parts.push((await pipe.decode(step.value)).clamp(-1, 1).detach());
  }
  return cat(parts).realize();
}
