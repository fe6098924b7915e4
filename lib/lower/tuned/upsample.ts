import type { Node } from "../../graph/node.ts";
import * as g from "../../graph/ops/index.ts";
import type { Emitter } from "../emitter.ts";

/**
 * The input's gradient of nearest upsampling by 2 and the 3x3 convolution behind it: four neighbours of the
 * convolution's own input gradient, summed. Both together are one convolution with stride 2, whose 4x4 kernel is the
 * 3x3 one turned around with its neighbours summed: 16 products for each output instead of 36.
 */
export function upsampledInput(e: Emitter, n: Node<"sumPool">): string | null {
  const conv = e.singleUse(n.inputs[0]!, "convInput");
  if (!conv) return null;
  const [dy, weight] = conv.inputs as [Node, Node];
  const { stride, padding, dilation, groups } = conv.attrs;
  const pools = n.attrs.kernel.join() === "2,2" && n.attrs.stride.join() === "2,2" && !n.attrs.padding.some(Boolean);
  const even = conv.shape[2]! % 2 === 0 && conv.shape[3]! % 2 === 0;
  const plain = `${stride} ${padding} ${dilation} ${groups}` === "1,1 1,1,1,1 1,1 1";
  if (!pools || !even || !plain || weight.shape.slice(2).join() !== "3,3") return null;
  const sums = g.sumPool(g.flip(weight, [2, 3]), { kernel: [2, 2], stride: [1, 1], padding: [1, 1, 1, 1] });
  return e.name(g.conv2d(dy, g.permute(sums, [1, 0, 2, 3]), { ...conv.attrs, stride: [2, 2] }));
}
