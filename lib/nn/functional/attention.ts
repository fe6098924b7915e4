import { gradMode } from "../../graph/node.ts";
import * as g from "../../graph/ops/index.ts";
import { show } from "../../graph/shape.ts";
import { checkOptions } from "../../options.ts";
import { where } from "../../tensor/create.ts";
import { Tensor } from "../../tensor/tensor.ts";

/** What attention may be told. */
export interface AttentionOptions {
  /** Added to the scores (float), or where false hides them (bool); broadcasts to `[..., N, M]`. */
  mask?: Tensor;
  /** Hide what comes later. */
  causal?: boolean;
  /** What the scores are multiplied with; default 1 / sqrt(d). */
  scale?: number;
}

const NAMES = { mask: true, causal: true, scale: true } as const;

/**
 * softmax(q kᵀ scale + mask) v for `q` `[..., N, d]`, `k` and `v` `[..., M, d]`. A row of which the mask hides
 * everything gives zeros, as in PyTorch.
 *
 * @param options.mask - added to the scores (float), or where false hides them (bool); broadcasts to `[..., N, M]`
 * @param options.causal - hide what comes later
 * @param options.scale - default 1 / sqrt(d)
 * @see Vaswani et al. 2017: https://arxiv.org/abs/1706.03762
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  checkOptions("scaledDotProductAttention", options, NAMES);
  const d = q.shape.at(-1)!;
  const m = k.shape.at(-2)!;
  if (k.shape.at(-1) !== d || v.shape.at(-2) !== m) {
    throw new RangeError(
      `attention: query ${show(q.shape)}, key ${show(k.shape)} and value ${show(v.shape)} do not match; expected [.., N, d], [.., M, d], [.., M, e]`,
    );
  }
  const scale = options.scale ?? 1 / Math.sqrt(d);
  const trains = gradMode.enabled && (q.node.requiresGrad || k.node.requiresGrad || v.node.requiresGrad);
  const [batch, ...others] = [q, k, v].map(({ shape }) => shape.slice(0, -2).join());
  const alike = q.ndim === 4 && others.every((other) => other === batch);
  const wide = q.dtype === "float32" && k.dtype === "float32" && v.dtype === "float32";
  if (!trains && alike && wide && !options.mask && !options.causal) {
    return new Tensor(g.attention(q.node, k.node, v.node, scale));
  }
  const { probs, none } = masked(q, k, options, scale);
  const out = probs.matmul(v);
  return none ? where(none, 0, out) : out;
}

/**
 * softmax(q kᵀ scale + mask): how much each query reads of each key, `[..., N, M]`. A row of which the mask hides
 * everything is zero. What `scaledDotProductAttention` multiplies with the values, without having it in memory.
 *
 * @param q - `[..., N, d]`
 * @param k - `[..., M, d]`
 * @param options - as of `scaledDotProductAttention`
 */
export function attentionProbs(q: Tensor, k: Tensor, options: AttentionOptions = {}): Tensor {
  checkOptions("attentionProbs", options, NAMES);
  const d = q.shape.at(-1)!;
  if (k.shape.at(-1) !== d) {
    throw new RangeError(
      `attentionProbs: query ${show(q.shape)} and key ${show(k.shape)} do not match; expected [.., N, d], [.., M, d]`,
    );
  }
  const { probs, none } = masked(q, k, options, options.scale ?? 1 / Math.sqrt(d));
  return none ? where(none, 0, probs) : probs;
}

/** Probabilities, and which rows see nothing at all. */
function masked(
  q: Tensor,
  k: Tensor,
  { mask, causal }: AttentionOptions,
  scale: number,
): { probs: Tensor; none: Tensor | null } {
  const [n, m] = [q.shape.at(-2)!, k.shape.at(-2)!];
  let scores = new Tensor(g.mul(q.node, scale)).matmul(k.transpose(-1, -2));
  let visible: Tensor | null = null;
  if (causal) {
    const position = (count: number) => new Tensor(g.cumsum(g.expand(g.constant(1, "int64"), [count]), 0));
    visible = position(m).unsqueeze(0).le(position(n).unsqueeze(1));
  }
  if (mask && mask.dtype !== "bool") {
    const hidden = mask.eq(-Infinity);
    const seen = visible ? visible.logicalAnd(hidden.logicalNot()) : hidden.logicalNot();
    // A row without anything to see is left as it is: its softmax has a value, and the result is replaced.
    const none = seen.any(-1, { keepdim: true }).logicalNot();
    scores = scores.add(where(none, 0, mask));
    if (visible) scores = where(visible.logicalOr(none), scores, -Infinity);
    return { probs: scores.softmax(-1), none };
  }
  if (mask) visible = visible ? visible.logicalAnd(mask) : mask;
  if (!visible) return { probs: scores.softmax(-1), none: null };
  // Causal alone, each row sees its first column at least.
  if (!mask) return { probs: where(visible, scores, -Infinity).softmax(-1), none: null };
  const none = visible.any(-1, { keepdim: true }).logicalNot();
  return { probs: where(visible.logicalOr(none), scores, -Infinity).softmax(-1), none };
}
