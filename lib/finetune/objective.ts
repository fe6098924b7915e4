import type { AutoencoderKL, CLIPTextModel, UNet2DConditionModel } from "../models/index.ts";
import * as F from "../nn/functional/index.ts";
import { DDPMScheduler, type Scheduler } from "../schedulers/index.ts";
import { fromArray } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import { randint, randn } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The networks that a picture and its caption pass in training. */
export interface Networks {
  readonly textEncoder: CLIPTextModel;
  readonly unet: UNet2DConditionModel;
  readonly vae: AutoencoderKL;
}

/** How errors at different noise levels are weighed, and what noise there is. */
export interface NoiseOptions {
  /**
   * Count steps with little noise less: the weight of a signal-to-noise ratio s is `min(s, snrGamma) / s`, for a
   * "v_prediction" model `min(s, snrGamma) / (s + 1)`; default all alike. @see https://arxiv.org/abs/2303.09556
   */
  readonly snrGamma?: number | undefined;
  /** Noise that is the same all over a picture, so that it learns to be dark or bright; default 0. */
  readonly noiseOffset?: number;
}

/** The noise schedule that a pipeline's network was trained with, whatever it samples with. */
export function trainingScheduler({ config }: Scheduler): DDPMScheduler {
  const { num_train_timesteps, beta_start, beta_end, beta_schedule, trained_betas, prediction_type } = config;
  return new DDPMScheduler({
    num_train_timesteps,
    ...{ beta_start: beta_start!, beta_end: beta_end!, beta_schedule: beta_schedule! },
    ...{ trained_betas: trained_betas ?? null, prediction_type: prediction_type ?? "epsilon" },
  });
}

/**
 * How far the network's prediction of the noise is off, for each picture: what diffusers' training scripts minimise. Latents,
 * noise and timesteps are drawn in their order, so that the same seed gives the same numbers.
 */
export class NoiseObjective {
  readonly scheduler: DDPMScheduler;
  readonly #networks: Networks;
  readonly #noiseOffset: number;
  /** The weight of each timestep's error; null where all count alike. */
  readonly #weights: Float32Array | null;

  /** @throws RangeError where the network predicts something else than noise or velocity */
  constructor(networks: Networks, scheduler: DDPMScheduler, options: NoiseOptions = {}) {
    const { prediction_type: prediction } = scheduler.config;
    if (prediction !== "epsilon" && prediction !== "v_prediction") {
      throw new RangeError(`fine-tuning: prediction_type is "${prediction}"; expected "epsilon" or "v_prediction"`);
    }
    this.#networks = networks;
    this.scheduler = scheduler;
    this.#noiseOffset = options.noiseOffset ?? 0;
    const gamma = options.snrGamma;
    this.#weights =
      gamma === undefined
        ? null
        : scheduler.alphasCumprod.map((alphaBar) => {
            const snr = alphaBar / (1 - alphaBar);
            return Math.min(snr, gamma) / (prediction === "epsilon" ? snr : snr + 1);
          });
  }

  /**
   * Noises pictures at timesteps drawn at random, and compares.
   *
   * @param pixels - `[b, 3, h, w]` from -1 to 1
   * @param ids - int64 `[b, tokens]`
   * @returns the error of each, weighed, `[b]`
   */
  errors(pixels: Tensor, ids: Tensor): Tensor {
    const { vae } = this.#networks;
    const latents = noGrad(() => vae.encode(pixels).latentDist.sample().mul(vae.config.scaling_factor));
    const [b, channels] = latents.shape as [number, number];
    let noise = randn(latents.shape);
    if (this.#noiseOffset !== 0) noise = noise.add(randn([b, channels, 1, 1]).mul(this.#noiseOffset));
    return this.errorsAt(latents, noise, randint(0, this.scheduler.length, [b]), ids);
  }

  /** The same for latents, noise and timesteps (int64 `[b]`) that are given. */
  errorsAt(latents: Tensor, noise: Tensor, timesteps: Tensor, ids: Tensor): Tensor {
    const { textEncoder, unet } = this.#networks;
    const { scheduler } = this;
    const noisy = scheduler.addNoise(latents, noise, timesteps);
    const text = textEncoder.forward(ids).lastHiddenState;
    const predicted = unet.forward(noisy, timesteps, text).sample;
    const isVelocity = scheduler.config.prediction_type === "v_prediction";
    const target = isVelocity ? scheduler.getVelocity(latents, noise, timesteps) : noise;
    const errors = F.mseLoss(predicted, target, "none").mean([1, 2, 3]);
    if (!this.#weights) return errors;
    const weights = fromArray("float32", [this.#weights.length], this.#weights).indexSelect(0, timesteps);
    return errors.mul(weights);
  }
}
