import { betaQuantile } from "./beta-quantile.ts";
import { linspace } from "./timesteps.ts";

/** Noise levels: sigma is the standard deviation of the noise beside a clean sample of scale 1. */

/** sigma of each step of the noising process, smallest first, `[T]`, in float32. */
export function sigmasOf(alphasCumprod: Float32Array): Float32Array {
  return alphasCumprod.map((alphaBar) => Math.sqrt(Math.fround((1 - alphaBar) / alphaBar)));
}

/** The value of a table at a place between its entries, straight lines between; its ends beyond them. */
export function interpolate(table: Float32Array, at: number): number {
  const last = table.length - 1;
  if (at <= 0) return table[0]!;
  if (at >= last) return table[last]!;
  const low = Math.floor(at);
  return table[low]! + (at - low) * (table[low + 1]! - table[low]!);
}

/**
 * The timestep of a noise level, between two of the schedule's where need be.
 *
 * The schedule's logarithms are float32, as in diffusers: where its solvers cut the timestep to a whole number, the
 * largest level is 998 or 999 by that rounding.
 */
export function sigmaToTimestep(sigma: number, sigmas: Float32Array): number {
  const wanted = Math.log(Math.max(sigma, 1e-10));
  const log = (index: number) => Math.fround(Math.log(sigmas[index]!));
  let low = 0;
  while (low < sigmas.length - 2 && log(low + 1) <= wanted) low++;
  const weight = Math.min(1, Math.max(0, (log(low) - wanted) / (log(low) - log(low + 1))));
  return (1 - weight) * low + weight * (low + 1);
}

/**
 * `n` noise levels, largest first, evenly spaced in sigma^(1/rho), so that low noise gets more of the steps.
 *
 * @param options.sigmaMin - smallest level
 * @param options.sigmaMax - largest level
 * @param options.rho - crowding towards `sigmaMin`; default 7, as in the paper
 * @see Karras et al. 2022, eq. 5: https://arxiv.org/abs/2206.00364
 */
export function karrasSigmas(n: number, options: { sigmaMin: number; sigmaMax: number; rho?: number }): number[] {
  const { sigmaMin, sigmaMax, rho = 7 } = options;
  return linspace(sigmaMax ** (1 / rho), sigmaMin ** (1 / rho), n).map((root) => root ** rho);
}

/** `n` noise levels, largest first, each the same fraction of the one before. */
export function exponentialSigmas(n: number, options: { sigmaMin: number; sigmaMax: number }): number[] {
  return linspace(Math.log(options.sigmaMax), Math.log(options.sigmaMin), n).map(Math.exp);
}

/**
 * `n` noise levels, largest first, at evenly spaced quantiles of a Beta(0.6, 0.6) distribution: more of the steps at both ends.
 *
 * @see Lee et al. 2024: https://arxiv.org/abs/2407.12173
 */
export function betaSigmas(n: number, options: { sigmaMin: number; sigmaMax: number }): number[] {
  const { sigmaMin, sigmaMax } = options;
  return linspace(0, 1, n).map((share) => sigmaMin + betaQuantile(1 - share, 0.6) * (sigmaMax - sigmaMin));
}

/** A level of flow matching, shifted: above a shift of 1 towards more noise. @see https://arxiv.org/abs/2403.03206, eq. 23 */
export function shifted(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}

/** Levels of flow matching, stretched so that the last is `terminal`; as they are where that is null or 0. */
export function stretched(sigmas: readonly number[], terminal: number | null): readonly number[] {
  if (!terminal) return sigmas;
  const scale = (1 - sigmas.at(-1)!) / (1 - terminal);
  return sigmas.map((sigma) => 1 - (1 - sigma) / scale);
}

/** Settings that choose among these. */
export interface SigmaSettings {
  /** Levels evenly spaced in sigma^(1/7). */
  readonly use_karras_sigmas?: boolean;
  /** Levels evenly spaced in log sigma. */
  readonly use_exponential_sigmas?: boolean;
  /** Levels at quantiles of a Beta distribution. */
  readonly use_beta_sigmas?: boolean;
  /** Smallest level; default the schedule's own. */
  readonly sigma_min?: number | null;
  /** Largest level; default the schedule's own. */
  readonly sigma_max?: number | null;
}

/**
 * The run's noise levels where the config asks for Karras', exponential or beta ones, else null.
 *
 * @param ends - largest and smallest level of the run, unless the config sets them
 */
export function respaced(config: SigmaSettings, n: number, ends: { first: number; last: number }): number[] | null {
  const limits = { sigmaMin: config.sigma_min ?? ends.last, sigmaMax: config.sigma_max ?? ends.first };
  if (config.use_karras_sigmas) return karrasSigmas(n, limits);
  if (config.use_exponential_sigmas) return exponentialSigmas(n, limits);
  if (config.use_beta_sigmas) return betaSigmas(n, limits);
  return null;
}
