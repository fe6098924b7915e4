import { show } from "../graph/shape.ts";
import { type Conv2d, Embedding, Linear } from "../nn/layers.ts";
import type { GroupNorm } from "../nn/norm.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Activation, activate } from "./activations.ts";
import { type SinusoidOptions, TimestepEmbedding, timestepEmbedding } from "./embeddings.ts";
import { Model } from "./model.ts";
import type { DownBlock, MidBlock, UpBlock } from "./unet-blocks.ts";

/** What every U-Net returns: its prediction, of the input's height and width. */
export interface UNetOutput {
  readonly sample: Tensor;
}

export type ClassEmbedding = Embedding | TimestepEmbedding | Linear | null;

interface CommonConfig {
  readonly in_channels: number;
  readonly block_out_channels: readonly number[];
  readonly center_input_sample: boolean;
  readonly flip_sin_to_cos: boolean;
  readonly freq_shift: number;
  readonly class_embed_type: string | null;
  readonly num_class_embeds: number | null;
  readonly act_fn: Activation;
}

/** A timestep, as a number, a scalar, one for each image `[B]`, or their sinusoids `[B, C]` from `timeProj`. */
export type Timestep = number | Tensor;

export interface UNetInput {
  readonly sample: Tensor;
  readonly timestep: Timestep;
  readonly classLabels?: Tensor | undefined;
  readonly timestepCond?: Tensor | undefined;
  /** What the text encoder made of the prompt. */
  readonly context?: Tensor | undefined;
}

/** What both kinds of U-Net share: the embedding of the timestep, the way down, the middle and the way up. */
export abstract class UNet extends Model {
  abstract override readonly config: CommonConfig;
  abstract convIn: Conv2d;
  abstract timeEmbedding: TimestepEmbedding;
  abstract classEmbedding: ClassEmbedding;
  abstract downBlocks: readonly DownBlock[];
  abstract midBlock: MidBlock | null;
  abstract upBlocks: readonly UpBlock[];
  abstract convNormOut: GroupNorm;
  abstract convOut: Conv2d;

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
    if (!classLabels) throw new Error(`${this.constructor.name}: this model needs classLabels, one for each image`);
    return this.joinClass(time, this.#embedClass(classLabels));
  }

  protected joinClass(time: Tensor, label: Tensor): Tensor {
    return time.add(label);
  }

  #sinusoids(timestep: Timestep, batch: number): Tensor {
    if (typeof timestep === "number") {
      if (!Number.isFinite(timestep)) throw new RangeError(`${this.constructor.name}: timestep is ${timestep}`);
      return this.timeProj(new Array<number>(batch).fill(timestep));
    }
    if (timestep.ndim === 2) return timestep;
    if (timestep.ndim > 2 || (timestep.numel() !== 1 && timestep.numel() !== batch)) {
      throw new RangeError(
        `${this.constructor.name}: timestep ${show(timestep.shape)} for ${batch} images; expected a number, [${batch}], or their sinusoids [${batch}, C]`,
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

  /** Noise prediction `[B, out, H, W]`. */
  protected run(input: UNetInput): Tensor {
    const { sample, context } = input;
    if (sample.ndim !== 4 || sample.shape[1] !== this.config.in_channels) {
      const hint =
        this.config.in_channels === 4 && sample.shape[1] === 3 ? " Encode images with vae.encode first." : "";
      throw new RangeError(
        `${this.constructor.name}: sample ${show(sample.shape)} must be [B, ${this.config.in_channels}, H, W].${hint}`,
      );
    }
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
export function classEmbedding(
  name: string,
  config: CommonConfig & { readonly projection_class_embeddings_input_dim?: number | null },
  timeChannels: number,
): ClassEmbedding {
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
export function skipChannels(channels: readonly number[], layers: readonly number[]): number[] {
  const skips = [channels[0]!];
  for (const [i, c] of channels.entries()) {
    skips.push(...new Array<number>(layers[i]!).fill(c));
    if (i < channels.length - 1) skips.push(c);
  }
  return skips.reverse();
}
