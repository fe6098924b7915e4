import type { DType, TypedArray } from "../graph/dtype.ts";
import { checkShape, type Shape, sizeOf } from "../graph/shape.ts";
import {
  defaultGenerator,
  fillNormal,
  fillRandint,
  fillRandperm,
  fillUniform,
  type Generator,
} from "../random/index.ts";
import type { TensorOptions } from "./create.ts";
import { type ShapeArguments, shapeArguments } from "./operands.ts";
import { Tensor } from "./tensor.ts";
import { live } from "./trace.ts";

/** How random numbers are made: as other tensors, and from which generator. */
export interface RandomOptions extends TensorOptions {
  /** Where the numbers come from; the shared generator of `manualSeed` by default. */
  readonly generator?: Generator;
}

// Inside a compiled function these draw anew at every call.
function drawn(where: string, dtype: DType, shape: Shape, fill: () => TypedArray, options: RandomOptions): Tensor {
  checkShape(where, shape);
  const x = new Tensor(
    live(dtype, [...shape], fill, { device: options.device, generator: options.generator ?? defaultGenerator }),
  );
  return options.requiresGrad ? x.requiresGrad_() : x;
}

/**
 * Numbers of the standard normal distribution: PyTorch's CPU numbers for the same seed, to 2e-6. `randn([2, 3])`,
 * `randn([8, 1, 28, 28]).mul(sigma)`.
 */
export function randn(shape: Shape, options?: RandomOptions): Tensor;
export function randn(...shape: number[]): Tensor;
export function randn(...args: ShapeArguments<RandomOptions>): Tensor {
  const [shape, options] = shapeArguments(args);
  return drawn("randn", "float32", shape, () => fillNormal(new Float32Array(sizeOf(shape)), options), options);
}

/** Uniform random numbers from 0 to 1 (not included): PyTorch's CPU numbers for the same seed. `rand([2, 3])`. */
export function rand(shape: Shape, options?: RandomOptions): Tensor;
export function rand(...shape: number[]): Tensor;
export function rand(...args: ShapeArguments<RandomOptions>): Tensor {
  const [shape, options] = shapeArguments(args);
  return drawn("rand", "float32", shape, () => fillUniform(new Float32Array(sizeOf(shape)), options), options);
}

/**
 * Integers from `low` to `high` (not included), int64: PyTorch's CPU numbers for the same seed. `randint(0, 10, [5])`
 * draws five digits.
 */
export function randint(low: number, high: number, shape: Shape, options: RandomOptions = {}): Tensor {
  const dtype = options.dtype ?? "int64";
  const fill = () => {
    const whole = fillRandint(new BigInt64Array(sizeOf(shape)), low, high, options);
    return dtype === "int64" ? whole : Float32Array.from(whole, Number);
  };
  if (dtype !== "int64" && dtype !== "float32") {
    throw new TypeError(`randint: got dtype ${dtype}, expected int64 or float32; convert the result with to()`);
  }
  return drawn("randint", dtype, shape, fill, options);
}

/** The integers from 0 to `n - 1` in random order, int64: PyTorch's CPU order for the same seed. */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  return drawn("randperm", "int64", [n], () => fillRandperm(new BigInt64Array(n), options), options);
}

/** Numbers of the standard normal distribution, of the shape of `x`: `x.add(randnLike(x).mul(sigma))`. */
export function randnLike(x: Tensor, options: RandomOptions = {}): Tensor {
  return randn(x.shape, options);
}

/** Uniform random numbers from 0 to 1 (not included), of the shape of `x`. */
export function randLike(x: Tensor, options: RandomOptions = {}): Tensor {
  return rand(x.shape, options);
}
