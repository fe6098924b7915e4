import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { KScheduler } from "./k-scheduler.ts";
import type { StepOptions, StepOutput, TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, SPACING, TRAINING } from "./settings.ts";
import { sigmaToTimestep } from "./sigmas.ts";
import { linspace } from "./timesteps.ts";

const DEFAULTS = {
  ...TRAINING,
  ...SPACING,
  interpolation_type: "linear",
  sigma_min: null,
  sigma_max: null,
  timestep_spacing: "linspace",
  timestep_type: "discrete",
  steps_offset: 0,
  rescale_betas_zero_snr: false,
  final_sigmas_type: "zero",
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `EulerDiscreteScheduler`. */
export type EulerDiscreteConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/** What a step of `EulerDiscreteScheduler` takes besides: noise put back before the step ("churn"). */
export interface EulerStepOptions extends StepOptions {
  /** How much, over the whole run; default 0: none, the run is deterministic. */
  sChurn?: number;
  /** Only at levels from here; default 0. */
  sTmin?: number;
  /** Only at levels up to here; default infinite. */
  sTmax?: number;
  /** Standard deviation of that noise; default 1. */
  sNoise?: number;
}

/** How the levels of a run may be given: `sigmas` end with the level after the last step, such as 0. */
export type EulerTimestepOptions = TimestepOptions;

/**
 * Euler's method on the way from noise to sample: one straight line a step.
 *
 * @see Karras et al. 2022, algorithm 2 without its second half: https://arxiv.org/abs/2206.00364
 */
export class EulerDiscreteScheduler extends KScheduler<EulerDiscreteConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: EulerDiscreteConfig = DEFAULTS;

  constructor(settings: Settings<EulerDiscreteConfig> = {}) {
    super(DEFAULTS, settings);
    this.sigmas = Float32Array.of(...this.scheduleSigmas().toReversed(), 0);
  }

  setTimesteps(steps: number | null, options: EulerTimestepOptions = {}): void {
    const { config } = this;
    this.checkGiven(options, ["timesteps", "sigmas"]);
    if (options.sigmas) return this.#setSigmas(steps, options);
    if (options.timesteps && this.#continuous) {
      throw new RangeError(
        `${this.name}.setTimesteps: { timesteps } with timestep_type "continuous" and "v_prediction", whose timesteps are levels; give { sigmas }`,
      );
    }
    const { timesteps, sigmas, table } = this.levels(steps, options);
    const final = config.final_sigmas_type === "zero" ? 0 : table[0]!;
    this.#begin(timesteps, [...sigmas, final]);
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: EulerStepOptions = {}): StepOutput {
    const { sChurn = 0, sTmin = 0, sTmax = Number.POSITIVE_INFINITY, sNoise = 1 } = options;
    const i = this.at(timestep);
    const sigma = this.sigmas[i]!;
    const churned = sTmin <= sigma && sigma <= sTmax;
    const gamma = churned ? Math.min(sChurn / (this.sigmas.length - 1), Math.SQRT2 - 1) : 0;
    const sigmaHat = sigma * (gamma + 1);
    let noisy = sample;
    if (gamma > 0) {
      const extra = sNoise * Math.sqrt(sigmaHat * sigmaHat - sigma * sigma);
      noisy = this.sum(timestep, [1, sample], [extra, this.noise(modelOutput, options.generator)]);
    }
    // diffusers takes the raised level for the noise, and the level before for the velocity.
    const seen = this.config.prediction_type === "v_prediction" ? sigma : sigmaHat;
    const x0 = this.denoise(timestep, modelOutput, noisy, seen);
    const along = (this.sigmas[i + 1]! - sigmaHat) / sigmaHat;
    const prevSample = this.sum(timestep, [1 + along, noisy], [-along, x0]);
    this.advance();
    return { prevSample, predOriginalSample: x0 };
  }

  protected override baseSigmas(timesteps: readonly number[], table: Float32Array): number[] {
    if (this.config.interpolation_type === "linear") return super.baseSigmas(timesteps, table);
    // diffusers makes one more level than steps here, so the level after the last step comes twice.
    const ends = [table.at(-1)!, table[0]!].map((sigma) => Math.fround(Math.log(sigma))) as [number, number];
    return linspace(...ends, timesteps.length + 1).map((log) => Math.fround(Math.exp(log)));
  }

  #setSigmas(steps: number | null, { sigmas = [], timesteps }: TimestepOptions): void {
    // Levels may repeat: the last one does in runs of diffusers' own that end at the schedule's smallest.
    const falling = Array.from(sigmas).every((sigma, i) => sigma >= 0 && (i === 0 || sigma <= sigmas[i - 1]!));
    if (steps !== null || timesteps || sigmas.length < 2 || !falling) {
      const other = timesteps ? "timesteps" : `${steps} steps`;
      throw new RangeError(
        `${this.name}.setTimesteps: sigmas [${sigmas}] with ${other}; expected decreasing levels, including the one after the last step, and null steps`,
      );
    }
    const table = this.scheduleSigmas();
    const levels = Array.from(sigmas, Math.fround);
    const visited = levels.slice(0, -1).map((sigma) => Math.fround(sigmaToTimestep(sigma, table)));
    this.#begin(visited, levels);
  }

  get #continuous(): boolean {
    return this.config.timestep_type === "continuous" && this.config.prediction_type === "v_prediction";
  }

  #begin(timesteps: readonly number[], sigmas: readonly number[]): void {
    // The model is given a quarter of log sigma, for every level but the last.
    const given = this.#continuous ? sigmas.slice(0, -1).map((s) => Math.fround(0.25 * Math.log(s))) : timesteps;
    this.start(given, sigmas, timesteps.length);
  }
}
