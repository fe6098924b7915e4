import type { Node } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { axis, inferShape, type Shape, show, sizeOf } from "../graph/shape.ts";
import { checkNumber, checkOptions, shown } from "../options.ts";
import { Elementwise } from "./elementwise.ts";
import { type Dims, type KeepDim, keeps, listed, reducing } from "./operands.ts";

/** Operations that reduce dimensions (over `dim`: one or several, all by default) or arrange elements anew. */
export abstract class Shaping<T extends Shaping<T>> extends Elementwise<T> {
  /**
   * The sum of all elements (a scalar), or along `dim`: `x.sum()`, `x.sum(1)`, `x.sum([2, 3], { keepdim: true })`.
   * Integers and booleans sum to int64.
   */
  sum(dim?: Dims, options: KeepDim = false): T {
    return this.wrap(g.sum(this.node, reducing(dim), keeps("sum", options)));
  }

  /** The mean of all elements (a scalar), or along `dim`: `x.mean()` of `[8, 28, 28]` is one number, `x.mean(0)` is `[28, 28]`. */
  mean(dim?: Dims, options: KeepDim = false): T {
    return this.wrap(g.mean(this.node, reducing(dim), keeps("mean", options)));
  }

  /** Variance (over `dim`); `correction` is subtracted from the number of elements (1 by default, as in PyTorch). */
  var(dim?: Dims, options: { keepdim?: boolean; correction?: number } = {}): T {
    return this.wrap(g.inFloat32(this.node, (x) => variance("var", x, reducing(dim), options)));
  }

  /** Standard deviation: the root of `var`. Where all elements are equal its slope counts as 0. */
  std(dim?: Dims, options: { keepdim?: boolean; correction?: number } = {}): T {
    return this.wrap(g.inFloat32(this.node, (x) => g.rootOfSquares(variance("std", x, reducing(dim), options))));
  }

  /**
   * Length of the vector of all elements, or of those along `dim`: the `p`th root of the sum of |x|^p.
   *
   * ```ts
   * tensor([3, 4]).norm()              // 5
   * tensor([3, 4]).norm(1)             // 7
   * tensor([[3, 4], [0, 0]]).norm(2, 1)  // [5, 0]
   * ```
   *
   * @param p - default 2; 1 sums sizes, Infinity takes the largest, -Infinity the smallest, 0 counts what is not 0
   */
  norm(p = 2, dim?: Dims, options: KeepDim = false): T {
    if (typeof p !== "number" || Number.isNaN(p)) {
      throw new TypeError(`norm: p is ${shown(p)}, expected a number; the dimension comes second: x.norm(2, dim)`);
    }
    g.requireFloat("norm", this.node);
    const keepdim = keeps("norm", options);
    return this.wrap(g.inFloat32(this.node, (x) => norm(x, p, reducing(dim), keepdim)));
  }

  /** Largest element. */
  max(): T;
  /** Largest elements along `dim`, and where they stand. */
  max(dim: number, options?: KeepDim): { values: T; indices: T };
  max(dim?: number, options: KeepDim = false): T | { values: T; indices: T } {
    return dim === undefined ? this.amax() : extremum(this, "argmax", dim, keeps("max", options));
  }

  /** Smallest element. */
  min(): T;
  /** Smallest elements along `dim`, and where they stand. */
  min(dim: number, options?: KeepDim): { values: T; indices: T };
  min(dim?: number, options: KeepDim = false): T | { values: T; indices: T } {
    return dim === undefined ? this.amin() : extremum(this, "argmin", dim, keeps("min", options));
  }

  /** The largest element of all (a scalar), or along one or several dimensions: `x.amax([1, 2])`. Where several are equal, each takes its part of the gradient. */
  amax(dim?: Dims, options: KeepDim = false): T {
    return this.wrap(g.max(this.node, reducing(dim), keeps("amax", options)));
  }

  /** The smallest element of all (a scalar), or along one or several dimensions. */
  amin(dim?: Dims, options: KeepDim = false): T {
    return this.wrap(g.min(this.node, reducing(dim), keeps("amin", options)));
  }

  /** Index of the largest element (along `dim`), the first among equals; a NaN counts as larger than all. */
  argmax(dim?: number, options: KeepDim = false): T {
    return this.wrap(g.argument("argmax", this.node, dim, keeps("argmax", options)));
  }

  /** Index of the smallest element (along `dim`), the first among equals; a NaN counts as smaller than all. */
  argmin(dim?: number, options: KeepDim = false): T {
    return this.wrap(g.argument("argmin", this.node, dim, keeps("argmin", options)));
  }

  /** Whether all elements (along `dim`) are true. */
  all(dim?: Dims, options: KeepDim = false): T {
    return this.bool().logicalNot().any(dim, keeps("all", options)).logicalNot();
  }

  /** Whether any element (along `dim`) is true. */
  any(dim?: Dims, options: KeepDim = false): T {
    return this.wrap(g.max(g.cast(this.bool().node, "int32"), dim, keeps("any", options))).bool();
  }

  /** Running sums along `dim`; the same shape back: `[1, 2, 3]` becomes `[1, 3, 6]`. */
  cumsum(dim: number): T {
    return this.wrap(g.cumsum(this.node, dim));
  }

  /** The same elements in another shape; one dimension may be -1. `x.reshape(28, 28)`, `x.reshape(8, -1)`. */
  reshape(...shape: number[] | [Shape]): T {
    return this.wrap(g.reshape(this.node, listed(shape)));
  }

  /** The same as `reshape`: `x.view(8, -1)`. */
  view(...shape: number[] | [Shape]): T {
    return this.reshape(...shape);
  }

  /** The dimensions in another order: `x.permute(0, 2, 3, 1)` makes `[b, c, h, w]` `[b, h, w, c]`. */
  permute(...dims: number[] | [readonly number[]]): T {
    return this.wrap(g.permute(this.node, listed(dims)));
  }

  /** Exchanges two dimensions. */
  transpose(a: number, b: number): T {
    return this.wrap(g.transpose(this.node, a, b));
  }

  /** Without the dimension `dim`, or without all dimensions, of size 1. */
  squeeze(dim?: number): T {
    const at = dim === undefined ? null : axis("squeeze", dim, this.ndim);
    return this.reshape(this.shape.filter((n, i) => n !== 1 || (at !== null && i !== at)));
  }

  /** With a dimension of size 1 at `dim`. */
  unsqueeze(dim: number): T {
    const at = axis("unsqueeze", dim, this.ndim + 1);
    return this.reshape([...this.shape.slice(0, at), 1, ...this.shape.slice(at)]);
  }

  /** Repeated along dimensions of size 1; -1 keeps a dimension. */
  expand(...shape: number[] | [Shape]): T {
    const wanted = listed(shape);
    const lead = wanted.length - this.ndim;
    return this.wrap(
      g.expand(
        this.node,
        wanted.map((n, i) => (n === -1 ? (this.shape[i - lead] ?? -1) : n)),
      ),
    );
  }

  /** The whole tensor `times[i]` times in a row along each dimension. */
  repeat(...times: number[] | [readonly number[]]): T {
    const counts = listed(times);
    const shape = [...new Array<number>(Math.max(0, counts.length - this.ndim)).fill(1), ...this.shape];
    if (counts.length !== shape.length) {
      throw new RangeError(`repeat: got ${show(counts)} for ${show(this.shape)}; expected a number for each dimension`);
    }
    const tiled = this.reshape(shape.flatMap((n) => [1, n])).expand(shape.flatMap((n, i) => [counts[i]!, n]));
    return tiled.reshape(shape.map((n, i) => n * counts[i]!));
  }

  /** The dimensions from `start` to `end` as one. */
  flatten(start = 0, end = -1): T {
    if (this.ndim === 0) return this.reshape(1);
    const [a, b] = [axis("flatten", start, this.ndim), axis("flatten", end, this.ndim)];
    return this.reshape([...this.shape.slice(0, a), sizeOf(this.shape.slice(a, b + 1)), ...this.shape.slice(b + 1)]);
  }

  /** The dimension `dim` split in several; one of them may be -1. */
  unflatten(dim: number, shape: Shape): T {
    const at = axis("unflatten", dim, this.ndim);
    const inner = inferShape("unflatten", [this.shape[at]!], shape);
    return this.reshape([...this.shape.slice(0, at), ...inner, ...this.shape.slice(at + 1)]);
  }

  /** The elements in reverse order along the given dimensions: `x.flip(-1)` mirrors pictures `[.., h, w]` left to right. */
  flip(...dims: number[] | [readonly number[]]): T {
    return this.wrap(g.flip(this.node, listed(dims)));
  }

  /** Zeros (or `value`) around the last dimensions: `[left, right]`, `[left, right, top, bottom]` and so on, as PyTorch's `F.pad`. */
  pad(amounts: readonly number[], value = 0): T {
    if (amounts.length % 2 !== 0 || amounts.length > 2 * this.ndim || !amounts.every(Number.isInteger)) {
      throw new RangeError(
        `pad: got ${show(amounts)} for ${show(this.shape)}; expected pairs, the last dimension first`,
      );
    }
    const at = (i: number, side: number) => amounts[2 * (this.ndim - 1 - i) + side] ?? 0;
    const before = this.shape.map((_, i) => at(i, 0));
    const after = this.shape.map((_, i) => at(i, 1));
    return this.wrap(g.pad(this.node, before, after, value));
  }
}

function variance(
  where: string,
  x: Node,
  dim: Dims | undefined,
  options: { keepdim?: boolean; correction?: number },
): Node {
  checkOptions(where, options, { keepdim: true, correction: true });
  const { keepdim = false, correction = 1 } = options;
  checkNumber(where, "correction", correction);
  const centred = g.sub(x, g.mean(x, dim, true));
  const sum = g.sum(g.mul(centred, centred), dim, keepdim);
  const n = x.size / Math.max(1, sum.size);
  return g.div(sum, g.constant(Math.max(0, n - correction)));
}

/** The norm of floats in float32, with PyTorch's slopes where something is 0. */
function norm(x: Node, p: number, dim: Dims | undefined, keepdim: boolean): Node {
  if (p === 2) return g.rootOfSquares(g.sumSquare(x, dim, keepdim));
  const size = g.unary("abs", x);
  if (p === 1) return g.sum(size, dim, keepdim);
  if (p === Infinity) return g.max(size, dim, keepdim);
  if (p === -Infinity) return g.min(size, dim, keepdim);
  const zero = g.binary("eq", x, g.constant(0));
  if (p === 0) return g.sum(g.cast(g.unary("not", zero), "float32"), dim, keepdim);
  const power = g.pow(g.where(zero, g.constant(1), size), p);
  const sum = g.sum(g.where(zero, g.constant(p > 0 ? 0 : Infinity), power), dim, keepdim);
  const none = g.binary("eq", sum, g.constant(0));
  return g.where(none, g.constant(0), g.pow(g.where(none, g.constant(1), sum), 1 / p));
}

function extremum<T extends Shaping<T>>(
  x: Shaping<T>,
  op: "argmax" | "argmin",
  dim: number,
  keepdim: boolean,
): { values: T; indices: T } {
  const at = g.argument(op, x.node, dim, true);
  const values = x.wrap(g.gather(x.node, dim, at));
  const indices = x.wrap(at);
  return keepdim ? { values, indices } : { values: values.squeeze(dim), indices: indices.squeeze(dim) };
}
