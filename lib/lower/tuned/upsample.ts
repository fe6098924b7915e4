import { type ConvAttrs, inFile, type Node, type WindowAttrs } from "../../graph/node.ts";
import * as g from "../../graph/ops/index.ts";
import type { Emitter } from "../emitter.ts";

/**
 * A 3x3 convolution after nearest upsampling by 2. For each of the four places in a 2x2 block of the output, it amounts to a 2x2
 * convolution of the small image, whose kernel is the 3x3 kernel with those taps summed that fall on the same input pixel: 16
 * products for each input pixel instead of 36. Only where the weight is a constant, which is summed once.
 */
export function upsampledConv(e: Emitter, n: Node<"conv2d">, bias?: string): string | null {
  const isConstant = e.target.frozen && !e.target.inPlace && inFile(n.inputs[1]!);
  const small = isConstant ? smallImage(e, n) : null;
  if (!small) return null;
  const [b, c, h, w] = small.shape as [number, number, number, number];
  const o = n.shape[1]!;
  // All four as one convolution of the image with a margin, which has a row and a column too many for each.
  const sums = e.name(summedPairs(n.inputs[1]!));
  const places = e.graph.add("Transpose", [e.reshape(sums, [o, c, 2, 2, 2, 2])], { perm: [3, 5, 0, 1, 2, 4] });
  const kernels = [e.reshape(places, [4 * o, c, 2, 2])];
  if (bias !== undefined) kernels.push(e.graph.add("Concat", [bias, bias, bias, bias], { axis: 0 }));
  const all = e.graph.add("Conv", [e.name(small), ...kernels], { kernel_shape: [2, 2], pads: [1, 1, 1, 1] });
  const axes = e.graph.ints([1, 2, 3]);
  const corners = [0, 1].flatMap((y) =>
    [0, 1].map((x) => {
      const from = (2 * y + x) * o;
      return e.graph.add("Slice", [all, e.graph.ints([from, y, x]), e.graph.ints([from + o, y + h, x + w]), axes]);
    }),
  );
  // The columns side by side, then the rows: one transposition of all would take four times as long.
  const columns = e.reshape(e.graph.add("Concat", corners, { axis: 1 }), [b, 2, 2, o, h, w]);
  const rows = e.reshape(e.graph.add("Transpose", [columns], { perm: [0, 1, 3, 4, 5, 2] }), [b, 2, o, h, 2 * w]);
  return e.reshape(e.graph.add("Transpose", [rows], { perm: [0, 2, 3, 1, 4] }), n.shape);
}

/** The image that nearest upsampling by 2 makes larger for a 3x3 convolution; null where it is another kind of convolution. */
export function smallImage(e: Emitter, n: Node<"conv2d">): Node | null {
  const up = e.canonical(n.inputs[0]!);
  if (up.storage || !up.is("sumPoolBackward") || !isPlain(n.attrs, n.inputs[1]!)) return null;
  const small = up.inputs[0]!;
  const isDouble = up.shape[2] === 2 * small.shape[2]! && up.shape[3] === 2 * small.shape[3]!;
  return halves(up.attrs) && isDouble ? small : null;
}

/** The four 2x2 kernels of such a convolution as matrices `[4 C, O]`, by rows and columns of the block. */
export function cornerFilters(e: Emitter, weight: Node): string[] {
  const [o, c] = weight.shape as [number, number];
  const sums = e.reshape(e.name(summedPairs(weight)), [o, c, 2, 2, 2, 2]);
  const places = e.graph.add("Transpose", [sums], { perm: [3, 5, 2, 4, 1, 0] });
  const all = ["_0", "_1", "_2", "_3"].map((suffix) => `${e.graph.fresh()}${suffix}`);
  e.graph.addMany("Split", [e.reshape(places, [16 * c, o])], all, { axis: 0, num_outputs: 4 });
  return all;
}

/** A 3x3 kernel's neighbours summed, as `[O, C, 4, 4]`. */
function summedPairs(weight: Node): Node {
  return g.sumPool(weight, { kernel: [2, 2], stride: [1, 1], padding: [1, 1, 1, 1] });
}

/** Whether a pooling halves an image. */
function halves({ kernel, stride, padding }: WindowAttrs): boolean {
  return kernel.join() === "2,2" && stride.join() === "2,2" && !padding.some(Boolean);
}

/** Whether a convolution is a 3x3 one that keeps the image's size. */
function isPlain({ stride, padding, dilation, groups }: ConvAttrs, weight: Node): boolean {
  return `${stride} ${padding} ${dilation} ${groups}` === "1,1 1,1,1,1 1,1 1" && weight.shape.slice(2).join() === "3,3";
}

/**
 * The input's gradient of nearest upsampling by 2 and the 3x3 convolution behind it: four neighbours of the
 * convolution's own input gradient, summed. Both together are one convolution with stride 2, whose 4x4 kernel is the
 * 3x3 one turned around with its neighbours summed: 16 products for each output instead of 36.
 */
export function upsampledInput(e: Emitter, n: Node<"sumPool">): string | null {
  const conv = e.singleUse(n.inputs[0]!, "convInput");
  if (!conv) return null;
  const [dy, weight] = conv.inputs as [Node, Node];
  const even = conv.shape[2]! % 2 === 0 && conv.shape[3]! % 2 === 0;
  if (!halves(n.attrs) || !even || !isPlain(conv.attrs, weight)) return null;
  const sums = summedPairs(g.flip(weight, [2, 3]));
  return e.name(g.conv2d(dy, g.permute(sums, [1, 0, 2, 3]), { ...conv.attrs, stride: [2, 2] }));
}
