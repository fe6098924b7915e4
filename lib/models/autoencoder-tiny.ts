import {
  type ConfigOf,
  choice,
  finite,
  flag,
  kept,
  listOf,
  only,
  positiveInteger,
  type Settings,
} from "../config/fields.ts";
import { readConfig } from "../config/read.ts";
import { show } from "../graph/shape.ts";
import { Functional, Sequential, Upsample } from "../nn/containers.ts";
import { withoutInit } from "../nn/init.ts";
import { Conv2d } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { GroupNorm } from "../nn/norm.ts";
import { PickledTensor, readTorchFile } from "../pickle/index.ts";
import { toFloat32 } from "../safetensors/index.ts";
import { cat, fromArray } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Activation, activate, activations } from "./activations.ts";
import { batchHint } from "./batch-hint.ts";
import { DiagonalGaussianDistribution } from "./gaussian.ts";
import { Model } from "./model.ts";

const fields = {
  in_channels: positiveInteger(3),
  out_channels: positiveInteger(3),
  encoder_block_out_channels: listOf(positiveInteger(1), [64, 64, 64, 64]),
  decoder_block_out_channels: listOf(positiveInteger(1), [64, 64, 64, 64]),
  act_fn: choice<Activation>(activations, "relu"),
  upsample_fn: only("nearest"),
  latent_channels: positiveInteger(4),
  upsampling_scaling_factor: positiveInteger(2),
  num_encoder_blocks: listOf(positiveInteger(1), [1, 3, 3, 3]),
  num_decoder_blocks: listOf(positiveInteger(1), [3, 3, 3, 1]),
  latent_magnitude: finite(3),
  latent_shift: finite(0.5),
  force_upcast: kept(false),
  scaling_factor: finite(1),
  shift_factor: finite(0),
  block_out_channels: kept<readonly number[]>([64, 64, 64, 64]),
  // Not diffusers': TAESD's own name for what the blocks at the lowest resolution of TAEF2 have.
  use_midblock_gn: flag(false),
};

/** What `config.json` of a tiny autoencoder holds, in diffusers' keys. */
export type AutoencoderTinyConfig = ConfigOf<typeof fields>;
/** Settings of a tiny autoencoder: diffusers' keys or their camelCase form; defaults for what is left out. */
export type AutoencoderTinySettings = Settings<AutoencoderTinyConfig>;

/** An activation function as a layer. */
const activation = (name: Activation) => new Functional((x) => activate(name, x));

function conv(inputs: number, outputs: number, options: { stride?: number; bias?: boolean } = {}): Conv2d {
  return new Conv2d(inputs, outputs, 3, { padding: 1, ...options });
}

/** Three convolutions beside the way past them. */
class AutoencoderTinyBlock extends Module {
  readonly conv: Sequential;
  /** Sees the whole image's statistics; null unless the config says `use_midblock_gn`. */
  readonly pool: Sequential | null;

  constructor(channels: number, act: Activation, useMidblockGn: boolean) {
    super();
    const three = [0, 1, 2].map(() => conv(channels, channels)) as [Conv2d, Conv2d, Conv2d];
    this.conv = new Sequential(three[0], activation(act), three[1], activation(act), three[2]);
    const wide = 4 * channels;
    this.pool = useMidblockGn
      ? new Sequential(
          new Conv2d(channels, wide, 1, { bias: false }),
          new GroupNorm(4, wide),
          activation("relu"),
          new Conv2d(wide, channels, 1, { bias: false }),
        )
      : null;
  }

  forward(x: Tensor): Tensor {
    const seen = this.pool ? x.add(this.pool.forward(x)) : x;
    return this.conv.forward(seen).add(seen).relu();
  }
}

/** A tower of layers that are numbered in a checkpoint. */
class Tower extends Module {
  readonly layers: Sequential;

  constructor(...layers: ConstructorParameters<typeof Sequential>) {
    super();
    this.layers = new Sequential(...layers);
  }
}

function encoderOf(config: AutoencoderTinyConfig): Tower {
  const { encoder_block_out_channels: channels, num_encoder_blocks: counts, act_fn: act } = config;
  const layers = counts.flatMap((count, i) => {
    const c = channels[i]!;
    const first = i === 0 ? conv(config.in_channels, c) : conv(c, c, { stride: 2, bias: false });
    const useMidblockGn = config.use_midblock_gn && i === counts.length - 1;
    return [first, ...Array.from({ length: count }, () => new AutoencoderTinyBlock(c, act, useMidblockGn))];
  });
  return new Tower(...layers, conv(channels.at(-1)!, config.latent_channels));
}

function decoderOf(config: AutoencoderTinyConfig): Tower {
  const { decoder_block_out_channels: channels, num_decoder_blocks: counts, act_fn: act } = config;
  const scaleFactor = config.upsampling_scaling_factor;
  const layers = counts.flatMap((count, i) => {
    const c = channels[i]!;
    const blocks = Array.from(
      { length: count },
      () => new AutoencoderTinyBlock(c, act, config.use_midblock_gn && i === 0),
    );
    const isLast = i === counts.length - 1;
    return isLast
      ? [...blocks, conv(c, config.out_channels)]
      : [...blocks, new Upsample({ scaleFactor }), conv(c, c, { bias: false })];
  });
  return new Tower(conv(config.latent_channels, channels[0]!), activation(act), ...layers);
}

/**
 * Images to latents and back in a hundredth of `AutoencoderKL`'s time: diffusers' `AutoencoderTiny`, which TAESD's weights are
 * made for. Good for previews, and as a fast decoder: `fromPretrained(id, { components: { vae: tiny } })`.
 *
 * Its latents are those that the U-Net knows: `config.scaling_factor` is 1.
 * @see https://github.com/madebyollin/taesd
 */
export class AutoencoderTiny extends Model {
  readonly config: AutoencoderTinyConfig;
  readonly weightsName: string = "diffusion_pytorch_model";
  /** Images to latents. */
  readonly encoder: Tower;
  /** Latents to images. */
  readonly decoder: Tower;

  /** @param settings - diffusers' config, in its keys or in camelCase; its defaults where left out */
  constructor(settings: AutoencoderTinySettings = {}) {
    super();
    const config = readConfig("AutoencoderTiny", fields, settings);
    for (const side of ["encoder", "decoder"] as const) {
      const [channels, counts] = [config[`${side}_block_out_channels`], config[`num_${side}_blocks`]];
      if (channels.length !== counts.length) {
        throw new RangeError(
          `AutoencoderTiny: ${side}_block_out_channels has ${channels.length} numbers, num_${side}_blocks has ${counts.length}; expected equal numbers`,
        );
      }
      if (channels.some((c) => c !== channels[0])) {
        throw new RangeError(
          `AutoencoderTiny: ${side}_block_out_channels is ${show(channels)}; expected the same number everywhere`,
        );
      }
    }
    this.config = config;
    this.encoder = encoderOf(config);
    this.decoder = decoderOf(config);
  }

  /**
   * Builds it from TAESD's own files (`taesd_encoder.pth`, `taesd_decoder.pth`), whose layers have other numbers.
   *
   * @param files - paths of what `torch.save` wrote; nothing in them is executed
   * @throws Error if a file is damaged, or of another network
   */
  static async fromTaesd(files: { readonly encoder: string; readonly decoder: string }): Promise<AutoencoderTiny> {
    const encoder = await stateOf(files.encoder);
    const decoder = await stateOf(files.decoder);
    const latents = decoder["1.weight"]?.shape[1];
    if (latents === undefined) throw new Error(`${files.decoder}: no decoder of TAESD: "1.weight" is missing`);
    const settings = {
      latent_channels: latents,
      use_midblock_gn: Object.keys(decoder).some((k) => k.includes("pool")),
    };
    const model = withoutInit(() => new AutoencoderTiny(settings));
    const named = (part: string, state: Record<string, Tensor>, shift: number) =>
      Object.entries(state).map(([key, value]) => {
        const [layer, ...rest] = key.split(".");
        return [[part, "layers", Number(layer) - shift, ...rest].join("."), value] as const;
      });
    // TAESD's decoder begins with what keeps the latents small, which is a layer there.
    model.loadStateDict(Object.fromEntries([...named("encoder", encoder, 0), ...named("decoder", decoder, 1)]));
    return model.eval();
  }

  /** How much smaller latents are than images, in each direction. */
  get scale(): number {
    return 2 ** (this.config.num_encoder_blocks.length - 1);
  }

  /**
   * @param x - images `[B, in_channels, H, W]` from -1 to 1; H and W divisible by `scale`
   * @returns `latents` `[B, latent_channels, H / scale, W / scale]`, and the same as a distribution that leaves nothing to chance
   */
  encode(x: Tensor): { latents: Tensor; latentDist: DiagonalGaussianDistribution } {
    const { in_channels: channels } = this.config;
    if (x.ndim !== 4 || x.shape[1] !== channels) {
      throw new RangeError(`AutoencoderTiny: image ${show(x.shape)}, expected [B, ${channels}, H, W]${batchHint(x)}`);
    }
    if (x.shape[2]! % this.scale !== 0 || x.shape[3]! % this.scale !== 0) {
      throw new RangeError(
        `AutoencoderTiny: image ${show(x.shape)} has sides that ${this.scale} does not divide; resize or crop it first`,
      );
    }
    const latents = this.encoder.layers.forward(x.add(1).div(2));
    const moments = cat([latents, latents.mul(0)], 1);
    return { latents, latentDist: new DiagonalGaussianDistribution(moments, { deterministic: true }) };
  }

  /**
   * @param z - latents `[B, latent_channels, h, w]`
   * @returns `sample`: images `[B, out_channels, h * scale, w * scale]`, about -1 to 1
   */
  decode(z: Tensor): { sample: Tensor } {
    const { latent_channels: channels } = this.config;
    if (z.ndim !== 4 || z.shape[1] !== channels) {
      throw new RangeError(`AutoencoderTiny: latents ${show(z.shape)}, expected [B, ${channels}, h, w]${batchHint(z)}`);
    }
    // Latents far from 0 are brought back before they spoil the colours.
    const kept = z.div(3).tanh().mul(3);
    return { sample: this.decoder.layers.forward(kept).mul(2).sub(1) };
  }

  /** Decodes; there are no tiles. */
  decodeTile(z: Tensor): Tensor {
    return this.decode(z).sample;
  }

  /** Changes nothing: it takes little memory without tiles. */
  enableTiling(_on = true): void {}

  /** Changes nothing: it takes little memory with whole batches. */
  enableSlicing(_on = true): void {}

  /** Encodes, keeps 8 bits of each latent, as diffusers does, and decodes. */
  forward(x: Tensor): { sample: Tensor } {
    const bytes = this.scaleLatents(this.encode(x).latents).mul(255).round();
    return this.decode(this.unscaleLatents(bytes.div(255)));
  }

  /** Latents to numbers from 0 to 1, which a picture file can hold. */
  scaleLatents(x: Tensor): Tensor {
    const { latent_magnitude: magnitude, latent_shift: shift } = this.config;
    return x
      .div(2 * magnitude)
      .add(shift)
      .clamp(0, 1);
  }

  /** Back from `scaleLatents`. */
  unscaleLatents(x: Tensor): Tensor {
    const { latent_magnitude: magnitude, latent_shift: shift } = this.config;
    return x.sub(shift).mul(2 * magnitude);
  }

  protected override configToSave(): object {
    const { use_midblock_gn: useMidblockGn, ...config } = super.configToSave() as AutoencoderTinyConfig;
    return { ...config, ...(useMidblockGn ? { use_midblock_gn: true } : {}) };
  }
}

/** A state dict that `torch.save` wrote. */
async function stateOf(path: string): Promise<Record<string, Tensor>> {
  const value = await readTorchFile(path);
  if (!(value instanceof Map)) throw new Error(`${path}: no state dict; expected TAESD's encoder or decoder`);
  const state: Record<string, Tensor> = {};
  for (const [key, tensor] of value as ReadonlyMap<unknown, unknown>) {
    if (!(tensor instanceof PickledTensor)) throw new Error(`${path}: ${String(key)} is no tensor`);
    state[String(key)] = fromArray("float32", tensor.shape, toFloat32(tensor.dtype, tensor.data));
  }
  return state;
}
