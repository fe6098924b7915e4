import { show } from "../graph/shape.ts";
import { AttentionProbs } from "../nn/attention-probs.ts";
import { Dropout } from "../nn/containers.ts";
import * as F from "../nn/functional/index.ts";
import { hasHooks } from "../nn/hooks.ts";
import { Conv2d, Linear } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { GroupNorm, LayerNorm } from "../nn/norm.ts";
import type { Tensor } from "../tensor/tensor.ts";

export interface AttentionOptions {
  /** Number of heads. */
  readonly heads: number;
  /** Width of each head. */
  readonly headDim: number;
  /** Width of what is attended to; the query's own where left out. */
  readonly contextDim?: number | null;
  /** Whether query, key and value layers have a bias; default false. */
  readonly bias?: boolean;
  /** Probability of dropout after the output layer; default 0. */
  readonly dropout?: number;
}

/** Attention from `x` `[B, N, C]` to itself or to a context `[B, M, contextDim]`. */
export class Attention extends Module {
  toQ: Linear;
  toK: Linear;
  toV: Linear;
  toOut: readonly [Linear, Dropout];
  /** How much each place of `x` reads of each of the context, for hooks. */
  probs = new AttentionProbs();
  readonly heads: number;

  constructor(channels: number, options: AttentionOptions) {
    super();
    const inner = options.heads * options.headDim;
    const bias = options.bias ?? false;
    this.heads = options.heads;
    this.toQ = new Linear(channels, inner, { bias });
    this.toK = new Linear(options.contextDim ?? channels, inner, { bias });
    this.toV = new Linear(options.contextDim ?? channels, inner, { bias });
    this.toOut = [new Linear(inner, channels), new Dropout(options.dropout ?? 0)];
  }

  forward(x: Tensor, context: Tensor = x): Tensor {
    const split = (y: Tensor) => y.unflatten(-1, [this.heads, -1]).permute(0, 2, 1, 3); // [B, heads, N, d]
    const [q, k, v] = [this.toQ.forward(x), this.toK.forward(context), this.toV.forward(context)].map(split);
    const out = this.probs.attend(q!, k!, v!);
    return this.toOut[1].forward(this.toOut[0].forward(out.permute(0, 2, 1, 3).flatten(2))); // [B, N, C]
  }
}

/** Settings of attention within an image. */
export interface ImageAttentionOptions extends AttentionOptions {
  /** Groups of the norm before it; null for none. */
  readonly groups: number | null;
  /** Added to the variance in the norm before it. */
  readonly eps: number;
  /** What the sum of output and input is divided by; default 1. */
  readonly outputScale?: number;
}

/** Attention of every pixel of an image `[B, C, H, W]` to every other, added to the image. */
export class ImageAttention extends Attention {
  groupNorm: GroupNorm | null;
  readonly outputScale: number;

  constructor(channels: number, options: ImageAttentionOptions) {
    super(channels, { bias: true, ...options });
    this.groupNorm = options.groups === null ? null : new GroupNorm(options.groups, channels, { eps: options.eps });
    this.outputScale = options.outputScale ?? 1;
  }

  override forward(x: Tensor): Tensor {
    const tokens = (this.groupNorm?.forward(x) ?? x).flatten(2).transpose(1, 2); // [B, HW, C]
    const out = super.forward(tokens).transpose(1, 2).reshape(x.shape).add(x);
    return this.outputScale === 1 ? out : out.div(this.outputScale);
  }
}

/** A linear layer to twice the width, one half gating the other: a * gelu(b). @see https://arxiv.org/abs/2002.05202 */
class GEGLU extends Module {
  proj: Linear;

  constructor(inFeatures: number, outFeatures: number) {
    super();
    this.proj = new Linear(inFeatures, 2 * outFeatures);
  }

  forward(x: Tensor): Tensor {
    if (hasHooks(this.proj)) {
      const [value, gate] = this.proj.forward(x).chunk(2, -1) as [Tensor, Tensor];
      return value.mul(gate.gelu());
    }
    // The weight is split, not its product: two halves of the work, without a copy of the widest tensor there is.
    const [a, b] = this.proj.weight.chunk(2, 0) as [Tensor, Tensor];
    const [p, q] = this.proj.bias!.chunk(2, 0) as [Tensor, Tensor];
    return F.linear(x, a, p).mul(F.linear(x, b, q).gelu());
  }
}

/** GEGLU to four times the width and back. */
class FeedForward extends Module {
  net: readonly [GEGLU, Dropout, Linear];

  constructor(channels: number, dropout: number) {
    super();
    this.net = [new GEGLU(channels, 4 * channels), new Dropout(dropout), new Linear(4 * channels, channels)];
  }

  forward(x: Tensor): Tensor {
    return this.net[2].forward(this.net[1].forward(this.net[0].forward(x)));
  }
}

/** Self-attention, cross-attention and a feed-forward layer, each after a norm and added to its input. */
class BasicTransformerBlock extends Module {
  norm1: LayerNorm;
  attn1: Attention;
  norm2: LayerNorm;
  attn2: Attention;
  norm3: LayerNorm;
  ff: FeedForward;
  readonly onlyCrossAttention: boolean;

  constructor(channels: number, options: TransformerOptions) {
    super();
    const { heads, headDim, contextDim, dropout = 0 } = options;
    this.onlyCrossAttention = options.onlyCrossAttention ?? false;
    this.norm1 = new LayerNorm(channels);
    this.attn1 = new Attention(channels, {
      heads,
      headDim,
      dropout,
      ...(this.onlyCrossAttention ? { contextDim } : {}),
    });
    this.norm2 = new LayerNorm(channels);
    this.attn2 = new Attention(channels, { heads, headDim, contextDim, dropout });
    this.norm3 = new LayerNorm(channels);
    this.ff = new FeedForward(channels, dropout);
  }

  forward(x: Tensor, context: Tensor): Tensor {
    const first = this.norm1.forward(x);
    let h = this.attn1.forward(first, this.onlyCrossAttention ? context : first).add(x);
    h = this.attn2.forward(this.norm2.forward(h), context).add(h);
    return this.ff.forward(this.norm3.forward(h)).add(h);
  }
}

/** Settings of the transformer that lets an image read a text. */
export interface TransformerOptions {
  /** Number of heads. */
  readonly heads: number;
  /** Width of each head. */
  readonly headDim: number;
  /** Width of the text's hidden states. */
  readonly contextDim: number;
  /** Transformer blocks in a row. */
  readonly layers: number;
  /** Groups of the norm before the blocks. */
  readonly groups: number;
  /** Linear layers around the blocks (Stable Diffusion 2) instead of 1x1 convolutions. */
  readonly useLinearProjection: boolean;
  /** Let both attentions read the text; default false. */
  readonly onlyCrossAttention?: boolean;
  /** Probability of dropout; default 0. */
  readonly dropout?: number;
}

/** Transformer blocks over the pixels of an image `[B, C, H, W]`, which attend to a text `[B, M, contextDim]`. */
export class Transformer2DModel extends Module {
  norm: GroupNorm;
  projIn: Linear | Conv2d;
  transformerBlocks: readonly BasicTransformerBlock[];
  projOut: Linear | Conv2d;
  readonly contextDim: number;

  constructor(channels: number, options: TransformerOptions) {
    super();
    const inner = options.heads * options.headDim;
    const project = (from: number, to: number) =>
      options.useLinearProjection ? new Linear(from, to) : new Conv2d(from, to, 1);
    this.contextDim = options.contextDim;
    this.norm = new GroupNorm(options.groups, channels, { eps: 1e-6 });
    this.projIn = project(channels, inner);
    this.transformerBlocks = Array.from({ length: options.layers }, () => new BasicTransformerBlock(inner, options));
    this.projOut = project(inner, channels);
  }

  forward(x: Tensor, context: Tensor): Tensor {
    if (context.shape.at(-1) !== this.contextDim) {
      throw new RangeError(
        `UNet: encoderHiddenStates ${show(context.shape)} have width ${context.shape.at(-1)}, but the model's cross_attention_dim is ${this.contextDim}; is the text encoder from the same checkpoint?`,
      );
    }
    const [, , height, width] = x.shape;
    const toTokens = (y: Tensor) => y.flatten(2).transpose(1, 2); // [B, HW, C]
    const toImage = (y: Tensor) => y.transpose(1, 2).unflatten(2, [height!, width!]); // [B, C, H, W]
    const normed = this.norm.forward(x);
    let h =
      this.projIn instanceof Linear ? this.projIn.forward(toTokens(normed)) : toTokens(this.projIn.forward(normed));
    for (const block of this.transformerBlocks) h = block.forward(h, context);
    const out = this.projOut instanceof Linear ? toImage(this.projOut.forward(h)) : this.projOut.forward(toImage(h));
    return out.add(x);
  }
}
