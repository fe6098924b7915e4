import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { levelOf } from "./noise-level.ts";
import { Scheduler, type StepOutput, type TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, TRAINING } from "./settings.ts";
import { spacedTimesteps } from "./timesteps.ts";

const DEFAULTS = {
  ...TRAINING,
  clip_sample: true,
  set_alpha_to_one: true,
  steps_offset: 0,
  clip_sample_range: 1,
  timestep_spacing: "leading",
  rescale_betas_zero_snr: false,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `DDIMInverseScheduler`. */
export type DDIMInverseConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/**
 * DDIM the other way: from a clean sample to the noise that DDIM would make it of. Timesteps rise.
 *
 * @see Mokady et al. 2022, section 3.2: https://arxiv.org/abs/2211.09794
 */
export class DDIMInverseScheduler extends Scheduler<DDIMInverseConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: DDIMInverseConfig = DEFAULTS;
  readonly initNoiseSigma = 1;

  constructor(settings: Settings<DDIMInverseConfig> = {}) {
    super(DEFAULTS, settings, { timestep_spacing: ["leading", "trailing"] });
    this.timesteps = [...this.timesteps].reverse();
  }

  setTimesteps(steps: number | null, options: TimestepOptions = {}): void {
    this.checkGiven(options, []);
    this.numInferenceSteps = this.checkSteps(steps);
    this.timesteps = spacedTimesteps(this.config, this.numInferenceSteps, true).reverse();
  }

  /** One step towards noise, to the level of `timestep`; the model's output is taken for that of the level before. */
  step(modelOutput: Tensor, timestep: number, sample: Tensor): StepOutput {
    const from = Math.min(timestep - Math.floor(this.length / this.requireRun()), this.length - 1);
    const initial = this.config.set_alpha_to_one ? 1 : this.alphasCumprod[0]!;
    const alphaBar = from >= 0 ? this.alphaBar(from) : initial;
    const alphaBarNext = this.alphaBar(timestep);
    const level = levelOf(alphaBar);
    const predicted = this.predict(timestep, modelOutput, sample, level);
    const x0 = this.limit(predicted.x0);
    const prevSample = this.sum(
      timestep,
      [Math.sqrt(alphaBarNext), x0],
      [Math.sqrt(1 - alphaBarNext), predicted.epsilon],
    );
    return { prevSample, predOriginalSample: x0 };
  }
}
