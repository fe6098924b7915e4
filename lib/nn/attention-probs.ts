import type { Tensor } from "../tensor/tensor.ts";
import { type AttentionOptions, attentionProbs, scaledDotProductAttention } from "./functional/attention.ts";
import { hasHooks } from "./hooks.ts";
import { Module } from "./module.ts";

/**
 * How much each query reads of each key. A part of each attention layer for whoever wants to see or change that:
 *
 * ```ts
 * layer.probs.registerForwardHook((_, args, probs) => { seen.push(probs.mean(1)); }); // [B, N, M]
 * ```
 * As long as it has no hook, the layer computes its result in one piece and the probabilities are never in memory.
 */
export class AttentionProbs extends Module {
  /**
   * softmax(q kᵀ scale + mask)
   *
   * @param q - `[B, heads, N, d]`
   * @param k - `[B, heads, M, d]`
   * @returns `[B, heads, N, M]`, rows that add up to 1
   */
  forward(q: Tensor, k: Tensor, options: AttentionOptions = {}): Tensor {
    return attentionProbs(q, k, options);
  }

  /** The values `[B, heads, M, e]` as the queries read them: `[B, heads, N, e]`. */
  attend(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
    return hasHooks(this) ? this.forward(q, k, options).matmul(v) : scaledDotProductAttention(q, k, v, options);
  }
}
