import { show } from "../graph/shape.ts";
import { plural } from "../printed.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { AttentionProbs } from "./attention-probs.ts";
import * as F from "./functional/index.ts";
import * as init from "./init.ts";
import { Linear } from "./layers.ts";
import { Module } from "./module.ts";

/**
 * Attention by several heads side by side, over `[B, N, d]` (PyTorch's `batch_first=True`).
 * @see Vaswani et al. 2017: https://arxiv.org/abs/1706.03762
 */
export class MultiheadAttention extends Module {
  /** Weights of query, key and value, one below the other: `[3 d, d]`. */
  inProjWeight: Tensor;
  /** Biases of query, key and value: `[3 d]`. */
  inProjBias: Tensor;
  /** The layer that mixes the heads' outputs. */
  outProj: Linear;
  /** How much each place reads of each other, for hooks. */
  probs = new AttentionProbs();
  /** How many heads there are; `d` is divided among them. */
  readonly numHeads: number;

  constructor(embedDim: number, numHeads: number) {
    super();
    if (embedDim % numHeads !== 0) {
      throw new RangeError(
        `MultiheadAttention: ${plural(numHeads, "head")} do not divide ${plural(embedDim, "dimension")}`,
      );
    }
    this.numHeads = numHeads;
    // PyTorch draws the output layer first, then the input weights; the order decides the numbers.
    const outProj = new Linear(embedDim, embedDim);
    this.inProjWeight = init.xavierUniform([3 * embedDim, embedDim]);
    this.inProjBias = init.filled([3 * embedDim], 0);
    outProj.bias = init.filled([embedDim], 0);
    this.outProj = outProj;
  }

  /**
   * @param query - `[B, N, d]`
   * @param key - `[B, M, d]`; the query itself by default (self-attention)
   * @param value - `[B, M, d]`; the key by default
   * @param options.mask - `[N, M]`, or broadcasting to `[B, heads, N, M]`: bool (true where visible) or added
   * @param options.causal - hide what comes later
   * @returns `[B, N, d]`
   */
  forward(
    query: Tensor,
    key: Tensor = query,
    value: Tensor = key,
    options: { mask?: Tensor; causal?: boolean } = {},
  ): Tensor {
    const d = this.inProjWeight.shape[1]!;
    if (query.ndim !== 3 || query.shape[2] !== d) {
      throw new RangeError(`MultiheadAttention: query ${show(query.shape)}, expected [B, N, ${d}]`);
    }
    const heads = (x: Tensor, part: number) => {
      const weight = this.inProjWeight.slice(0, part * d, (part + 1) * d);
      const bias = this.inProjBias.slice(0, part * d, (part + 1) * d);
      // [B, N, d] -> [B, heads, N, d / heads]
      return F.linear(x, weight, bias)
        .reshape(x.shape[0]!, x.shape[1]!, this.numHeads, d / this.numHeads)
        .permute(0, 2, 1, 3);
    };
    const out = this.probs.attend(heads(query, 0), heads(key, 1), heads(value, 2), options);
    return this.outProj.forward(out.permute(0, 2, 1, 3).reshape(query.shape));
  }

  protected override describe(): string {
    return `${this.inProjWeight.shape[1]}, numHeads=${this.numHeads}`;
  }
}
