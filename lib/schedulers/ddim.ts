import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { levelOf } from "./noise-level.ts";
import { Scheduler, type StepOptions, type StepOutput, type TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, THRESHOLDING, TRAINING } from "./settings.ts";
import { spacedTimesteps } from "./timesteps.ts";

const DEFAULTS = {
  ...TRAINING,
  ...THRESHOLDING,
  clip_sample: true,
  set_alpha_to_one: true,
  steps_offset: 0,
  clip_sample_range: 1,
  timestep_spacing: "leading",
  rescale_betas_zero_snr: false,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `DDIMScheduler`. */
export type DDIMConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/** What a step of `DDIMScheduler` takes besides. */
export interface DDIMStepOptions extends StepOptions {
  /** Share of DDPM's noise that is put back, 0 (default: none, the run is deterministic) to 1. */
  eta?: number;
  /** Whether to take the noise from the clipped clean sample; default false. */
  useClippedModelOutput?: boolean;
  /** The noise to put back, in place of drawing it. */
  varianceNoise?: Tensor;
}

/**
 * Steps straight along the predicted noise, so that few of them suffice.
 * `new DDIMScheduler({ betaSchedule: "scaled_linear" })`, then `scheduler.setTimesteps(50)`.
 *
 * @see Song et al. 2020, eq. 12 and 16: https://arxiv.org/abs/2010.02502
 */
export class DDIMScheduler extends Scheduler<DDIMConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: DDIMConfig = DEFAULTS;
  readonly initNoiseSigma = 1;

  constructor(settings: Settings<DDIMConfig> = {}) {
    super(DEFAULTS, settings);
  }

  setTimesteps(steps: number | null, options: TimestepOptions = {}): void {
    this.checkGiven(options, []);
    this.numInferenceSteps = this.checkSteps(steps);
    this.timesteps = spacedTimesteps(this.config, this.numInferenceSteps, true);
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: DDIMStepOptions = {}): StepOutput {
    const { eta = 0, useClippedModelOutput = false, generator, varianceNoise } = options;
    if (!(eta >= 0 && eta <= 1)) throw new RangeError(`${this.name}.step: eta ${eta}; expected 0 to 1`);
    const previous = timestep - Math.floor(this.length / this.requireRun());
    const alphaBar = this.alphaBar(timestep);
    const final = this.config.set_alpha_to_one ? 1 : this.alphasCumprod[0]!;
    const alphaBarPrev = previous >= 0 ? this.alphaBar(previous) : final;
    const { alpha, sigma } = levelOf(alphaBar);
    const predicted = this.predict(timestep, modelOutput, sample, { alpha, sigma });
    const x0 = this.limit(predicted.x0);
    const epsilon = useClippedModelOutput
      ? this.sum(timestep, [1 / sigma, sample], [-alpha / sigma, x0])
      : predicted.epsilon;
    const std = eta * Math.sqrt(((1 - alphaBarPrev) / (1 - alphaBar)) * (1 - alphaBar / alphaBarPrev));
    const direction = Math.sqrt(Math.max(0, 1 - alphaBarPrev - std * std));
    const along = this.sum(timestep, [Math.sqrt(alphaBarPrev), x0], [direction, epsilon]);
    if (eta === 0) return { prevSample: along, predOriginalSample: x0 };
    const noise = varianceNoise ?? this.noise(modelOutput, generator);
    return { prevSample: this.sum(timestep, [1, along], [std, noise]), predOriginalSample: x0 };
  }
}
