import { type Node, source } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { checkOptions } from "../options.ts";
import { settings } from "../runtime/settings.ts";
import { current, HostArray } from "../runtime/storage.ts";
import { TensorState } from "./state.ts";
import type { Tensor } from "./tensor.ts";

/** A tensor, or a number beside one. */
export type Operand = Tensor | number;
/** One dimension or several; negative ones count from the end. */
export type Dims = number | readonly number[];
/** Whether reduced dimensions stay, of size 1; default false. */
export type KeepDim = boolean | { readonly keepdim?: boolean };

export function keeps(where: string, given: KeepDim): boolean {
  if (typeof given === "boolean") return given;
  checkOptions(where, given, { keepdim: true });
  return given.keepdim ?? false;
}

/** A number beside `x`, or another tensor, as a value of the graph. */
export function nodeOf(value: Operand, beside: Tensor): Node {
  if (value instanceof TensorState) return value.node;
  if (typeof value === "number") return g.operand(beside.node, value, true);
  throw new TypeError(`expected a tensor or a number, got ${typeof value}`);
}

/** A list of indices, or an int64 tensor, as a value of the graph. */
export function indexNode(index: Tensor | readonly number[]): Node {
  if (index instanceof TensorState) return index.node;
  const data = BigInt64Array.from(index, (i) => BigInt(i));
  return source(new HostArray("int64", [index.length], data, settings.device));
}

/** Refuses indices that lie outside, where they are known already. */
export function checkRange(where: string, index: Node, size: number, negative: boolean, except?: number): void {
  const storage = index.storage && current(index.storage);
  if (!(storage instanceof HostArray)) return;
  for (const value of storage.data) {
    const v = Number(value);
    if (v === except) continue;
    if (v >= size || v < (negative ? -size : 0)) {
      throw new RangeError(
        `${where}: index ${v} is out of range; the indexed dimension has ${size} elements, 0 to ${size - 1}`,
      );
    }
  }
}

/**
 * Indices of a dimension of `size` elements, none of them negative. What is known is checked here; what is computed
 * later (or fed to a compiled function) is checked there: ONNX counts negative numbers from the end, so they are sent
 * beyond it, which it refuses.
 *
 * @param options.known - where the numbers come from, if `index` was computed from them just now
 * @param options.except - a number that may stand in `known` all the same
 */
export function inRange(
  where: string,
  index: Tensor,
  size: number,
  options: { known?: Tensor; except?: number } = {},
): Tensor {
  const { node } = options.known ?? index;
  if (node.storage && current(node.storage) instanceof HostArray) {
    checkRange(where, node, size, false, options.except);
    return index;
  }
  if (node.dtype !== "int64" && node.dtype !== "int32") return index;
  const beyond = g.operand(index.node, size);
  return index.wrap(g.where(g.binary("lt", index.node, g.operand(index.node, 0)), beyond, index.node));
}

/** `f(1, 2)` and `f([1, 2])` alike. */
export function listed(values: number[] | [readonly number[]]): readonly number[] {
  return values.length === 1 && Array.isArray(values[0]) ? values[0] : (values as number[]);
}
