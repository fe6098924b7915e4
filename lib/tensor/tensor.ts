import type { Node } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { show } from "../graph/shape.ts";
import { shown } from "../options.ts";
import { DISPLAY } from "../page/display.ts";
import { counting } from "./arrange.ts";
import { HostOps } from "./host.ts";
import { checkTensor, inRange } from "./operands.ts";
import { formatNow, listNow, mimeBundle } from "./print.ts";

/** A tensor, or a number beside one. */
export type Operand = Tensor | number;

/** One place of an index: a slice's number, a range, everything, or a tensor of numbers. */
export type IndexSpec = number | readonly [number, number] | readonly [number, number, number] | null | Tensor;

/**
 * An array of numbers of one dtype. Operations only write down what to compute; `await x.data()`, `item()`, `tolist()`,
 * a display or an optimizer's step computes it. Shapes and dtypes are checked at once, where the operation is written.
 */
export class Tensor extends HostOps<Tensor> {
  override wrap(node: Node): Tensor {
    return new Tensor(node);
  }

  /** The transpose of a matrix. */
  get T(): Tensor {
    return this.permute(this.shape.map((_, i) => this.ndim - 1 - i));
  }

  /**
   * NumPy's `x[...]`: for each dimension a number (that slice), `[start, end]` or `[start, end, step]`, null (all),
   * or a tensor of indices. `x.at(0, null, [1, 3])` is `x[0, :, 1:3]`.
   */
  at(...specs: IndexSpec[]): Tensor {
    if (specs.length > this.ndim) {
      throw new RangeError(`at: ${specs.length} indices for a tensor of shape ${show(this.shape)}`);
    }
    let out: Tensor = this;
    let dim = 0;
    for (const spec of specs) {
      if (spec === null) dim++;
      else if (typeof spec !== "number" && !Array.isArray(spec) && !(spec instanceof Tensor)) {
        throw new TypeError(`at: got ${shown(spec)}, expected a number, null, [start, end] or a tensor of indices`);
      } else if (typeof spec === "number") out = out.select(dim, spec);
      else if (spec instanceof Tensor) {
        checkIndex(spec);
        const at = inRange("at", spec, out.size(dim), { negative: true });
        out = new Tensor(g.indexSelect(out.node, dim, at.node));
        dim += spec.ndim;
      } else out = out.slice(dim++, spec[0], spec[1], spec[2] ?? 1);
    }
    return out;
  }

  /**
   * Puts `value` where `at(...index)` looks, in place: `x.set([0, null, [1, 3]], 5)` is `x[0, :, 1:3] = 5`. A bool tensor
   * of this shape as the only index puts it where that is true. A result keeps its gradient history, as with `add_`.
   *
   * @param value - a number, or a tensor that broadcasts to what `at(...index)` gives
   */
  set(index: readonly IndexSpec[], value: Operand): this {
    if (!Array.isArray(index))
      throw new TypeError(`set: the index is ${shown(index)}, expected a list: x.set([0], value)`);
    if (typeof value !== "number") checkTensor("set", value, "a tensor or a number");
    const given = typeof value === "number" ? g.constant(value, this.dtype, true) : g.cast(value.node, this.dtype);
    const [mask] = index;
    if (mask instanceof Tensor && mask.dtype === "bool") {
      if (index.length !== 1 || show(mask.shape) !== show(this.shape)) {
        throw new RangeError(
          `set: mask ${show(mask.shape)} must have the shape ${show(this.shape)}, and be the only index`,
        );
      }
      return this.replace(g.where(mask.node, given, this.node), value);
    }
    const places = counting(this, this.numel())
      .reshape(this.shape)
      .at(...index);
    const flat = (node: Node) => g.reshape(node, [-1]);
    const values = flat(g.expand(given, places.shape));
    const put = g.scatter(flat(this.node), 0, flat(places.node), values);
    return this.replace(g.reshape(put, this.shape), value);
  }

  // ---- what JavaScript does with objects

  /** Operators do not work on tensors; TypeScript lets a comparison of two pass. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.toString();
    throw new TypeError(
      "operators do not work on tensors. Write x.add(y) for x + y, and sub, mul, div, pow; x.gt(y) for x > y, and lt, ge, le, eq. " +
        "The number in a tensor of one element is (await x.item()).",
    );
  }

  /** The elements in nested lists, for `JSON.stringify`. */
  toJSON(): unknown {
    return listNow(this);
  }

  // ---- display

  /** The values as text if they are known; otherwise the shape and dtype, with how to compute them. */
  override toString(): string {
    return formatNow(this);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return formatNow(this);
  }

  /** What a notebook shows. */
  async [DISPLAY](): Promise<Record<string, unknown>> {
    return mimeBundle(this);
  }
}

export { realize } from "./values.ts";

/** Refuses a tensor that does not hold indices, and says what to write. */
function checkIndex({ dtype, shape }: Tensor): void {
  if (dtype === "bool") {
    throw new TypeError(
      `at: got a bool mask ${show(shape)}, expected int64 indices: how many elements a mask picks is unknown until it is computed. Write await x.maskedSelect(mask), x.maskedFill(mask, value) or x.set([mask], value)`,
    );
  }
  if (dtype !== "int64" && dtype !== "int32") {
    throw new TypeError(`at: the index has dtype ${dtype}, expected int64: write index.to("int64")`);
  }
}
