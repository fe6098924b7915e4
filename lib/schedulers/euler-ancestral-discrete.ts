import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { KScheduler } from "./k-scheduler.ts";
import type { StepOptions, StepOutput, TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, TRAINING } from "./settings.ts";

const DEFAULTS = {
  ...TRAINING,
  timestep_spacing: "linspace",
  steps_offset: 0,
  rescale_betas_zero_snr: false,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `EulerAncestralDiscreteScheduler`. */
export type EulerAncestralDiscreteConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/**
 * Euler's method that goes a little too far down at each step and puts noise back, so that the run never settles.
 *
 * @see Crowson's k-diffusion, `sample_euler_ancestral`: https://github.com/crowsonkb/k-diffusion
 */
export class EulerAncestralDiscreteScheduler extends KScheduler<EulerAncestralDiscreteConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: EulerAncestralDiscreteConfig = DEFAULTS;

  constructor(settings: Settings<EulerAncestralDiscreteConfig> = {}) {
    super(DEFAULTS, settings, { prediction_type: ["epsilon", "v_prediction"] });
    this.sigmas = Float32Array.of(...this.scheduleSigmas().toReversed(), 0);
  }

  setTimesteps(steps: number | null, options: TimestepOptions = {}): void {
    this.checkGiven(options, []);
    const { timesteps, sigmas } = this.levels(steps, {});
    this.start(timesteps, [...sigmas, 0], timesteps.length);
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): StepOutput {
    const i = this.at(timestep);
    const [from, to] = [this.sigmas[i]!, this.sigmas[i + 1]!];
    const x0 = this.denoise(timestep, modelOutput, sample, from);
    const up = Math.sqrt((to ** 2 * (from ** 2 - to ** 2)) / from ** 2);
    const down = Math.sqrt(to ** 2 - up ** 2);
    const along = (down - from) / from;
    const noise = this.noise(modelOutput, options.generator);
    const prevSample = this.sum(timestep, [1 + along, sample], [-along, x0], [up, noise]);
    this.advance();
    return { prevSample, predOriginalSample: x0 };
  }
}
