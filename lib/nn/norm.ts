import { add, constant, expand, mul } from "../graph/ops/index.ts";
import type { Shape } from "../graph/shape.ts";
import { plural } from "../printed.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";
import * as F from "./functional/index.ts";
import * as init from "./init.ts";
import { Module } from "./module.ts";

/** Normalisation over groups of channels of `[B, C, ...]`. */
export class GroupNorm extends Module {
  /** Scale of each channel, `[C]`. */
  weight: Tensor;
  /** Shift of each channel, `[C]`. */
  bias: Tensor;
  /** Into how many groups the channels are divided. */
  readonly numGroups: number;
  /** Added to the variance, to keep the division finite; default 1e-5. */
  readonly eps: number;

  constructor(numGroups: number, numChannels: number, options: { eps?: number } = {}) {
    super();
    if (numChannels % numGroups !== 0) {
      throw new RangeError(`GroupNorm: ${plural(numGroups, "group")} do not divide ${plural(numChannels, "channel")}`);
    }
    this.numGroups = numGroups;
    this.eps = options.eps ?? 1e-5;
    this.weight = init.filled([numChannels], 1);
    this.bias = init.filled([numChannels], 0);
  }

  /** `[B, C, ...]`, the same shape back. */
  forward(x: Tensor): Tensor {
    return F.groupNorm(x, this.numGroups, this.weight, this.bias, this.eps);
  }

  protected override describe(): string {
    return `${this.numGroups}, ${this.weight.numel()}, eps=${this.eps}`;
  }
}

/** Normalisation over the last dimension. */
export class LayerNorm extends Module {
  /** Scale of each feature, `[size]`. */
  weight: Tensor;
  /** Shift of each feature, `[size]`. */
  bias: Tensor;
  /** Added to the variance, to keep the division finite; default 1e-5. */
  readonly eps: number;

  constructor(size: number, options: { eps?: number } = {}) {
    super();
    this.eps = options.eps ?? 1e-5;
    this.weight = init.filled([size], 1);
    this.bias = init.filled([size], 0);
  }

  /** `[.., size]`, the same shape back. */
  forward(x: Tensor): Tensor {
    return F.layerNorm(x, this.weight, this.bias, this.eps);
  }

  protected override describe(): string {
    return `${this.weight.numel()}, eps=${this.eps}`;
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
    this.eps = options.eps ?? 1e-5;
    this.momentum = options.momentum ?? 0.1;
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
      return x.mul(scale.reshape(wide)).add(shift.reshape(wide));
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
    super(`${layer.constructor.name}: [${shape}] has one value a channel; training needs two or more`);
    this.layer = layer;
  }
}
