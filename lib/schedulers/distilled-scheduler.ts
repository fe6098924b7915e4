import { type CommonSettings, Scheduler, type TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, THRESHOLDING, TRAINING } from "./settings.ts";

/** Settings of schedulers for models that were distilled, with their defaults. */
export const DISTILLED = {
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

/** How the timesteps of a distilled model's run may be chosen besides. */
export interface DistilledTimestepOptions extends TimestepOptions {
  /** Steps of the distillation that the run's are chosen from; default the config's `original_inference_steps`. */
  originalInferenceSteps?: number;
  /** Share of the way that image-to-image goes, 0 to 1; default 1. */
  strength?: number;
}

/** Schedulers of distilled models: a run's few timesteps are chosen from those that the distillation used. */
export abstract class DistilledScheduler<
  C extends CommonSettings & Pick<SchedulerSettings, "original_inference_steps">,
> extends Scheduler<C> {
  readonly initNoiseSigma = 1;
  #index: number | null = null;
  #begin: number | null = null;

  /** Steps done in this run; null before the first. */
  get stepIndex(): number | null {
    return this.#index;
  }

  /** Says where in `timesteps` a run begins. */
  override setBeginIndex(index = 0): void {
    this.#begin = index;
  }

  setTimesteps(steps: number | null, options: DistilledTimestepOptions = {}): void {
    this.checkGiven(options, ["timesteps"]);
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
      const { count, stride } = this.trained(original, strength, options.originalInferenceSteps !== undefined);
      if (n > count || n > original) {
        throw new RangeError(
          `${this.name}.setTimesteps: ${n} steps; the distillation's ${original} at strength ${strength} allow ${Math.min(count, original)}`,
        );
      }
      // As NumPy counts: the step first.
      const step = count / n;
      this.timesteps = Array.from({ length: n }, (_, i) => (count - Math.floor(i * step)) * stride - 1);
      this.numInferenceSteps = n;
    }
    this.#index = null;
    this.#begin = null;
  }

  /**
   * The timesteps that the distillation used: `stride - 1`, `2 stride - 1` and so on.
   *
   * @param given - whether their number was given with the run
   */
  protected trained(original: number, strength: number, _given: boolean): { count: number; stride: number } {
    return { count: Math.trunc(original * strength), stride: Math.floor(this.length / original) };
  }

  /** The place of the step to be done. */
  protected at(timestep: number): number {
    this.requireRun();
    this.#index ??= this.#begin ?? this.#indexOf(timestep);
    return this.#index;
  }

  /** Counts a step as done. */
  protected advance(): void {
    this.#index = (this.#index ?? 0) + 1;
  }

  #indexOf(timestep: number): number {
    const index = this.timesteps.indexOf(timestep);
    if (index < 0) {
      throw new RangeError(
        `${this.name}: timestep ${timestep} is not part of this run; use those in scheduler.timesteps`,
      );
    }
    return index;
  }
}
