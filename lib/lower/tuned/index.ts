import type { Node } from "../../graph/node.ts";
import * as g from "../../graph/ops/index.ts";
import { microsoft } from "../../onnx/model.ts";
import type { Emissions, Emitter } from "../emitter.ts";
import { standard } from "../standard.ts";
import { attention, joined } from "./attention.ts";
import { channelAffine, conv2d, convInput, withBias } from "./conv.ts";
import { convWeight } from "./conv-weight.ts";
import { dot, linearBias, matmul, squaredLength } from "./matmul.ts";
import { upsampledInput } from "./upsample.ts";

/** 1 where x > 0 and 0 elsewhere, in one pass instead of a comparison and a conversion: the slope of a ReLU. */
function positive(e: Emitter, n: Node<"cast">): string | null {
  const test = e.canonical(n.inputs[0]!);
  if (!test.is("gt") || test.storage || n.dtype !== "float32" || e.emitted(test)) return null;
  const [x, bound] = test.inputs as [Node, Node];
  if (x.dtype !== "float32" || bound.shape.length > 0 || g.number(bound) !== 0) return null;
  // min(1, max(0, 1e38 x)): only numbers below 1e-38 come out between 0 and 1.
  return e.graph.add("HardSigmoid", [e.name(x)], { alpha: { float: 1e38 }, beta: { float: 0 } });
}

/** Formulations that onnxruntime's CPU provider runs faster than the standard ones. */
export const tuned: Partial<Emissions> = {
  silu: (e, n) => e.graph.add("QuickGelu", e.names(n), { alpha: { float: 1 } }, microsoft),
  quickGelu: (e, n) => e.graph.add("QuickGelu", e.names(n), { alpha: { float: 1.702 } }, microsoft),
  add: (e, n) => withBias(e, n) ?? linearBias(e, n) ?? standard.add(e, n),
  matmul,
  sum: (e, n) => dot(e, n) ?? standard.sum(e, n),
  sumSquare: (e, n) => squaredLength(e, n) ?? standard.sumSquare(e, n),
  sumPool: (e, n) => upsampledInput(e, n) ?? standard.sumPool(e, n),
  attention,
  permute: (e, n) => joined(e, n) ?? standard.permute(e, n),
  cast: (e, n) => positive(e, n) ?? standard.cast(e, n),
  conv2d: (e, n) => conv2d(e, n),
  convInput,
  convWeight,
  channelAffine,
  groupNorm: (e, n) => {
    // Where the gradient needs the normalised input anyway, share it; alone, ONNX's own normalisation is less work.
    if (!e.has("standardize") || n.shape.length < 3) return standard.groupNorm(e, n);
    const [x, weight, bias] = n.inputs as [Node, Node, Node];
    const { groups, eps } = n.attrs;
    const [b, c] = n.shape as [number, number];
    const { h } = g.standardized(g.reshape(x, [b * groups, n.size / (b * groups)]), eps);
    const each = (t: Node): Node => g.expand(g.reshape(t, [1, c]), [b, c]);
    const affine = g.channelAffine(g.reshape(h, [b, c, n.size / (b * c), 1]), each(weight), each(bias));
    return e.name(g.reshape(affine, n.shape));
  },
};
