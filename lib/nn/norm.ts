import { add, constant, expand, mul } from "../graph/ops/index.ts";
import type { Shape } from "../graph/shape.ts";
import { checkInteger, checkNumber, checkOptions } from "../options.ts";
import { plural } from "../printed.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";
import * as F from "./functional/index.ts";
import * as init from "./init.ts";
import { Module } from "./module.ts";

function epsOf(where: string, eps = 1e-5): number {
  checkNumber(where, "eps", eps, 0);
  return eps;
}

/** Normalisation over groups of channels of `[B, C, ...]`. */
export class GroupNorm extends Module {
  /** Scale of each channel, `[C]`; null without `affine`. */
  weight: Tensor | null;
  /** Shift of each channel, `[C]`; null without `affine`. */
  bias: Tensor | null;
  /** Into how many groups the channels are divided. */
  readonly numGroups: number;
  /** The channels that it takes. */
  readonly numChannels: number;
  /** Added to the variance, to keep the division finite; default 1e-5. */
  readonly eps: number;

  /** @param options.affine - learn a scale and a shift of each channel; default true */
  constructor(numGroups: number, numChannels: number, options: { eps?: number; affine?: boolean } = {}) {
    super();
    checkOptions("GroupNorm", options, { eps: true, affine: true });
    checkInteger("GroupNorm", "numGroups", [numGroups], 1);
    checkInteger("GroupNorm", "numChannels", [numChannels], 1);
    if (numChannels % numGroups !== 0) {
      throw new RangeError(
        `GroupNorm: ${plural(numChannels, "channel")} in ${plural(numGroups, "group")}; expected a multiple of ${numGroups}, such as ${numGroups * Math.ceil(numChannels / numGroups)}`,
      );
    }
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = epsOf("GroupNorm", options.eps);
    const affine = options.affine ?? true;
    this.weight = affine ? init.filled([numChannels], 1) : null;
    this.bias = affine ? init.filled([numChannels], 0) : null;
  }

  /** `[B, C, ...]`, the same shape back. */
  forward(x: Tensor): Tensor {
    if (x.shape[1] !== this.numChannels) {
      throw new RangeError(`GroupNorm: input [${x.shape}] has ${x.shape[1]} channels, expected ${this.numChannels}`);
    }
    return F.groupNorm(x, this.numGroups, this.weight, this.bias, this.eps);
  }

  protected override describe(): string {
    return `${this.numGroups}, ${this.numChannels}, eps=${this.eps}${this.weight ? "" : ", affine=false"}`;
  }
}

/** Normalisation over the last dimension. */
export class LayerNorm extends Module {
  /** Scale of each feature, `[size]`; null without `elementwiseAffine`. */
  weight: Tensor | null;
  /** Shift of each feature, `[size]`; null without `elementwiseAffine` or `bias`. */
  bias: Tensor | null;
  /** The last dimension that it takes. */
  readonly size: number;
  /** Added to the variance, to keep the division finite; default 1e-5. */
  readonly eps: number;

  /**
   * @param options.elementwiseAffine - learn a scale and a shift of each feature; default true
   * @param options.bias - learn the shift; default true
   */
  constructor(size: number, options: { eps?: number; elementwiseAffine?: boolean; bias?: boolean } = {}) {
    super();
    checkOptions("LayerNorm", options, { eps: true, elementwiseAffine: true, bias: true });
    checkInteger("LayerNorm", "size", [size], 1);
    this.size = size;
    this.eps = epsOf("LayerNorm", options.eps);
    const affine = options.elementwiseAffine ?? true;
    this.weight = affine ? init.filled([size], 1) : null;
    this.bias = affine && (options.bias ?? true) ? init.filled([size], 0) : null;
  }

  /** `[.., size]`, the same shape back. */
  forward(x: Tensor): Tensor {
    if (x.shape.at(-1) !== this.size) {
      throw new RangeError(`LayerNorm: input [${x.shape}] ends in ${x.shape.at(-1)} features, expected ${this.size}`);
    }
    return F.layerNorm(x, this.weight, this.bias, this.eps);
  }

  protected override describe(): string {
    return `${this.size}, eps=${this.eps}${this.weight ? "" : ", elementwiseAffine=false"}`;
  }
}

/**
 * Normalisation of each channel of each image alone: a `GroupNorm` of as many groups as channels.
 * @see Ulyanov et al. 2016: https://arxiv.org/abs/1607.08022
 */
export class InstanceNorm2d extends GroupNorm {
  /** @param options.affine - learn a scale and a shift of each channel; default false */
  constructor(numFeatures: number, options: { eps?: number; affine?: boolean } = {}) {
    super(numFeatures, numFeatures, { affine: false, ...options });
  }
}

/**
 * Division by the root of the mean square over the last dimension.
 * @see Zhang and Sennrich 2019: https://arxiv.org/abs/1910.07467
 */
export class RMSNorm extends Module {
  /** Scale of each feature, `[size]`; null without `elementwiseAffine`. */
  weight: Tensor | null;
  /** The last dimension that it takes. */
  readonly size: number;
  /** Added to the mean square; default 2^-23. */
  readonly eps: number;

  /** @param options.elementwiseAffine - learn a scale of each feature; default true */
  constructor(size: number, options: { eps?: number; elementwiseAffine?: boolean } = {}) {
    super();
    checkOptions("RMSNorm", options, { eps: true, elementwiseAffine: true });
    checkInteger("RMSNorm", "size", [size], 1);
    this.size = size;
    this.eps = epsOf("RMSNorm", options.eps ?? 2 ** -23);
    this.weight = (options.elementwiseAffine ?? true) ? init.filled([size], 1) : null;
  }

  /** `[.., size]`, the same shape back. */
  forward(x: Tensor): Tensor {
    return F.rmsNorm(x, this.weight, this.eps);
  }

  protected override describe(): string {
    return `${this.size}, eps=${this.eps}`;
  }
}

/**
 * Normalisation of each channel over the batch; outside training with the running mean and variance.
 * Works on `[B, C]`, `[B, C, L]` and `[B, C, H, W]`.
 */
export class BatchNorm2d extends Module {
  /** Scale of each channel, `[C]`. */
  weight: Tensor;
  /** Shift of each channel, `[C]`. */
  bias: Tensor;
  /** Running mean of each channel, `[C]`: used outside training. */
  runningMean: Tensor;
  /** Running variance of each channel, `[C]`: used outside training. */
  runningVar: Tensor;
  /** Batches that the running numbers have seen. */
  numBatchesTracked: Tensor;
  /** Added to the variance, to keep the division finite; default 1e-5. */
  readonly eps: number;
  /** Weight of a new batch in the running numbers. */
  readonly momentum: number;

  constructor(numFeatures: number, options: { eps?: number; momentum?: number } = {}) {
    super();
    checkOptions(new.target.name, options, { eps: true, momentum: true });
    checkInteger(new.target.name, "numFeatures", [numFeatures], 1);
    this.eps = epsOf(new.target.name, options.eps);
    this.momentum = options.momentum ?? 0.1;
    checkNumber(new.target.name, "momentum", this.momentum, 0);
    this.weight = init.filled([numFeatures], 1);
    this.bias = init.filled([numFeatures], 0);
    this.runningMean = new Tensor(expand(constant(0), [numFeatures]));
    this.runningVar = new Tensor(expand(constant(1), [numFeatures]));
    this.numBatchesTracked = new Tensor(constant(0, "int64"));
  }

  protected override bufferNames(): readonly string[] {
    return ["runningMean", "runningVar", "numBatchesTracked"];
  }

  /** `[B, C]`, `[B, C, L]` or `[B, C, H, W]`, the same shape back. */
  forward(x: Tensor): Tensor {
    if (x.shape[1] !== this.weight.numel()) {
      throw new RangeError(
        `${this.constructor.name}: input [${x.shape}] has ${plural(x.shape[1], "channel")}, expected ${this.weight.numel()}`,
      );
    }
    if (!this.training) {
      const wide = [-1, ...x.shape.slice(2).map(() => 1)];
      const scale = this.runningVar.add(this.eps).rsqrt().mul(this.weight);
      const shift = this.bias.sub(this.runningMean.mul(scale));
      return x.float().mul(scale.reshape(wide)).add(shift.reshape(wide)).to(x.dtype);
    }
    const n = x.numel() / this.weight.numel();
    if (n < 2) throw new TooFewValues(this, x.shape);
    const { output, mean, variance } = F.batchNorm(x, this.weight, this.bias, this.eps);
    noGrad(() => {
      this.#track(this.runningMean, mean);
      this.#track(this.runningVar, variance.mul(n / (n - 1)));
      this.numBatchesTracked.assign(add(this.numBatchesTracked.node, 1));
    });
    return output;
  }

  #track(running: Tensor, now: Tensor): void {
    running.assign(add(mul(running.node, 1 - this.momentum), mul(now.detach().node, this.momentum)));
  }

  protected override describe(): string {
    return `${this.weight.numel()}, eps=${this.eps}, momentum=${this.momentum}`;
  }
}

/** `BatchNorm2d` for `[B, C]` and `[B, C, L]`. */
export class BatchNorm1d extends BatchNorm2d {}

/** A batch too small for the mean and variance of each channel. */
export class TooFewValues extends RangeError {
  /** The layer that it is too small for. */
  readonly layer: Module;

  constructor(layer: Module, shape: Shape) {
    super(`${layer.constructor.name}: [${shape}] has only one value per channel; training needs at least two`);
    this.layer = layer;
  }
}
