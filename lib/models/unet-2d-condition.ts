import { readConfig } from "../config/read.ts";
import { show } from "../graph/shape.ts";
import { Conv2d } from "../nn/layers.ts";
import { GroupNorm } from "../nn/norm.ts";
import { cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { activate } from "./activations.ts";
import { TimestepEmbedding } from "./embeddings.ts";
import type { ResnetOptions } from "./resnet.ts";
import {
  type ClassEmbedding,
  classEmbedding,
  skipChannels,
  type Timestep,
  UNet,
  type UNetInput,
  type UNetOutput,
} from "./unet.ts";
import { type AttentionKind, DownBlock, MidBlock, UpBlock } from "./unet-blocks.ts";
import {
  checkBlocks,
  perBlock,
  type UNet2DConditionConfig,
  type UNet2DConditionSettings,
  unetConditionFields,
} from "./unet-config.ts";

/**
 * The U-Net of Stable Diffusion: it predicts noise from noisy latents, the timestep and the hidden states of a text.
 *
 * @see Rombach et al. 2022: https://arxiv.org/abs/2112.10752
 */
export class UNet2DConditionModel extends UNet {
  readonly config: UNet2DConditionConfig;
  readonly weightsName: string = "diffusion_pytorch_model";
  convIn: Conv2d;
  timeEmbedding: TimestepEmbedding;
  classEmbedding: ClassEmbedding;
  downBlocks: readonly DownBlock[];
  midBlock: MidBlock | null;
  upBlocks: readonly UpBlock[];
  convNormOut: GroupNorm;
  convOut: Conv2d;

  /** @param settings - diffusers' config, in its keys or in camelCase; its defaults where left out */
  constructor(settings: UNet2DConditionSettings = {}) {
    super();
    const name = "UNet2DConditionModel";
    const config = readConfig(name, unetConditionFields, settings);
    checkBlocks(name, config);
    this.config = config;
    const channels = config.block_out_channels;
    const count = channels.length;
    const first = channels[0]!;
    const layers = perBlock(name, "layers_per_block", config.layers_per_block, count);
    const timeChannels = config.time_embedding_dim ?? first * 4;
    const tembChannels = config.class_embeddings_concat ? 2 * timeChannels : timeChannels;
    const resnet: ResnetOptions = {
      tembChannels,
      groups: config.norm_num_groups,
      eps: config.norm_eps,
      actFn: config.act_fn,
      timeScaleShift: config.resnet_time_scale_shift,
      dropout: config.dropout,
    };
    const attention = attentionOf(name, config);
    this.convIn = new Conv2d(config.in_channels, first, config.conv_in_kernel, {
      padding: (config.conv_in_kernel - 1) >> 1,
    });
    this.timeEmbedding = new TimestepEmbedding(first, timeChannels, {
      actFn: config.act_fn,
      postActFn: config.timestep_post_act,
      condProjDim: config.time_cond_proj_dim,
    });
    this.classEmbedding = classEmbedding(name, config, timeChannels);
    this.downBlocks = config.down_block_types.map((type, i) => {
      const options = { layers: layers[i]!, resnet, attention: attention(type, i) };
      const padding = i < count - 1 ? config.downsample_padding : null;
      return new DownBlock(channels[i - 1] ?? first, channels[i]!, options, padding);
    });
    const scale = { outputScale: config.mid_block_scale_factor };
    const withText = config.mid_block_type === "UNetMidBlock2DCrossAttn";
    this.midBlock =
      config.mid_block_type === null
        ? null
        : new MidBlock(channels[count - 1]!, {
            layers: withText ? 1 : 0,
            resnet: { ...resnet, ...scale },
            attention: attention(withText ? "CrossAttnMid" : "Mid", count - 1),
          });
    const skips = skipChannels(channels, layers);
    this.upBlocks = config.up_block_types.map((type, i) => {
      const at = count - 1 - i;
      const options = { layers: layers[at]! + 1, resnet, attention: attention(type, at) };
      const previous = channels[Math.min(at + 1, count - 1)]!;
      return new UpBlock(
        { previous, skips: skips.splice(0, options.layers), out: channels[at]! },
        options,
        i < count - 1,
      );
    });
    this.convNormOut = new GroupNorm(config.norm_num_groups, first, { eps: config.norm_eps });
    this.convOut = new Conv2d(first, config.out_channels, config.conv_out_kernel, {
      padding: (config.conv_out_kernel - 1) >> 1,
    });
  }

  /**
   * @param sample - noisy latents `[B, in_channels, H, W]`
   * @param timestep - a number, `[B]`, or their sinusoids `[B, C]` from `timeProj`
   * @param encoderHiddenStates - the text `[B, tokens, cross_attention_dim]`
   * @param options.classLabels - where the config has a class embedding: int64 `[B]`, or what is projected
   * @param options.timestepCond - `[B, time_cond_proj_dim]`: the embedded guidance scale of distilled models
   * @returns `sample`: the prediction `[B, out_channels, H, W]`
   */
  forward(
    sample: Tensor,
    timestep: Timestep,
    encoderHiddenStates: Tensor,
    options: { classLabels?: Tensor; timestepCond?: Tensor } = {},
  ): UNetOutput {
    if (encoderHiddenStates.ndim !== 3 || encoderHiddenStates.shape[0] !== sample.shape[0]) {
      throw new RangeError(
        `UNet2DConditionModel: encoderHiddenStates ${show(encoderHiddenStates.shape)} for latents ${show(sample.shape)}; expected [${sample.shape[0]}, tokens, width]`,
      );
    }
    return { sample: this.run({ sample, timestep, context: encoderHiddenStates, ...options }) };
  }

  protected override joinClass(time: Tensor, label: Tensor): Tensor {
    return this.config.class_embeddings_concat ? cat([time, label], -1) : time.add(label);
  }

  protected override embed(input: UNetInput): Tensor {
    const out = super.embed(input);
    return this.config.time_embedding_act_fn ? activate(this.config.time_embedding_act_fn, out) : out;
  }
}

/** The attention of each block, by the block's type and place. */
function attentionOf(name: string, config: UNet2DConditionConfig): (type: string, at: number) => AttentionKind {
  const count = config.block_out_channels.length;
  const heads = perBlock(name, "attention_head_dim", config.attention_head_dim, count);
  const contexts = perBlock(name, "cross_attention_dim", config.cross_attention_dim, count);
  const layers = perBlock(name, "transformer_layers_per_block", config.transformer_layers_per_block, count);
  const onlyCross = perBlock(name, "only_cross_attention", config.only_cross_attention, count);
  return (type, at) => {
    const width = config.block_out_channels[at]!;
    const number = heads[at]!;
    if (type.startsWith("CrossAttn")) {
      if (width % number !== 0) {
        throw new RangeError(
          `${name}: ${number} attention heads (attention_head_dim, by its old name) do not divide ${width} channels`,
        );
      }
      return {
        kind: "text",
        heads: number,
        headDim: width / number,
        contextDim: contexts[at]!,
        layers: layers[at]!,
        groups: config.norm_num_groups,
        useLinearProjection: config.use_linear_projection,
        onlyCrossAttention: type === "CrossAttnMid" ? false : onlyCross[at]!,
      };
    }
    if (!type.startsWith("Attn")) return { kind: "none" };
    // Without a text the same number means what it says: the width of a head.
    const options = { heads: Math.floor(width / number), headDim: number };
    return { kind: "image", ...options, groups: config.norm_num_groups, eps: config.norm_eps };
  };
}
