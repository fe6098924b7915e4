import type { Settings } from "../config/fields.ts";
import { counted, listed, PRINTED, plural } from "../printed.ts";
import type { Generator } from "../random/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type NoiseSchedule, noiseSchedule } from "./betas.ts";
import { combine, type Term } from "./combine.ts";
import { amended, type Choices, makeConfig, pickSettings, settingsToSave } from "./config.ts";
import { levelOf, levelsFor, type NoiseLevel, type Timesteps } from "./noise-level.ts";
import { pretrainedConfig, type SchedulerSource } from "./pretrained.ts";
import { randnTensor } from "./randn-tensor.ts";
import { checkSameShape } from "./same-shape.ts";
import { PREDICTIONS, type SchedulerSettings } from "./settings.ts";
import { dynamicThreshold } from "./threshold.ts";

/** What one step gives. */
export interface StepOutput {
  /** The sample with less noise: the model's next input. */
  readonly prevSample: Tensor;
  /** The clean sample as the model sees it from here, "x0". */
  readonly predOriginalSample: Tensor;
}

/** How to choose the timesteps of a run. */
export interface TimestepOptions {
  /** The timesteps themselves, largest first, in place of their number. */
  timesteps?: readonly number[];
  /** The noise levels themselves, largest first, in place of their number. */
  sigmas?: readonly number[];
}

/** What some schedulers' steps take besides. */
export interface StepOptions {
  /**
   * Where noise that the step adds comes from: one generator for all samples, or a list with one for each. Default: the
   * shared generator of `manualSeed`.
   */
  generator?: Generator | readonly Generator[];
}

/** Settings that every scheduler has; those of flow matching and EDM know no betas. */
export type CommonSettings = Pick<SchedulerSettings, "num_train_timesteps"> &
  Partial<Pick<SchedulerSettings, "beta_start" | "beta_end" | "beta_schedule" | "trained_betas" | "prediction_type">>;

/** A scheduler's class, as `fromConfig` needs it. */
export interface SchedulerClass<S> {
  new (settings?: never): S;
  /** The settings that it takes if none are given. */
  readonly defaults: object;
  /** Values that other schedulers use for a setting, and what they mean here. */
  readonly aliases?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/**
 * Owns the noise levels of a diffusion process and one step of the way back. It knows nothing of the model.
 *
 * A run: `setTimesteps(n)`, then for each `t` of `timesteps` call the model on `scaleModelInput(sample, t)` and go on
 * with `step(output, t, sample).prevSample`. Names, settings and numbers are those of diffusers.
 */
export abstract class Scheduler<C extends CommonSettings = CommonSettings> implements NoiseSchedule {
  /** The settings in force, in diffusers' keys. */
  readonly config: Readonly<C>;
  /** Variance of the noise that each training step adds, `[T]`. */
  readonly betas: Float32Array;
  /** 1 - beta of each training step, `[T]`. */
  readonly alphas: Float32Array;
  /**
   * Alpha-bar: the product of the alphas up to each training step, `[T]`. A noisy sample is
   * `sqrt(alphaBar) x0 + sqrt(1 - alphaBar) noise`.
   */
  readonly alphasCumprod: Float32Array;
  /** Calls of `step` for each of the run's steps. */
  readonly order: number = 1;
  /** The timesteps of the run, in the order in which they are visited. */
  timesteps: readonly number[];
  /** Steps of the run; null before `setTimesteps`. */
  numInferenceSteps: number | null = null;
  /** Standard deviation of the noise that a run starts from. */
  abstract readonly initNoiseSigma: number;

  protected constructor(defaults: C, settings: Settings<C>, choices: Choices = {}) {
    this.config = makeConfig(this.constructor.name, defaults, settings, { prediction_type: PREDICTIONS, ...choices });
    const known = this.config as Partial<SchedulerSettings>;
    const { betas, alphas, alphasCumprod } =
      known.beta_schedule === undefined
        ? { betas: new Float32Array(0), alphas: new Float32Array(0), alphasCumprod: new Float32Array(0) }
        : noiseSchedule(this.constructor.name, known as SchedulerSettings, known.rescale_betas_zero_snr);
    this.betas = betas;
    this.alphas = alphas;
    this.alphasCumprod = alphasCumprod;
    this.timesteps = Array.from(betas, (_, i) => betas.length - 1 - i);
  }

  /**
   * A scheduler with the settings of a config: diffusers' JSON unmodified, or another scheduler's `config`. Settings
   * of other schedulers are ignored; unknown keys are reported.
   *
   * @param settings - override those of `config`; what is undefined does not
   * @throws if a value is unknown or out of range
   */
  static fromConfig<S, O extends object>(
    this: {
      new (settings?: O): S;
      readonly name: string;
      readonly defaults: object;
      readonly aliases?: SchedulerClass<S>["aliases"];
    },
    config: object,
    settings: O = {} as O,
  ): S {
    // biome-ignore-start lint/complexity/noThisInStatic: `this` is the subclass that fromConfig is called on
    const picked: Record<string, unknown> = pickSettings(this.name, config, this.defaults);
    for (const [key, meanings] of Object.entries(this.aliases ?? {})) {
      const value = String(picked[key]);
      if (Object.hasOwn(meanings, value)) picked[key] = meanings[value];
    }
    const given = Object.entries(settings).filter(([, value]) => value !== undefined);
    return new this({ ...picked, ...Object.fromEntries(given) } as O);
    // biome-ignore-end lint/complexity/noThisInStatic: see above
  }

  /**
   * A scheduler with the settings that a model was trained with, whichever scheduler wrote them:
   * `DDIMScheduler.fromPretrained("difflab/tiny-sd", { subfolder: "scheduler" })`.
   *
   * @param idOrFolder - a folder, a model that ships, or a repository on the Hugging Face hub
   * @throws HubError if `scheduler_config.json` cannot be had; as `fromConfig`
   */
  static async fromPretrained<S>(
    this: { new (settings?: never): S; readonly name: string },
    idOrFolder: string,
    options: SchedulerSource = {},
  ): Promise<S> {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the subclass that fromPretrained is called on
    const kind = this as unknown as { fromConfig(config: object): S; readonly name: string };
    return kind.fromConfig(await pretrainedConfig(kind.name, idOrFolder, options));
  }

  /**
   * Chooses the timesteps of a run and starts it.
   *
   * @param steps - how many, 1 to `num_train_timesteps`
   * @throws RangeError if that is out of range
   */
  abstract setTimesteps(steps: number | null, options?: TimestepOptions): void;

  /** The sample as the model takes it: scaled by some schedulers, as it is for the others. */
  scaleModelInput(sample: Tensor, _timestep: number): Tensor {
    return sample;
  }

  /**
   * One step towards the clean sample.
   *
   * @param modelOutput - what the model said of `sample` at `timestep`, of its shape
   * @param timestep - one of `timesteps`
   * @param sample - the noisy sample, `[batch, ...]`
   */
  abstract step(modelOutput: Tensor, timestep: number, sample: Tensor, options?: StepOptions): StepOutput;

  /**
   * Noises clean samples as training and image-to-image need it.
   *
   * @param samples - `[batch, ...]`
   * @param noise - of the same shape, of standard deviation 1
   * @param timesteps - one for all, or one for each sample (numbers or an int64 tensor `[batch]`)
   * @throws RangeError if the shapes differ, or a timestep is not one of the training's
   */
  addNoise(samples: Tensor, noise: Tensor, timesteps: Timesteps): Tensor {
    checkSameShape(`${this.name}.addNoise`, samples, noise);
    const { alpha, sigma } = levelsFor(`${this.name}.addNoise`, samples, timesteps, this.#schedule);
    return samples.mul(alpha).add(noise.mul(sigma));
  }

  /** The velocity that a "v_prediction" model is trained to say: `sqrt(alpha-bar) noise - sqrt(1 - alpha-bar) sample`. */
  getVelocity(samples: Tensor, noise: Tensor, timesteps: Timesteps): Tensor {
    checkSameShape(`${this.name}.getVelocity`, samples, noise);
    const { alpha, sigma } = levelsFor(`${this.name}.getVelocity`, samples, timesteps, this.#schedule);
    return noise.mul(alpha).sub(samples.mul(sigma));
  }

  /**
   * Another scheduler with the same settings, for a run of its own. What has been set on this one from outside goes along;
   * where it stands in its run does not.
   */
  clone(): this {
    return Object.assign(this.fresh(), this);
  }

  /** A scheduler like this one before any run. A subclass whose constructor takes more than settings overrides it. */
  protected fresh(): this {
    return new (this.constructor as new (settings: object) => this)({ ...this.config });
  }

  [PRINTED](): string {
    const { num_train_timesteps, beta_start, beta_end, beta_schedule, prediction_type } = this.config;
    const run =
      this.numInferenceSteps === null
        ? "no run yet; call setTimesteps(n) to start one"
        : `a run of ${plural(this.numInferenceSteps, "step")}`;
    const betas = beta_start === undefined ? "" : `, beta ${beta_start} to ${beta_end} (${beta_schedule})`;
    return listed(this.constructor.name, [
      ["training", `${counted(num_train_timesteps)} steps${betas}`],
      ["prediction", prediction_type ?? "epsilon"],
      ["sampling", run],
    ]);
  }

  /** The config as diffusers writes it to `scheduler_config.json`. */
  toJSON(): Record<string, unknown> {
    return { _class_name: this.constructor.name, ...settingsToSave(this.config) };
  }

  /** @internal Changes settings that leave the noise schedule as it is, other schedulers' among them. */
  amend(settings: Partial<SchedulerSettings>): void {
    Object.assign(this, { config: amended(this.config, settings) });
  }

  /** What a sample at this timestep is made of. */
  levelAt(timestep: number): NoiseLevel {
    return levelOf(this.alphaBar(timestep));
  }

  /** The timestep that the model is given for one of `timesteps`. */
  modelTimestep(timestep: number): number {
    return timestep;
  }

  /** Says where in `timesteps` a run begins, as image-to-image does that skips the first. Most schedulers need not know. */
  setBeginIndex(_index = 0): void {}

  /** Number of training timesteps. */
  get length(): number {
    return this.config.num_train_timesteps;
  }

  /** Names this scheduler in errors. */
  protected get name(): string {
    return this.constructor.name;
  }

  /** The weighted sum of tensors; errors name the scheduler and the timestep. */
  protected sum(timestep: number, ...terms: readonly Term[]): Tensor {
    return combine(`${this.name} at timestep ${timestep}`, ...terms);
  }

  /** Noise of a tensor's shape. */
  protected noise(like: Tensor, generator?: Generator | readonly Generator[]): Tensor {
    return randnTensor(like.shape, generator, like.device);
  }

  /** Thresholds or clips a predicted clean sample, where the config asks for it. */
  protected limit(x0: Tensor): Tensor {
    const c = this.config as Partial<SchedulerSettings>;
    if (c.thresholding) return dynamicThreshold(x0, c.dynamic_thresholding_ratio!, c.sample_max_value!);
    return c.clip_sample ? x0.clamp(-c.clip_sample_range!, c.clip_sample_range) : x0;
  }

  /** What the config's `prediction_type` makes of the model's output: the clean sample and the noise. */
  protected predict(
    timestep: number,
    output: Tensor,
    sample: Tensor,
    { alpha, sigma }: NoiseLevel,
  ): { x0: Tensor; epsilon: Tensor } {
    switch (this.config.prediction_type) {
      case "epsilon":
        return { x0: this.sum(timestep, [1 / alpha, sample], [-sigma / alpha, output]), epsilon: output };
      case "sample":
        return { x0: output, epsilon: this.sum(timestep, [1 / sigma, sample], [-alpha / sigma, output]) };
      case "v_prediction":
        return {
          x0: this.sum(timestep, [alpha, sample], [-sigma, output]),
          epsilon: this.sum(timestep, [alpha, output], [sigma, sample]),
        };
      default:
        // Flow matching, where alpha + sigma = 1: the output is noise minus clean sample.
        return {
          x0: this.sum(timestep, [1, sample], [-sigma, output]),
          epsilon: this.sum(timestep, [1, sample], [1 - sigma, output]),
        };
    }
  }

  /** Checks the number of steps of a run. */
  protected checkSteps(steps: number | null, options: object = {}): number {
    const train = this.config.num_train_timesteps;
    if (steps === null || !Number.isInteger(steps) || steps < 1 || steps > train) {
      const hint = Object.keys(options).length > 0 ? " (or null with { timesteps })" : "";
      throw new RangeError(`${this.name}.setTimesteps: ${steps} steps; expected 1 to ${train}${hint}`);
    }
    return steps;
  }

  /** Checks timesteps given by the caller: falling, within the training's. */
  protected checkTimesteps(steps: number | null, timesteps: readonly number[]): readonly number[] {
    if (steps !== null)
      throw new RangeError(`${this.name}.setTimesteps: give a number of steps or { timesteps }, not both`);
    const train = this.config.num_train_timesteps;
    const falling = timesteps.every((t, i) => t >= 0 && t < train && (i === 0 || t < timesteps[i - 1]!));
    if (timesteps.length === 0 || !falling) {
      throw new RangeError(
        `${this.name}.setTimesteps: timesteps [${timesteps}]; expected decreasing numbers from below ${train} to 0`,
      );
    }
    return timesteps;
  }

  /** Refuses ways to give a run's levels that this scheduler does not know, as diffusers' does not. */
  protected checkGiven(options: object, known: readonly ("timesteps" | "sigmas" | "mu")[]): void {
    for (const key of ["timesteps", "sigmas", "mu"] as const) {
      if (Reflect.get(options, key) === undefined || known.includes(key)) continue;
      throw new TypeError(
        `${this.name}.setTimesteps: takes no ${key}; expected ${["a number of steps", ...known.map((k) => `{ ${k} }`)].join(" or ")}`,
      );
    }
  }

  /** The error of a step before `setTimesteps`. */
  protected requireRun(): number {
    if (this.numInferenceSteps === null) throw new Error(`${this.name}.step: call setTimesteps first`);
    return this.numInferenceSteps;
  }

  get #schedule() {
    return { alphasCumprod: this.alphasCumprod, alphaBar: (timestep: number) => this.alphaBar(timestep) };
  }

  /** alpha-bar at a timestep of the training. */
  protected alphaBar(timestep: number): number {
    const value = this.alphasCumprod[timestep];
    if (value === undefined) {
      const { steps_offset: offset } = this.config as { steps_offset?: number };
      const hint =
        timestep >= this.length && offset ? `. steps_offset ${offset} moves timesteps up: use fewer steps` : "";
      throw new RangeError(
        `${this.name}: timestep ${timestep}; expected a whole number from 0 to ${this.length - 1}${hint}`,
      );
    }
    return value;
  }
}
