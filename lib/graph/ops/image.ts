import { Node, type WindowAttrs } from "../node.ts";
import { type Shape, show } from "../shape.ts";
import { add, binary, constant, mul, reciprocal, sqrt, sub } from "./elementwise.ts";
import { reshape } from "./movement.ts";
import { requireFloat, sum, sumSquare } from "./reduce.ts";

function pooled(where: string, x: Node, { kernel, stride, padding: p }: WindowAttrs): number[] {
  requireFloat(where, x);
  if (x.shape.length !== 4) throw new RangeError(`${where}: got ${show(x.shape)}, expected [B, C, H, W]`);
  const h = Math.floor((x.shape[2]! + p[0] + p[2] - kernel[0]) / stride[0]) + 1;
  const w = Math.floor((x.shape[3]! + p[1] + p[3] - kernel[1]) / stride[1]) + 1;
  if (h < 1 || w < 1) {
    throw new RangeError(`${where}: the window ${kernel[0]}x${kernel[1]} does not fit into ${show(x.shape)}`);
  }
  return [x.shape[0]!, x.shape[1]!, h, w];
}

export function maxPool(x: Node, attrs: WindowAttrs): Node {
  return new Node("maxPool", [x], attrs, pooled("maxPool2d", x, attrs), x.dtype);
}

export function maxPoolIndices(x: Node, attrs: WindowAttrs): Node {
  return new Node("maxPoolIndices", [x], attrs, pooled("maxPool2d", x, attrs), "int64");
}

/** `dy` at the places `index` (flat, over the whole of `shape`), zeros elsewhere. */
export function maxUnpool(dy: Node, index: Node, attrs: WindowAttrs, shape: Shape): Node {
  return new Node("maxUnpool", [dy, index], attrs, shape, dy.dtype);
}

/** Sum of each window, zeros around. Average pooling divides it; its gradient is `spread`. */
export function sumPool(x: Node, attrs: WindowAttrs): Node {
  return new Node("sumPool", [x], attrs, pooled("avgPool2d", x, attrs), x.dtype);
}

/** Every value of `dy` added to each place of the window it came from; nearest upsampling where windows do not overlap. */
export function spread(dy: Node, attrs: WindowAttrs, shape: Shape): Node {
  return new Node("spread", [dy], attrs, shape, dy.dtype);
}

/** `x[b, c] * scale[b, c] + shift[b, c]` for images `x` `[B, C, H, W]`. */
export function channelAffine(x: Node, scale: Node, shift: Node): Node {
  return new Node("channelAffine", [x, scale, shift], {}, x.shape, x.dtype);
}

/** Normalisation over groups of channels: `x` `[B, C, ...]`, `weight` and `bias` `[C]`. */
export function groupNorm(x: Node, weight: Node, bias: Node, groups: number, eps: number): Node {
  requireFloat("groupNorm", x);
  const c = x.shape[1];
  if (c === undefined || c % groups !== 0) {
    throw new RangeError(`groupNorm: ${show(x.shape)} has ${c} channels, which ${groups} groups do not divide`);
  }
  if (weight.size !== c || bias.size !== c) {
    throw new RangeError(
      `groupNorm: input ${show(x.shape)} has ${c} channels, weight ${show(weight.shape)} and bias ${show(bias.shape)} must too`,
    );
  }
  return new Node("groupNorm", [x, weight, bias], { groups, eps }, x.shape, x.dtype);
}

/** Mean and 1 / standard deviation of each group, `[B, groups, 1]` both. */
export function groupStats(x: Node, groups: number, eps: number): { mean: Node; inv: Node } {
  const b = x.shape[0]!;
  const size = x.size / (b * groups);
  const flat = reshape(x, [b, groups, size]);
  const mean = mul(sum(flat, [2], true), 1 / size);
  const square = mul(sumSquare(flat, [2], true), 1 / size);
  // Rounding may take a variance of nearly nothing below it.
  const variance = binary("maximum", sub(square, mul(mean, mean)), constant(0, x.dtype));
  return { mean, inv: reciprocal(sqrt(add(variance, eps))) };
}

/** Normalisation over the last dimension, `weight` and `bias` of its size. */
export function layerNorm(x: Node, weight: Node, bias: Node, eps: number): Node {
  requireFloat("layerNorm", x);
  const n = x.shape.at(-1);
  if (weight.size !== n || bias.size !== n) {
    throw new RangeError(
      `layerNorm: the last dimension of ${show(x.shape)} is ${n}, weight ${show(weight.shape)} and bias ${show(bias.shape)} must have it too`,
    );
  }
  return new Node("layerNorm", [x, weight, bias], { eps }, x.shape, x.dtype);
}
