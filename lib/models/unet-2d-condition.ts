import { readConfig } from "../config/read.ts";
import { show } from "../graph/shape.ts";
import { cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { activate } from "./activations.ts";
import { type Timestep, UNet, type UNetInput, type UNetOutput } from "./unet.ts";
import type { AttentionKind } from "./unet-blocks.ts";
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

  /** @param settings - diffusers' config, in its keys or in camelCase; its defaults where left out */
  constructor(settings: UNet2DConditionSettings = {}) {
    const name = "UNet2DConditionModel";
    const config = readConfig(name, unetConditionFields, settings);
    checkBlocks(name, config);
    const count = config.block_out_channels.length;
    const attention = attentionOf(name, config);
    const withText = config.mid_block_type === "UNetMidBlock2DCrossAttn";
    super(config, {
      layers: perBlock(name, "layers_per_block", config.layers_per_block, count),
      attention,
      middle: { layers: withText ? 1 : 0, attention: attention(withText ? "CrossAttnMid" : "Mid", count - 1) },
      time: {
        actFn: config.act_fn,
        postActFn: config.timestep_post_act,
        condProjDim: config.time_cond_proj_dim,
      },
      kernels: [config.conv_in_kernel, config.conv_out_kernel],
      classEmbeddingsConcat: config.class_embeddings_concat,
    });
    this.config = config;
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
    this.checkSample(sample);
    if (encoderHiddenStates.ndim !== 3 || encoderHiddenStates.shape[0] !== sample.shape[0]) {
      throw new RangeError(
        `UNet2DConditionModel: encoderHiddenStates ${show(encoderHiddenStates.shape)} for latents ${show(sample.shape)}; expected [${sample.shape[0]}, tokens, width], the vectors of one text for each of them`,
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
