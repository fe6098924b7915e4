import { isFloat } from "../dtype.ts";
import { Node } from "../node.ts";
import { axes, axis, reduced, sizeOf } from "../shape.ts";
import { cast, div, inFloat32 } from "./elementwise.ts";
import { reshape } from "./movement.ts";

export type Dims = number | readonly number[] | undefined;

/** Sum over `dims` (all by default). Integers and booleans sum to int64. */
export function sum(x: Node, dims?: Dims, keepdim = false): Node {
  const input = isFloat(x.dtype) ? x : cast(x, "int64");
  return inFloat32(input, (wide) => reduce("sum", wide, dims, keepdim));
}

export function sumSquare(x: Node, dims?: Dims, keepdim = false): Node {
  return inFloat32(x, (wide) => reduce("sumSquare", wide, dims, keepdim));
}

export function mean(x: Node, dims?: Dims, keepdim = false): Node {
  requireFloat("mean", x);
  const count = sizeOf(axes("mean", dims, x.shape.length).map((d) => x.shape[d]!));
  return inFloat32(x, (wide) => div(sum(wide, dims, keepdim), count));
}

export function max(x: Node, dims?: Dims, keepdim = false): Node {
  return extremum("max", x, dims, keepdim);
}

export function min(x: Node, dims?: Dims, keepdim = false): Node {
  return extremum("min", x, dims, keepdim);
}

function extremum(op: "max" | "min", x: Node, dims: Dims, keepdim: boolean): Node {
  const list = axes(op, dims, x.shape.length);
  if (list.some((d) => x.shape[d] === 0)) throw new RangeError(`${op}: no elements to choose from in [${x.shape}]`);
  return inFloat32(x.dtype === "bool" ? cast(x, "int64") : x, (wide) => reduce(op, wide, dims, keepdim));
}

function reduce(op: "sum" | "sumSquare" | "max" | "min", x: Node, dims: Dims, keepdim: boolean): Node {
  const list = axes(op, dims, x.shape.length);
  const shape = reduced(x.shape, list, keepdim);
  // Nothing to add up: the same elements, perhaps with fewer dimensions of 1.
  if (op !== "sumSquare" && list.every((d) => x.shape[d] === 1)) return reshape(x, shape);
  return new Node(op, [x], { dims: list, keepdim }, shape, x.dtype);
}

/** Index of the largest (smallest) element along `dim`, the first among equals; over all elements without `dim`. */
export function argument(op: "argmax" | "argmin", x: Node, dim: number | undefined, keepdim = false): Node {
  if (dim === undefined) return argument(op, reshape(x, [x.size]), 0);
  const d = axis(op, dim, x.shape.length);
  if (x.shape[d] === 0) throw new RangeError(`${op}: dim ${dim} of [${x.shape}] is empty`);
  const input = x.dtype === "bool" ? cast(x, "int32") : x.dtype === "float16" ? cast(x, "float32") : x;
  return new Node(op, [input], { dim: d, keepdim }, reduced(x.shape, [d], keepdim), "int64");
}

export function cumsum(x: Node, dim: number, reverse = false): Node {
  const input = isFloat(x.dtype) ? x : cast(x, "int64");
  const d = axis("cumsum", dim, x.shape.length);
  return inFloat32(input, (wide) => new Node("cumsum", [wide], { dim: d, reverse }, x.shape, wide.dtype));
}

export function softmax(x: Node, dim: number, op: "softmax" | "logSoftmax" = "softmax"): Node {
  requireFloat(op, x);
  const d = axis(op, dim, x.shape.length);
  return inFloat32(x, (wide) => new Node(op, [wide], { dim: d }, x.shape, wide.dtype));
}

/** `x` summed to `shape`, from which broadcasting had made it: the gradient of broadcasting. */
export function sumTo(x: Node, shape: readonly number[]): Node {
  const lead = x.shape.length - shape.length;
  const dims = x.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []));
  return dims.length === 0 ? reshape(x, shape) : reshape(sum(x, dims), shape);
}

export function requireFloat(where: string, x: Node): void {
  if (!isFloat(x.dtype)) {
    throw new TypeError(`${where}: got dtype ${x.dtype}, expected float32; convert with x.float()`);
  }
}
