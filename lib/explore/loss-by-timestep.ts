import { compile } from "../compile/compile.ts";
import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { Generator } from "../random/index.ts";
import { full } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import { randn } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Options of `lossByTimestep`. */
export interface LossByTimestepOptions {
  /** The timesteps that are asked; default twelve, evenly spaced. */
  timesteps?: readonly number[];
  /** Of the noise; default 0. */
  seed?: number;
}

/** How wrong a U-Net is at some timesteps. */
export interface LossByTimestep {
  /** The timesteps. */
  readonly timesteps: readonly number[];
  /** Mean squared error of the prediction at each; always predicting zero costs about 1. */
  readonly losses: readonly number[];
  /** For each, the standard error of that mean over the pictures; 0 for one picture. */
  readonly errors: readonly number[];
}

/**
 * How well a pipeline's U-Net sees the noise in pictures, by timestep: the loss that it was trained on, without training.
 * `plotLossByTimestep(await lossByTimestep(pipe, pictures, captions))`. Every timestep gets the same noise.
 *
 * @param pictures - `[n, 3, H, W]` from -1 to 1
 * @param captions - one for each
 * @throws RangeError if they are not as many, or a timestep is none of the scheduler's
 */
export async function lossByTimestep(
  pipe: StableDiffusionPipeline,
  pictures: Tensor,
  captions: readonly string[],
  options: LossByTimestepOptions = {},
): Promise<LossByTimestep> {
  const where = "lossByTimestep";
  const n = pictures.shape[0]!;
  if (pictures.ndim !== 4 || captions.length !== n) {
    throw new RangeError(
      `${where}: ${captions.length} captions for pictures [${pictures.shape}]; expected [n, 3, H, W] and n`,
    );
  }
  const { alphasCumprod, config } = pipe.scheduler;
  const steps = alphasCumprod.length;
  const { timesteps = Array.from({ length: 12 }, (_, i) => Math.round(((i + 0.5) * steps) / 12)), seed = 0 } = options;
  const wrong = timesteps.find((t) => !Number.isInteger(t) || t < 0 || t >= steps);
  if (wrong !== undefined) throw new RangeError(`${where}: timestep ${wrong}; expected 0 to ${steps - 1}`);
  const generator = new Generator(seed);
  const latents = await pipe.codec.encode(pictures.detach(), [generator]);
  const text = await pipe.encodePrompt(captions);
  const noise = await randn(latents.shape, { generator }).realize();
  const { unet } = pipe;
  const kind = config.prediction_type;
  if (kind !== "epsilon" && kind !== "v_prediction") {
    throw new RangeError(`${where}: the model predicts "${String(kind)}"; expected "epsilon" or "v_prediction"`);
  }
  const lossOf = compile((x: Tensor, e: Tensor, time: Tensor, words: Tensor, a: Tensor, b: Tensor) =>
    noGrad(() => {
      const target = kind === "epsilon" ? e : e.mul(a).sub(x.mul(b));
      return unet
        .forward(x.mul(a).add(e.mul(b)), time, words)
        .sample.sub(target)
        .square()
        .mean();
    }),
  );
  const [losses, errors]: [number[], number[]] = [[], []];
  try {
    for (const t of timesteps) {
      const bar = alphasCumprod[t]!;
      const each: number[] = [];
      for (let i = 0; i < n; i++) {
        const part = (x: Tensor) => x.narrow(0, i, 1);
        const level = [Math.sqrt(bar), Math.sqrt(1 - bar)].map((v) => full([], v, { device: unet.device }));
        const time = unet.timeProj([t]);
        each.push(await lossOf(part(latents), part(noise), time, part(text), level[0]!, level[1]!).item());
      }
      const mean = each.reduce((a, b) => a + b, 0) / n;
      const variance = each.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / Math.max(1, n - 1);
      losses.push(mean);
      errors.push(Math.sqrt(variance / n));
    }
  } finally {
    lossOf.close();
  }
  return { timesteps: [...timesteps], losses, errors };
}
