import type { SchedulerSettings } from "./settings.ts";

type BetaSettings = Pick<
  SchedulerSettings,
  "num_train_timesteps" | "beta_start" | "beta_end" | "beta_schedule" | "trained_betas"
>;

/** The noising process, step by step: `[T]` each, float32 as in PyTorch, so that small differences come out alike. */
export interface NoiseSchedule {
  /** Variance of the noise that each step adds. */
  readonly betas: Float32Array;
  /** 1 - beta. */
  readonly alphas: Float32Array;
  /** The share of the clean sample's variance left after each step, alpha-bar. */
  readonly alphasCumprod: Float32Array;
}

/**
 * The noising process that a config describes.
 *
 * @param zeroSnr - shift it so that nothing of the clean sample is left at its end
 * @throws RangeError if a beta lies outside [0, 1]
 * @see Ho et al. 2020 (linear): https://arxiv.org/abs/2006.11239; Nichol and Dhariwal 2021 (squared cosine):
 *   https://arxiv.org/abs/2102.09672
 */
export function noiseSchedule(name: string, config: BetaSettings, zeroSnr = false): NoiseSchedule {
  let betas = betasOf(config);
  const wrong = betas.findIndex((beta) => !(beta >= 0 && beta <= 1));
  if (wrong >= 0) throw new RangeError(`${name}: beta ${wrong} is ${betas[wrong]}; a variance must be between 0 and 1`);
  if (zeroSnr) betas = rescaleZeroTerminalSnr(betas);
  const alphas = betas.map((beta) => 1 - beta);
  return { betas, alphas, alphasCumprod: cumulativeProduct(alphas) };
}

function betasOf(config: BetaSettings): Float32Array {
  const { num_train_timesteps: steps, beta_start: start, beta_end: end } = config;
  if (config.trained_betas) return Float32Array.from(config.trained_betas);
  switch (config.beta_schedule) {
    case "linear":
      return linspace32(start, end, steps);
    case "scaled_linear":
      return linspace32(Math.sqrt(start), Math.sqrt(end), steps).map((root) => root * root);
    case "sigmoid":
      return linspace32(-6, 6, steps).map((x) => (end - start) / (1 + Math.exp(-x)) + start);
    case "squaredcos_cap_v2":
      return betasForAlphaBar(steps, (t) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2);
    case "exp":
      return betasForAlphaBar(steps, (t) => Math.exp(-12 * t));
    case "laplace":
      return betasForAlphaBar(steps, (t) => {
        const logSnr = -0.5 * (t > 0.5 ? -1 : 1) * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6);
        return Math.sqrt(Math.exp(logSnr) / (1 + Math.exp(logSnr)));
      });
  }
}

/** Betas whose cumulative product follows a given curve of alpha-bar over t in [0, 1]; none above 0.999. */
function betasForAlphaBar(steps: number, alphaBar: (t: number) => number): Float32Array {
  return Float32Array.from({ length: steps }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / steps) / alphaBar(i / steps), 0.999),
  );
}

/**
 * Scales a schedule so that its last step leaves no signal and its first stays as it is.
 *
 * @see Lin et al. 2023, algorithm 1: https://arxiv.org/abs/2305.08891
 */
export function rescaleZeroTerminalSnr(betas: Float32Array): Float32Array {
  const roots = cumulativeProduct(betas.map((beta) => 1 - beta)).map(Math.sqrt);
  const first = roots[0]!;
  const last = roots.at(-1)!;
  const scaled = roots.map((root) => Math.fround(Math.fround(root - last) * (first / (first - last))));
  const alphaBars = scaled.map((root) => root * root);
  return alphaBars.map((alphaBar, i) => 1 - (i === 0 ? alphaBar : Math.fround(alphaBar / alphaBars[i - 1]!)));
}

function cumulativeProduct(alphas: Float32Array): Float32Array {
  let product = 1;
  return alphas.map((alpha) => {
    product *= alpha;
    return product;
  });
}

/** `torch.linspace` in float32: counted from both ends. */
function linspace32(start: number, end: number, steps: number): Float32Array {
  const [low, high] = [Math.fround(start), Math.fround(end)];
  if (steps === 1) return Float32Array.of(low);
  const step = Math.fround(Math.fround(high - low) / (steps - 1));
  return Float32Array.from({ length: steps }, (_, i) =>
    i < steps / 2 ? low + step * i : high - step * (steps - 1 - i),
  );
}
