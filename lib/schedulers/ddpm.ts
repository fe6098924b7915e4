import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { levelOf } from "./noise-level.ts";
import { Scheduler, type StepOptions, type StepOutput, type TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, THRESHOLDING, TRAINING, VARIANCE_TYPES } from "./settings.ts";
import { spacedTimesteps } from "./timesteps.ts";

const DEFAULTS = {
  ...TRAINING,
  ...THRESHOLDING,
  variance_type: "fixed_small",
  clip_sample: true,
  clip_sample_range: 1,
  timestep_spacing: "leading",
  steps_offset: 0,
  rescale_betas_zero_snr: false,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `DDPMScheduler`. */
export type DDPMConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/**
 * Ancestral sampling: each step draws from the distribution of the step before, given the predicted clean sample.
 *
 * @see Ho et al. 2020, eq. 6, 7 and algorithm 2: https://arxiv.org/abs/2006.11239
 */
export class DDPMScheduler extends Scheduler<DDPMConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: DDPMConfig = DEFAULTS;
  readonly initNoiseSigma = 1;
  #custom = false;

  constructor(settings: Settings<DDPMConfig> = {}) {
    super(DEFAULTS, settings, { variance_type: VARIANCE_TYPES });
  }

  setTimesteps(steps: number | null, options: TimestepOptions = {}): void {
    this.checkGiven(options, ["timesteps"]);
    this.#custom = options.timesteps !== undefined;
    if (options.timesteps) this.timesteps = [...this.checkTimesteps(steps, options.timesteps)];
    else this.timesteps = spacedTimesteps(this.config, this.checkSteps(steps), true);
    this.numInferenceSteps = this.timesteps.length;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): StepOutput {
    const { variance_type: varianceType } = this.config;
    const learned = varianceType === "learned" || varianceType === "learned_range";
    const channels = sample.shape[1]!;
    const doubled = learned && modelOutput.shape[1] === 2 * channels;
    const output = doubled ? modelOutput.narrow(1, 0, channels) : modelOutput;
    const previous = this.previousTimestep(timestep);
    const alphaBar = this.alphaBar(timestep);
    const alphaBarPrev = previous >= 0 ? this.alphaBar(previous) : 1;
    const alpha = alphaBar / alphaBarPrev;
    const level = levelOf(alphaBar);
    const x0 = this.limit(this.predict(timestep, output, sample, level).x0);
    // Eq. 7: the mean of the step before.
    const mean = this.sum(
      timestep,
      [(Math.sqrt(alphaBarPrev) * (1 - alpha)) / (1 - alphaBar), x0],
      [(Math.sqrt(alpha) * (1 - alphaBarPrev)) / (1 - alphaBar), sample],
    );
    if (timestep <= 0) return { prevSample: mean, predOriginalSample: x0 };
    const noise = this.noise(output, options.generator);
    const small = Math.max(((1 - alphaBarPrev) / (1 - alphaBar)) * (1 - alpha), 1e-20);
    const large = 1 - alpha;
    const deviation = doubled
      ? this.#learnedDeviation(modelOutput.narrow(1, channels, channels), small, large)
      : this.#fixedDeviation(small, large);
    return { prevSample: mean.add(noise.mul(deviation)), predOriginalSample: x0 };
  }

  /** The timestep that follows in the run, -1 after its last; before `setTimesteps` the one below. */
  previousTimestep(timestep: number): number {
    if (!this.#custom && this.numInferenceSteps === null) return timestep - 1;
    const index = this.timesteps.indexOf(timestep);
    if (index < 0) {
      throw new RangeError(
        `${this.name}.step: timestep ${timestep} is not part of this run; use those in scheduler.timesteps`,
      );
    }
    return this.timesteps[index + 1] ?? -1;
  }

  #fixedDeviation(small: number, large: number): number {
    switch (this.config.variance_type) {
      case "fixed_large":
        return Math.sqrt(large);
      case "fixed_large_log":
        // diffusers takes the root of the logarithm here, which is not a number wherever the variance is below 1.
        throw new RangeError(
          `${this.name}: variance_type "fixed_large_log" is for training; sample with "fixed_large"`,
        );
      case "learned":
      case "learned_range":
        throw new RangeError(
          `${this.name}: variance_type "${this.config.variance_type}" needs a model with twice the sample's channels in its output`,
        );
      default:
        return Math.sqrt(small);
    }
  }

  #learnedDeviation(predicted: Tensor, small: number, large: number): Tensor {
    if (this.config.variance_type === "learned") return predicted.sqrt();
    // Nichol and Dhariwal 2021, eq. 15: between the two fixed variances, on a logarithmic scale.
    const [low, high] = [Math.log(small), Math.log(large)];
    return predicted
      .mul((high - low) / 4)
      .add((high + low) / 4)
      .exp();
  }
}
