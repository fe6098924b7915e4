import type { Node } from "../../graph/node.ts";
import * as g from "../../graph/ops/index.ts";
import type { Emissions } from "../emitter.ts";
import { standard } from "../standard.ts";
import { channelAffine, conv2d, convInput, withBias } from "./conv.ts";
import { convWeight } from "./conv-weight.ts";
import { linearBias, matmul } from "./matmul.ts";

const microsoft = { domain: "com.microsoft" };

/** Formulations that onnxruntime's CPU provider runs faster than the standard ones. */
export const tuned: Partial<Emissions> = {
  silu: (e, n) => e.graph.add("QuickGelu", e.names(n), { alpha: { float: 1 } }, microsoft),
  quickGelu: (e, n) => e.graph.add("QuickGelu", e.names(n), { alpha: { float: 1.702 } }, microsoft),
  add: (e, n) => withBias(e, n) ?? linearBias(e, n) ?? standard.add(e, n),
  matmul,
  conv2d: (e, n) => conv2d(e, n),
  convInput,
  convWeight,
  channelAffine,
  groupNorm: (e, n) => {
    // Where the gradient needs mean and deviation anyway, share them; alone, ONNX's own normalisation is less work.
    if (!e.has("sumSquare") || n.shape.length < 3) return standard.groupNorm(e, n);
    const [x, weight, bias] = n.inputs as [Node, Node, Node];
    const { groups, eps } = n.attrs;
    const [b, c] = n.shape as [number, number];
    const { mean, inv } = g.groupStats(x, groups, eps);
    const scale = g.mul(inv, g.reshape(weight, [1, groups, c / groups]));
    const shift = g.sub(g.reshape(bias, [1, groups, c / groups]), g.mul(scale, mean));
    const image = g.reshape(x, [b, c, n.size / (b * c), 1]);
    const affine = g.channelAffine(image, g.reshape(scale, [b, c]), g.reshape(shift, [b, c]));
    return e.name(g.reshape(affine, n.shape));
  },
};
