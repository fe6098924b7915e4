import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { keep } from "./combine.ts";
import { KScheduler } from "./k-scheduler.ts";
import type { StepOutput, TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, SPACING, TRAINING } from "./settings.ts";

const DEFAULTS = {
  ...TRAINING,
  ...SPACING,
  beta_start: 0.00085,
  beta_end: 0.012,
  clip_sample: false,
  clip_sample_range: 1,
  timestep_spacing: "linspace",
  steps_offset: 0,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `HeunDiscreteScheduler`. */
export type HeunDiscreteConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/**
 * Heun's method: each step is tried with Euler's, then done again with the mean of the slopes at both its ends. Two
 * calls of the model a step, except for the last; `timesteps` and `sigmas` list both.
 *
 * @see Karras et al. 2022, algorithm 1: https://arxiv.org/abs/2206.00364
 */
export class HeunDiscreteScheduler extends KScheduler<HeunDiscreteConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: HeunDiscreteConfig = DEFAULTS;
  override readonly order = 2;
  /** The slope at the step's start and the sample there, between its two calls. */
  #started: { slope: Tensor; sample: Tensor } | null = null;

  constructor(settings: Settings<HeunDiscreteConfig> = {}) {
    super(DEFAULTS, settings);
    this.setTimesteps(this.length);
    this.numInferenceSteps = null;
  }

  setTimesteps(steps: number | null, options: TimestepOptions = {}): void {
    this.checkGiven(options, ["timesteps"]);
    const { timesteps, sigmas } = this.levels(steps, options);
    const twice = (list: readonly number[]) => list.flatMap((value) => [value, value]);
    this.start(
      [timesteps[0]!, ...twice(timesteps.slice(1))],
      [sigmas[0]!, ...twice(sigmas.slice(1)), 0],
      timesteps.length,
    );
    this.#started = null;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor): StepOutput {
    const i = this.at(timestep);
    const [sigma, next] = this.#started
      ? [this.sigmas[i - 1]!, this.sigmas[i]!]
      : [this.sigmas[i]!, this.sigmas[i + 1]!];
    const seen = this.#started ? next : sigma;
    const x0 = this.limit(this.denoise(timestep, modelOutput, sample, seen));
    const slope = this.sum(timestep, [1 / seen, sample], [-1 / seen, x0]);
    let prevSample: Tensor;
    if (this.#started) {
      const half = (next - sigma) / 2;
      prevSample = this.sum(timestep, [1, this.#started.sample], [half, this.#started.slope], [half, slope]);
      this.#started = null;
    } else {
      prevSample = this.sum(timestep, [1, sample], [next - sigma, slope]);
      this.#started = { slope: keep(slope), sample: keep(sample) };
    }
    this.advance();
    return { prevSample, predOriginalSample: x0 };
  }
}
