/** Everything that diffusers' `scheduler_config.json` files set, under their own keys. Each scheduler takes some of it. */
export interface SchedulerSettings {
  /** Steps of the noising process that the model was trained on. */
  num_train_timesteps: number;
  /** Variance added by the first step. */
  beta_start: number;
  /** Variance added by the last step. */
  beta_end: number;
  /** How the variance grows in between. */
  beta_schedule: "linear" | "scaled_linear" | "squaredcos_cap_v2" | "sigmoid" | "laplace" | "exp";
  /** The variances themselves, in place of the three settings before. */
  trained_betas: readonly number[] | null;
  /** Shift the schedule so that its last step is pure noise. Lin et al. 2023: https://arxiv.org/abs/2305.08891 */
  rescale_betas_zero_snr: boolean;
  /** What the model's output is: the noise, the clean sample, or the velocity between them. */
  prediction_type: "epsilon" | "sample" | "v_prediction";
  /** How the steps of a run are spread over the training's. Table 2 of https://arxiv.org/abs/2305.08891 */
  timestep_spacing: "linspace" | "leading" | "trailing";
  /** Added to every timestep of "leading". */
  steps_offset: number;
  /** Keep the predicted clean sample within `clip_sample_range`. */
  clip_sample: boolean;
  clip_sample_range: number;
  /** Dynamic thresholding of the predicted clean sample. Saharia et al. 2022: https://arxiv.org/abs/2205.11487 */
  thresholding: boolean;
  dynamic_thresholding_ratio: number;
  sample_max_value: number;
  /** The noise that DDPM puts back. */
  variance_type:
    | "fixed_small"
    | "fixed_small_log"
    | "fixed_large"
    | "fixed_large_log"
    | "learned"
    | "learned_range"
    | null;
  /** Whether the step before the first has no noise at all (else as much as the first). */
  set_alpha_to_one: boolean;
  /** PNDM: leave out the Runge-Kutta steps, as Stable Diffusion does. */
  skip_prk_steps: boolean;
  /** Noise levels evenly spaced in sigma^(1/7). Karras et al. 2022: https://arxiv.org/abs/2206.00364 */
  use_karras_sigmas: boolean;
  /** Noise levels evenly spaced in log sigma. */
  use_exponential_sigmas: boolean;
  /** Noise levels at the quantiles of a Beta(0.6, 0.6) distribution: not supported. */
  use_beta_sigmas: boolean;
  /** Noise levels evenly spaced in lambda. Lu et al. 2022: https://arxiv.org/abs/2206.00927 */
  use_lu_lambdas: boolean;
  /** Flow matching: not supported. */
  use_flow_sigmas: boolean;
  /** Smallest noise level of Karras and exponential spacing, in place of the schedule's. */
  sigma_min: number | null;
  /** Largest noise level of Karras and exponential spacing, in place of the schedule's. */
  sigma_max: number | null;
  /** The level after the last step. */
  final_sigmas_type: "zero" | "sigma_min";
  /** How Euler finds a level between two of the schedule's. */
  interpolation_type: "linear" | "log_linear";
  /** Whether Euler gives the model a timestep or, for v-prediction, a quarter of log sigma. */
  timestep_type: "discrete" | "continuous";
  /** Order of a multi-step or single-step solver, 1 to 3. */
  solver_order: number;
  algorithm_type: "dpmsolver" | "dpmsolver++" | "sde-dpmsolver" | "sde-dpmsolver++";
  solver_type: "midpoint" | "heun" | "bh1" | "bh2";
  /** Fall back to lower orders in the last steps. */
  lower_order_final: boolean;
  /** Make the last step one of Euler's. */
  euler_at_final: boolean;
  /** Leave out timesteps whose lambda lies below. */
  lambda_min_clipped: number;
  /** UniPC: whether it works on the clean sample (else on the noise). */
  predict_x0: boolean;
  /** UniPC: steps after which the corrector is left out. */
  disable_corrector: readonly number[];
  /** LCM: steps that the distillation used. */
  original_inference_steps: number;
  /** LCM: weight of the timestep in the boundary condition. */
  timestep_scaling: number;
}

type Key = keyof SchedulerSettings;

type Camel<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;

/** A scheduler's settings, in diffusers' spelling or in camelCase. */
export type SettingsOf<C> = { [K in keyof C]?: C[K] } & { [K in keyof C as Camel<K & string>]?: C[K] };

/** What each setting with a fixed list of values may be. */
const CHOICES: { readonly [K in Key]?: readonly SchedulerSettings[K][] } = {
  beta_schedule: ["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace", "exp"],
  prediction_type: ["epsilon", "sample", "v_prediction"],
  timestep_spacing: ["linspace", "leading", "trailing"],
  variance_type: ["fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log", "learned", "learned_range"],
  final_sigmas_type: ["zero", "sigma_min"],
  interpolation_type: ["linear", "log_linear"],
  timestep_type: ["discrete", "continuous"],
  algorithm_type: ["dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"],
  solver_type: ["midpoint", "heun", "bh1", "bh2"],
  solver_order: [1, 2, 3],
};

/** Settings that exist in diffusers and ask for what no scheduler here does. */
const UNSUPPORTED: readonly Key[] = ["use_beta_sigmas", "use_flow_sigmas"];

const POSITIVE: readonly Key[] = ["num_train_timesteps", "original_inference_steps"];

/** The settings that a scheduler was not given and took from its own defaults, kept beside its config. */
export const DEFAULTED: unique symbol = Symbol("settings taken from the defaults");

/** Narrower lists of values than the common ones, where a scheduler takes fewer. */
export type Choices = { readonly [K in Key]?: readonly SchedulerSettings[K][] };

/**
 * Joins settings given by the caller with a scheduler's defaults, and checks each.
 *
 * @param name - the scheduler, for errors
 * @returns the config, frozen, in diffusers' keys
 * @throws TypeError for an unknown setting or a value of the wrong type, RangeError for one out of range
 */
export function makeConfig<C extends Partial<SchedulerSettings>>(
  name: string,
  defaults: C,
  given: SettingsOf<C>,
  choices: Choices,
): Readonly<C> {
  const config: Record<string, unknown> = { ...defaults };
  const set = new Set<string>();
  for (const [spelled, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const key = snake(spelled);
    if (!Object.hasOwn(defaults, key)) {
      throw new TypeError(`${name}: unknown setting ${spelled}; expected one of ${Object.keys(defaults).join(", ")}`);
    }
    config[key] = value;
    set.add(key);
  }
  for (const key of Object.keys(config) as Key[])
    check(name, key, config[key], defaults[key], { ...CHOICES, ...choices });
  checkSpacing(name, config);
  const defaulted = Object.keys(defaults).filter((key) => !set.has(key));
  Object.defineProperty(config, DEFAULTED, { value: defaulted, enumerable: false });
  return Object.freeze(config) as Readonly<C>;
}

/**
 * The settings of `config` that a scheduler with these defaults takes: another scheduler's own settings are left out,
 * and so is what that scheduler had only taken from its defaults, so that the new one's defaults hold.
 */
export function pickSettings<C extends object>(config: object, defaults: C): Partial<C> {
  const defaulted = (config as { [DEFAULTED]?: readonly string[] })[DEFAULTED] ?? [];
  const picked: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    if (Object.hasOwn(defaults, key) && !defaulted.includes(key)) picked[key] = value;
  }
  return picked as Partial<C>;
}

/**
 * Reads a `scheduler_config.json`. Python writes infinite numbers into it that JSON does not know.
 *
 * @throws Error where the text is no JSON object
 */
export function parseConfig(text: string): Record<string, unknown> {
  const marked = text.replace(/:\s*(-?)Infinity(?=\s*[,}\]])/g, (_, sign) => `: ${sign}1e999`);
  let config: unknown;
  try {
    config = JSON.parse(marked);
  } catch (error) {
    throw new Error(`scheduler config: not JSON (${(error as Error).message})`);
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new Error("scheduler config: expected a JSON object of settings");
  }
  return config as Record<string, unknown>;
}

function snake(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function check(name: string, key: Key, value: unknown, fallback: unknown, choices: Choices): void {
  const shown = JSON.stringify(value) ?? String(value);
  const allowed = choices[key] as readonly unknown[] | undefined;
  if (allowed) {
    if (!allowed.includes(value) && !(value === null && fallback === null)) {
      const list = allowed.map((one) => JSON.stringify(one)).join(", ");
      throw new RangeError(`${name}: unknown ${key} ${shown}; expected one of ${list}`);
    }
    return;
  }
  if (UNSUPPORTED.includes(key) && value) {
    throw new RangeError(`${name}: ${key} is not supported; use use_karras_sigmas or use_exponential_sigmas`);
  }
  if (key === "trained_betas" || key === "disable_corrector") {
    if (value !== null && !(Array.isArray(value) && value.every(Number.isFinite))) {
      throw new TypeError(`${name}: ${key} is ${shown}, expected a list of numbers`);
    }
    return;
  }
  if (typeof fallback === "boolean" ? typeof value !== "boolean" : typeof value !== "number" && value !== null) {
    throw new TypeError(
      `${name}: ${key} is ${shown}, expected a ${typeof fallback === "boolean" ? "boolean" : "number"}`,
    );
  }
  if (value === null && fallback !== null) throw new TypeError(`${name}: ${key} is null, expected a number`);
  if (Number.isNaN(value)) throw new RangeError(`${name}: ${key} is NaN`);
  if (POSITIVE.includes(key) && !(Number.isInteger(value) && (value as number) > 0)) {
    throw new RangeError(`${name}: ${key} is ${shown}, expected a whole number from 1 up`);
  }
  if ((key === "beta_start" || key === "beta_end") && !((value as number) > 0 && (value as number) < 1)) {
    throw new RangeError(`${name}: ${key} is ${shown}; a variance lies between 0 and 1`);
  }
}

function checkSpacing(name: string, config: Record<string, unknown>): void {
  const spacings = ["use_karras_sigmas", "use_exponential_sigmas", "use_lu_lambdas"].filter((key) => config[key]);
  if (spacings.length > 1) throw new RangeError(`${name}: ${spacings.join(" and ")} exclude each other`);
}
