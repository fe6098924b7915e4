import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { EulerStepOptions } from "./euler-discrete.ts";
import type { StepOutput, TimestepOptions } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings.ts";
import { SigmaScheduler } from "./sigma-scheduler.ts";
import { linspace } from "./timesteps.ts";

const DEFAULTS = {
  sigma_min: 0.002,
  sigma_max: 80,
  sigma_data: 0.5,
  sigma_schedule: "karras",
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
  rho: 7,
  final_sigmas_type: "zero",
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `EDMEulerScheduler`. */
export type EDMEulerConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS> & {
  /** Smallest noise level. */
  readonly sigma_min: number;
  /** Largest noise level. */
  readonly sigma_max: number;
};

/**
 * Euler's method in the terms of EDM: no betas, levels from `sigma_max` to `sigma_min`, and inputs and outputs of the model
 * scaled by the data's own standard deviation. The model is given a quarter of log sigma.
 *
 * @see Karras et al. 2022, table 1 and algorithm 2: https://arxiv.org/abs/2206.00364
 */
export class EDMEulerScheduler extends SigmaScheduler<EDMEulerConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: EDMEulerConfig = DEFAULTS;

  constructor(settings: Settings<EDMEulerConfig> = {}) {
    super(DEFAULTS, settings, { prediction_type: ["epsilon", "v_prediction"] });
    this.#begin(linspace(0, 1, this.length + 1));
    this.numInferenceSteps = null;
  }

  get initNoiseSigma(): number {
    return Math.sqrt(this.config.sigma_max ** 2 + 1);
  }

  /**
   * @param options.sigmas - places on the way from `sigma_max` (0) to `sigma_min` (1), in place of evenly spaced ones; diffusers
   *   calls them so
   */
  setTimesteps(steps: number | null, options: TimestepOptions = {}): void {
    this.checkGiven(options, ["sigmas"]);
    if (options.sigmas && steps !== null && steps !== options.sigmas.length) {
      throw new RangeError(`${this.name}.setTimesteps: ${steps} steps and ${options.sigmas.length} sigmas`);
    }
    this.#begin(options.sigmas ?? linspace(0, 1, this.checkSteps(steps)));
  }

  override scaleModelInput(sample: Tensor, timestep: number): Tensor {
    const sigma = this.sigmas[this.at(timestep)]!;
    return sample.mul(1 / Math.sqrt(sigma ** 2 + this.config.sigma_data ** 2));
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: EulerStepOptions = {}): StepOutput {
    const { sChurn = 0, sTmin = 0, sTmax = Number.POSITIVE_INFINITY, sNoise = 1 } = options;
    const i = this.at(timestep);
    const sigma = this.sigmas[i]!;
    const churned = sTmin <= sigma && sigma <= sTmax;
    const gamma = churned ? Math.min(sChurn / (this.sigmas.length - 1), Math.SQRT2 - 1) : 0;
    const raised = sigma * (gamma + 1);
    let noisy = sample;
    if (gamma > 0) {
      const extra = sNoise * Math.sqrt(raised ** 2 - sigma ** 2);
      noisy = this.sum(timestep, [1, sample], [extra, this.noise(modelOutput, options.generator)]);
    }
    const data = this.config.sigma_data;
    const size = raised ** 2 + data ** 2;
    const out = (raised * data) / Math.sqrt(size);
    const sign = this.config.prediction_type === "epsilon" ? 1 : -1;
    const x0 = this.sum(timestep, [data ** 2 / size, noisy], [sign * out, modelOutput]);
    const along = (this.sigmas[i + 1]! - raised) / raised;
    const prevSample = this.sum(timestep, [1 + along, noisy], [-along, x0]);
    this.advance();
    return { prevSample, predOriginalSample: x0 };
  }

  protected noiseLevel(sigma: number) {
    return { alpha: 1, sigma };
  }

  #begin(places: readonly number[]): void {
    const { sigma_min: least, sigma_max: most, rho, sigma_schedule: schedule } = this.config;
    const [high, low] = [most ** (1 / rho), least ** (1 / rho)];
    // diffusers spaces exponential levels evenly, wherever the places are.
    const levels =
      schedule === "karras"
        ? places.map((place) => (high + place * (low - high)) ** rho)
        : linspace(Math.log(least), Math.log(most), places.length).map(Math.exp).reverse();
    const sigmas = levels.map(Math.fround);
    const timesteps = sigmas.map((sigma) => Math.fround(0.25 * Math.log(sigma)));
    const final = this.config.final_sigmas_type === "zero" ? 0 : sigmas.at(-1)!;
    this.start(timesteps, [...sigmas, final], sigmas.length);
  }
}
