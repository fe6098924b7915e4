import type { Settings } from "../config/fields.ts";
import { plural } from "../printed.ts";
import { fromArray } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Choices } from "./config.ts";
import type { NoiseLevel, Timesteps } from "./noise-level.ts";
import { checkSameShape } from "./same-shape.ts";
import { type CommonSettings, Scheduler } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings.ts";
import { sigmasOf } from "./sigmas.ts";

/**
 * A scheduler that walks down a list of noise levels and keeps count of where it is: sigma is the standard deviation of
 * the noise beside a clean sample of scale 1.
 */
export abstract class SigmaScheduler<C extends CommonSettings = CommonSettings> extends Scheduler<C> {
  /** Noise levels of the run, largest first, the level after the last step included, in float32. */
  sigmas: Float32Array = new Float32Array(0);
  #table: Float32Array | null = null;
  #index: number | null = null;
  #begin: number | null = null;

  protected constructor(defaults: C, settings: Settings<C>, choices: Choices = {}) {
    super(defaults, settings, choices);
  }

  /** Steps done in this run; null before the first. */
  get stepIndex(): number | null {
    return this.#index;
  }

  /** Where the run begins, as set by `setBeginIndex`; null: at the first step's timestep. */
  get beginIndex(): number | null {
    return this.#begin;
  }

  /** Says where in `timesteps` a run begins, as image-to-image does that skips the first. */
  override setBeginIndex(index = 0): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.timesteps.length) {
      throw new RangeError(`${this.name}.setBeginIndex: ${index}; expected 0 to ${this.timesteps.length - 1}`);
    }
    this.#begin = index;
  }

  /**
   * Noises clean samples to the level of a timestep of this run.
   *
   * @param timesteps - one for all or one for each sample, of `this.timesteps`
   */
  override addNoise(samples: Tensor, noise: Tensor, timesteps: Timesteps): Tensor {
    checkSameShape(`${this.name}.addNoise`, samples, noise);
    const levels = this.#runSigmas(samples, timesteps, "addNoise").map((sigma) => this.noiseLevel(sigma));
    const noisy = noise.mul(column(levels, samples, ({ sigma }) => sigma));
    if (levels.every(({ alpha }) => alpha === 1)) return samples.add(noisy);
    return samples.mul(column(levels, samples, ({ alpha }) => alpha)).add(noisy);
  }

  /**
   * The velocity at the level of a timestep of this run, where signal and noise are scaled to a variance of 1 together.
   * (diffusers' Euler takes the number of the step for the timestep here; this does not.)
   */
  override getVelocity(samples: Tensor, noise: Tensor, timesteps: Timesteps): Tensor {
    checkSameShape(`${this.name}.getVelocity`, samples, noise);
    const sigmas = this.#runSigmas(samples, timesteps, "getVelocity");
    const alpha = column(sigmas, samples, (sigma) => 1 / Math.sqrt(sigma * sigma + 1));
    const scaled = column(sigmas, samples, (sigma) => sigma / Math.sqrt(sigma * sigma + 1));
    return noise.mul(alpha).sub(samples.mul(scaled));
  }

  override levelAt(timestep: number): NoiseLevel {
    return this.noiseLevel(this.#sigmaAt(timestep));
  }

  /** The place of a timestep in the run; its second, if it is visited twice, so that no level is skipped. */
  indexForTimestep(timestep: number): number {
    const first = this.timesteps.indexOf(timestep);
    if (first < 0) {
      throw new RangeError(
        `${this.name}: timestep ${timestep} is not part of this run; use those in scheduler.timesteps`,
      );
    }
    const second = this.timesteps.indexOf(timestep, first + 1);
    return second < 0 ? first : second;
  }

  /** What a noisy sample of a sigma of the run is made of. */
  protected abstract noiseLevel(sigma: number): NoiseLevel;

  /** The schedule's sigmas, float32, where the largest stays finite even if nothing of the signal is left. */
  protected scheduleSigmas(): Float32Array {
    if (this.#table) return this.#table;
    const zeroSnr = (this.config as Partial<SchedulerSettings>).rescale_betas_zero_snr;
    // A sigma of 4096 in place of infinity, as in diffusers.
    this.#table = sigmasOf(zeroSnr ? this.alphasCumprod.with(-1, 2 ** -24) : this.alphasCumprod);
    return this.#table;
  }

  /** Checks timesteps given by the caller, which leave no choice of levels. */
  protected givenTimesteps(steps: number | null, timesteps: readonly number[]): readonly number[] {
    const c = this.config as Partial<SchedulerSettings>;
    if (c.use_karras_sigmas || c.use_exponential_sigmas || c.use_beta_sigmas || c.use_lu_lambdas || c.use_flow_sigmas) {
      throw new RangeError(
        `${this.name}.setTimesteps: { timesteps } and the config's own sigma spacing cannot be combined`,
      );
    }
    return this.checkTimesteps(steps, timesteps);
  }

  /** Starts a run over these timesteps and levels. */
  protected start(timesteps: readonly number[], sigmas: readonly number[], steps: number): void {
    this.timesteps = timesteps;
    this.sigmas = Float32Array.from(sigmas);
    this.numInferenceSteps = steps;
    this.#index = null;
    this.#begin = null;
  }

  /** The place of the step to be done. */
  protected at(timestep: number): number {
    this.requireRun();
    this.#index ??= this.#begin ?? this.indexForTimestep(timestep);
    if (this.#index >= this.timesteps.length) {
      throw new RangeError(
        `${this.name}.step: this run of ${plural(this.timesteps.length, "step")} is finished; call setTimesteps to start another`,
      );
    }
    return this.#index;
  }

  /** Counts a step as done. */
  protected advance(): void {
    this.#index = (this.#index ?? 0) + 1;
  }

  #runSigmas(samples: Tensor, timesteps: Timesteps, method: string): number[] {
    if (timesteps instanceof Tensor) {
      throw new TypeError(
        `${this.name}.${method}: takes timesteps as numbers; train with a DDPMScheduler, which takes tensors`,
      );
    }
    const batch = samples.shape[0] ?? 1;
    const list = typeof timesteps === "number" ? [timesteps] : timesteps;
    if (list.length !== 1 && list.length !== batch) {
      throw new RangeError(`${this.name}.${method}: ${list.length} timesteps for a batch of ${batch}`);
    }
    return list.map((t) => this.#sigmaAt(t));
  }

  #sigmaAt(timestep: number): number {
    const index = this.#begin === null ? this.indexForTimestep(timestep) : (this.#index ?? this.#begin);
    return this.sigmas[index]!;
  }
}

/** A number for each sample, in a shape that broadcasts over the rest of it. */
function column<T>(values: readonly T[], samples: Tensor, f: (value: T) => number): Tensor {
  const shape = [values.length, ...samples.shape.slice(1).map(() => 1)];
  return fromArray("float32", shape, Float32Array.from(values, f));
}
