import * as g from "../graph/ops/index.ts";
import { axis, show } from "../graph/shape.ts";
import { checkInteger } from "../options.ts";
import { type Dims, inRange } from "./operands.ts";
import { Ordering } from "./order.ts";
import { self, type TensorState } from "./state.ts";

/** Elements moved, taken and put. */
export abstract class Arranging<T extends Arranging<T>> extends Ordering<T> {
  /** The lower triangle of the last two dimensions, from the `diagonal`th diagonal down; zeros above. */
  tril(diagonal = 0): T {
    return triangle("tril", self(this), diagonal);
  }

  /** The upper triangle of the last two dimensions, from the `diagonal`th diagonal up; zeros below. */
  triu(diagonal = 0): T {
    return triangle("triu", self(this), diagonal);
  }

  /**
   * A vector `[n]` as the `diagonal`th diagonal of a matrix of zeros, or that diagonal of a matrix.
   *
   * ```ts
   * tensor([1, 2]).diag()            // [[1, 0], [0, 2]]
   * tensor([[1, 2], [3, 4]]).diag()  // [1, 4]
   * ```
   */
  diag(diagonal = 0): T {
    checkInteger("diag", "diagonal", [diagonal], -Infinity);
    const [above, below] = [Math.max(0, diagonal), Math.max(0, -diagonal)];
    if (this.ndim === 1) {
      const n = this.shape[0]! + above + below;
      const rows = this.wrap(g.pad(this.node, [below], [above])).unsqueeze(1);
      const mask = counting(this, n).unsqueeze(1).add(diagonal).eq(counting(this, n));
      return this.wrap(g.where(mask.node, rows.node, g.constant(0, this.dtype)));
    }
    if (this.ndim !== 2) throw new RangeError(`diag: got ${show(this.shape)}, expected a vector or a matrix`);
    const [rows, columns] = this.shape as [number, number];
    const n = Math.max(0, Math.min(rows - below, columns - above));
    const at = counting(this, n)
      .mul(columns + 1)
      .add(below * columns + above);
    return this.flatten().indexSelect(0, at);
  }

  /**
   * Elements moved by `shifts` places along `dims`; what leaves at one end comes in at the other. Without `dims` over
   * all elements in a row. `tensor([1, 2, 3]).roll(1)` is `[3, 1, 2]`.
   */
  roll(shifts: Dims, dims?: Dims): T {
    if (dims === undefined) {
      if (typeof shifts !== "number")
        throw new TypeError("roll: got several shifts and no dims; expected one for each");
      return this.flatten().roll(shifts, 0).reshape(this.shape);
    }
    const [by, along] = [shifts, dims].map((v) => (typeof v === "number" ? [v] : v)) as [number[], number[]];
    if (by.length !== along.length) {
      throw new RangeError(`roll: ${by.length} shifts for ${along.length} dims; expected the same number`);
    }
    checkInteger("roll", "shifts", by, -Infinity);
    return along.reduce((x: T, dim, i) => {
      const size = x.shape[axis("roll", dim, x.ndim)]!;
      const shift = size === 0 ? 0 : ((by[i]! % size) + size) % size;
      if (shift === 0) return x;
      const parts = [x.narrow(dim, size - shift, shift), x.narrow(dim, 0, size - shift)];
      return x.wrap(
        g.cat(
          parts.map((part) => part.node),
          axis("roll", dim, x.ndim),
        ),
      );
    }, self(this));
  }

  /**
   * Windows of `size` elements along `dim`, each `step` further on, as one more dimension at the end.
   *
   * ```ts
   * arange(5).unfold(0, 3, 1)  // [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
   * ```
   */
  unfold(dim: number, size: number, step: number): T {
    checkInteger("unfold", "size", [size], 1);
    checkInteger("unfold", "step", [step], 1);
    const d = axis("unfold", dim, this.ndim);
    const length = this.shape[d]!;
    if (size > length) throw new RangeError(`unfold: windows of ${size} do not fit dim ${dim} of ${show(this.shape)}`);
    const count = Math.floor((length - size) / step) + 1;
    const at = counting(this, count).mul(step).unsqueeze(1).add(counting(this, size));
    const out = this.wrap(g.indexSelect(this.node, d, at.node)); // [.., count, size, ..]
    const order = out.shape.map((_, i) => i);
    order.push(...order.splice(d + 1, 1));
    return out.permute(order);
  }

  /**
   * This tensor with `src` in place of the elements at `index` along `dim`: `out[i][index[i][j]] = src[i][j]` where
   * `dim` is 1. Of equal indices the last counts.
   *
   * @param index - int64, as many dimensions as this tensor
   * @param src - of the index's shape, or one number for all
   */
  scatter(dim: number, index: T, src: T | number): T {
    const d = axis("scatter", dim, this.ndim);
    const at = inRange("scatter", index, this.shape[d]!);
    const values = typeof src === "number" ? g.expand(g.constant(src, this.dtype, true), index.shape) : src.node;
    return this.wrap(g.scatter(this.node, d, at.node, values));
  }
}

/** 0, 1, 2 and so on below `n`, int64, wherever `x` is. */
export function counting<T extends TensorState<T>>(x: TensorState<T>, n: number): T {
  return x.wrap(g.sub(g.cumsum(g.expand(g.constant(1, "int64"), [n]), 0), 1));
}

function triangle<T extends Arranging<T>>(name: "tril" | "triu", x: T, diagonal: number): T {
  if (x.ndim < 2) throw new RangeError(`${name}: got ${show(x.shape)}, expected a matrix`);
  checkInteger(name, "diagonal", [diagonal], -Infinity);
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const row = counting(x, rows).unsqueeze(1).add(diagonal);
  const column = counting(x, columns);
  const kept = name === "tril" ? column.le(row) : column.ge(row);
  if (x.dtype === "bool") return x.logicalAnd(kept);
  return x.wrap(g.where(kept.node, x.node, g.constant(0, x.dtype)));
}
