import * as g from "../graph/ops/index.ts";
import { show } from "../graph/shape.ts";
import { checkInteger } from "../options.ts";
import { checkTensor, indexNode, inRange } from "./operands.ts";
import { Shaping } from "./shaping.ts";

/** Parts of a tensor, elements at indices, and matrix products. */
export abstract class Indexing<T extends Indexing<T>> extends Shaping<T> {
  /** Elements `start` to `end` (not included) along `dim`, every `step`th; negative positions count from the end. */
  slice(dim: number, start: number, end = Number.MAX_SAFE_INTEGER, step = 1): T {
    checkInteger("slice", "start or end", [start, ...(end === Infinity ? [] : [end])], Number.MIN_SAFE_INTEGER);
    return this.wrap(g.narrow(this.node, dim, start, end, step, true));
  }

  /** `length` elements from `start` on along `dim`. */
  narrow(dim: number, start: number, length: number): T {
    const size = this.size(dim);
    if (start < 0 || length < 0 || start + length > size) {
      throw new RangeError(
        `narrow: ${start} to ${start + length} is beyond the end of dim ${dim} of ${show(this.shape)}`,
      );
    }
    return this.slice(dim, start, start + length);
  }

  /** The slice at `index` along `dim`, without that dimension. */
  select(dim: number, index: number): T {
    const size = this.size(dim);
    if (!Number.isInteger(index) || index < -size || index >= size) {
      throw new RangeError(
        `select: index ${index} is out of range; dim ${dim} of ${show(this.shape)} takes ${-size} to ${size - 1}`,
      );
    }
    const at = index < 0 ? index + size : index;
    return this.slice(dim, at, at + 1).squeeze(dim);
  }

  /** Whole slices along `dim` at `index`, a tensor of int64 (any shape) or a list. */
  indexSelect(dim: number, index: T | readonly number[]): T {
    const at = inRange("indexSelect", this.wrap(indexNode(index)), this.size(dim));
    return this.wrap(g.indexSelect(this.node, dim, at.node));
  }

  /** One element for each index: `out[i][j] = x[i][index[i][j]]` if `dim` is 1. */
  gather(dim: number, index: T): T {
    checkTensor("gather", index, "a tensor of int64 indices");
    return this.wrap(g.gather(this.node, dim, inRange("gather", index, this.size(dim), { lookUp: true }).node));
  }

  /** This tensor with `src` added at `index` along `dim`. */
  scatterAdd(dim: number, index: T, src: T): T {
    return this.wrap(g.scatterAdd(this.node, dim, inRange("scatterAdd", index, this.size(dim)).node, src.node));
  }

  /** Parts of `size` along `dim`; the last may be smaller. A list gives each part's size. */
  split(size: number | readonly number[], dim = 0): T[] {
    const total = this.size(dim);
    checkInteger(
      "split",
      "size",
      typeof size === "number" ? [size] : Array.isArray(size) ? size : [size],
      Number(typeof size === "number"),
    );
    const sizes =
      typeof size === "number"
        ? Array.from({ length: Math.ceil(total / size) }, (_, i) => Math.min(size, total - i * size))
        : size;
    if (sizes.reduce((a, b) => a + b, 0) !== total) {
      throw new RangeError(`split: sizes ${show(sizes)} do not add up to ${total}, dim ${dim} of ${show(this.shape)}`);
    }
    let at = 0;
    return sizes.map((n) => {
      const part = this.wrap(g.narrow(this.node, dim, at, at + n));
      at += n;
      return part;
    });
  }

  /** `count` equal parts along `dim` (the last may be smaller). */
  chunk(count: number, dim = 0): T[] {
    checkInteger("chunk", "count", [count], 1);
    return this.split(Math.max(1, Math.ceil(this.size(dim) / count)), dim);
  }

  /** The slices along `dim`, without that dimension. */
  unbind(dim = 0): T[] {
    return this.split(1, dim).map((part) => part.squeeze(dim));
  }

  /**
   * Matrix product over the last two dimensions, the others broadcast. `a.matmul(b)` of `[n, k]` and `[k, m]` is
   * `[n, m]`.
   */
  matmul(other: T): T {
    checkTensor("matmul", other);
    return this.wrap(g.matmul(this.node, other.node));
  }

  /** The same as `matmul`: `[n, k]` times `[k, m]` is `[n, m]`. */
  mm(other: T): T {
    return this.matmul(other);
  }
}
