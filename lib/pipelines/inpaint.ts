import { plural } from "../printed.ts";
import type { SchedulerSettings } from "../schedulers/index.ts";
import { cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { fill, type ImageInput, imageTensor, maskTensor } from "./from-image.ts";
import { type Img2ImgOptions, type Img2ImgRun, sized, skipped, strengthOf } from "./img2img.ts";
import { registerPipeline } from "./pipeline.ts";
import { StableDiffusionPipeline } from "./stable-diffusion.ts";
import type { Start } from "./step.ts";

/** What to repaint, and how. */
export interface InpaintOptions extends Img2ImgOptions {
  /** White where to paint, black where to keep: a picture, several, or a tensor `[B, 1, H, W]` from 0 to 1. */
  maskImage: ImageInput;
  /** How much noise the painted part starts with; default 1: nothing of what was there. */
  strength?: number;
}

/** A run that repaints a part of a picture. */
export interface InpaintRun extends Img2ImgRun {
  /** White where it is repainted. */
  readonly maskImage: ImageInput;
}

/**
 * Repaints a part of a picture. Works with inpainting models, whose U-Net sees mask and picture, and with all others,
 * whose latents are put back outside of the mask after every step.
 */
export class StableDiffusionInpaintPipeline extends StableDiffusionPipeline<InpaintOptions> {
  protected override get rightSettings(): Partial<SchedulerSettings> {
    return { steps_offset: 1, skip_prk_steps: true };
  }

  protected override checkInputChannels(got: number, latents: number): void {
    if (got === latents || got === 2 * latents + 1) return;
    throw new RangeError(
      `${this.constructor.name}: the U-Net takes ${plural(got, "channel")}; expected ${latents}, or ${2 * latents + 1} for an inpainting model`,
    );
  }

  protected override get ownOptions(): readonly string[] {
    return ["image", "strength", "maskImage"];
  }

  protected override describe(options: InpaintOptions): InpaintRun {
    const name = this.constructor.name;
    if (options?.maskImage === undefined || options.maskImage === null) {
      throw new TypeError(`${name}: no maskImage; give an Image that is white where to paint`);
    }
    const run = super.describe(sized(name, options, this.vae.scale));
    const { image, maskImage } = options;
    return { ...run, image, maskImage, ...strengthOf(run, options.strength ?? 1) };
  }

  protected override async start(run: InpaintRun): Promise<Start> {
    const { name, scheduler, strength, generators, numImages } = run;
    const { skip, first } = skipped(run);
    const seesMask = this.unet.config.in_channels > this.vae.config.latent_channels;
    const image = await imageTensor(name, run.image, run);
    const mask = await maskTensor(name, run.maskImage, run);
    // The order of the draws is diffusers': picture, noise, masked picture.
    const needsClean = !seesMask || (run.latents === null && strength < 1);
    // Unlike image to image, diffusers draws here once for each image given, from the first of the generators.
    const encode = (x: Tensor) => {
      const own = generators.length > 1 ? generators.slice(0, x.shape[0]) : generators;
      return this.codec.encode(x, own);
    };
    const clean = needsClean ? fill(name, "images", await encode(image), numImages) : null;
    const noise = this.noise(run);
    const pure = strength === 1 || run.latents !== null;
    const latents = pure ? noise.mul(scheduler.initNoiseSigma) : scheduler.addNoise(clean!, noise, first);
    const small = fill(name, "masks", shrink(mask, this.vae.scale), numImages);
    // Drawn in either case, so that the random numbers after it are the same.
    const masked = await encode(image.mul(mask.neg().add(1)));
    if (seesMask) {
      const seen = cat([small, fill(name, "images", masked, numImages)], 1);
      return { latents, skip, inputs: [await seen.realize()] };
    }
    const keep = small.neg().add(1);
    const after = (painted: Tensor, next: number | null) => {
      const known = next === null ? clean! : scheduler.addNoise(clean!, noise, next);
      return known.mul(keep).add(painted.mul(small));
    };
    return { latents, skip, after };
  }
}

registerPipeline(StableDiffusionInpaintPipeline);

/** A mask at the latents' size: every `scale`th pixel, as nearest neighbours are chosen. */
function shrink(mask: Tensor, scale: number): Tensor {
  return mask.slice(2, 0, mask.shape[2], scale).slice(3, 0, mask.shape[3], scale);
}
