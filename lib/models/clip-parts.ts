import { AttentionProbs } from "../nn/attention-probs.ts";
import * as init from "../nn/init.ts";
import { Linear } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { LayerNorm } from "../nn/norm.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Activation, activate } from "./activations.ts";

/** What both of CLIP's transformers take of their configs. */
export interface TransformerConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_act: Activation;
  readonly layer_norm_eps: number;
  readonly initializer_factor: number;
}

/** A linear layer with CLIP's initial weights: normal, the bias zero. */
export function linear(inFeatures: number, outFeatures: number, std: number, bias = true): Linear {
  const layer = init.withoutInit(() => new Linear(inFeatures, outFeatures, { bias }));
  layer.weight = init.normal([outFeatures, inFeatures], std);
  return layer;
}

class CLIPAttention extends Module {
  kProj: Linear;
  vProj: Linear;
  qProj: Linear;
  outProj: Linear;
  /** How much each token reads of each other, for hooks. */
  probs = new AttentionProbs();
  readonly heads: number;

  constructor(config: TransformerConfig) {
    super();
    const { hidden_size: d, num_hidden_layers: layers, initializer_factor: factor } = config;
    const inStd = factor * d ** -0.5 * (2 * layers) ** -0.5;
    this.heads = config.num_attention_heads;
    this.qProj = linear(d, d, inStd);
    this.kProj = linear(d, d, inStd);
    this.vProj = linear(d, d, inStd);
    this.outProj = linear(d, d, factor * d ** -0.5);
  }

  forward(x: Tensor, causal: boolean): Tensor {
    const split = (y: Tensor) => y.unflatten(-1, [this.heads, -1]).permute(0, 2, 1, 3); // [B, heads, N, d]
    const [q, k, v] = [this.qProj, this.kProj, this.vProj].map((layer) => split(layer.forward(x)));
    const out = this.probs.attend(q!, k!, v!, { causal });
    return this.outProj.forward(out.permute(0, 2, 1, 3).flatten(2));
  }
}

class CLIPMLP extends Module {
  fc1: Linear;
  fc2: Linear;
  readonly act: Activation;

  constructor(config: TransformerConfig) {
    super();
    const { hidden_size: d, intermediate_size: wide, num_hidden_layers: layers, initializer_factor: factor } = config;
    this.act = config.hidden_act;
    this.fc1 = linear(d, wide, factor * (2 * d) ** -0.5);
    this.fc2 = linear(wide, d, factor * d ** -0.5 * (2 * layers) ** -0.5);
  }

  forward(x: Tensor): Tensor {
    return this.fc2.forward(activate(this.act, this.fc1.forward(x)));
  }
}

class CLIPEncoderLayer extends Module {
  selfAttn: CLIPAttention;
  layerNorm1: LayerNorm;
  mlp: CLIPMLP;
  layerNorm2: LayerNorm;

  constructor(config: TransformerConfig) {
    super();
    this.selfAttn = new CLIPAttention(config);
    this.layerNorm1 = new LayerNorm(config.hidden_size, { eps: config.layer_norm_eps });
    this.mlp = new CLIPMLP(config);
    this.layerNorm2 = new LayerNorm(config.hidden_size, { eps: config.layer_norm_eps });
  }

  forward(x: Tensor, causal: boolean): Tensor {
    const h = x.add(this.selfAttn.forward(this.layerNorm1.forward(x), causal));
    return h.add(this.mlp.forward(this.layerNorm2.forward(h)));
  }
}

/** Transformer layers one after the other. */
export class CLIPEncoder extends Module {
  // Named `layers` in checkpoints.
  layers: readonly CLIPEncoderLayer[];

  constructor(config: TransformerConfig) {
    super();
    if (config.hidden_size % config.num_attention_heads !== 0) {
      throw new RangeError(
        `CLIP: num_attention_heads ${config.num_attention_heads} does not divide hidden_size ${config.hidden_size}`,
      );
    }
    this.layers = Array.from({ length: config.num_hidden_layers }, () => new CLIPEncoderLayer(config));
  }

  /**
   * @param x - `[B, N, hidden_size]`
   * @returns what goes into the first layer, and what comes out of each
   */
  forward(x: Tensor, causal: boolean): Tensor[] {
    const states = [x];
    for (const layer of this.layers) states.push(layer.forward(states.at(-1)!, causal));
    return states;
  }
}
