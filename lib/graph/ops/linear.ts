import { plural } from "../../printed.ts";
import { promote } from "../dtype.ts";
import { type ConvAttrs, Node } from "../node.ts";
import { broadcast, type Shape, show } from "../shape.ts";
import { allInFloat32, cast } from "./elementwise.ts";
import { reshape } from "./movement.ts";
import { requireFloat } from "./reduce.ts";

/** Matrix product of the last two dimensions, broadcasting the others; vectors as in PyTorch. */
export function matmul(a: Node, b: Node): Node {
  requireFloat("matmul", a);
  requireFloat("matmul", b);
  const [p, q] = [a.shape.length, b.shape.length];
  if (p === 0 || q === 0)
    throw new RangeError("matmul: got a scalar; expected one dimension or more. Use mul instead.");
  if (p === 1) {
    const out = matmul(reshape(a, [1, a.size]), b);
    return reshape(out, [...out.shape.slice(0, q === 1 ? -1 : -2), ...(q === 1 ? [] : [out.shape.at(-1)!])]);
  }
  if (q === 1) {
    const out = matmul(a, reshape(b, [b.size, 1]));
    return reshape(out, out.shape.slice(0, -1));
  }
  if (a.shape[p - 1] !== b.shape[q - 2]) {
    throw new RangeError(
      `matmul: ${show(a.shape)} has ${plural(a.shape[p - 1], "column")} and ${show(b.shape)} has ${plural(b.shape[q - 2], "row")}; expected the same number`,
    );
  }
  const lead = broadcast("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...lead, a.shape[p - 2]!, b.shape[q - 1]!];
  const dtype = promote(a.dtype, b.dtype);
  return allInFloat32([cast(a, dtype), cast(b, dtype)], (x, y) => new Node("matmul", [x!, y!], {}, shape, x!.dtype));
}

function outputSize(n: number, k: number, before: number, after: number, stride: number, dilation: number): number {
  return Math.floor((n + before + after - dilation * (k - 1) - 1) / stride) + 1;
}

/** Two-dimensional convolution of `x` `[B, C, H, W]` with `weight` `[O, C / groups, kh, kw]`. */
export function conv2d(x: Node, weight: Node, attrs: ConvAttrs): Node {
  requireFloat("conv2d", x);
  requireFloat("conv2d", weight);
  if (x.shape.length !== 4 || weight.shape.length !== 4) {
    throw new RangeError(
      `conv2d: got input ${show(x.shape)} and weight ${show(weight.shape)}; expected [B, C, H, W] and [O, C, kh, kw]`,
    );
  }
  const [b, c, h, w] = x.shape as [number, number, number, number];
  const [o, cg, kh, kw] = weight.shape as [number, number, number, number];
  if (c !== cg * attrs.groups) {
    throw new RangeError(
      `conv2d: input ${show(x.shape)} (NCHW) has ${plural(c, "channel")}, weight ${show(weight.shape)} expects ${cg * attrs.groups}`,
    );
  }
  if (o % attrs.groups !== 0) {
    throw new RangeError(`conv2d: ${o} output channels cannot be divided into ${plural(attrs.groups, "group")}`);
  }
  const { padding: p, stride, dilation } = attrs;
  const ho = outputSize(h, kh, p[0], p[2], stride[0], dilation[0]);
  const wo = outputSize(w, kw, p[1], p[3], stride[1], dilation[1]);
  if (ho < 1 || wo < 1) {
    throw new RangeError(
      `conv2d: the kernel ${kh}x${kw} (dilation ${dilation}) does not fit into ${h}x${w} with padding ${show(p)}`,
    );
  }
  return product("conv2d", x, weight, attrs, [b, o, ho, wo]);
}

function product(op: "conv2d" | "convInput" | "convWeight", a: Node, b: Node, attrs: ConvAttrs, shape: Shape): Node {
  const dtype = promote(a.dtype, b.dtype);
  return allInFloat32([cast(a, dtype), cast(b, dtype)], (x, y) => new Node(op, [x!, y!], attrs, shape, x!.dtype));
}

/** The input's gradient of a `conv2d` whose input had the shape `shape`, from `dy` `[B, O, Ho, Wo]`. */
export function convInput(dy: Node, weight: Node, attrs: ConvAttrs, shape: Shape): Node {
  return product("convInput", dy, weight, attrs, shape);
}

/** The weight's gradient of a `conv2d` whose weight has the shape `shape`. */
export function convWeight(x: Node, dy: Node, attrs: ConvAttrs, shape: Shape): Node {
  return product("convWeight", x, dy, attrs, shape);
}

/** softmax(q kᵀ scale + bias) v over `[B, heads, N, d]`, as one operation for sampling. */
export function attention(q: Node, k: Node, v: Node, scale: number): Node {
  return new Node("attention", [q, k, v], { scale }, [...q.shape.slice(0, -1), v.shape.at(-1)!], q.dtype);
}
