import type { ConvAttrs, Node } from "../../graph/node.ts";
import { type Emitter, terms } from "../emitter.ts";
import { convAttributes, standard } from "../standard.ts";
import { blockedDomain, inBlocks, turnBlocks } from "./blocks.ts";
import { upsampledConv } from "./upsample.ts";

/** Whether a convolution of `from` to `to` channels gains from the CPU's blocked layout. */
function blocked(e: Emitter, attrs: ConvAttrs, kernel: readonly number[], from: number, to: number): boolean {
  const { block } = e.target;
  return block > 0 && attrs.groups === 1 && kernel[0]! * kernel[1]! > 1 && from % block === 0 && to % block === 0;
}

/** A convolution, with its bias as part of it. */
export function conv2d(e: Emitter, n: Node<"conv2d">, bias?: string): string {
  const small = upsampledConv(e, n, bias);
  if (small !== null) return small;
  const [x, weight] = n.inputs as [Node, Node];
  const [to, from, ...kernel] = weight.shape as [number, number, number, number];
  const attributes = convAttributes(n.attrs, weight);
  const rest = bias === undefined ? [] : [bias];
  if (!blocked(e, n.attrs, kernel, from, to)) {
    return e.graph.add("Conv", [e.name(x), e.name(weight), ...rest], attributes);
  }
  const filter = e.reshape(filterBlocks(e, weight), weight.shape);
  return convolve(e, e.name(x), [filter, ...rest], attributes, to);
}

/** The input's gradient: for stride 1 a convolution with the kernel turned around and its channels exchanged. */
export function convInput(e: Emitter, n: Node<"convInput">): string {
  const { stride, padding: p, dilation, groups } = n.attrs;
  const [dy, weight] = n.inputs as [Node, Node];
  const [from, to, kh, kw] = weight.shape as [number, number, number, number];
  const reach = [dilation[0] * (kh - 1), dilation[1] * (kw - 1)] as const;
  const fits = p[0] <= reach[0] && p[2] <= reach[0] && p[1] <= reach[1] && p[3] <= reach[1];
  if (stride[0] !== 1 || stride[1] !== 1 || groups !== 1 || !fits) return standard.convInput(e, n);
  const attributes = {
    kernel_shape: [kh, kw],
    pads: [reach[0] - p[0], reach[1] - p[1], reach[0] - p[2], reach[1] - p[3]],
    dilations: dilation,
  };
  const w = e.name(weight);
  if (!blocked(e, n.attrs, [kh, kw], from, to)) {
    const exchanged = e.graph.add("Transpose", [w], { perm: [1, 0, 2, 3] });
    return e.graph.add(
      "Conv",
      [e.name(dy), turned(e, exchanged, [to * from, kh * kw, 1], [to, from, kh, kw])],
      attributes,
    );
  }
  // From the blocks of the forward filter: exchange inner and outer channels within each, then the blocks' order.
  const b = e.target.block;
  const places = kh * kw;
  const exchanged = turnBlocks(e, filterBlocks(e, weight), ((from * to) / (b * b)) * places, b);
  const grid = e.reshape(exchanged, [from / b, to / b, places * b * b]);
  const ordered = e.graph.add("Transpose", [grid], { perm: [1, 0, 2] });
  const filter = turned(e, ordered, [(to * from) / (b * b), places, b * b], [to, from, kh, kw]);
  return convolve(e, e.name(dy), [filter], attributes, to);
}

/** A kernel turned by half a circle, its places being the middle dimension of `rows`. */
function turned(e: Emitter, w: string, rows: readonly [number, number, number], shape: readonly number[]): string {
  const places = rows[1];
  if (places === 1) return w;
  const backwards = e.graph.ints(Array.from({ length: places }, (_, i) => places - 1 - i));
  return e.reshape(e.graph.add("Gather", [e.reshape(w, rows), backwards], { axis: 1 }), shape);
}

/**
 * `[O, C, kh, kw]` as `[O / b, C / b, kh kw, b of C, b of O]`, as the blocked convolution reads it. In two steps, for
 * each of which there is a fast way.
 */
function filterBlocks(e: Emitter, weight: Node): string {
  const b = e.target.block;
  const [o, c, kh, kw] = weight.shape as [number, number, number, number];
  const places = kh * kw;
  const name = e.name(weight);
  return e.memoize(`filter ${name}`, () => {
    const last = turnBlocks(e, name, o / b, c * places);
    return e.graph.add("Transpose", [e.reshape(last, [(o / b) * (c / b), b, places, b])], { perm: [0, 2, 1, 3] });
  });
}

function convolve(
  e: Emitter,
  x: string,
  rest: readonly string[],
  attributes: Parameters<Emitter["graph"]["add"]>[2],
  channels: number,
): string {
  const out = e.graph.add("Conv", [inBlocks(e, x), ...rest], attributes, blockedDomain);
  return e.graph.add("ReorderOutput", [out], { channels }, blockedDomain);
}

/** Whether a term is a number for each channel of a convolution, `[C, 1, 1]`. */
export function isBiasOf(bias: Node, conv: Node): boolean {
  return bias.shape.length === 3 && bias.shape[0] === conv.shape[1] && bias.size === conv.shape[1];
}

/** `conv2d + bias` as one operation, where the sum is of that kind. */
export function withBias(e: Emitter, n: Node<"add">): string | null {
  for (const [first, bias] of terms(n)) {
    const conv = e.singleUse(first, "conv2d");
    if (conv && isBiasOf(bias, conv)) return conv2d(e, conv, e.reshape(e.name(bias), [conv.shape[1]!]));
  }
  return null;
}

/** `x * scale + shift` by channel: a convolution in which each channel of each image is a group of its own. */
export function channelAffine(e: Emitter, n: Node<"channelAffine">): string {
  const [b, c, ...image] = n.shape as [number, number, ...number[]];
  const pixels = image.reduce((p, d) => p * d, 1);
  if (pixels < 256) return standard.channelAffine(e, n);
  const [x, scale, shift] = e.names(n) as [string, string, string];
  const out = e.graph.add(
    "Conv",
    [e.reshape(x, [1, b * c, pixels, 1]), e.reshape(scale, [b * c, 1, 1, 1]), e.reshape(shift, [b * c])],
    { group: b * c, kernel_shape: [1, 1] },
  );
  return e.reshape(out, n.shape);
}
