import { type DType, isFloat } from "../graph/dtype.ts";
import { Node } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { show } from "../graph/shape.ts";
import { checkInteger, checkNumber, checkOptions } from "../options.ts";
import { Indexing } from "./indexing.ts";
import { checkTensor, type Dims, type KeepDim, keeps, reducing } from "./operands.ts";
import { self } from "./state.ts";

/** How close two numbers must be to count as equal. */
export interface Tolerance {
  /** Relative to the second number; default 1e-5. */
  readonly rtol?: number;
  /** Beyond that; default 1e-8. */
  readonly atol?: number;
  /** Whether NaN equals NaN; default false. */
  readonly equalNan?: boolean;
}

/** More of what PyTorch's tensors compute, made of the operations below. */
export abstract class MathOps<T extends MathOps<T>> extends Indexing<T> {
  /** A tensor of its own with the same values: what is changed in place in one is not in the other. Gradients pass. */
  clone(): T {
    return this.wrap(new Node("reshape", [this.node], {}, this.shape, this.dtype));
  }

  /** Logarithm to base 2. */
  log2(): T {
    return this.wrap(g.inFloat32(floats(this), (x) => g.mul(g.unary("log", x), Math.LOG2E)));
  }

  /** Logarithm to base 10. */
  log10(): T {
    return this.wrap(g.inFloat32(floats(this), (x) => g.mul(g.unary("log", x), Math.LOG10E)));
  }

  /** log(1 + x), exact for small x too. */
  log1p(): T {
    return this.wrap(g.log1p(floats(this)));
  }

  /** exp(x) - 1, exact for small x too. */
  expm1(): T {
    return this.wrap(g.expm1(floats(this)));
  }

  /** Whether each element is infinite, either way: bool. */
  isinf(): T {
    return this.abs().eq(Infinity);
  }

  /** From this tensor towards `end`: `x + weight (end - x)`. `black.lerp(white, 0.5)` is grey. */
  lerp(end: T, weight: T | number): T {
    checkTensor("lerp", end);
    return this.add(end.sub(self(this)).mul(weight));
  }

  /** The product of all elements, or along `dim`: `tensor([2, 3, 4]).prod()` is 24. Integers give int64. */
  prod(dim?: number, options: KeepDim = false): T {
    const x = isFloat(this.dtype) ? this.node : g.cast(this.node, "int64");
    return this.wrap(g.prod(x, dim, keeps("prod", options)));
  }

  /** Running products along `dim`: `[1, 2, 3]` becomes `[1, 2, 6]`. */
  cumprod(dim: number): T {
    return this.wrap(g.cumprod(isFloat(this.dtype) ? this.node : g.cast(this.node, "int64"), dim));
  }

  /** log(sum(exp(x))) along `dim`, which cannot overflow: `scores.logsumexp(1)` of `[b, c]` is `[b]`. */
  logsumexp(dim: Dims, options: KeepDim = false): T {
    return this.wrap(g.logsumexp(floats(this), reducing(dim), keeps("logsumexp", options)));
  }

  /** The sum of the products of two vectors `[n]`: a scalar. */
  dot(other: T): T {
    checkTensor("dot", other);
    if (this.ndim !== 1 || other.ndim !== 1) {
      throw new RangeError(`dot: got ${show(this.shape)} and ${show(other.shape)}, expected two vectors; use matmul`);
    }
    return this.matmul(other);
  }

  /** All products of two vectors: `[n]` and `[m]` to `[n, m]`. */
  outer(other: T): T {
    checkTensor("outer", other);
    if (this.ndim !== 1 || other.ndim !== 1) {
      throw new RangeError(`outer: got ${show(this.shape)} and ${show(other.shape)}, expected two vectors`);
    }
    return this.unsqueeze(1).mul(other);
  }

  /** Matrix products in a batch: `[b, n, m]` and `[b, m, p]` to `[b, n, p]`. */
  bmm(other: T): T {
    checkTensor("bmm", other);
    if (this.ndim !== 3 || other.ndim !== 3 || this.shape[0] !== other.shape[0]) {
      throw new RangeError(`bmm: got ${show(this.shape)} and ${show(other.shape)}, expected [b, n, m] and [b, m, p]`);
    }
    return this.matmul(other);
  }

  /** Whether each element is within tolerance of the other's: bool. */
  isclose(other: T, options: Tolerance = {}): T {
    checkOptions("isclose", options, { rtol: true, atol: true, equalNan: true });
    const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
    checkNumber("isclose", "rtol", rtol, 0);
    checkNumber("isclose", "atol", atol, 0);
    const near = this.sub(other).abs().le(other.abs().mul(rtol).add(atol));
    const close = this.eq(other).logicalOr(near.logicalAnd(other.isfinite()));
    return equalNan ? close.logicalOr(this.isnan().logicalAnd(other.isnan())) : close;
  }

  /**
   * Whether all elements are within tolerance. Computed now: `await a.allclose(b)`.
   *
   * @throws RangeError if the shapes do not fit
   */
  async allclose(other: T, options: Tolerance = {}): Promise<boolean> {
    return (await this.isclose(other, options).all().item()) === 1;
  }

  /** Whether both have the same shape and the same elements. Computed now: `await a.equal(b)`. */
  async equal(other: T): Promise<boolean> {
    if (show(this.shape) !== show(other.shape)) return false;
    return this.numel() === 0 || (await this.eq(other).all().item()) === 1;
  }

  /**
   * How many elements fall into each of `bins` equal intervals from `min` to `max`; others are not counted. The last
   * interval contains its end.
   *
   * ```ts
   * tensor([1, 2, 1]).histc(4, 0, 3)  // [0, 2, 1, 0]
   * ```
   *
   * @param min - with `max` equal to it (both 0 by default): the smallest and the largest element
   * @returns `[bins]` in the dtype of this tensor
   */
  histc(bins = 100, min = 0, max = 0): T {
    checkInteger("histc", "bins", [bins], 1);
    checkNumber("histc", "min", min);
    checkNumber("histc", "max", max, min);
    const x = this.detach().float().flatten();
    const given = min !== max;
    const [low, high]: [T | number, T | number] = given ? [min, max] : [x.amin(), x.amax()];
    // Where all elements are equal, an interval of 1 to either side.
    const same = given ? null : x.amax().eq(x.amin()).float();
    const from = same ? (low as T).sub(same) : low;
    const to = same ? (high as T).add(same) : high;
    const width: T | number = same ? (to as T).sub(from) : max - min;
    const place = x
      .sub(from)
      .mul(bins)
      .div(width)
      .floor()
      .clamp(0, bins - 1);
    const inside = x.ge(from).logicalAnd(x.le(to)).float();
    const at = place.maskedFill(inside.logicalNot(), 0).long();
    const zeros = x.wrap(g.expand(g.constant(0), [bins]));
    return zeros.scatterAdd(0, at, inside).to(this.dtype);
  }

  /**
   * Lengths of the differences of all pairs of rows: `[.., n, d]` and `[.., m, d]` to `[.., n, m]`.
   *
   * @param p - of the norm; default 2
   */
  cdist(other: T, p = 2): T {
    checkTensor("cdist", other);
    if (this.ndim < 2 || other.ndim < 2 || this.shape.at(-1) !== other.shape.at(-1)) {
      throw new RangeError(
        `cdist: got ${show(this.shape)} and ${show(other.shape)}, expected [.., n, d] and [.., m, d]`,
      );
    }
    return this.unsqueeze(-2).sub(other.unsqueeze(-3)).norm(p, -1);
  }

  /**
   * The cosine of the angle between vectors along `dim`, from -1 to 1: `[n, d]` and `[n, d]` to `[n]`.
   *
   * @param options.dim - default 1
   * @param options.eps - lengths below this count as it; default 1e-8
   */
  cosineSimilarity(other: T, options: { dim?: number; eps?: number } = {}): T {
    checkOptions("cosineSimilarity", options, { dim: true, eps: true });
    const { dim = 1, eps = 1e-8 } = options;
    const length = (x: T) => x.norm(2, dim, { keepdim: true }).maximum(eps);
    return this.div(length(self(this)))
      .mul(other.div(length(other)))
      .sum(dim);
  }
}

/** The values as floats: integers become float32. */
function floats(x: { readonly dtype: DType; readonly node: Node }): Node {
  return isFloat(x.dtype) ? x.node : g.cast(x.node, "float32");
}
