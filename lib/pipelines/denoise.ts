import type { UNet2DConditionModel } from "../models/index.ts";
import type { Scheduler } from "../schedulers/index.ts";
import { fromArray } from "../tensor/create.ts";
import { realize, type Tensor } from "../tensor/tensor.ts";
import { classifierFree } from "./guidance.ts";
import { type LossGuide, levelOf } from "./loss-guidance.ts";
import type { GenerateOptions, Plan } from "./options.ts";
import { runBar } from "./progress.ts";
import type { Runner } from "./runner.ts";
import type { RunState, Start, Step, StepChanges } from "./step.ts";

/** What the U-Net is called with: its input, the timestep as sinusoids, the text, and what some models take besides. */
export type UNetCall = [latents: Tensor, time: Tensor, text: Tensor, ...rest: Tensor[]];

/** A run, ready to go. */
export interface Denoising {
  /** The pipeline, for errors. */
  readonly name: string;
  readonly unet: UNet2DConditionModel;
  readonly predict: Runner<UNetCall, Tensor>;
  readonly scheduler: Scheduler;
  readonly plan: Plan;
  /** What the U-Net reads, `[B, tokens, width]`; with guidance the negative prompts first, `[2 B, tokens, width]`. */
  readonly text: Tensor;
  readonly start: Start;
  readonly guide: LossGuide | null;
  readonly decode: (latents: Tensor) => Promise<Tensor>;
  /** What may be changed while it goes on. */
  readonly state: RunState;
  /** Calls back after a step, with whoever asks knowing which run it is. */
  readonly callBack: (step: Step, text: Tensor) => Promise<StepChanges>;
}

/**
 * The loop of Stable Diffusion: the U-Net says what is noise, the scheduler takes some of it away.
 *
 * @returns at the end: the latents
 * @throws Error if the latents are no numbers any more
 */
export async function* denoise(run: Denoising, options: GenerateOptions): AsyncGenerator<Step, Tensor, undefined> {
  const { name, unet, scheduler, plan, start, guide, state } = run;
  const timesteps = scheduler.timesteps.slice(start.skip);
  const count = timesteps.length;
  const beside = start.beside ?? [];
  const bar = options.progress === false ? null : runBar(count);
  let { latents } = start;
  let { text } = run;
  try {
    for (const [index, timestep] of timesteps.entries()) {
      options.signal?.throwIfAborted();
      const guided = isGuided(unet, state.guidanceScale);
      text = textFor(name, text, plan.count, guided);
      const input = scheduler.scaleModelInput(latents, timestep);
      const time = unet.timeProj(new Array<number>(text.shape[0]!).fill(modelTimestep(scheduler, timestep)));
      const output = await run.predict.call(count, input, time, text, ...beside);
      let noisePred = guided ? classifierFree(output, state.guidanceScale, options.guidanceRescale) : output;
      let loss: Tensor | undefined;
      if (guide?.at(index)) {
        await realize(noisePred, latents);
        const level = await levelOf(scheduler, timestep);
        const scale = await inputScale(scheduler, timestep);
        const call = { ...level, scale, time, text, guidanceScale: state.guidanceScale, guided };
        ({ latents, loss } = await guide.move(latents, noisePred, call));
      }
      const stepped = scheduler.step(noisePred, timestep, latents, stepOptions(plan, options.eta));
      latents = start.after?.(stepped.prevSample, timesteps[index + 1] ?? null) ?? stepped.prevSample;
      const { predOriginalSample } = stepped;
      await realize(latents, predOriginalSample, noisePred);
      await checkFinite(name, latents, { index, count, timestep });
      noisePred = noisePred.detach();
      const preview = () => run.decode(predOriginalSample);
      const known = { index, count, timestep, latents, predOriginalSample, noisePred, preview };
      const step: Step = loss ? { ...known, loss } : known;
      bar?.update(index + 1);
      const changes = await run.callBack(step, text);
      if (changes.latents) latents = changes.latents;
      if (changes.promptEmbeds) text = changes.promptEmbeds;
      if (changes.guidanceScale !== undefined) state.guidanceScale = changes.guidanceScale;
      yield changes.latents ? { ...step, latents } : step;
    }
    return latents;
  } finally {
    bar?.close();
    guide?.close();
  }
}

/** As diffusers' pipelines: `eta` goes to every scheduler, whatever its own default, and those without one pass it over. */
function stepOptions({ generators }: Plan, eta = 0): object {
  return { ...(generators.length > 0 ? { generator: generators } : {}), eta };
}

/** Whether a step takes two predictions. Models with the guidance scale as an input have been taught to do with one. */
function isGuided(unet: UNet2DConditionModel, scale: number): boolean {
  return scale > 1 && unet.config.time_cond_proj_dim === null;
}

/** The text for a step: without the negative prompts where guidance has been turned off on the way. */
function textFor(name: string, text: Tensor, count: number, guided: boolean): Tensor {
  const rows = text.shape[0]!;
  if (!guided) return rows === 2 * count ? text.narrow(0, count, count) : text;
  if (rows === 2 * count) return text;
  throw new RangeError(
    `${name}: guidance was turned on midway, but there are no negative prompts; start with a guidanceScale above 1, or return promptEmbeds [${2 * count}, tokens, width], negative ones first`,
  );
}

/** The timestep that the U-Net is told: a scheduler may hide it. */
function modelTimestep(scheduler: Scheduler, timestep: number): number {
  const own = (scheduler as { modelTimestep?: (t: number) => number }).modelTimestep;
  return own ? own.call(scheduler, timestep) : timestep;
}

/** What `scaleModelInput` multiplies with. */
async function inputScale(scheduler: Scheduler, timestep: number): Promise<number> {
  return scheduler.scaleModelInput(fromArray("float32", [1, 1, 1, 1], Float32Array.of(1)), timestep).item();
}

async function checkFinite(
  name: string,
  latents: Tensor,
  at: { index: number; count: number; timestep: number },
): Promise<void> {
  for (const value of await latents.data()) {
    if (Number.isFinite(value)) continue;
    throw new Error(
      `${name}: the latents became ${value} at step ${at.index + 1} of ${at.count} (timestep ${at.timestep}). Try a smaller guidanceScale or another scheduler; if this happens from the first step, the checkpoint is damaged.`,
    );
  }
}
