import { Linear } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { cat, fromArray } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Activation } from "./activations.ts";
import { activate } from "./activations.ts";

/** How timesteps become sines and cosines. */
export interface SinusoidOptions {
  /** Cosines before sines; Stable Diffusion's order. */
  readonly flipSinToCos: boolean;
  /** Subtracted from the number of frequencies when they are spaced; 0 in Stable Diffusion, 1 in the DDPM paper. */
  readonly freqShift: number;
  /** Where the result is wanted; the default device unless given. */
  readonly device?: string;
}

/**
 * Timesteps as sines and cosines of wavelengths from 2 pi to 10000 * 2 pi.
 *
 * Numbers are turned into sinusoids here, with PyTorch's roundings; a tensor, in the graph.
 *
 * @param timesteps - numbers, or a tensor `[B]`
 * @param channels - even
 * @returns `[B, channels]`
 * @see Ho et al. 2020, after Vaswani et al. 2017: https://arxiv.org/abs/2006.11239
 */
export function timestepEmbedding(
  timesteps: readonly number[] | Tensor,
  channels: number,
  { flipSinToCos, freqShift, ...where }: SinusoidOptions,
): Tensor {
  const half = Math.floor(channels / 2);
  const f = Math.fround;
  const rate = Float32Array.from({ length: half }, (_, i) =>
    Math.exp(f(f(f(-Math.log(10000)) * i) / f(half - freqShift))),
  );
  if (timesteps instanceof Tensor) {
    const angle = timesteps
      .float()
      .reshape(-1, 1)
      .mul(fromArray("float32", [1, half], rate, where));
    const waves = flipSinToCos ? [angle.cos(), angle.sin()] : [angle.sin(), angle.cos()];
    const out = cat(waves, 1);
    return channels % 2 === 0 ? out : out.pad([0, 1]);
  }
  const out = new Float32Array(timesteps.length * channels);
  const [sin, cos] = flipSinToCos ? [half, 0] : [0, half];
  for (const [b, t] of timesteps.entries()) {
    for (let i = 0; i < half; i++) {
      const angle = f(t * rate[i]!);
      out[b * channels + sin + i] = Math.sin(angle);
      out[b * channels + cos + i] = Math.cos(angle);
    }
  }
  return fromArray("float32", [timesteps.length, channels], out, where);
}

export interface TimestepOptions {
  /** Between the two layers; default "silu". */
  readonly actFn?: Activation;
  /** After both; default none. */
  readonly postActFn?: Activation | null;
  /** Width of a condition that is added to the sinusoids; default none. */
  readonly condProjDim?: number | null;
}

/** Two linear layers that turn sinusoids `[B, in]` into the embedding `[B, out]` that the blocks are given. */
export class TimestepEmbedding extends Module {
  linear_1: Linear;
  linear_2: Linear;
  condProj: Linear | null;
  readonly actFn: Activation;
  readonly postActFn: Activation | null;

  constructor(inChannels: number, outChannels: number, options: TimestepOptions = {}) {
    super();
    this.linear_1 = new Linear(inChannels, outChannels);
    this.condProj = options.condProjDim ? new Linear(options.condProjDim, inChannels, { bias: false }) : null;
    this.linear_2 = new Linear(outChannels, outChannels);
    this.actFn = options.actFn ?? "silu";
    this.postActFn = options.postActFn ?? null;
  }

  /** @param condition - `[B, condProjDim]`, added to the input: the guidance scale of distilled models */
  forward(sample: Tensor, condition?: Tensor): Tensor {
    if (condition && !this.condProj) {
      throw new Error("TimestepEmbedding: timestepCond given, but the model's time_cond_proj_dim is null");
    }
    const input = condition ? sample.add(this.condProj!.forward(condition)) : sample;
    const out = this.linear_2.forward(activate(this.actFn, this.linear_1.forward(input)));
    return this.postActFn ? activate(this.postActFn, out) : out;
  }
}
