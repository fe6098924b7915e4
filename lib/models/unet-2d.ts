import { readConfig } from "../config/read.ts";
import { Conv2d } from "../nn/layers.ts";
import { GroupNorm } from "../nn/norm.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { TimestepEmbedding } from "./embeddings.ts";
import type { ResnetOptions } from "./resnet.ts";
import { type ClassEmbedding, classEmbedding, skipChannels, type Timestep, UNet, type UNetOutput } from "./unet.ts";
import { type AttentionKind, DownBlock, MidBlock, UpBlock } from "./unet-blocks.ts";
import { checkBlocks, type UNet2DConfig, type UNet2DSettings, unet2DFields } from "./unet-config.ts";

/**
 * A U-Net that predicts noise from a noisy image and the timestep, with or without a class: diffusers' `UNet2DModel`.
 *
 * @see Ho et al. 2020: https://arxiv.org/abs/2006.11239
 */
export class UNet2DModel extends UNet {
  readonly config: UNet2DConfig;
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
  constructor(settings: UNet2DSettings = {}) {
    super();
    const config = readConfig("UNet2DModel", unet2DFields, settings);
    checkBlocks("UNet2DModel", config);
    this.config = config;
    const channels = config.block_out_channels;
    const count = channels.length;
    const first = channels[0]!;
    const timeChannels = config.time_embedding_dim ?? first * 4;
    const resnet: ResnetOptions = {
      tembChannels: timeChannels,
      groups: config.norm_num_groups,
      eps: config.norm_eps,
      actFn: config.act_fn,
      timeScaleShift: config.resnet_time_scale_shift,
      dropout: config.dropout,
    };
    const attention = (width: number, on: boolean, groups: number | null = config.norm_num_groups): AttentionKind => {
      if (!on) return { kind: "none" };
      const headDim = config.attention_head_dim ?? width;
      return { kind: "image", heads: Math.floor(width / headDim), headDim, groups, eps: config.norm_eps };
    };
    this.convIn = new Conv2d(config.in_channels, first, 3, { padding: 1 });
    this.timeEmbedding = new TimestepEmbedding(first, timeChannels);
    this.classEmbedding = classEmbedding("UNet2DModel", config, timeChannels);
    this.downBlocks = config.down_block_types.map((type, i) => {
      const width = channels[i]!;
      const options = {
        layers: config.layers_per_block,
        resnet,
        attention: attention(width, type === "AttnDownBlock2D"),
      };
      return new DownBlock(channels[i - 1] ?? first, width, options, i < count - 1 ? config.downsample_padding : null);
    });
    const last = channels[count - 1]!;
    const groups =
      config.attn_norm_num_groups ?? (config.resnet_time_scale_shift === "default" ? config.norm_num_groups : null);
    const scale = { outputScale: config.mid_block_scale_factor };
    const middle = attention(last, config.add_attention, groups);
    this.midBlock =
      config.mid_block_type === null
        ? null
        : new MidBlock(last, { layers: 1, resnet: { ...resnet, ...scale }, attention: { ...middle, ...scale } });
    const skips = skipChannels(channels, new Array<number>(count).fill(config.layers_per_block));
    this.upBlocks = config.up_block_types.map((type, i) => {
      const out = channels[count - 1 - i]!;
      const layers = config.layers_per_block + 1;
      const sizes = { previous: channels[Math.min(count - i, count - 1)]!, skips: skips.splice(0, layers), out };
      return new UpBlock(sizes, { layers, resnet, attention: attention(out, type === "AttnUpBlock2D") }, i < count - 1);
    });
    this.convNormOut = new GroupNorm(config.norm_num_groups, first, { eps: config.norm_eps });
    this.convOut = new Conv2d(first, config.out_channels, 3, { padding: 1 });
  }

  /**
   * @param sample - noisy images `[B, in_channels, H, W]`
   * @param timestep - a number, or `[B]`
   * @param options.classLabels - int64 `[B]`, where the config has classes
   * @returns `sample`: the prediction `[B, out_channels, H, W]`
   */
  forward(sample: Tensor, timestep: Timestep, options: { classLabels?: Tensor } = {}): UNetOutput {
    return { sample: this.run({ sample, timestep, classLabels: options.classLabels }) };
  }
}
