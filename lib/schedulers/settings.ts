import {
  type ConfigOf,
  choice,
  type Field,
  field,
  finite,
  flag,
  integer,
  kept,
  listOf,
  only,
  orNull,
  whole,
} from "../config/fields.ts";

export const VARIANCE_TYPES = [
  "fixed_small",
  "fixed_small_log",
  "fixed_large",
  "fixed_large_log",
  "learned",
  "learned_range",
] as const;

function variance(fallback: number): Field<number> {
  return field(
    fallback,
    "a variance, between 0 and 1",
    (value) => (value as number) > 0 && (value as number) < 1 && typeof value === "number",
  );
}

/** Everything that diffusers' `scheduler_config.json` files set, under their own keys. Each scheduler takes some of it. */
export const SETTINGS = {
  /** Steps of the noising process that the model was trained on. */
  num_train_timesteps: whole(1000),
  /** Variance added by the first step. */
  beta_start: variance(0.0001),
  /** Variance added by the last step. */
  beta_end: variance(0.02),
  /** How the variance grows in between. */
  beta_schedule: choice(["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace", "exp"], "linear"),
  /** The variances themselves, in place of the three settings before. */
  trained_betas: orNull(listOf(finite(0), [])),
  /** Shift the schedule so that its last step is pure noise. Lin et al. 2023: https://arxiv.org/abs/2305.08891 */
  rescale_betas_zero_snr: flag(false),
  /** What the model's output is: the noise, the clean sample, or the velocity between them. */
  prediction_type: choice(["epsilon", "sample", "v_prediction"], "epsilon"),
  /** How the steps of a run are spread over the training's. Table 2 of https://arxiv.org/abs/2305.08891 */
  timestep_spacing: choice(["linspace", "leading", "trailing"], "linspace"),
  /** Added to every timestep of "leading". */
  steps_offset: integer(0),
  /** Keep the predicted clean sample within `clip_sample_range`. */
  clip_sample: flag(false),
  clip_sample_range: finite(1),
  /** Dynamic thresholding of the predicted clean sample. Saharia et al. 2022: https://arxiv.org/abs/2205.11487 */
  thresholding: flag(false),
  dynamic_thresholding_ratio: finite(0.995),
  sample_max_value: finite(1),
  /** The noise that DDPM puts back. */
  variance_type: orNull(choice(VARIANCE_TYPES, "fixed_small")),
  /** Whether the step before the first has no noise at all (else as much as the first). */
  set_alpha_to_one: flag(true),
  /** PNDM: leave out the Runge-Kutta steps, as Stable Diffusion does. */
  skip_prk_steps: flag(false),
  /** Noise levels evenly spaced in sigma^(1/7). Karras et al. 2022: https://arxiv.org/abs/2206.00364 */
  use_karras_sigmas: flag(false),
  /** Noise levels evenly spaced in log sigma. */
  use_exponential_sigmas: flag(false),
  /** Noise levels at the quantiles of a Beta(0.6, 0.6) distribution: not supported, use Karras' or exponential ones. */
  use_beta_sigmas: only<boolean>(false),
  /** Noise levels evenly spaced in lambda. Lu et al. 2022: https://arxiv.org/abs/2206.00927 */
  use_lu_lambdas: flag(false),
  /** Flow matching: not supported. */
  use_flow_sigmas: only<boolean>(false),
  /** Smallest noise level of Karras and exponential spacing, in place of the schedule's. */
  sigma_min: orNull(finite(0)),
  /** Largest noise level of Karras and exponential spacing, in place of the schedule's. */
  sigma_max: orNull(finite(0)),
  /** The level after the last step. */
  final_sigmas_type: choice(["zero", "sigma_min"], "zero"),
  /** How Euler finds a level between two of the schedule's. */
  interpolation_type: choice(["linear", "log_linear"], "linear"),
  /** Whether Euler gives the model a timestep or, for v-prediction, a quarter of log sigma. */
  timestep_type: choice(["discrete", "continuous"], "discrete"),
  /** Order of a multi-step or single-step solver, 1 to 3. */
  solver_order: choice([1, 2, 3], 2) as Field<number>,
  algorithm_type: choice(["dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"], "dpmsolver++"),
  solver_type: choice(["midpoint", "heun", "bh1", "bh2"], "midpoint"),
  /** Fall back to lower orders in the last steps. */
  lower_order_final: flag(true),
  /** Make the last step one of Euler's. */
  euler_at_final: flag(false),
  /** Leave out timesteps whose lambda lies below. */
  lambda_min_clipped: field<number>(
    Number.NEGATIVE_INFINITY,
    "a number, or -Infinity",
    (value) => typeof value === "number" && value < Number.POSITIVE_INFINITY,
  ),
  /** UniPC: whether it works on the clean sample (else on the noise). */
  predict_x0: flag(true),
  /** UniPC: steps after which the corrector is left out. */
  disable_corrector: field<readonly number[]>(
    [],
    "a list of whole numbers",
    (value) => Array.isArray(value) && value.every(Number.isInteger),
  ),
  /** LCM: steps that the distillation used. */
  original_inference_steps: whole(50),
  /** LCM: weight of the timestep in the boundary condition. */
  timestep_scaling: finite(10),
  // Of flow matching and of another solver's corrector.
  flow_shift: kept(1),
  use_dynamic_shifting: only<boolean>(false),
  time_shift_type: kept("exponential"),
  shift_terminal: only<null>(null),
  solver_p: only<null>(null),
};

/** All settings of all schedulers, in diffusers' keys; each scheduler takes some of them. */
export type SchedulerSettings = ConfigOf<typeof SETTINGS>;

/** The noising process that a model was trained on, with diffusers' defaults, and what the model says. */
export const TRAINING = {
  num_train_timesteps: 1000,
  beta_start: 0.0001,
  beta_end: 0.02,
  beta_schedule: "linear",
  trained_betas: null,
  prediction_type: "epsilon",
} as const satisfies Partial<SchedulerSettings>;

/** Dynamic thresholding, off. */
export const THRESHOLDING = {
  thresholding: false,
  dynamic_thresholding_ratio: 0.995,
  sample_max_value: 1,
} as const satisfies Partial<SchedulerSettings>;

/** Noise levels of the schedule itself, not spaced anew. */
export const SPACING = {
  use_karras_sigmas: false,
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
} as const satisfies Partial<SchedulerSettings>;

/** What DPM-Solver and UniPC share. */
export const SOLVER = {
  ...TRAINING,
  ...THRESHOLDING,
  ...SPACING,
  solver_order: 2,
  final_sigmas_type: "zero",
  use_flow_sigmas: false,
  flow_shift: 1,
  use_dynamic_shifting: false,
  time_shift_type: "exponential",
} as const satisfies Partial<SchedulerSettings>;
