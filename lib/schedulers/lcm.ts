import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Scheduler, type StepOptions, type StepOutput, type TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, THRESHOLDING, TRAINING } from "./settings.ts";

const DEFAULTS = {
  ...TRAINING,
  ...THRESHOLDING,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  original_inference_steps: 50,
  clip_sample: false,
  clip_sample_range: 1,
  set_alpha_to_one: true,
  steps_offset: 0,
  timestep_spacing: "leading",
  timestep_scaling: 10,
  rescale_betas_zero_snr: false,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `LCMScheduler`. */
export type LCMConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/** How the timesteps of an LCM run may be chosen besides. */
export interface LCMTimestepOptions extends TimestepOptions {
  /** Steps of the distillation that the run's are chosen from; default the config's `original_inference_steps`. */
  originalInferenceSteps?: number;
  /** Share of the way that image-to-image goes, 0 to 1; default 1. */
  strength?: number;
}

/** What a step of `LCMScheduler` gives. */
export interface LCMStepOutput extends StepOutput {
  /** The clean sample after the boundary condition, as diffusers calls it; `predOriginalSample` is the same. */
  readonly denoised: Tensor;
}

/** The standard deviation of the data in the boundary condition. */
const SIGMA_DATA = 0.5;

/**
 * Latent consistency models: a distilled network goes to the clean sample at once, and noise is put back for the next
 * of its 1 to 8 steps.
 *
 * @see Luo et al. 2023: https://arxiv.org/abs/2310.04378
 */
export class LCMScheduler extends Scheduler<LCMConfig> {
  /** The settings that it takes where none are given. */
  static readonly defaults: LCMConfig = DEFAULTS;
  readonly initNoiseSigma = 1;
  #index: number | null = null;
  #begin: number | null = null;

  constructor(settings: Settings<LCMConfig> = {}) {
    super(DEFAULTS, settings);
  }

  /** Steps done in this run; null before the first. */
  get stepIndex(): number | null {
    return this.#index;
  }

  /** Says where in `timesteps` a run begins. */
  setBeginIndex(index = 0): void {
    this.#begin = index;
  }

  setTimesteps(steps: number | null, options: LCMTimestepOptions = {}): void {
    const { originalInferenceSteps: original = this.config.original_inference_steps, strength = 1 } = options;
    if (!Number.isInteger(original) || original < 1 || original > this.length) {
      throw new RangeError(
        `${this.name}.setTimesteps: originalInferenceSteps ${original}; expected 1 to ${this.length}`,
      );
    }
    if (!(strength > 0 && strength <= 1)) {
      throw new RangeError(`${this.name}.setTimesteps: strength ${strength}; expected above 0, up to 1`);
    }
    if (options.timesteps) {
      const given = this.checkTimesteps(steps, options.timesteps);
      const used = Math.min(Math.trunc(given.length * strength), given.length);
      this.timesteps = given.slice(given.length - used);
      this.numInferenceSteps = given.length;
    } else {
      const n = this.checkSteps(steps);
      const stride = Math.floor(this.length / original);
      const available = Math.trunc(original * strength);
      if (n > available) {
        throw new RangeError(
          `${this.name}.setTimesteps: ${n} steps; the distillation's ${original} at strength ${strength} allow ${available}`,
        );
      }
      this.timesteps = Array.from({ length: n }, (_, i) => (available - Math.floor((i * available) / n)) * stride - 1);
      this.numInferenceSteps = n;
    }
    this.#index = null;
    this.#begin = null;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): LCMStepOutput {
    const steps = this.requireRun();
    this.#index ??= this.#begin ?? this.#indexOf(timestep);
    const previous = this.timesteps[this.#index + 1] ?? timestep;
    const alphaBar = this.alphaBar(timestep);
    const alphaBarPrev = previous >= 0 ? this.alphaBar(previous) : 1;
    const scales = { signal: Math.sqrt(alphaBar), spread: Math.sqrt(1 - alphaBar) };
    const x0 = this.limit(this.predict(timestep, modelOutput, sample, scales).x0);
    // The boundary condition: at t = 0 the sample itself, from the first steps on the prediction alone.
    const scaled = timestep * this.config.timestep_scaling;
    const skip = SIGMA_DATA ** 2 / (scaled ** 2 + SIGMA_DATA ** 2);
    const out = scaled / Math.sqrt(scaled ** 2 + SIGMA_DATA ** 2);
    const denoised = this.sum(timestep, [out, x0], [skip, sample]);
    const last = this.#index === steps - 1;
    this.#index++;
    if (last) return { prevSample: denoised, predOriginalSample: denoised, denoised };
    const noise = this.noise(modelOutput, options.generator);
    const prevSample = this.sum(timestep, [Math.sqrt(alphaBarPrev), denoised], [Math.sqrt(1 - alphaBarPrev), noise]);
    return { prevSample, predOriginalSample: denoised, denoised };
  }

  #indexOf(timestep: number): number {
    const index = this.timesteps.indexOf(timestep);
    if (index < 0) {
      throw new RangeError(`${this.name}: timestep ${timestep} is not one of this run's; take them from timesteps`);
    }
    return index;
  }
}
