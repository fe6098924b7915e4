import { compile } from "../compile/compile.ts";
import { checkInteger, checkOptions } from "../options.ts";
import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { Generator } from "../random/index.ts";
import { cat, fromArray } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import { randn } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { shrunk } from "./batches.ts";
import { NoiseObjective, trainingScheduler } from "./objective.ts";
import { type PictureSource, readPictures, requireCaptions } from "./pictures.ts";
import { placeOf } from "./prepare.ts";

/** How a loss is measured. */
export interface DenoisingLossOptions {
  /** One caption for all pictures, in place of their own. */
  prompt?: string;
  /** Noise levels at which each picture is asked for, evenly over all; default 8. */
  levels?: number;
  /** Of the noise; default 0. */
  seed?: number;
}

/**
 * How far a pipeline is off when it predicts the noise in pictures, given their captions: 1 is a guess of zero. Noise and levels
 * are the same at each call, so that two calls compare: before and after a training, on pictures that it did not see.
 *
 * @param data - pictures with captions, as for the trainings
 * @returns the mean squared error
 */
export async function denoisingLoss(
  pipe: StableDiffusionPipeline,
  data: PictureSource,
  options: DenoisingLossOptions = {},
): Promise<number> {
  const where = "denoisingLoss";
  checkOptions(where, options, ["prompt", "levels", "seed"]);
  const { prompt, levels = 8, seed = 0 } = options;
  checkInteger(where, "levels", [levels], 1);
  const { size } = placeOf(pipe);
  const prepare = (image: Parameters<typeof shrunk>[0]) => {
    const resized = shrunk(image, size);
    return resized.crop((resized.width - size) >> 1, (resized.height - size) >> 1, size, size);
  };
  const pictures = await readPictures(data, { where, prepare });
  const captions = prompt === undefined ? requireCaptions(where, pictures) : pictures.images.map(() => prompt);
  const { unet, textEncoder, vae, tokenizer } = pipe;
  const objective = new NoiseObjective({ unet, textEncoder, vae }, trainingScheduler(pipe.scheduler));
  const generator = new Generator(seed);
  const error = compile(
    (pixels: Tensor, noise: Tensor, timesteps: Tensor, ids: Tensor) =>
      noGrad(() => {
        const latents = vae.encode(pixels).latentDist.mode().mul(vae.config.scaling_factor);
        const of = (x: Tensor) => cat(new Array<Tensor>(levels).fill(x));
        return objective.errorsAt(of(latents), noise, timesteps, of(ids)).mean();
      }),
    { name: where },
  );
  const last = objective.scheduler.length - 1;
  const times = BigInt64Array.from({ length: levels }, (_, i) => BigInt(Math.round(((i + 0.5) * last) / levels)));
  try {
    let sum = 0;
    for (const [i, image] of pictures.images.entries()) {
      const side = size / vae.scale;
      const noise = randn([levels, vae.config.latent_channels, side, side], { generator });
      const { inputIds } = tokenizer.batch(tokenizer.maybeConvertPrompt(captions[i]!));
      sum += await error(image.toTensor(), noise, fromArray("int64", [levels], times), inputIds).item();
    }
    return sum / pictures.images.length;
  } finally {
    error.close();
  }
}
