import * as g from "../graph/ops/index.ts";
import { axis, inferShape, type Shape, show, sizeOf } from "../graph/shape.ts";
import { Elementwise } from "./elementwise.ts";
import { type Dims, listed } from "./operands.ts";
import type { Tensor } from "./tensor.ts";

/** Operations that reduce dimensions (over `dim`: one or several, all by default) or arrange elements anew. */
export abstract class Shaping extends Elementwise {
  /**
   * The sum of all elements (a scalar), or along `dim`: `x.sum()`, `x.sum(1)`, `x.sum([2, 3])`. With `keepdim` the
   * dimension stays, with size 1.
   */
  sum(this: Tensor, dim?: Dims, keepdim = false): Tensor {
    return this.wrap(g.sum(this.node, dim, keepdim));
  }

  /** The mean of all elements (a scalar), or along `dim`: `x.mean()` of `[8, 28, 28]` is one number, `x.mean(0)` is `[28, 28]`. */
  mean(this: Tensor, dim?: Dims, keepdim = false): Tensor {
    return this.wrap(g.mean(this.node, dim, keepdim));
  }

  /** Variance; `correction` is subtracted from the number of elements (1 by default, as in PyTorch). */
  var(this: Tensor, dim?: Dims, options: { keepdim?: boolean; correction?: number } = {}): Tensor {
    const { keepdim = false, correction = 1 } = options;
    const centred = this.sub(this.mean(dim, true));
    const sum = centred.mul(centred).sum(dim, keepdim);
    const n = this.numel() / Math.max(1, sum.numel());
    return this.wrap(g.div(sum.node, n - correction));
  }

  /** Standard deviation: the root of `var`. */
  std(this: Tensor, dim?: Dims, options: { keepdim?: boolean; correction?: number } = {}): Tensor {
    return this.var(dim, options).sqrt();
  }

  /** Length of the vector of all elements (or along `dim`). `x.div(x.norm())` has length 1. */
  norm(this: Tensor, dim?: Dims, keepdim = false): Tensor {
    return this.wrap(g.sqrt(g.sumSquare(this.node, dim, keepdim)));
  }

  /** Largest element. */
  max(this: Tensor): Tensor;
  /** Largest elements along `dim`, and where they stand. */
  max(this: Tensor, dim: number, keepdim?: boolean): { values: Tensor; indices: Tensor };
  max(this: Tensor, dim?: number, keepdim = false): Tensor | { values: Tensor; indices: Tensor } {
    return dim === undefined ? this.amax() : extremum(this, "argmax", dim, keepdim);
  }

  /** Smallest element. */
  min(this: Tensor): Tensor;
  /** Smallest elements along `dim`, and where they stand. */
  min(this: Tensor, dim: number, keepdim?: boolean): { values: Tensor; indices: Tensor };
  min(this: Tensor, dim?: number, keepdim = false): Tensor | { values: Tensor; indices: Tensor } {
    return dim === undefined ? this.amin() : extremum(this, "argmin", dim, keepdim);
  }

  /** The largest element of all (a scalar), or along one or several dimensions: `x.amax([1, 2])`. */
  amax(this: Tensor, dim?: Dims, keepdim = false): Tensor {
    return this.wrap(g.max(this.node, dim, keepdim));
  }

  /** The smallest element of all (a scalar), or along one or several dimensions. */
  amin(this: Tensor, dim?: Dims, keepdim = false): Tensor {
    return this.wrap(g.min(this.node, dim, keepdim));
  }

  /** Index of the largest element (along `dim`), the first among equals. */
  argmax(this: Tensor, dim?: number, keepdim = false): Tensor {
    return this.wrap(g.argument("argmax", this.node, dim, keepdim));
  }

  /** Index of the smallest element (along `dim`), the first among equals: int64. */
  argmin(this: Tensor, dim?: number, keepdim = false): Tensor {
    return this.wrap(g.argument("argmin", this.node, dim, keepdim));
  }

  /** Whether all elements (along `dim`) are true. */
  all(this: Tensor, dim?: Dims, keepdim = false): Tensor {
    return this.bool().logicalNot().any(dim, keepdim).logicalNot();
  }

  /** Whether any element (along `dim`) is true. */
  any(this: Tensor, dim?: Dims, keepdim = false): Tensor {
    return this.wrap(g.max(g.cast(this.bool().node, "int32"), dim, keepdim)).bool();
  }

  /** Running sums along `dim`; the same shape back: `[1, 2, 3]` becomes `[1, 3, 6]`. */
  cumsum(this: Tensor, dim: number): Tensor {
    return this.wrap(g.cumsum(this.node, dim));
  }

  /** The same elements in another shape; one dimension may be -1. `x.reshape(28, 28)`, `x.reshape(8, -1)`. */
  reshape(this: Tensor, ...shape: number[] | [Shape]): Tensor {
    return this.wrap(g.reshape(this.node, listed(shape)));
  }

  /** The same as `reshape`: `x.view(8, -1)`. */
  view(this: Tensor, ...shape: number[] | [Shape]): Tensor {
    return this.reshape(...shape);
  }

  /** The dimensions in another order: `x.permute(0, 2, 3, 1)` makes `[b, c, h, w]` `[b, h, w, c]`. */
  permute(this: Tensor, ...dims: number[] | [readonly number[]]): Tensor {
    return this.wrap(g.permute(this.node, listed(dims)));
  }

  /** Exchanges two dimensions. */
  transpose(this: Tensor, a: number, b: number): Tensor {
    return this.wrap(g.transpose(this.node, a, b));
  }

  /** Without the dimension `dim`, or without all dimensions, of size 1. */
  squeeze(this: Tensor, dim?: number): Tensor {
    const at = dim === undefined ? null : axis("squeeze", dim, this.ndim);
    return this.reshape(this.shape.filter((n, i) => n !== 1 || (at !== null && i !== at)));
  }

  /** With a dimension of size 1 at `dim`. */
  unsqueeze(this: Tensor, dim: number): Tensor {
    const at = axis("unsqueeze", dim, this.ndim + 1);
    return this.reshape([...this.shape.slice(0, at), 1, ...this.shape.slice(at)]);
  }

  /** Repeated along dimensions of size 1; -1 keeps a dimension. */
  expand(this: Tensor, ...shape: number[] | [Shape]): Tensor {
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
  repeat(this: Tensor, ...times: number[] | [readonly number[]]): Tensor {
    const counts = listed(times);
    const shape = [...new Array<number>(Math.max(0, counts.length - this.ndim)).fill(1), ...this.shape];
    if (counts.length !== shape.length) {
      throw new RangeError(`repeat: got ${show(counts)} for ${show(this.shape)}; expected a number for each dimension`);
    }
    const spread = this.reshape(shape.flatMap((n) => [1, n])).expand(shape.flatMap((n, i) => [counts[i]!, n]));
    return spread.reshape(shape.map((n, i) => n * counts[i]!));
  }

  /** The dimensions from `start` to `end` as one. */
  flatten(this: Tensor, start = 0, end = -1): Tensor {
    if (this.ndim === 0) return this.reshape(1);
    const [a, b] = [axis("flatten", start, this.ndim), axis("flatten", end, this.ndim)];
    return this.reshape([...this.shape.slice(0, a), sizeOf(this.shape.slice(a, b + 1)), ...this.shape.slice(b + 1)]);
  }

  /** The dimension `dim` split in several; one of them may be -1. */
  unflatten(this: Tensor, dim: number, shape: Shape): Tensor {
    const at = axis("unflatten", dim, this.ndim);
    const inner = inferShape("unflatten", [this.shape[at]!], shape);
    return this.reshape([...this.shape.slice(0, at), ...inner, ...this.shape.slice(at + 1)]);
  }

  /** The elements in reverse order along the given dimensions: `x.flip(-1)` mirrors pictures `[.., h, w]` left to right. */
  flip(this: Tensor, ...dims: number[] | [readonly number[]]): Tensor {
    return this.wrap(g.flip(this.node, listed(dims)));
  }

  /** Zeros (or `value`) around the last dimensions: `[left, right]`, `[left, right, top, bottom]` and so on, as PyTorch's `F.pad`. */
  pad(this: Tensor, amounts: readonly number[], value = 0): Tensor {
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

function extremum(
  x: Tensor,
  op: "argmax" | "argmin",
  dim: number,
  keepdim: boolean,
): { values: Tensor; indices: Tensor } {
  const at = g.argument(op, x.node, dim, true);
  const values = x.wrap(g.gather(x.node, dim, at));
  const indices = x.wrap(at);
  return keepdim ? { values, indices } : { values: values.squeeze(dim), indices: indices.squeeze(dim) };
}
