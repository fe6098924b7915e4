import { gradMode } from "../../graph/node.ts";
import * as g from "../../graph/ops/index.ts";
import { show } from "../../graph/shape.ts";
import { checkOptions } from "../../options.ts";
import { where } from "../../tensor/create.ts";
import { Tensor } from "../../tensor/tensor.ts";

/**
 * softmax(q kᵀ scale + mask) v for `q` `[..., N, d]`, `k` and `v` `[..., M, d]`. A row of which the mask hides
 * everything gives zeros, as in PyTorch.
 *
 * @param options.mask - added to the scores (float), or where false hides them (bool); broadcasts to `[..., N, M]`
 * @param options.causal - hide what comes later
 * @param options.scale - default 1 / sqrt(d)
 * @see Vaswani et al. 2017: https://arxiv.org/abs/1706.03762
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: { mask?: Tensor; causal?: boolean; scale?: number } = {},
): Tensor {
  checkOptions("scaledDotProductAttention", options, { mask: true, causal: true, scale: true });
  const [n, d] = q.shape.slice(-2) as [number, number];
  const m = k.shape.at(-2)!;
  if (k.shape.at(-1) !== d || v.shape.at(-2) !== m) {
    throw new RangeError(
      `attention: query ${show(q.shape)}, key ${show(k.shape)} and value ${show(v.shape)} do not fit; expected [.., N, d], [.., M, d], [.., M, e]`,
    );
  }
  const scale = options.scale ?? 1 / Math.sqrt(d);
  const trains = gradMode.enabled && (q.node.requiresGrad || k.node.requiresGrad || v.node.requiresGrad);
  const alike = q.ndim === 4 && k.ndim === 4 && q.shape[0] === k.shape[0] && q.shape[1] === k.shape[1];
  const wide = q.dtype === "float32" && k.dtype === "float32" && v.dtype === "float32";
  if (!trains && alike && wide && !options.mask && !options.causal) {
    return new Tensor(g.attention(q.node, k.node, v.node, scale));
  }
  let scores = new Tensor(g.mul(q.node, scale)).matmul(k.transpose(-1, -2));
  let visible: Tensor | null = null;
  if (options.causal) {
    const position = (count: number) => new Tensor(g.cumsum(g.expand(g.constant(1, "int64"), [count]), 0));
    visible = position(m).unsqueeze(0).le(position(n).unsqueeze(1));
  }
  const { mask } = options;
  if (mask && mask.dtype !== "bool") {
    const hidden = mask.eq(-Infinity);
    const seen = visible ? visible.logicalAnd(hidden.logicalNot()) : hidden.logicalNot();
    // A row without anything to see is left as it is: its softmax has a value, and the result is replaced below.
    const none = seen.any(-1, { keepdim: true }).logicalNot();
    scores = scores.add(where(none, 0, mask));
    if (visible) scores = where(visible.logicalOr(none), scores, -Infinity);
    return where(none, 0, scores.softmax(-1).matmul(v));
  }
  if (mask) visible = visible ? visible.logicalAnd(mask) : mask;
  if (!visible) return scores.softmax(-1).matmul(v);
  // Causal alone, each row sees its first column at least.
  if (!mask) return where(visible, scores, -Infinity).softmax(-1).matmul(v);
  const none = visible.any(-1, { keepdim: true }).logicalNot();
  scores = where(visible.logicalOr(none), scores, -Infinity);
  return where(none, 0, scores.softmax(-1).matmul(v));
}
