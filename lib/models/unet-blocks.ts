import { Module } from "../nn/module.ts";
import { cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import {
  ImageAttention,
  type ImageAttentionOptions,
  Transformer2DModel,
  type TransformerOptions,
} from "./attention.ts";
import { Downsample2D, ResnetBlock2D, type ResnetOptions, Upsample2D } from "./resnet.ts";

/** What stands after each residual block: nothing, attention within the image, or a transformer that reads the text. */
export type AttentionKind =
  | Kind<"none">
  | (Kind<"image"> & ImageAttentionOptions)
  | (Kind<"text"> & TransformerOptions);

/** What all kinds have. */
interface Kind<K extends string> {
  /** Nothing, attention within the image, or a transformer that reads the text. */
  readonly kind: K;
}

type AttentionLayer = ImageAttention | Transformer2DModel;

function attentionLayer(channels: number, options: AttentionKind): AttentionLayer[] {
  if (options.kind === "none") return [];
  return [options.kind === "image" ? new ImageAttention(channels, options) : new Transformer2DModel(channels, options)];
}

function attend(layer: AttentionLayer | undefined, x: Tensor, context: Tensor | undefined): Tensor {
  if (!layer) return x;
  if (layer instanceof ImageAttention) return layer.forward(x);
  if (!context) throw new Error("UNet: this model is conditioned on text; pass encoderHiddenStates [B, tokens, width]");
  return layer.forward(x, context);
}

export interface BlockOptions {
  readonly layers: number;
  readonly resnet: ResnetOptions;
  readonly attention: AttentionKind;
}

/**
 * Residual blocks at one resolution on the way down, then a halving.
 * Serves as DownBlock2D, AttnDownBlock2D, CrossAttnDownBlock2D and DownEncoderBlock2D.
 */
export class DownBlock extends Module {
  attentions: readonly AttentionLayer[];
  resnets: readonly ResnetBlock2D[];
  downsamplers: readonly Downsample2D[];

  /** @param padding - of the halving convolution; null for none */
  constructor(inChannels: number, outChannels: number, options: BlockOptions, padding: number | null) {
    super();
    const layers = Array.from({ length: options.layers }, (_, i) => i);
    this.attentions = layers.flatMap(() => attentionLayer(outChannels, options.attention));
    this.resnets = layers.map(
      (i) => new ResnetBlock2D(i === 0 ? inChannels : outChannels, outChannels, options.resnet),
    );
    this.downsamplers = padding === null ? [] : [new Downsample2D(outChannels, padding)];
  }

  /** @returns the block's output last, before it all that the way up will join to its own values */
  forward(x: Tensor, temb: Tensor | null, context?: Tensor): Tensor[] {
    const states: Tensor[] = [];
    let h = x;
    for (const [i, resnet] of this.resnets.entries()) {
      h = attend(this.attentions[i], resnet.forward(h, temb), context);
      states.push(h);
    }
    for (const downsampler of this.downsamplers) {
      h = downsampler.forward(h);
      states.push(h);
    }
    return states;
  }
}

/** A residual block, then attention and another one, at the lowest resolution. */
export class MidBlock extends Module {
  attentions: readonly AttentionLayer[];
  resnets: readonly [ResnetBlock2D, ...ResnetBlock2D[]];

  /** @param options.layers - how often attention and a further residual block follow the first */
  constructor(channels: number, options: BlockOptions) {
    super();
    const block = () => new ResnetBlock2D(channels, channels, options.resnet);
    const layers = Array.from({ length: options.layers }, (_, i) => i);
    this.attentions = layers.flatMap(() => attentionLayer(channels, options.attention));
    this.resnets = [block(), ...layers.map(block)];
  }

  forward(x: Tensor, temb: Tensor | null, context?: Tensor): Tensor {
    let h = this.resnets[0].forward(x, temb);
    for (const [i, resnet] of this.resnets.slice(1).entries()) {
      h = resnet.forward(attend(this.attentions[i], h, context), temb);
    }
    return h;
  }
}

export interface UpChannels {
  /** Channels of what comes from the block before. */
  readonly previous: number;
  /** Channels that each layer joins from the way down; empty in autoencoders. */
  readonly skips: readonly number[];
  readonly out: number;
}

/**
 * Residual blocks at one resolution on the way up, each joined with a value from the way down, then a doubling.
 * Serves as UpBlock2D, AttnUpBlock2D, CrossAttnUpBlock2D and UpDecoderBlock2D.
 */
export class UpBlock extends Module {
  attentions: readonly AttentionLayer[];
  resnets: readonly ResnetBlock2D[];
  upsamplers: readonly Upsample2D[];

  constructor(channels: UpChannels, options: BlockOptions, upsample: boolean) {
    super();
    const { previous, skips, out } = channels;
    const layers = Array.from({ length: options.layers }, (_, i) => i);
    this.attentions = layers.flatMap(() => attentionLayer(out, options.attention));
    this.resnets = layers.map(
      (i) => new ResnetBlock2D((i === 0 ? previous : out) + (skips[i] ?? 0), out, options.resnet),
    );
    this.upsamplers = upsample ? [new Upsample2D(out)] : [];
  }

  /**
   * @param skips - values from the way down, the last first taken; taken off the list
   * @param size - `[height, width]` to reach when doubling
   */
  forward(
    x: Tensor,
    temb: Tensor | null,
    options: { skips?: Tensor[]; context?: Tensor; size?: readonly [number, number] } = {},
  ): Tensor {
    let h = x;
    for (const [i, resnet] of this.resnets.entries()) {
      const skip = options.skips?.pop();
      h = attend(this.attentions[i], resnet.forward(skip ? cat([h, skip], 1) : h, temb), options.context);
    }
    for (const upsampler of this.upsamplers) h = upsampler.forward(h, options.size);
    return h;
  }
}
