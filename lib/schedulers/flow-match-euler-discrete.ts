import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { StepOptions, StepOutput, TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, SPACING } from "./settings.ts";
import { SigmaScheduler } from "./sigma-scheduler.ts";
import { respaced, shifted, stretched } from "./sigmas.ts";
import { linspace } from "./timesteps.ts";

const DEFAULTS = {
  num_train_timesteps: 1000,
  shift: 1,
  use_dynamic_shifting: false,
  base_shift: 0.5,
  max_shift: 1.15,
  base_image_seq_len: 256,
  max_image_seq_len: 4096,
  invert_sigmas: false,
  shift_terminal: null,
  ...SPACING,
  time_shift_type: "exponential",
  stochastic_sampling: false,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `FlowMatchEulerDiscreteScheduler`. */
export type FlowMatchEulerDiscreteConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/** How the levels of a run of flow matching may be given; `timesteps` and `sigmas` may come together. */
export interface FlowMatchTimestepOptions extends TimestepOptions {
  /** The shift of this run, which `use_dynamic_shifting` needs. */
  mu?: number;
}

/**
 * Euler's method for flow matching: a noisy sample is (1 - sigma) clean + sigma noise, the model says noise minus clean, and
 * each step follows that straight line.
 *
 * @see Lipman et al. 2022: https://arxiv.org/abs/2210.02747; Esser et al. 2024: https://arxiv.org/abs/2403.03206
 */
export class FlowMatchEulerDiscreteScheduler extends SigmaScheduler<FlowMatchEulerDiscreteConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: FlowMatchEulerDiscreteConfig = DEFAULTS;
  readonly initNoiseSigma = 1;
  /** Largest and smallest level of the training. */
  readonly #ends: readonly [number, number];

  constructor(settings: Settings<FlowMatchEulerDiscreteConfig> = {}) {
    super(DEFAULTS, settings);
    const { shift, use_dynamic_shifting: dynamic } = this.config;
    const levels = Array.from({ length: this.length }, (_, i) => {
      const sigma = Math.fround((this.length - i) / this.length);
      return Math.fround(dynamic ? sigma : shifted(sigma, shift));
    });
    this.sigmas = Float32Array.from(levels);
    this.timesteps = levels.map((sigma) => Math.fround(sigma * this.length));
    this.#ends = [levels[0]!, levels.at(-1)!];
  }

  /**
   * @param steps - how many; null, or the same number, beside `sigmas` or `timesteps`
   * @throws RangeError if their lengths differ, or `use_dynamic_shifting` finds no `mu`
   */
  setTimesteps(steps: number | null, options: FlowMatchTimestepOptions = {}): void {
    const { config } = this;
    const { sigmas: given, timesteps, mu } = options;
    const n = this.#count(steps, options);
    if (config.use_dynamic_shifting && !Number.isFinite(mu)) {
      throw new RangeError(`${this.name}.setTimesteps: mu is ${mu}; use_dynamic_shifting needs a number`);
    }
    const [most, least] = this.#ends;
    const plain =
      given?.map(Math.fround) ??
      (timesteps?.map(Math.fround) ?? linspace(most * this.length, least * this.length, n)).map((t) => t / this.length);
    const shift = this.#shift(mu);
    const moved = stretched(
      plain.map((sigma) => shifted(sigma, shift)),
      config.shift_terminal,
    );
    const own = respaced(config, n, { first: moved[0]!, last: moved.at(-1)! }) ?? moved;
    let sigmas = own.map(Math.fround);
    if (config.invert_sigmas) sigmas = sigmas.map((sigma) => Math.fround(1 - sigma));
    const visited =
      timesteps && !config.invert_sigmas
        ? timesteps.map(Math.fround)
        : sigmas.map((sigma) => Math.fround(sigma * this.length));
    this.start(visited, [...sigmas, config.invert_sigmas ? 1 : 0], n);
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): StepOutput {
    const i = this.at(timestep);
    const [sigma, next] = [this.sigmas[i]!, this.sigmas[i + 1]!];
    const x0 = this.sum(timestep, [1, sample], [-sigma, modelOutput]);
    const prevSample = this.config.stochastic_sampling
      ? this.sum(timestep, [1 - next, x0], [next, this.noise(sample, options.generator)])
      : this.sum(timestep, [1, sample], [next - sigma, modelOutput]);
    this.advance();
    return { prevSample, predOriginalSample: x0 };
  }

  /** Noises clean samples to the level of a timestep of this run: diffusers' name for `addNoise` here. */
  scaleNoise(samples: Tensor, timesteps: number | readonly number[], noise: Tensor): Tensor {
    return this.addNoise(samples, noise, timesteps);
  }

  protected noiseLevel(sigma: number) {
    return { alpha: 1 - sigma, sigma };
  }

  #count(steps: number | null, { sigmas, timesteps }: FlowMatchTimestepOptions): number {
    if (!sigmas && !timesteps) return this.checkSteps(steps);
    const lengths = [sigmas?.length, timesteps?.length, steps ?? undefined].filter((n) => n !== undefined);
    if (lengths.some((n) => n !== lengths[0]) || lengths[0] === 0) {
      throw new RangeError(
        `${this.name}.setTimesteps: ${steps} steps, ${sigmas?.length ?? "no"} sigmas and ${timesteps?.length ?? "no"} timesteps; expected the same number of each`,
      );
    }
    return lengths[0]!;
  }

  /** What multiplies the odds of noise: sigma / (1 - sigma). */
  #shift(mu: number | undefined): number {
    const { use_dynamic_shifting: dynamic, time_shift_type: kind, shift } = this.config;
    if (!dynamic) return shift;
    return kind === "exponential" ? Math.exp(mu!) : mu!;
  }
}
