import {
  absent,
  type ConfigOf,
  choice,
  finite,
  flag,
  kept,
  listOf,
  only,
  orNull,
  positiveInteger,
  type Settings,
} from "../config/fields.ts";
import { readConfig } from "../config/read.ts";
import { show } from "../graph/shape.ts";
import { Conv2d } from "../nn/layers.ts";
import { cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Activation, activations } from "./activations.ts";
import { Decoder, Encoder } from "./autoencoder-parts.ts";
import { batchHint } from "./batch-hint.ts";
import { DiagonalGaussianDistribution } from "./gaussian.ts";
import { Model } from "./model.ts";
import { Tiling } from "./tiling.ts";

const fields = {
  in_channels: positiveInteger(3),
  out_channels: positiveInteger(3),
  down_block_types: listOf(only("DownEncoderBlock2D"), ["DownEncoderBlock2D"]),
  up_block_types: listOf(only("UpDecoderBlock2D"), ["UpDecoderBlock2D"]),
  block_out_channels: listOf(positiveInteger(1), [64]),
  layers_per_block: positiveInteger(1),
  act_fn: choice<Activation>(activations, "silu"),
  latent_channels: positiveInteger(4),
  norm_num_groups: positiveInteger(32),
  sample_size: kept<number | readonly number[]>(32),
  scaling_factor: finite(0.18215),
  shift_factor: orNull(finite(0)),
  latents_mean: only(null),
  latents_std: only(null),
  force_upcast: kept(true),
  use_quant_conv: flag(true),
  use_post_quant_conv: flag(true),
  mid_block_add_attention: flag(true),
  quantization_config: absent(),
};

/** What `config.json` of an autoencoder holds, in diffusers' keys. */
export type AutoencoderKLConfig = ConfigOf<typeof fields>;
/** Settings of an autoencoder: diffusers' keys or their camelCase form; defaults for what is left out. */
export type AutoencoderKLSettings = Settings<AutoencoderKLConfig>;

/**
 * Images to small latents and back: diffusers' `AutoencoderKL`. With Stable Diffusion's settings `[B, 3, 512, 512]`
 * becomes `[B, 4, 64, 64]`.
 *
 * Its latents have to be multiplied by `config.scaling_factor` before the U-Net sees them.
 * @see Kingma and Welling 2013: https://arxiv.org/abs/1312.6114; Rombach et al. 2022: https://arxiv.org/abs/2112.10752
 */
export class AutoencoderKL extends Model {
  readonly config: AutoencoderKLConfig;
  readonly weightsName: string = "diffusion_pytorch_model";
  /** Images to the moments of their latents. */
  encoder: Encoder;
  /** Latents to images. */
  decoder: Decoder;
  /** A 1x1 convolution after the encoder; null if the config has none. */
  quantConv: Conv2d | null;
  /** A 1x1 convolution before the decoder; null if the config has none. */
  postQuantConv: Conv2d | null;
  /** Encode and decode the images of a batch one by one, with the memory that one takes. */
  useSlicing = false;
  /** Encode and decode images larger than `tiling` says in overlapping tiles. */
  useTiling = false;
  /** Sizes of the tiles and how far they overlap. */
  readonly tiling: Tiling;

  /** @param settings - diffusers' config, in its keys or in camelCase; its defaults where left out */
  constructor(settings: AutoencoderKLSettings = {}) {
    super();
    const config = readConfig("AutoencoderKL", fields, settings);
    const blocks = config.block_out_channels.length;
    for (const key of ["down_block_types", "up_block_types"] as const) {
      if (config[key].length !== blocks) {
        throw new RangeError(
          `AutoencoderKL: ${key} has ${config[key].length} blocks, block_out_channels has ${blocks}; expected the same number`,
        );
      }
    }
    this.config = config;
    const z = config.latent_channels;
    this.encoder = new Encoder(config);
    this.decoder = new Decoder(config);
    this.quantConv = config.use_quant_conv ? new Conv2d(2 * z, 2 * z, 1) : null;
    this.postQuantConv = config.use_post_quant_conv ? new Conv2d(z, z, 1) : null;
    const size = Array.isArray(config.sample_size) ? config.sample_size[0] : (config.sample_size as number);
    this.tiling = new Tiling(size, this.scale);
  }

  /** How much smaller latents are than images, in each direction. */
  get scale(): number {
    return 2 ** (this.config.block_out_channels.length - 1);
  }

  /**
   * @param x - images `[B, in_channels, H, W]` from -1 to 1; H and W divisible by `scale`
   * @returns `latentDist`: the distribution of their latents `[B, latent_channels, H / scale, W / scale]`
   */
  encode(x: Tensor): { latentDist: DiagonalGaussianDistribution } {
    const { in_channels: channels } = this.config;
    if (x.ndim !== 4 || x.shape[1] !== channels) {
      throw new RangeError(`AutoencoderKL: image ${show(x.shape)}, expected [B, ${channels}, H, W]${batchHint(x)}`);
    }
    if (x.shape[2]! % this.scale !== 0 || x.shape[3]! % this.scale !== 0) {
      throw new RangeError(
        `AutoencoderKL: image ${show(x.shape)} has sides that are not multiples of ${this.scale}; resize or crop it first`,
      );
    }
    const moments = this.#eachImage(x, (image) =>
      this.useTiling && this.tiling.needed(image, 1)
        ? this.#tiled(image, 1, (t) => this.#encode(t))
        : this.#encode(image),
    );
    return { latentDist: new DiagonalGaussianDistribution(moments) };
  }

  /**
   * @param z - latents `[B, latent_channels, h, w]`, divided by `config.scaling_factor`
   * @returns `sample`: images `[B, out_channels, h * scale, w * scale]`, about -1 to 1
   */
  decode(z: Tensor): { sample: Tensor } {
    const { latent_channels: channels } = this.config;
    if (z.ndim !== 4 || z.shape[1] !== channels) {
      throw new RangeError(`AutoencoderKL: latents ${show(z.shape)}, expected [B, ${channels}, h, w]${batchHint(z)}`);
    }
    const sample = this.#eachImage(z, (image) =>
      this.useTiling && this.tiling.needed(image, this.scale)
        ? this.#tiled(image, this.scale, (t) => this.decodeTile(t))
        : this.decodeTile(image),
    );
    return { sample };
  }

  /** Decodes without regard to slicing and tiling. */
  decodeTile(z: Tensor): Tensor {
    return this.decoder.forward(this.postQuantConv?.forward(z) ?? z);
  }

  /** Encodes and decodes: what a training step compares with its input. */
  forward(x: Tensor, options: { sample?: boolean } = {}): { sample: Tensor } {
    const { latentDist } = this.encode(x);
    return this.decode(options.sample ? latentDist.sample() : latentDist.mode());
  }

  #encode(x: Tensor): Tensor {
    const h = this.encoder.forward(x);
    return this.quantConv?.forward(h) ?? h;
  }

  #eachImage(x: Tensor, f: (image: Tensor) => Tensor): Tensor {
    if (!this.useSlicing || x.shape[0] === 1) return f(x);
    return cat(x.split(1, 0).map(f));
  }

  #tiled(x: Tensor, scale: number, f: (tile: Tensor) => Tensor): Tensor {
    const results = this.tiling.cut(x, scale).map((row) => row.map(f));
    return this.tiling.join(results, scale);
  }

  /** Encodes and decodes large images in overlapping tiles, which saves memory; `enableTiling(false)` turns it off. */
  enableTiling(on = true): void {
    this.useTiling = on;
  }

  /** Encodes and decodes the images of a batch one by one, which saves memory; `enableSlicing(false)` turns it off. */
  enableSlicing(on = true): void {
    this.useSlicing = on;
  }
}
