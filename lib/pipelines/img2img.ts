import { plural } from "../printed.ts";
import type { Scheduler } from "../schedulers/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { fill, type ImageInput, imageTensor, naturalSize } from "./from-image.ts";
import type { GenerateOptions, Plan } from "./options.ts";
import { StableDiffusionPipeline } from "./stable-diffusion.ts";
import type { Start, Step } from "./step.ts";

/** What to paint over a picture, and how. */
export interface Img2ImgOptions extends GenerateOptions {
  /** What to start from: a picture, several, or a tensor `[B, 3, H, W]` from -1 to 1. */
  image: ImageInput;
  /** How much of it to repaint, above 0 to 1; default 0.8. The run has that share of the steps. */
  strength?: number;
}

/** A picture and a text to a picture. @see Meng et al. 2021: https://arxiv.org/abs/2108.01073 */
export class StableDiffusionImg2ImgPipeline extends StableDiffusionPipeline<Img2ImgOptions> {
  override async *steps(options: Img2ImgOptions): AsyncGenerator<Step, Tensor, undefined> {
    return yield* super.steps(sized(this.constructor.name, options, this.vae.scale));
  }

  protected override get ownOptions(): readonly string[] {
    return ["image", "strength"];
  }

  protected override async start(plan: Plan, options: Img2ImgOptions, scheduler: Scheduler): Promise<Start> {
    const name = this.constructor.name;
    const { skip, first } = skipped(name, scheduler, plan.steps, options.strength ?? 0.8);
    const given = await imageTensor(name, options.image, plan);
    // A generator for each picture draws each picture's latents, also where all come of one image.
    const image = plan.generators.length > 1 ? fill(name, "images", given, plan.count) : given;
    const clean = fill(name, "images", await this.codec.encode(image, plan.generators), plan.count);
    const noise = options.latents ?? this.noise(plan);
    this.checkLatents(noise, plan);
    return { latents: scheduler.addNoise(clean, noise, first), skip };
  }
}

/** The options with the picture's size, if no other is asked for. */
export function sized<O extends Img2ImgOptions>(name: string, options: O, scale: number): O {
  if (options?.image === undefined || options.image === null) {
    throw new TypeError(`${name}: no image; give an Image (Image.open(file)) or a tensor [B, 3, H, W]`);
  }
  const size = naturalSize(options.image, scale);
  return { ...options, height: options.height ?? size.height, width: options.width ?? size.width };
}

/** Which of the scheduler's timesteps a strength leaves out, and the first that remains. */
export function skipped(
  name: string,
  scheduler: Scheduler,
  steps: number,
  strength: number,
): { skip: number; first: number } {
  if (!(strength > 0 && strength <= 1)) {
    throw new RangeError(`${name}: strength is ${strength}; expected above 0 and at most 1`);
  }
  const kept = Math.min(Math.trunc(steps * strength), steps);
  if (kept < 1) {
    throw new RangeError(
      `${name}: strength ${strength} of ${plural(steps, "step")} leaves no steps to run; use more steps or a larger strength`,
    );
  }
  const skip = (steps - kept) * scheduler.order;
  const withStart = scheduler as { setBeginIndex?: (index: number) => void };
  withStart.setBeginIndex?.(skip);
  return { skip, first: scheduler.timesteps[skip]! };
}
