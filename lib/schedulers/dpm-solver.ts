import type { Level } from "./exponential-scheduler.ts";
import type { SchedulerSettings } from "./settings.ts";

/** The algorithms of DPM-Solver. */
export const DPM_ALGORITHMS = ["dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"] as const;
/** One of them. */
export type DPMAlgorithm = (typeof DPM_ALGORITHMS)[number];

/** Weights of one step of DPM-Solver: of the sample, of the model's output, its differences, and of noise. */
export interface SolverWeights {
  readonly sample: number;
  /** Of D0, the output at the step's base. */
  readonly output: number;
  /** Of D1, its first derivative by lambda, times the step. */
  readonly first: number;
  /** Of D2, its second derivative by lambda, times the step squared. */
  readonly second: number;
  readonly noise: number;
}

/**
 * The weights of a step from one level to another. "++" works on the clean sample, the others on the noise; "sde" adds
 * noise and is the ancestral form.
 *
 * @param order - of the step; first and second are 0 beyond it
 * @see Lu et al. 2022: https://arxiv.org/abs/2206.00927 and https://arxiv.org/abs/2211.01095 (++)
 */
export function solverWeights(
  algorithm: DPMAlgorithm,
  solver: "midpoint" | "heun",
  order: number,
  from: Level,
  to: Level,
): SolverWeights {
  const h = to.lambda - from.lambda;
  const { sample, scale, exponent, noise } = KINDS[algorithm](from, to, h);
  // z is the exponent of the integral; its Taylor remainders weigh the derivatives.
  const z = exponent * h;
  const grown = Math.expm1(z);
  const output = scale * grown;
  if (order === 1) return { sample, output, first: 0, second: 0, noise };
  if (order === 2 && solver === "midpoint") return { sample, output, first: output / 2, second: 0, noise };
  const first = scale * (grown / z - 1);
  if (order === 2) return { sample, output, first, second: 0, noise };
  const remainder = (grown - z) / (z * z);
  // For "sde-dpmsolver++" diffusers has the half with the other sign; kept, so that pictures are the same.
  const second = algorithm === "sde-dpmsolver++" ? scale * (remainder + 0.5) : scale * (remainder - 0.5);
  return { sample, output, first, second, noise };
}

/** For each algorithm: the weight of the sample, and that of the output as `scale * (exp(exponent * h) - 1)`. */
const KINDS: Readonly<
  Record<
    DPMAlgorithm,
    (from: Level, to: Level, h: number) => { sample: number; scale: number; exponent: number; noise: number }
  >
> = {
  dpmsolver: (from, to) => ({ sample: to.alpha / from.alpha, scale: -to.sigma, exponent: 1, noise: 0 }),
  "dpmsolver++": (from, to) => ({ sample: to.sigma / from.sigma, scale: -to.alpha, exponent: -1, noise: 0 }),
  "sde-dpmsolver": (from, to, h) => ({
    sample: to.alpha / from.alpha,
    scale: -2 * to.sigma,
    exponent: 1,
    noise: to.sigma * Math.sqrt(Math.expm1(2 * h)),
  }),
  "sde-dpmsolver++": (from, to, h) => ({
    sample: (to.sigma / from.sigma) * Math.exp(-h),
    scale: -to.alpha,
    exponent: -2,
    noise: to.sigma * Math.sqrt(-Math.expm1(-2 * h)),
  }),
};

/** Values that other solvers' configs use, and what DPM-Solver takes for them. */
export const DPM_ALIASES = {
  algorithm_type: { deis: "dpmsolver++" },
  solver_type: { logrho: "midpoint", bh1: "midpoint", bh2: "midpoint" },
} as const;

/** What the algorithms cannot do. */
export function checkAlgorithm(
  config: Pick<SchedulerSettings, "algorithm_type" | "final_sigmas_type" | "solver_order">,
  name: string,
): void {
  const { algorithm_type: algorithm, final_sigmas_type: final, solver_order: order } = config;
  if (!algorithm.endsWith("++") && final === "zero") {
    throw new RangeError(
      `${name}: algorithm_type "${algorithm}" cannot step to zero noise; set final_sigmas_type "sigma_min"`,
    );
  }
  if (algorithm === "sde-dpmsolver" && order === 3) {
    throw new RangeError(`${name}: algorithm_type "sde-dpmsolver" has no solver_order 3; expected 1 or 2`);
  }
}
