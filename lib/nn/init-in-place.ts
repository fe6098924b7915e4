import { show, sizeOf } from "../graph/shape.ts";
import { checkChoice, checkNumber, checkOptions } from "../options.ts";
import { fillNormal, fillUniform } from "../random/index.ts";
import { fromArray } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";

const NONLINEARITIES = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"] as const;
const MODES = ["fan_in", "fan_out"] as const;

/** The activation that follows a layer, by PyTorch's name. */
export type Nonlinearity = (typeof NONLINEARITIES)[number];

/** How wide Kaiming's distribution is. */
export interface KaimingOptions {
  /** Slope of the leaky ReLU below 0; default 0, which is a ReLU. */
  readonly a?: number;
  /** Which size stays the same through the layer: `"fan_in"` forward (default), `"fan_out"` backward. */
  readonly mode?: (typeof MODES)[number];
  /** The activation that follows; default `"leaky_relu"`. */
  readonly nonlinearity?: Nonlinearity;
}

/** Sets all elements of a tensor, which keeps `requiresGrad`. */
function set(x: Tensor, fill: (data: Float32Array) => unknown): Tensor {
  const data = new Float32Array(x.numel());
  fill(data);
  return noGrad(() => x.copy_(fromArray("float32", x.shape, data)));
}

/**
 * Numbers drawn evenly from `a` to `b`, in place: `nn.init.uniform_(layer.weight, -0.1, 0.1)`.
 *
 * @param a - default 0
 * @param b - default 1
 */
export function uniform_(x: Tensor, a = 0, b = 1): Tensor {
  checkNumber("uniform_", "a", a);
  checkNumber("uniform_", "b", b, a);
  return set(x, (data) => fillUniform(data, { from: a, to: b }));
}

/**
 * Numbers of a normal distribution, in place: `nn.init.normal_(embedding.weight, 0, 0.02)`.
 *
 * @param mean - default 0
 * @param std - default 1
 */
export function normal_(x: Tensor, mean = 0, std = 1): Tensor {
  checkNumber("normal_", "mean", mean);
  checkNumber("normal_", "std", std, 0);
  return set(x, (data) => fillNormal(data, { mean, std }));
}

/**
 * Numbers of a normal distribution of which those outside `a` to `b` are left out, in place:
 * `nn.init.truncNormal_(embedding.weight, { std: 0.02 })`.
 *
 * @param options.mean - default 0
 * @param options.std - default 1
 * @param options.a - the least number; default -2
 * @param options.b - the greatest; default 2
 */
export function truncNormal_(x: Tensor, options: { mean?: number; std?: number; a?: number; b?: number } = {}): Tensor {
  checkOptions("truncNormal_", options, { mean: true, std: true, a: true, b: true });
  const { mean = 0, std = 1, a = -2, b = 2 } = options;
  checkNumber("truncNormal_", "mean", mean);
  checkNumber("truncNormal_", "std", std, 0);
  checkNumber("truncNormal_", "a", a);
  checkNumber("truncNormal_", "b", b, a);
  if (a === b) return constant_(x, a);
  const inside = normalCdf((b - mean) / std) - normalCdf((a - mean) / std);
  return set(x, (data) => (inside > 0.3 ? redrawNormal(data, mean, std, a, b) : redrawUniform(data, mean, std, a, b)));
}

/** Draws the whole tensor until each element has once been between `a` and `b`, as PyTorch does: the same numbers from a seed. */
function redrawNormal(data: Float32Array, mean: number, std: number, a: number, b: number): void {
  const [low, high] = [Math.fround(a), Math.fround(b)];
  const isOutside = (value: number) => value < low || value > high;
  const drawn = data.slice();
  fillNormal(data, { mean, std });
  while (data.some(isOutside)) {
    fillNormal(drawn, { mean, std });
    for (const [i, value] of data.entries()) if (isOutside(value)) data[i] = drawn[i]!;
  }
}

/** Where few numbers of the distribution are between `a` and `b`: even ones, kept as often as the distribution has them. */
function redrawUniform(data: Float32Array, mean: number, std: number, a: number, b: number): void {
  const logDensity = (value: number) => -0.5 * ((value - mean) / std) ** 2;
  const peak = logDensity(Math.max(a, Math.min(mean, b)));
  const [drawn, chance] = [data.slice(), data.slice()];
  const waits = new Uint8Array(data.length).fill(1);
  while (waits.includes(1)) {
    fillUniform(drawn, { from: a, to: b });
    fillUniform(chance, { from: 0, to: 1 });
    for (const [i, isWaiting] of waits.entries()) {
      if (!isWaiting) continue;
      data[i] = drawn[i]!;
      waits[i] = Math.log(chance[i]!) > logDensity(drawn[i]!) - peak ? 1 : 0;
    }
  }
}

/** The normal distribution's part below `x`, to 1e-7. @see Abramowitz and Stegun 7.1.26 */
function normalCdf(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const series = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const above = (series.reduce((sum, c) => sum * t + c, 0) * t * Math.exp(-(x * x) / 2)) / 2;
  return x < 0 ? above : 1 - above;
}

/** All elements `value`, in place. */
export function constant_(x: Tensor, value: number): Tensor {
  checkNumber("constant_", "value", value);
  return set(x, (data) => data.fill(value));
}

/** All elements 1, in place. */
export function ones_(x: Tensor): Tensor {
  return constant_(x, 1);
}

/** All elements 0, in place: a last layer that begins with no effect. */
export function zeros_(x: Tensor): Tensor {
  return constant_(x, 0);
}

/** A matrix `[n, m]` with ones on its diagonal, in place. */
export function eye_(x: Tensor): Tensor {
  if (x.ndim !== 2) throw new RangeError(`eye_: got ${show(x.shape)}, expected a matrix`);
  const [n, m] = x.shape as [number, number];
  return set(x, (data) => {
    for (let i = 0; i < Math.min(n, m); i++) data[i * m + i] = 1;
  });
}

/** What an activation asks of the weights before it, so that values keep their spread: sqrt(2) before a ReLU. */
export function calculateGain(nonlinearity: Nonlinearity, a = 0.01): number {
  checkChoice("calculateGain", "nonlinearity", nonlinearity, NONLINEARITIES);
  checkNumber("calculateGain", "a", a);
  switch (nonlinearity) {
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.SQRT2;
    case "leaky_relu":
      return Math.sqrt(2 / (1 + a * a));
    case "selu":
      return 3 / 4;
    default:
      return 1;
  }
}

/** How many numbers each output (input) of a weight `[out, in, ...]` is computed from (takes part in). */
function fans(name: string, { shape }: Tensor): { fan_in: number; fan_out: number } {
  if (shape.length < 2)
    throw new RangeError(`${name}: got ${show(shape)}, expected two dimensions or more [out, in, ...]`);
  const field = sizeOf(shape.slice(2));
  return { fan_in: shape[1]! * field, fan_out: shape[0]! * field };
}

/** @see Glorot and Bengio 2010: https://proceedings.mlr.press/v9/glorot10a.html */
function xavierStd(name: string, x: Tensor, gain: number): number {
  checkNumber(name, "gain", gain, 0);
  const { fan_in, fan_out } = fans(name, x);
  return gain * Math.sqrt(2 / (fan_in + fan_out));
}

/** Even numbers of standard deviation `gain sqrt(2 / (fanIn + fanOut))`, in place. @param gain - default 1 */
export function xavierUniform_(x: Tensor, gain = 1): Tensor {
  const bound = Math.sqrt(3) * xavierStd("xavierUniform_", x, gain);
  return uniform_(x, -bound, bound);
}

/** Normal numbers of standard deviation `gain sqrt(2 / (fanIn + fanOut))`, in place. @param gain - default 1 */
export function xavierNormal_(x: Tensor, gain = 1): Tensor {
  return normal_(x, 0, xavierStd("xavierNormal_", x, gain));
}

/** @see He et al. 2015: https://arxiv.org/abs/1502.01852 */
function kaimingStd(name: string, x: Tensor, options: KaimingOptions): number {
  checkOptions(name, options, { a: true, mode: true, nonlinearity: true });
  const { a = 0, mode = "fan_in", nonlinearity = "leaky_relu" } = options;
  checkChoice(name, "mode", mode, MODES);
  return calculateGain(nonlinearity, a) / Math.sqrt(fans(name, x)[mode]);
}

/** Even numbers, wide enough that values keep their spread through a layer and its ReLU, in place. */
export function kaimingUniform_(x: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd("kaimingUniform_", x, options);
  return uniform_(x, -bound, bound);
}

/** Normal numbers, wide enough that values keep their spread through a layer and its ReLU, in place. */
export function kaimingNormal_(x: Tensor, options: KaimingOptions = {}): Tensor {
  return normal_(x, 0, kaimingStd("kaimingNormal_", x, options));
}

/**
 * Rows (or columns, whichever are fewer) at right angles to each other and of length `gain`, in place.
 *
 * @param gain - default 1
 * @see Saxe et al. 2013: https://arxiv.org/abs/1312.6120
 */
export function orthogonal_(x: Tensor, gain = 1): Tensor {
  checkNumber("orthogonal_", "gain", gain);
  fans("orthogonal_", x);
  const [rows, columns] = [x.shape[0]!, x.numel() / x.shape[0]!];
  return set(x, (data) => {
    fillNormal(data);
    const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)];
    const at = (vector: number, i: number) => (rows < columns ? vector * columns + i : i * columns + vector);
    const vectors = Array.from({ length: count }, (_, v) => Float64Array.from({ length }, (_, i) => data[at(v, i)]!));
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    for (const [v, vector] of vectors.entries()) {
      // Gram and Schmidt, each vector cleared twice of those before it: once leaves what rounding brings back.
      for (const earlier of [...vectors.slice(0, v), ...vectors.slice(0, v)]) {
        const share = dot(vector, earlier);
        for (let i = 0; i < length; i++) vector[i]! -= share * earlier[i]!;
      }
      const size = Math.sqrt(dot(vector, vector));
      for (let i = 0; i < length; i++) vector[i]! /= size;
      for (let i = 0; i < length; i++) data[at(v, i)] = gain * vector[i]!;
    }
  });
}
