import {
  type ConfigOf,
  choice,
  type Field,
  field,
  finite,
  flag,
  integer,
  listOf,
  only,
  orNull,
  positiveInteger,
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
  num_train_timesteps: positiveInteger(1000),
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
  /** What the model's output is: the noise, the clean sample, the velocity between them, or that of flow matching. */
  prediction_type: choice(["epsilon", "sample", "v_prediction", "flow_prediction"], "epsilon"),
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
  /** Noise levels at the quantiles of a Beta(0.6, 0.6) distribution. Lee et al. 2024: https://arxiv.org/abs/2407.12173 */
  use_beta_sigmas: flag(false),
  /** Noise levels evenly spaced in lambda. Lu et al. 2022: https://arxiv.org/abs/2206.00927 */
  use_lu_lambdas: flag(false),
  /** Flow matching: the sample is (1 - sigma) clean + sigma noise, and the levels are evenly spaced before `flow_shift`. */
  use_flow_sigmas: flag(false),
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
  algorithm_type: choice(["dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++", "deis"], "dpmsolver++"),
  solver_type: choice(["midpoint", "heun", "bh1", "bh2", "logrho"], "midpoint"),
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
  original_inference_steps: positiveInteger(50),
  /** LCM: weight of the timestep in the boundary condition. */
  timestep_scaling: finite(10),
  /** Flow matching: above 1, more of the steps go to high noise. Esser et al. 2024: https://arxiv.org/abs/2403.03206 */
  flow_shift: finite(0),
  /** The same setting of `FlowMatchEulerDiscreteScheduler`. */
  shift: finite(0),
  /** Flow matching: the shift is given with each run, as `{ mu }`, since it depends on the picture's size. */
  use_dynamic_shifting: flag(false),
  /** How `mu` shifts the levels. */
  time_shift_type: choice(["exponential", "linear"], "exponential"),
  /** Flow matching: the levels are stretched so that the last one is this. */
  shift_terminal: orNull(finite(0)),
  /** Flow matching: run from clean to noise. */
  invert_sigmas: flag(false),
  /** Flow matching: draw fresh noise at each step. */
  stochastic_sampling: flag(false),
  // What pipelines compute mu from.
  base_shift: orNull(finite(0.5)),
  max_shift: orNull(finite(1.15)),
  base_image_seq_len: positiveInteger(256),
  max_image_seq_len: positiveInteger(4096),
  /** EDM: standard deviation of the data. */
  sigma_data: finite(0.5),
  /** EDM: how the levels are spaced. */
  sigma_schedule: choice(["karras", "exponential"], "karras"),
  /** EDM: crowding of Karras' levels towards `sigma_min`. */
  rho: finite(7),
  // Of another solver's corrector.
  solver_p: only<null>(null),
};

/** What a model's output may be if no flow is matched. */
export const PREDICTIONS = ["epsilon", "sample", "v_prediction"] as const;

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

/** What solvers for flow matching can read of a model besides. */
export const FLOW_PREDICTIONS = [...PREDICTIONS, "flow_prediction"] as const;

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
