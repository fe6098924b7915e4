import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { DISTILLED, DistilledScheduler, type DistilledTimestepOptions } from "./distilled-scheduler.ts";
import { levelOf } from "./noise-level.ts";
import type { StepOptions, StepOutput } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings.ts";

/** Settings of `LCMScheduler`. */
export type LCMConfig = Pick<SchedulerSettings, keyof typeof DISTILLED>;

/** How the timesteps of an LCM run may be chosen besides. */
export type LCMTimestepOptions = DistilledTimestepOptions;

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
export class LCMScheduler extends DistilledScheduler<LCMConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: LCMConfig = DISTILLED;

  constructor(settings: Settings<LCMConfig> = {}) {
    super(DISTILLED, settings);
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): LCMStepOutput {
    const steps = this.requireRun();
    const i = this.at(timestep);
    const previous = this.timesteps[i + 1] ?? timestep;
    const alphaBar = this.alphaBar(timestep);
    const alphaBarPrev = previous >= 0 ? this.alphaBar(previous) : 1;
    const level = levelOf(alphaBar);
    const x0 = this.limit(this.predict(timestep, modelOutput, sample, level).x0);
    // The boundary condition: at t = 0 the sample itself, from the first steps on the prediction alone.
    const scaled = timestep * this.config.timestep_scaling;
    const skip = SIGMA_DATA ** 2 / (scaled ** 2 + SIGMA_DATA ** 2);
    const out = scaled / Math.sqrt(scaled ** 2 + SIGMA_DATA ** 2);
    const denoised = this.sum(timestep, [out, x0], [skip, sample]);
    this.advance();
    if (i === steps - 1) return { prevSample: denoised, predOriginalSample: denoised, denoised };
    const noise = this.noise(modelOutput, options.generator);
    const prevSample = this.sum(timestep, [Math.sqrt(alphaBarPrev), denoised], [Math.sqrt(1 - alphaBarPrev), noise]);
    return { prevSample, predOriginalSample: denoised, denoised };
  }
}
