import type { UNet2DConditionModel } from "../models/index.ts";
import type { Scheduler } from "../schedulers/index.ts";
import { cat, fromArray } from "../tensor/create.ts";
import { realize, type Tensor } from "../tensor/tensor.ts";
import { classifierFree } from "./guidance.ts";
import type { LossGuide } from "./loss-guidance.ts";
import { runBar } from "./progress.ts";
import type { Run } from "./run.ts";
import type { Runner } from "./runner.ts";
import type { RunState, Start, Step, StepChanges } from "./step.ts";

/** What the U-Net is called with: its input, the timestep as sinusoids, the text, and what some models take besides. */
export type UNetCall = [latents: Tensor, time: Tensor, text: Tensor, ...rest: Tensor[]];

/** What a run is denoised with. */
export interface Denoising {
  readonly unet: UNet2DConditionModel;
  readonly predict: Runner<UNetCall, Tensor>;
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
export async function* denoise(run: Run, parts: Denoising): AsyncGenerator<Step, Tensor, undefined> {
  const { name, scheduler } = run;
  const { unet, start, guide, state } = parts;
  const timesteps = scheduler.timesteps.slice(start.skip);
  const count = timesteps.length;
  const inputs = start.inputs ?? [];
  // Where guidance comes and goes, two kinds of calls share the run.
  const inside = run.guidanceInterval && timesteps.map((t) => isInside(scheduler, t, run.guidanceInterval!));
  const alike = (guided: boolean, until = count) =>
    inside?.slice(0, until).filter((each) => each === guided).length ?? until;
  const bar = run.progress ? runBar(count) : null;
  let { latents } = start;
  let { text } = parts;
  try {
    for (const [index, timestep] of timesteps.entries()) {
      run.signal?.throwIfAborted();
      const { guidanceScale } = state;
      const guided = isGuided(unet, guidanceScale) && (inside?.[index] ?? true);
      const read = textFor(name, text, run.numImages, guided);
      const input = scheduler.scaleModelInput(latents, timestep);
      const time = unet.timeProj(new Array<number>(read.shape[0]!).fill(scheduler.modelTimestep(timestep)));
      const output = await parts.predict.call(
        { calls: alike(guided), made: alike(guided, index) },
        input,
        time,
        read,
        ...inputs,
      );
      let noisePred = guided ? classifierFree(output, guidanceScale, run.guidanceRescale) : output;
      let loss: Tensor | undefined;
      if (guide?.at(index)) {
        await realize(noisePred, latents);
        const scale = await inputScale(scheduler, timestep);
        const call = { ...scheduler.levelAt(timestep), scale, time, text: read, guidanceScale };
        ({ latents, loss } = await guide.move(latents, noisePred, call));
      }
      const stepped = scheduler.step(noisePred, timestep, latents, stepOptions(run));
      latents = start.after?.(stepped.prevSample, timesteps[index + 1] ?? null) ?? stepped.prevSample;
      const { predOriginalSample } = stepped;
      await realize(latents, predOriginalSample, noisePred);
      await checkFinite(name, latents, { index, count, timestep });
      noisePred = noisePred.detach();
      const preview = () => parts.decode(predOriginalSample);
      const known = { index, count, guidanceScale, timestep, latents, predOriginalSample, noisePred, preview };
      const step: Step = loss ? { ...known, loss } : known;
      bar?.update(index + 1);
      const changes = await parts.callBack(step, read);
      if (changes.latents) latents = changes.latents;
      if (changes.promptEmbeds) text = renewed(text, changes.promptEmbeds, guided || !inside);
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
function stepOptions({ generators, eta }: Run): object {
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

/** What the U-Net reads from now on: where a step did without the negative prompts, the ones to come still have them. */
function renewed(text: Tensor, given: Tensor, whole: boolean): Tensor {
  const [rows, own] = [text.shape[0]!, given.shape[0]!];
  return whole || rows !== 2 * own ? given : cat([text.narrow(0, 0, own), given]);
}

/** Whether a timestep's noise level lies above the lower end of an interval, and up to the upper one. */
function isInside(scheduler: Scheduler, timestep: number, [low, high]: readonly [number, number]): boolean {
  const { alpha, sigma } = scheduler.levelAt(timestep);
  const level = sigma / alpha;
  return low < level && level <= high;
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
