import { plural } from "../../printed.ts";
import { isFloat } from "../dtype.ts";
import { Node } from "../node.ts";
import { axis, sameShape, show } from "../shape.ts";
import { cast, constant, inFloat32, isnan, where } from "./elementwise.ts";

function indices(where: string, index: Node): Node {
  if (index.dtype !== "int64" && index.dtype !== "int32") {
    throw new TypeError(`${where}: the index has dtype ${index.dtype}, expected int64`);
  }
  return cast(index, "int64");
}

/** Whole slices of `x` along `dim`, at the positions in `index` (any shape): `out[.., i.., ..] = x[.., index[i..], ..]`. */
export function indexSelect(x: Node, dim: number, index: Node): Node {
  const d = axis("indexSelect", dim, x.shape.length);
  const shape = [...x.shape.slice(0, d), ...index.shape, ...x.shape.slice(d + 1)];
  return new Node("indexSelect", [x, indices("indexSelect", index)], { dim: d }, shape, x.dtype);
}

/** Zeros with `size` slices along `dim`, to which the slices of `x` are added at `index`. */
export function indexAdd(x: Node, dim: number, index: Node, size: number): Node {
  const shape = [...x.shape.slice(0, dim), size, ...x.shape.slice(dim + index.shape.length)];
  const at = indices("indexAdd", index);
  return inFloat32(x, (wide) => new Node("indexAdd", [wide, at], { dim }, shape, wide.dtype));
}

/** `out[i][j][k] = x[i][index[i][j][k]][k]` if `dim` is 1. */
export function gather(x: Node, dim: number, index: Node): Node {
  const d = axis("gather", dim, x.shape.length);
  const fits = index.shape.length === x.shape.length && index.shape.every((n, i) => i === d || n <= x.shape[i]!);
  if (!fits) {
    throw new RangeError(
      `gather: index ${show(index.shape)} does not fit ${show(x.shape)}; expected the same number of dimensions, none longer except dim ${dim}`,
    );
  }
  // ONNX gathers from exactly as many rows as the index has.
  return new Node("gather", [x, indices("gather", index)], { dim: d }, index.shape, x.dtype);
}

/** `base` with `x` added at `index` along `dim`: the reverse of `gather`. */
export function scatterAdd(base: Node, dim: number, index: Node, x: Node): Node {
  return scattered("scatterAdd", base, dim, index, x);
}

/** `base` with `x` in place of the elements at `index` along `dim`. */
export function scatter(base: Node, dim: number, index: Node, x: Node): Node {
  return scattered("scatter", base, dim, index, x);
}

function scattered(op: "scatterAdd" | "scatter", base: Node, dim: number, index: Node, x: Node): Node {
  const d = axis(op, dim, base.shape.length);
  if (!sameShape(index.shape, x.shape) || index.shape.length !== base.shape.length) {
    throw new RangeError(
      `${op}: index ${show(index.shape)} and source ${show(x.shape)} must have the same shape, with ${plural(base.shape.length, "dimension")}`,
    );
  }
  const at = indices(op, index);
  return inFloat32(base, (wide) => {
    return new Node(op, [wide, at, cast(x, wide.dtype)], { dim: d }, base.shape, wide.dtype);
  });
}

/** Where the `k` largest (or smallest) elements along `dim` stand, the first in order first. NaN is larger than all. */
export function topkIndices(x: Node, k: number, dim: number, largest: boolean): Node {
  const d = axis("topk", dim, x.shape.length);
  const size = x.shape[d]!;
  if (!Number.isInteger(k) || k < 0 || k > size) {
    throw new RangeError(`topk: k is ${k}; dim ${dim} of ${show(x.shape)} has ${size} elements`);
  }
  const shape = x.shape.map((n, i) => (i === d ? k : n));
  const narrow = x.dtype === "bool" || x.dtype === "uint8" ? cast(x, "int32") : x;
  const input = isFloat(x.dtype) ? replaceNan(cast(narrow, "float32")) : narrow;
  return new Node("topkIndices", [input], { dim: d, k, largest }, shape, "int64");
}

function replaceNan(x: Node): Node {
  return where(isnan(x), constant(Infinity), x);
}
