import { readConfig } from "../config/read.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { ImageAttentionOptions } from "./attention.ts";
import { type Timestep, UNet, type UNetOutput } from "./unet.ts";
import { checkBlocks, type UNet2DConfig, type UNet2DSettings, unet2DFields } from "./unet-config.ts";

/**
 * A U-Net that predicts noise from a noisy image and the timestep, with or without a class: diffusers' `UNet2DModel`.
 *
 * @see Ho et al. 2020: https://arxiv.org/abs/2006.11239
 */
export class UNet2DModel extends UNet {
  readonly config: UNet2DConfig;
  readonly weightsName: string = "diffusion_pytorch_model";

  /** @param settings - diffusers' config, in its keys or in camelCase; its defaults where left out */
  constructor(settings: UNet2DSettings = {}) {
    const config = readConfig("UNet2DModel", unet2DFields, settings);
    checkBlocks("UNet2DModel", config);
    const channels = config.block_out_channels;
    const { norm_num_groups: groups, norm_eps: eps } = config;
    const image = (level: number): ImageAttentionOptions => {
      const width = channels[level]!;
      const headDim = config.attention_head_dim ?? width;
      return { heads: Math.floor(width / headDim), headDim, groups, eps };
    };
    const inMiddle = {
      ...image(channels.length - 1),
      groups: config.attn_norm_num_groups ?? (config.resnet_time_scale_shift === "default" ? groups : null),
      outputScale: config.mid_block_scale_factor,
    };
    super(config, {
      layers: channels.map(() => config.layers_per_block),
      attention: (type, level) => (type.startsWith("Attn") ? { kind: "image", ...image(level) } : { kind: "none" }),
      middle: { layers: 1, attention: config.add_attention ? { kind: "image", ...inMiddle } : { kind: "none" } },
    });
    this.config = config;
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
