import { plural } from "../../printed.ts";
import { Node, type WindowAttrs } from "../node.ts";
import { type Shape, show } from "../shape.ts";
import { cast, inFloat32 } from "./elementwise.ts";
import { requireFloat } from "./reduce.ts";

function pooled(where: string, x: Node, { kernel, stride, padding: p, dilation = [1, 1] }: WindowAttrs): number[] {
  requireFloat(where, x);
  if (x.shape.length !== 4) throw new RangeError(`${where}: got ${show(x.shape)}, expected [B, C, H, W]`);
  const reach = [0, 1].map((i) => dilation[i]! * (kernel[i]! - 1) + 1) as [number, number];
  const h = Math.floor((x.shape[2]! + p[0] + p[2] - reach[0]) / stride[0]) + 1;
  const w = Math.floor((x.shape[3]! + p[1] + p[3] - reach[1]) / stride[1]) + 1;
  if (h < 1 || w < 1) {
    throw new RangeError(`${where}: the window ${kernel[0]}x${kernel[1]} does not fit into ${show(x.shape)}`);
  }
  return [x.shape[0]!, x.shape[1]!, h, w];
}

export function maxPool(x: Node, attrs: WindowAttrs): Node {
  const shape = pooled("maxPool2d", x, attrs);
  return inFloat32(x, (wide) => new Node("maxPool", [wide], attrs, shape, wide.dtype));
}

export function maxPoolIndices(x: Node, attrs: WindowAttrs): Node {
  return new Node("maxPoolIndices", [x], attrs, pooled("maxPool2d", x, attrs), "int64");
}

/** `dy` at the places `index` (flat, over the whole of `shape`), zeros elsewhere. */
export function maxUnpool(dy: Node, index: Node, attrs: WindowAttrs, shape: Shape): Node {
  return inFloat32(dy, (wide) => new Node("maxUnpool", [wide, index], attrs, shape, wide.dtype));
}

/** Sum of each window, zeros around. Average pooling divides it; its gradient is `sumPoolBackward`. */
export function sumPool(x: Node, attrs: WindowAttrs): Node {
  const shape = pooled("avgPool2d", x, attrs);
  return inFloat32(x, (wide) => new Node("sumPool", [wide], attrs, shape, wide.dtype));
}

/** Every value of `dy` added to each place of the window it came from; nearest upsampling where windows do not overlap. */
export function sumPoolBackward(dy: Node, attrs: WindowAttrs, shape: Shape): Node {
  return inFloat32(dy, (wide) => new Node("sumPoolBackward", [wide], attrs, shape, wide.dtype));
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
    throw new RangeError(
      `groupNorm: ${show(x.shape)} has ${plural(c, "channel")}, which ${plural(groups, "group")} do not divide`,
    );
  }
  if (weight.size !== c || bias.size !== c) {
    throw new RangeError(
      `groupNorm: input ${show(x.shape)} has ${plural(c, "channel")}, weight ${show(weight.shape)} and bias ${show(bias.shape)} must have that many`,
    );
  }
  return inFloat32(x, (wide) => {
    const [w, b] = [cast(weight, "float32"), cast(bias, "float32")];
    return new Node("groupNorm", [wide, w, b], { groups, eps }, x.shape, "float32");
  });
}

/**
 * Each row of `x` `[rows, n]` with mean 0 and variance 1, and what it was multiplied with for that, `[rows, 1]`. The mean
 * is taken off before anything is squared: E[x^2] - mean^2 has no digits left if the mean is large.
 */
export function standardized(x: Node, eps: number): { h: Node; inv: Node } {
  return {
    h: new Node("standardize", [x], { eps }, x.shape, x.dtype),
    inv: new Node("inverseDeviation", [x], { eps }, [x.shape[0]!, 1], x.dtype),
  };
}

/** Normalisation over the last dimension, `weight` and `bias` of its size. */
export function layerNorm(x: Node, weight: Node, bias: Node, eps: number): Node {
  requireFloat("layerNorm", x);
  const n = x.shape.at(-1);
  if (weight.size !== n || bias.size !== n) {
    throw new RangeError(
      `layerNorm: the last dimension of ${show(x.shape)} is ${n}, weight ${show(weight.shape)} and bias ${show(bias.shape)} must match it`,
    );
  }
  return inFloat32(x, (wide) => {
    const [w, b] = [cast(weight, "float32"), cast(bias, "float32")];
    return new Node("layerNorm", [wide, w, b], { eps }, x.shape, "float32");
  });
}
