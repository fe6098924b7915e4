import { Conv2d } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { GroupNorm } from "../nn/norm.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Activation } from "./activations.ts";
import { type BlockOptions, DownBlock, MidBlock, UpBlock } from "./unet-blocks.ts";

/** What encoder and decoder take of the autoencoder's config. */
export interface PartConfig {
  readonly in_channels: number;
  readonly out_channels: number;
  readonly latent_channels: number;
  readonly block_out_channels: readonly number[];
  readonly layers_per_block: number;
  readonly norm_num_groups: number;
  readonly act_fn: Activation;
  readonly mid_block_add_attention: boolean;
}

const eps = 1e-6;

function blockOptions(config: PartConfig, layers: number): BlockOptions {
  const { norm_num_groups: groups, act_fn: actFn } = config;
  const resnet = { tembChannels: null, groups, eps, actFn, timeScaleShift: "default", dropout: 0 } as const;
  return { layers, resnet, attention: { kind: "none" } };
}

function middle(config: PartConfig): MidBlock {
  const width = config.block_out_channels.at(-1)!;
  const { norm_num_groups: groups } = config;
  const options = blockOptions(config, 1);
  if (!config.mid_block_add_attention) return new MidBlock(width, options);
  return new MidBlock(width, { ...options, attention: { kind: "image", heads: 1, headDim: width, groups, eps } });
}

/** Images to the mean and log-variance of their latents, one below the other. */
export class Encoder extends Module {
  convIn: Conv2d;
  downBlocks: readonly DownBlock[];
  midBlock: MidBlock;
  convNormOut: GroupNorm;
  convOut: Conv2d;

  constructor(config: PartConfig) {
    super();
    const channels = config.block_out_channels;
    const options = blockOptions(config, config.layers_per_block);
    this.convIn = new Conv2d(config.in_channels, channels[0]!, 3, { padding: 1 });
    this.downBlocks = channels.map((width, i) => {
      return new DownBlock(channels[i - 1] ?? width, width, options, i < channels.length - 1 ? 0 : null);
    });
    this.midBlock = middle(config);
    this.convNormOut = new GroupNorm(config.norm_num_groups, channels.at(-1)!, { eps });
    this.convOut = new Conv2d(channels.at(-1)!, 2 * config.latent_channels, 3, { padding: 1 });
  }

  forward(x: Tensor): Tensor {
    let h = this.convIn.forward(x);
    for (const block of this.downBlocks) h = block.forward(h, null).at(-1)!;
    h = this.midBlock.forward(h, null);
    return this.convOut.forward(this.convNormOut.forward(h).silu());
  }
}

/** Latents to images. */
export class Decoder extends Module {
  convIn: Conv2d;
  midBlock: MidBlock;
  upBlocks: readonly UpBlock[];
  convNormOut: GroupNorm;
  convOut: Conv2d;

  constructor(config: PartConfig) {
    super();
    const channels = config.block_out_channels.toReversed();
    const options = blockOptions(config, config.layers_per_block + 1);
    this.convIn = new Conv2d(config.latent_channels, channels[0]!, 3, { padding: 1 });
    this.midBlock = middle(config);
    this.upBlocks = channels.map((out, i) => {
      return new UpBlock({ previous: channels[i - 1] ?? out, skips: [], out }, options, i < channels.length - 1);
    });
    this.convNormOut = new GroupNorm(config.norm_num_groups, channels.at(-1)!, { eps });
    this.convOut = new Conv2d(channels.at(-1)!, config.out_channels, 3, { padding: 1 });
  }

  forward(z: Tensor): Tensor {
    let h = this.midBlock.forward(this.convIn.forward(z), null);
    for (const block of this.upBlocks) h = block.forward(h, null);
    return this.convOut.forward(this.convNormOut.forward(h).silu());
  }
}
