import * as g from "../graph/ops/index.ts";
import { axis, show } from "../graph/shape.ts";
import { checkChoice, checkOptions } from "../options.ts";
import { MathOps } from "./math.ts";
import { type KeepDim, keeps } from "./operands.ts";

/** Elements and where they stood. */
export interface Ordered<T> {
  /** The elements. Gradients go back to where they stood. */
  readonly values: T;
  /** Their places in the input: int64. */
  readonly indices: T;
}

/** Order, and what depends on it. NaN counts as larger than every number. */
export abstract class Ordering<T extends Ordering<T>> extends MathOps<T> {
  /**
   * The `k` largest elements along `dim`, the largest first, and where they stand.
   *
   * ```ts
   * tensor([1, 4, 2, 3]).topk(2)  // values [4, 3], indices [1, 3]
   * ```
   *
   * @param dim - default the last
   * @param options.largest - false takes the smallest, the smallest first; default true
   */
  topk(k: number, dim = -1, options: { largest?: boolean } = {}): Ordered<T> {
    checkOptions("topk", options, { largest: true });
    return taken(this, dim, this.wrap(g.topkIndices(this.node, k, dim, options.largest ?? true)));
  }

  /**
   * All elements along `dim` in order, the smallest first, and where they stood. Equal ones keep their order.
   *
   * @param dim - default the last
   * @param options.descending - the largest first; default false
   */
  sort(dim = -1, options: { descending?: boolean } = {}): Ordered<T> {
    return taken(this, dim, this.argsort(dim, options));
  }

  /** Where the elements of a sorted tensor stood: int64, of the same shape. */
  argsort(dim = -1, options: { descending?: boolean } = {}): T {
    checkOptions("sort", options, { descending: true });
    const size = this.shape[axis("sort", dim, this.ndim)]!;
    return this.wrap(g.topkIndices(this.node, size, dim, options.descending ?? false));
  }

  /** The element in the middle of all; of an even number the lower of the two. NaN where any element is. */
  median(): T;
  /** The middle elements along `dim`, and where they stand. */
  median(dim: number, options?: KeepDim): Ordered<T>;
  median(dim?: number, options: KeepDim = false): T | Ordered<T> {
    if (dim === undefined) {
      if (this.numel() === 0) throw new RangeError(`median: no elements to choose from in ${show(this.shape)}`);
      const flat = this.flatten();
      const value = flat.median(0).values;
      if (!this.node.requiresGrad) return value;
      // Where several are equal, each takes its part of the gradient.
      const equal = flat.eq(value.detach()).logicalOr(flat.isnan().logicalAnd(value.detach().isnan()));
      const share = this.wrap(g.where(equal.node, flat.node, g.constant(0, this.dtype)));
      const mean = share.sum().div(equal.sum().to(this.dtype));
      return value.detach().add(mean.sub(mean.detach()));
    }
    const keepdim = keeps("median", options);
    const size = this.shape[axis("median", dim, this.ndim)]!;
    if (size === 0) throw new RangeError(`median: dim ${dim} of ${show(this.shape)} is empty`);
    const order = this.argsort(dim);
    // The first NaN, which counts as the largest, takes the place of the middle.
    const middle = order.narrow(dim, Math.floor((size - 1) / 2), 1);
    const nan = this.isnan().any(dim, { keepdim: true });
    const at = this.wrap(g.where(nan.node, this.argmax(dim, { keepdim: true }).node, middle.node));
    const { values, indices } = taken(this, dim, at);
    return keepdim ? { values, indices } : { values: values.squeeze(dim), indices: indices.squeeze(dim) };
  }

  /**
   * The value below which a share `q` of the elements lies, between two elements in proportion.
   *
   * ```ts
   * tensor([1, 2, 3, 4]).quantile(0.5)          // 2.5
   * tensor([1, 2, 3, 4]).quantile([0.25, 0.75])  // [1.75, 3.25]
   * ```
   *
   * @param q - 0 to 1; a list gives one more dimension in front
   * @param dim - default all elements
   * @param options.interpolation - `"linear"` (default), `"lower"`, `"higher"`, `"nearest"` or `"midpoint"`
   */
  quantile(
    q: number | readonly number[],
    dim?: number,
    options: { keepdim?: boolean; interpolation?: (typeof interpolations)[number] } = {},
  ): T {
    checkOptions("quantile", options, { keepdim: true, interpolation: true });
    const { keepdim = false, interpolation = "linear" } = options;
    checkChoice("quantile", "interpolation", interpolation, interpolations);
    g.requireFloat("quantile", this.node);
    if (typeof q !== "number") {
      const parts = q.map((each) => this.quantile(each, dim, options).unsqueeze(0));
      if (parts.length === 0) throw new RangeError("quantile: got an empty list of q");
      return this.wrap(
        g.cat(
          parts.map((part) => part.node),
          0,
        ),
      );
    }
    if (!(q >= 0 && q <= 1)) throw new RangeError(`quantile: q is ${q}, expected 0 to 1`);
    if (dim === undefined) {
      const all = this.flatten().quantile(q, 0, { interpolation });
      return keepdim ? all.reshape(this.shape.map(() => 1)) : all;
    }
    const size = this.shape[axis("quantile", dim, this.ndim)]!;
    if (size === 0) throw new RangeError(`quantile: dim ${dim} of ${show(this.shape)} is empty`);
    const { values } = this.sort(dim);
    const place = q * (size - 1);
    const [low, high] = [Math.floor(place), Math.ceil(place)];
    const at = (i: number) => values.narrow(dim, i, 1);
    // To the nearest, halves to the even place.
    const nearest = place - low === 0.5 ? low + (low % 2) : Math.round(place);
    const between = {
      linear: () => (low === high ? at(low) : at(low).lerp(at(high), place - low)),
      lower: () => at(low),
      higher: () => at(high),
      nearest: () => at(nearest),
      midpoint: () => (low === high ? at(low) : at(low).lerp(at(high), 0.5)),
    };
    // A NaN anywhere is the largest, and makes the whole result NaN.
    const last = at(size - 1);
    const result = this.wrap(g.where(last.isnan().node, last.node, between[interpolation]().node));
    return keepdim ? result : result.squeeze(dim);
  }
}

const interpolations = ["linear", "lower", "higher", "nearest", "midpoint"] as const;

function taken<T extends Ordering<T>>(x: Ordering<T>, dim: number, indices: T): Ordered<T> {
  return { values: x.wrap(g.gather(x.node, dim, indices.node)), indices };
}
