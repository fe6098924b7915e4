import { shown } from "../options.ts";
import { plural } from "../printed.ts";
import { fill, type ImageInput, imageTensor, naturalSize } from "./from-image.ts";
import type { GenerateOptions } from "./options.ts";
import { registerPipeline } from "./pipeline.ts";
import type { Run } from "./run.ts";
import { StableDiffusionPipeline } from "./stable-diffusion.ts";
import type { Start } from "./step.ts";

/** What to paint over a picture, and how. */
export interface Img2ImgOptions extends GenerateOptions {
  /** What to start from: a picture, several, or a tensor `[B, 3, H, W]` from -1 to 1. */
  image: ImageInput;
  /** How much of it to repaint, above 0 to 1; default 0.8. The run has that share of the steps. */
  strength?: number;
}

/** A run that starts from a picture. */
export interface Img2ImgRun extends Run {
  /** What it starts from. */
  readonly image: ImageInput;
  /** How much of it is repainted, above 0 to 1. */
  readonly strength: number;
}

/** A picture and a text to a picture. @see Meng et al. 2021: https://arxiv.org/abs/2108.01073 */
export class StableDiffusionImg2ImgPipeline extends StableDiffusionPipeline<Img2ImgOptions> {
  protected override get ownOptions(): readonly string[] {
    return ["image", "strength"];
  }

  protected override describe(options: Img2ImgOptions): Img2ImgRun {
    const run = super.describe(sized(this.constructor.name, options, this.vae.scale));
    return { ...run, image: options.image, ...strengthOf(run, options.strength ?? 0.8) };
  }

  protected override async start(run: Img2ImgRun): Promise<Start> {
    const { name, scheduler, generators, numImages } = run;
    const { skip, first } = skipped(run);
    const given = await imageTensor(name, run.image, run);
    // A generator for each picture draws each picture's latents, also where all come of one image.
    const image = generators.length > 1 ? fill(name, "images", given, numImages) : given;
    const clean = fill(name, "images", await this.codec.encode(image, generators), numImages);
    return { latents: scheduler.addNoise(clean, this.noise(run), first), skip };
  }
}

registerPipeline(StableDiffusionImg2ImgPipeline);

/** The options with the picture's size, if no other is asked for. */
export function sized<O extends Img2ImgOptions>(name: string, options: O, scale: number): O {
  if (options?.image === undefined || options.image === null) {
    throw new TypeError(`${name}: no image; give an Image (Image.open(file)) or a tensor [B, 3, H, W]`);
  }
  const size = naturalSize(name, options.image, scale);
  return { ...options, height: options.height ?? size.height, width: options.width ?? size.width };
}

/** A strength, checked, and where it is written down. */
export function strengthOf({ name, metadata }: Run, strength: number): Pick<Img2ImgRun, "strength" | "metadata"> {
  if (typeof strength !== "number" || !(strength > 0 && strength <= 1)) {
    throw new RangeError(`${name}: strength is ${shown(strength)}; expected above 0 and at most 1`);
  }
  return { strength, metadata: { ...metadata, strength } };
}

/** Which of the scheduler's timesteps a run's strength leaves out, and the first that remains. The scheduler begins there. */
export function skipped({ name, scheduler, numInferenceSteps: steps, strength }: Img2ImgRun): {
  skip: number;
  first: number;
} {
  const kept = Math.min(Math.trunc(steps * strength), steps);
  if (kept < 1) {
    throw new RangeError(
      `${name}: strength ${strength} of ${plural(steps, "step")} leaves no steps to run; use more steps or a larger strength`,
    );
  }
  const skip = (steps - kept) * scheduler.order;
  scheduler.setBeginIndex(skip);
  return { skip, first: scheduler.timesteps[skip]! };
}
