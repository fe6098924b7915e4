import { show } from "../graph/shape.ts";
import { Conv2d, Embedding, Linear } from "../nn/layers.ts";
import { GroupNorm } from "../nn/norm.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Activation, activate } from "./activations.ts";
import { batchHint } from "./batch-hint.ts";
import { type SinusoidOptions, TimestepEmbedding, type TimestepOptions, timestepEmbedding } from "./embeddings.ts";
import { Model } from "./model.ts";
import type { ResnetOptions } from "./resnet.ts";
import { type AttentionKind, DownBlock, MidBlock, UpBlock } from "./unet-blocks.ts";

/** What every U-Net returns: its prediction, of the input's height and width. */
export interface UNetOutput {
  /** The prediction, `[B, out_channels, H, W]`. */
  readonly sample: Tensor;
}

/** What turns a class into an embedding; null if there are no classes. */
type ClassEmbedding = Embedding | TimestepEmbedding | Linear | null;

/** What the configs of both kinds say of what they share. */
interface CommonConfig {
  /** Channels of the input: 4 for Stable Diffusion's latents. */
  readonly in_channels: number;
  /** Channels of the prediction. */
  readonly out_channels: number;
  /** Channels of each level, the largest images first. */
  readonly block_out_channels: readonly number[];
  /** Kind of each block on the way down. */
  readonly down_block_types: readonly string[];
  /** Kind of the block in the middle; null for none. */
  readonly mid_block_type: string | null;
  /** Kind of each block on the way up. */
  readonly up_block_types: readonly string[];
  /** Whether inputs from 0 to 1 are moved to -1 to 1 first. */
  readonly center_input_sample: boolean;
  /** Whether cosines come before sines in the timestep's embedding. */
  readonly flip_sin_to_cos: boolean;
  /** Subtracted from the number of frequencies of that embedding. */
  readonly freq_shift: number;
  /** How a class is embedded; null for a table of `num_class_embeds` rows, or no class. */
  readonly class_embed_type: string | null;
  /** Number of classes; null for none. */
  readonly num_class_embeds: number | null;
  /** Width of the vectors that stand for classes, if they are projected. */
  readonly projection_class_embeddings_input_dim?: number | null;
  /** Width of the timestep's embedding; null for four times the first level's channels. */
  readonly time_embedding_dim: number | null;
  /** The activation function. */
  readonly act_fn: Activation;
  /** Groups of the group norms. */
  readonly norm_num_groups: number;
  /** Added to the variance in the norms. */
  readonly norm_eps: number;
  /** Probability of dropout in the residual blocks. */
  readonly dropout: number;
  /** Padding of the convolutions that halve the image. */
  readonly downsample_padding: number;
  /** Whether the timestep's embedding is added ("default") or scales and shifts. */
  readonly resnet_time_scale_shift: "default" | "scale_shift";
  /** What the middle block's outputs are divided by. */
  readonly mid_block_scale_factor: number;
}

/** Where the kinds differ. */
export interface UNetLayout {
  /** Residual blocks of each level. */
  readonly layers: readonly number[];
  /** The attention of a block, by its type and level. */
  readonly attention: (type: string, level: number) => AttentionKind;
  /** How often attention and a residual block follow the first one in the middle, and which attention. */
  readonly middle: { readonly layers: number; readonly attention: AttentionKind };
  /** Settings of the timestep's embedding. */
  readonly time?: TimestepOptions;
  /** Sizes of the first and the last convolution; default 3. */
  readonly kernels?: readonly [number, number];
  /** The class is put beside the timestep, not added to it. */
  readonly classEmbeddingsConcat?: boolean;
}

/** A timestep, as a number, a scalar, one for each image `[B]`, or their sinusoids `[B, C]` from `timeProj`. */
export type Timestep = number | Tensor;

/** What a U-Net is given. */
export interface UNetInput {
  /** The noisy input, `[B, in_channels, H, W]`. */
  readonly sample: Tensor;
  /** How noisy it is. */
  readonly timestep: Timestep;
  /** Classes, int64 `[B]`, or their vectors. */
  readonly classLabels?: Tensor | undefined;
  /** A condition added to the timestep, `[B, time_cond_proj_dim]`: the guidance scale of distilled models. */
  readonly timestepCond?: Tensor | undefined;
  /** What the text encoder made of the prompt. */
  readonly context?: Tensor | undefined;
}

/** Layers that tolerate 8 bits, by how often the image has been halved: at least 0, 1, 2 times. */
const robustFrom = [
  /(conv[12]|to_[qkv]|attn2\.to_out\.0|ff\.net\.0\.proj)$/,
  /(to_out\.0|ff\.net\.2)$/,
  /(proj_out|upsamplers\.0\.conv)$/,
];

/** What both kinds of U-Net share: the embedding of the timestep, the way down, the middle and the way up. */
export abstract class UNet extends Model {
  abstract override readonly config: CommonConfig;
  /** From the input's channels to the first level's. */
  convIn: Conv2d;
  /** Turns the timestep's sinusoids into the embedding that all blocks are given. */
  timeEmbedding: TimestepEmbedding;
  /** Turns a class into an embedding of the same width; null if there are no classes. */
  classEmbedding: ClassEmbedding;
  /** The way down, the largest images first. */
  downBlocks: readonly DownBlock[];
  /** The block at the lowest resolution; null if the config has none. */
  midBlock: MidBlock | null;
  /** The way up, the smallest images first. */
  upBlocks: readonly UpBlock[];
  /** The norm before the last convolution. */
  convNormOut: GroupNorm;
  /** From the first level's channels to the output's. */
  convOut: Conv2d;

  /**
   * Which layers tolerate 8 bits was measured, one group of layers at a time, on Stable Diffusion 1.5's U-Net with random weights:
   * errors near the full resolution reach the output undiminished, above all those of the very first block and of layers that the
   * residual stream itself passes. In 8 bits throughout, the output is 6 % off; with these layers, less than 2 %. Other
   * U-Nets use the same list unmeasured.
   */
  protected override isRobust(name: string): boolean {
    const place = /^(?:(down|up)_blocks\.(\d+)|mid_block)\.(.*)\.weight$/.exec(name);
    if (!place) return false;
    const [, way, index, layer] = place as unknown as [string, "down" | "up" | undefined, string, string];
    const last = this.upBlocks.length - 1;
    const level = way === "down" ? Number(index) : way === "up" ? last - Number(index) : last;
    if (way === "down" && level === 0 && layer.startsWith("resnets.0.")) return false;
    const halvings = layer.startsWith("upsamplers") ? level - 1 : level;
    return robustFrom.some((layers, least) => halvings >= least && layers.test(layer));
  }

  constructor(config: CommonConfig, layout: UNetLayout) {
    super();
    const { block_out_channels: channels, norm_num_groups: groups, norm_eps: eps } = config;
    const last = channels.length - 1;
    const first = channels[0]!;
    const timeChannels = config.time_embedding_dim ?? first * 4;
    const resnet: ResnetOptions = {
      tembChannels: layout.classEmbeddingsConcat ? 2 * timeChannels : timeChannels,
      ...{ groups, eps, actFn: config.act_fn, dropout: config.dropout },
      timeScaleShift: config.resnet_time_scale_shift,
    };
    const [sizeIn, sizeOut] = layout.kernels ?? [3, 3];
    this.convIn = new Conv2d(config.in_channels, first, sizeIn, { padding: (sizeIn - 1) >> 1 });
    this.timeEmbedding = new TimestepEmbedding(first, timeChannels, layout.time);
    this.classEmbedding = classEmbedding(this.constructor.name, config, timeChannels);
    this.downBlocks = config.down_block_types.map((type, level) => {
      const options = { layers: layout.layers[level]!, resnet, attention: layout.attention(type, level) };
      const padding = level < last ? config.downsample_padding : null;
      return new DownBlock(channels[level - 1] ?? first, channels[level]!, options, padding);
    });
    const scaled = { ...resnet, outputScale: config.mid_block_scale_factor };
    this.midBlock =
      config.mid_block_type === null ? null : new MidBlock(channels[last]!, { ...layout.middle, resnet: scaled });
    const skips = skipChannels(channels, layout.layers);
    this.upBlocks = config.up_block_types.map((type, i) => {
      const level = last - i;
      const options = { layers: layout.layers[level]! + 1, resnet, attention: layout.attention(type, level) };
      const previous = channels[Math.min(level + 1, last)]!;
      const sizes = { previous, skips: skips.splice(0, options.layers), out: channels[level]! };
      return new UpBlock(sizes, options, level > 0);
    });
    this.convNormOut = new GroupNorm(groups, first, { eps });
    this.convOut = new Conv2d(first, config.out_channels, sizeOut, { padding: (sizeOut - 1) >> 1 });
  }

  /** Timesteps as sines and cosines `[B, C]`; numbers are turned on the host. */
  timeProj(timesteps: readonly number[] | Tensor): Tensor {
    return timestepEmbedding(timesteps, this.config.block_out_channels[0]!, this.sinusoid());
  }

  protected sinusoid(): SinusoidOptions {
    const { flip_sin_to_cos: flipSinToCos, freq_shift: freqShift } = this.config;
    return { flipSinToCos, freqShift, device: this.device };
  }

  /** The embedding `[B, D]` of timestep and class. */
  protected embed({ sample, timestep, classLabels, timestepCond }: UNetInput): Tensor {
    const batch = sample.shape[0]!;
    const sinusoids = this.#sinusoids(timestep, batch);
    const time = this.timeEmbedding.forward(sinusoids, timestepCond);
    if (!this.classEmbedding && this.config.class_embed_type !== "identity") {
      if (classLabels) {
        throw new Error(`${this.constructor.name}: classLabels given, but the config has no class embedding`);
      }
      return time;
    }
    if (!classLabels) throw new Error(`${this.constructor.name}: this model needs classLabels, one per image`);
    return this.joinClass(time, this.#embedClass(classLabels));
  }

  protected joinClass(time: Tensor, label: Tensor): Tensor {
    return time.add(label);
  }

  #sinusoids(timestep: Timestep, batch: number): Tensor {
    if (typeof timestep === "number") {
      if (!Number.isFinite(timestep)) {
        throw new RangeError(
          `${this.constructor.name}: timestep is ${timestep}; expected a number, such as one of scheduler.timesteps`,
        );
      }
      return this.timeProj(new Array<number>(batch).fill(timestep));
    }
    if (timestep.ndim === 2) return timestep;
    if (timestep.ndim > 2 || (timestep.numel() !== 1 && timestep.numel() !== batch)) {
      throw new RangeError(
        `${this.constructor.name}: timestep ${show(timestep.shape)} for ${batch} images; expected a number, [${batch}], or sinusoidal embeddings [${batch}, C]`,
      );
    }
    const proj = this.timeProj(timestep.reshape(-1));
    return proj.shape[0] === batch ? proj : proj.expand(batch, -1);
  }

  #embedClass(labels: Tensor): Tensor {
    const layer = this.classEmbedding;
    if (layer === null) return labels;
    if (layer instanceof TimestepEmbedding && this.config.class_embed_type === "timestep") {
      return layer.forward(this.timeProj(labels));
    }
    return layer.forward(labels);
  }

  /** Refuses what is no batch of latents, or of pictures, for this model. */
  protected checkSample(sample: Tensor): void {
    const channels = this.config.in_channels;
    if (sample.ndim === 4 && sample.shape[1] === channels) return;
    const hint = channels === 4 && sample.shape[1] === 3 ? ". Encode images with vae.encode first" : batchHint(sample);
    throw new RangeError(
      `${this.constructor.name}: sample ${show(sample.shape)} must be [B, ${channels}, H, W]${hint}.`,
    );
  }

  /** Noise prediction `[B, out, H, W]`. */
  protected run(input: UNetInput): Tensor {
    const { sample, context } = input;
    this.checkSample(sample);
    const temb = this.embed(input);
    let x = this.convIn.forward(this.config.center_input_sample ? sample.mul(2).sub(1) : sample);
    const skips = [x];
    for (const block of this.downBlocks) {
      const states = block.forward(x, temb, context);
      skips.push(...states);
      x = states.at(-1)!;
    }
    if (this.midBlock) x = this.midBlock.forward(x, temb, context);
    for (const block of this.upBlocks) {
      const before = skips[skips.length - block.resnets.length - 1];
      const size = before && ([before.shape[2]!, before.shape[3]!] as const);
      x = block.forward(x, temb, { skips, ...(context ? { context } : {}), ...(size ? { size } : {}) });
    }
    return this.convOut.forward(activate(this.config.act_fn, this.convNormOut.forward(x)));
  }
}

/** The layer for classes that a config asks for. */
function classEmbedding(name: string, config: CommonConfig, timeChannels: number): ClassEmbedding {
  const { class_embed_type: type, num_class_embeds: count, projection_class_embeddings_input_dim: input } = config;
  if (type === null) return count === null ? null : new Embedding(count, timeChannels);
  if (type === "identity") return null;
  if (type === "timestep") {
    return new TimestepEmbedding(config.block_out_channels[0]!, timeChannels, { actFn: config.act_fn });
  }
  if (!input) throw new RangeError(`${name}: class_embed_type "${type}" needs projection_class_embeddings_input_dim`);
  return type === "projection" ? new TimestepEmbedding(input, timeChannels) : new Linear(input, timeChannels);
}

/** The channels that the way up joins, last first: every value that the way down leaves. */
function skipChannels(channels: readonly number[], layers: readonly number[]): number[] {
  const skips = [channels[0]!];
  for (const [i, c] of channels.entries()) {
    skips.push(...new Array<number>(layers[i]!).fill(c));
    if (i < channels.length - 1) skips.push(c);
  }
  return skips.reverse();
}
