import { type Node, source } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import type { Shape } from "../graph/shape.ts";
import { checkOptions, shown } from "../options.ts";
import { plural } from "../printed.ts";
import { settings } from "../runtime/settings.ts";
import { current, HostArray } from "../runtime/storage.ts";
import { TensorState } from "./state.ts";

/** One dimension or several; negative ones count from the end. */
export type Dims = number | readonly number[];
/** Whether reduced dimensions stay, of size 1; default false. */
export type KeepDim =
  | boolean
  | {
      /** Whether reduced dimensions stay, of size 1; default false. */
      readonly keepdim?: boolean;
    };

/** An empty list of dimensions to reduce means all of them, as in PyTorch. */
export function reducing(dim: Dims | undefined): Dims | undefined {
  return Array.isArray(dim) && dim.length === 0 ? undefined : dim;
}

export function keeps(where: string, given: KeepDim): boolean {
  if (typeof given === "boolean") return given;
  checkOptions(where, given, { keepdim: true });
  return given.keepdim ?? false;
}

/** A number beside `x`, or another tensor, as a value of the graph. */
export function nodeOf(where: string, value: { readonly node: Node } | number, other: { readonly node: Node }): Node {
  if (typeof value === "number") return g.operand(other.node, value, true);
  checkTensor(where, value, "a tensor or a number");
  return value.node;
}

/** Refuses anything but a tensor, for scripts without types. */
export function checkTensor(where: string, value: unknown, expected = "a tensor"): void {
  if (value instanceof TensorState) return;
  let hint = "";
  if (value instanceof Promise) hint = "; write await in front of it";
  else if (
    Array.isArray(value) ||
    ArrayBuffer.isView(value) ||
    (typeof value === "number" && expected === "a tensor")
  ) {
    hint = "; tensor(numbers) makes one of numbers";
  }
  throw new TypeError(`${where}: got ${shown(value)}, expected ${expected}${hint}`);
}

/** A list of indices, or an int64 tensor, as a value of the graph. */
export function indexNode(index: { readonly node: Node } | readonly number[]): Node {
  if ("node" in index) return index.node;
  const data = BigInt64Array.from(index, (i) => BigInt(i));
  return source(new HostArray("int64", [index.length], data, settings.device));
}

/** Where the numbers come from that `node` only arranges in another shape. */
function arranged(node: Node): Node {
  const moves = new Set(["reshape", "permute", "expand", "detach"]);
  let at = node;
  while (!at.storage && moves.has(at.op)) at = at.inputs[0]!;
  return at;
}

/** Refuses indices that lie outside, if they are known already. */
export function checkRange(where: string, index: Node, size: number, negative: boolean, except?: number): void {
  const { storage: own } = arranged(index);
  const storage = own && current(own);
  if (!(storage instanceof HostArray)) return;
  for (const value of storage.data) {
    const v = Number(value);
    if (v === except) continue;
    if (v >= size || v < (negative ? -size : 0)) {
      throw new RangeError(
        `${where}: index ${v} is out of range; the indexed dimension has ${plural(size, "element")}, 0 to ${size - 1}`,
      );
    }
  }
}

/**
 * Indices of a dimension of `size` elements. What is known is checked here; what is computed later (or fed to a compiled
 * function) is checked there: onnxruntime refuses what is beyond the end, but counts negative numbers from it, so they
 * are moved below that as well (and `explain` moves them back).
 *
 * @param options.known - where the numbers come from, if `index` was computed from them just now
 * @param options.except - a number that may stand in `known` all the same
 * @param options.negative - numbers from `-size` up are allowed, and count from the end; default false
 * @param options.lookUp - look the indices up in a list of all, for operations that would not say which one is wrong
 */
export function inRange<T extends TensorState<T>>(
  where: string,
  index: T,
  size: number,
  options: { known?: T; except?: number; negative?: boolean; lookUp?: boolean } = {},
): T {
  const node = arranged((options.known ?? index).node);
  if (node.storage && current(node.storage) instanceof HostArray) {
    checkRange(where, node, size, options.negative ?? false, options.except);
    return index;
  }
  if (index.dtype !== "int64" && index.dtype !== "int32") return index;
  const least = g.operand(index.node, options.negative ? -size : 0);
  const below = g.binary("lt", index.node, least);
  const refused = g.where(below, g.sub(index.node, size), index.node);
  if (!options.lookUp) return index.wrap(refused);
  const all = g.sub(g.cumsum(g.expand(g.constant(1, "int64"), [size]), 0), 1);
  return index.wrap(g.indexSelect(all, 0, refused));
}

/** `f(1, 2)` and `f([1, 2])` alike. */
export function listed(values: number[] | [readonly number[]]): readonly number[] {
  return values.length === 1 && Array.isArray(values[0]) ? values[0] : (values as number[]);
}

/** A shape and options, or the sizes one by one, as PyTorch takes them too. */
export type ShapeArguments<O> = number[] | [shape: Shape, options?: O];

/** `f([2, 3], options)` and `f(2, 3)` alike. */
export function shapeArguments<O extends object>(args: ShapeArguments<O>): [shape: Shape, options: O] {
  const [first, second] = args;
  if (args.every((size) => typeof size === "number")) return [args as number[], {} as O];
  if (typeof first === "number") {
    const sizes = (args as unknown[]).filter((size) => typeof size === "number");
    throw new TypeError(
      `with options, the shape must be a list: got ${sizes.join(", ")} and options, expected [${sizes.join(", ")}], options`,
    );
  }
  return [first as Shape, (second ?? {}) as O];
}
