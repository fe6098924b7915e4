import type { DType, TypedArray } from "../graph/dtype.ts";
import { cast, requireFloat } from "../graph/ops/index.ts";
import { checkShape, type Shape, show, sizeOf } from "../graph/shape.ts";
import { checkInteger, checkNumber, checkOptions, shown } from "../options.ts";
import { defaultGenerator, fillNormal, fillRandint, fillRandperm, fillUniform, Generator } from "../random/index.ts";
import { like } from "./create.ts";
import { checkCreation, type TensorOptions } from "./creation.ts";
import { type ShapeArguments, shapeArguments } from "./operands.ts";
import { Tensor } from "./tensor.ts";
import { live } from "./trace.ts";

/** How random numbers are made: as other tensors, and from which generator. */
export interface RandomOptions extends TensorOptions {
  /** Where the numbers come from; the shared generator of `manualSeed` by default. */
  readonly generator?: Generator;
}

const numbers: readonly DType[] = ["float32", "float16", "int64", "int32", "uint8"];
const floats: readonly DType[] = ["float32", "float16"];

/** Inside a compiled function these draw anew at every call; what is drawn in one dtype is converted to the wanted one. */
function drawn(
  where: string,
  drawn: DType,
  shape: Shape,
  fill: (generator: { generator?: Generator }) => TypedArray,
  options: RandomOptions,
  allowed: readonly DType[],
): Tensor {
  checkCreation(where, options, ["generator"]);
  checkShape(where, shape);
  const { dtype = drawn, device, generator } = options;
  if (!allowed.includes(dtype)) {
    throw new TypeError(`${where}: got dtype ${dtype}, expected one of ${allowed.join(", ")}`);
  }
  if (generator !== undefined && !(generator instanceof Generator)) {
    throw new TypeError(`${where}: generator is ${shown(generator)}, expected new Generator(seed)`);
  }
  const from = generator ?? defaultGenerator;
  const node = live(drawn, [...shape], () => fill({ generator: from }), { device, generator: from });
  const x = new Tensor(cast(node, dtype));
  return options.requiresGrad ? x.requiresGrad_() : x;
}

/** Numbers of the standard normal distribution: `randn(2, 3)` is `randn([2, 3])`. */
export function randn(...shape: number[]): Tensor;
/**
 * Numbers of the standard normal distribution: PyTorch's CPU numbers for the same seed, to 2e-6. `randn([2, 3])`,
 * `randn([8, 1, 28, 28]).mul(sigma)`.
 */
export function randn(shape: Shape, options?: RandomOptions): Tensor;
export function randn(...args: ShapeArguments<RandomOptions>): Tensor {
  const [shape, options] = shapeArguments(args);
  const fill = (from: { generator?: Generator }) => fillNormal(new Float32Array(sizeOf(shape)), from);
  return drawn("randn", "float32", shape, fill, options, floats);
}

/** Uniform random numbers from 0 to 1 (not included): `rand(2, 3)` is `rand([2, 3])`. */
export function rand(...shape: number[]): Tensor;
/** Uniform random numbers from 0 to 1 (not included): PyTorch's CPU numbers for the same seed. `rand([2, 3])`. */
export function rand(shape: Shape, options?: RandomOptions): Tensor;
export function rand(...args: ShapeArguments<RandomOptions>): Tensor {
  const [shape, options] = shapeArguments(args);
  const fill = (from: { generator?: Generator }) => fillUniform(new Float32Array(sizeOf(shape)), from);
  return drawn("rand", "float32", shape, fill, options, floats);
}

/**
 * Integers from `low` to `high` (not included), int64: PyTorch's CPU numbers for the same seed. `randint(0, 10, [5])`
 * draws five digits.
 */
export function randint(low: number, high: number, shape: Shape, options: RandomOptions = {}): Tensor {
  for (const [name, value] of Object.entries({ low, high })) checkNumber("randint", name, value);
  const fill = (from: { generator?: Generator }) => fillRandint(new BigInt64Array(sizeOf(shape)), low, high, from);
  return drawn("randint", "int64", shape, fill, options, numbers);
}

/** The integers from 0 to `n - 1` in random order, int64: PyTorch's CPU order for the same seed. */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  const fill = (from: { generator?: Generator }) => fillRandperm(new BigInt64Array(n), from);
  return drawn("randperm", "int64", [n], fill, options, numbers);
}

/** Numbers of the standard normal distribution, of the shape, dtype and device of `x`: `x.add(randnLike(x).mul(sigma))`. */
export function randnLike(x: Tensor, options: RandomOptions = {}): Tensor {
  return randn(x.shape, { ...like(x, options), ...options });
}

/** Uniform random numbers from 0 to 1 (not included), of the shape, dtype and device of `x`. */
export function randLike(x: Tensor, options: RandomOptions = {}): Tensor {
  return rand(x.shape, { ...like(x, options), ...options });
}

/**
 * 1 with the probability in each element of `p`, else 0: of the shape and dtype of `p`. PyTorch's CPU draws for the same
 * seed. `bernoulli(full([4], 0.5))`.
 */
export function bernoulli(p: Tensor, options: { generator?: Generator } = {}): Tensor {
  checkOptions("bernoulli", options, { generator: true });
  requireFloat("bernoulli", p.node);
  const draws = rand(p.shape, { ...options, device: p.device });
  return draws.lt(p.detach().float()).to(p.dtype);
}

/**
 * Columns of weights `[n]` or `[rows, n]`, drawn each with a probability in proportion to its weight: int64 `[count]` or
 * `[rows, count]`. The weights need not add up to 1. Inside a compiled function it draws anew at each call. The draws
 * are not those of PyTorch for the same seed, whose own depend on how it was built.
 *
 * ```ts
 * multinomial(tensor([0.1, 0.7, 0.2]), 1)  // mostly [1]
 * ```
 *
 * @param options.replacement - the same may be drawn again; default false, where a weight of 0 is drawn last
 */
export function multinomial(
  weights: Tensor,
  count: number,
  options: { replacement?: boolean; generator?: Generator } = {},
): Tensor {
  checkOptions("multinomial", options, { replacement: true, generator: true });
  const { replacement = false, ...from } = options;
  requireFloat("multinomial", weights.node);
  checkInteger("multinomial", "count", [count], 1);
  const n = weights.shape.at(-1) ?? 0;
  if (weights.ndim < 1 || weights.ndim > 2 || n === 0) {
    throw new RangeError(`multinomial: weights ${show(weights.shape)}, expected [n] or [rows, n]`);
  }
  if (!replacement && count > n) {
    throw new RangeError(`multinomial: ${count} of ${n} without replacement; expected ${n} at most`);
  }
  const w = weights.detach().float();
  const lead = weights.shape.slice(0, -1);
  const drawing = { ...from, device: weights.device };
  if (replacement) {
    // How many columns end before a draw on the way from 0 to the whole weight. Rounding may not lead beyond the last.
    const ends = w.cumsum(-1);
    const draws = rand([...lead, count], drawing).mul(ends.narrow(-1, n - 1, 1));
    const column = draws.unsqueeze(-1).ge(ends.unsqueeze(-2)).sum(-1);
    return column.minimum(lastWithWeight(w));
  }
  // The columns that would be first, if each waited for an exponential time at the rate of its weight.
  const waiting = rand(weights.shape, drawing).neg().log1p().neg();
  return w.div(waiting.maximum(1e-30)).topk(count).indices;
}

/** The last column whose weight is not 0, `[.., 1]`. */
function lastWithWeight(w: Tensor): Tensor {
  const n = w.shape.at(-1)!;
  return w
    .gt(0)
    .flip(-1)
    .int()
    .argmax(-1, true)
    .mul(-1)
    .add(n - 1);
}
