import { checkOptions, checkWhole } from "../options.ts";
import { plural } from "../printed.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { convNames, convTransposeNames, wholePair } from "./functional/conv.ts";
import * as F from "./functional/index.ts";
import * as init from "./init.ts";
import { Module } from "./module.ts";

/** Refuses numbers of channels and the like that are none. */
function checkSizes(where: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, size] of Object.entries(sizes)) checkWhole(where, name, [size], 1);
}

/**
 * `y = x weightᵀ + bias` over the last dimension: `[.., in]` to `[.., out]`. `new nn.Linear(784, 10).forward(x)` of
 * `[b, 784]` is `[b, 10]`.
 */
export class Linear extends Module {
  /** `[out, in]` */
  weight: Tensor;
  /** `[out]`, or null */
  bias: Tensor | null;

  constructor(inFeatures: number, outFeatures: number, options: { bias?: boolean } = {}) {
    super();
    checkOptions("Linear", options, { bias: true });
    checkSizes("Linear", { inFeatures, outFeatures });
    this.weight = init.kaimingUniform([outFeatures, inFeatures], inFeatures);
    this.bias = (options.bias ?? true) ? init.uniform([outFeatures], 1 / Math.sqrt(inFeatures)) : null;
  }

  /** `x weightᵀ + bias`: `[.., in]` to `[.., out]`. */
  forward(x: Tensor): Tensor {
    return F.linear(x, this.weight, this.bias);
  }

  protected override describe(): string {
    return `${this.weight.shape[1]}, ${this.weight.shape[0]}${this.bias ? "" : ", bias=false"}`;
  }
}

/** Whether a layer adds a bias. */
interface BiasOption {
  /** Learn a number to add to each output channel; default true. */
  readonly bias?: boolean;
}

/** Settings of a convolution: stride, padding, dilation, groups, bias. */
export type Conv2dOptions = F.ConvOptions & BiasOption;
/** Settings of a transposed convolution, `outputPadding` too. */
export type ConvTranspose2dOptions = F.ConvTransposeOptions & BiasOption;

/**
 * Convolution of images `[B, in, H, W]` to `[B, out, H', W']`.
 * `new nn.Conv2d(1, 16, 3, { padding: 1 }).forward(images)` of `[b, 1, 28, 28]` is `[b, 16, 28, 28]`.
 */
export class Conv2d extends Module {
  /** `[out, in / groups, kh, kw]` */
  weight: Tensor;
  /** `[out]`, or null */
  bias: Tensor | null;
  /** The settings that it was made with. */
  readonly options: F.ConvOptions;

  /** @param kernelSize - one number, or `[height, width]` */
  constructor(inChannels: number, outChannels: number, kernelSize: F.Pair, options: Conv2dOptions = {}) {
    super();
    const { bias = true, ...conv } = options;
    checkOptions("Conv2d", options, { ...convNames, bias: true });
    const { groups = 1 } = conv;
    checkSizes("Conv2d", { inChannels, outChannels, groups });
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new RangeError(
        `Conv2d: ${plural(groups, "group")} do not divide ${inChannels} input and ${outChannels} output channels`,
      );
    }
    const [kh, kw] = wholePair("Conv2d", "kernelSize", kernelSize, 1);
    const fanIn = (inChannels / groups) * kh * kw;
    this.weight = init.kaimingUniform([outChannels, inChannels / groups, kh, kw], fanIn);
    this.bias = bias ? init.uniform([outChannels], 1 / Math.sqrt(fanIn)) : null;
    this.options = conv;
  }

  /** Images `[B, in, H, W]` to `[B, out, H', W']`. */
  forward(x: Tensor): Tensor {
    return F.conv2d(x, this.weight, this.bias, this.options);
  }

  protected override describe(): string {
    const [out, inner, ...kernel] = this.weight.shape;
    return `${inner! * (this.options.groups ?? 1)}, ${out}, kernelSize=[${kernel}]${optionsText(this.options)}${this.bias ? "" : ", bias=false"}`;
  }
}

/** Transposed convolution of images `[B, in, H, W]`: with stride 2 about twice as large. */
export class ConvTranspose2d extends Module {
  /** `[in, out / groups, kh, kw]` */
  weight: Tensor;
  /** `[out]`, or null */
  bias: Tensor | null;
  /** The settings that it was made with. */
  readonly options: F.ConvTransposeOptions;

  constructor(inChannels: number, outChannels: number, kernelSize: F.Pair, options: ConvTranspose2dOptions = {}) {
    super();
    const { bias = true, ...conv } = options;
    checkOptions("ConvTranspose2d", options, { ...convTransposeNames, bias: true });
    const { groups = 1 } = conv;
    checkSizes("ConvTranspose2d", { inChannels, outChannels, groups });
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new RangeError(
        `ConvTranspose2d: ${groups} groups do not divide ${inChannels} input and ${outChannels} output channels`,
      );
    }
    const [kh, kw] = wholePair("ConvTranspose2d", "kernelSize", kernelSize, 1);
    const fanIn = (outChannels / groups) * kh * kw;
    this.weight = init.kaimingUniform([inChannels, outChannels / groups, kh, kw], fanIn);
    this.bias = bias ? init.uniform([outChannels], 1 / Math.sqrt(fanIn)) : null;
    this.options = conv;
  }

  /** Images `[B, in, H, W]` to `[B, out, H', W']`, with stride 2 about twice as large. */
  forward(x: Tensor): Tensor {
    return F.convTranspose2d(x, this.weight, this.bias, this.options);
  }

  protected override describe(): string {
    const [inner, out, ...kernel] = this.weight.shape;
    return `${inner}, ${out! * (this.options.groups ?? 1)}, kernelSize=[${kernel}]${optionsText(this.options)}${this.bias ? "" : ", bias=false"}`;
  }
}

function optionsText(options: object): string {
  return Object.entries(options)
    .map(([name, value]) => `, ${name}=${Array.isArray(value) ? `[${value}]` : value}`)
    .join("");
}

/** A row of `weight` `[n, d]` for each int64 index. */
export class Embedding extends Module {
  /** The table, `[n, d]`: one row for each index. */
  weight: Tensor;

  constructor(numEmbeddings: number, embeddingDim: number) {
    super();
    this.weight = init.normal([numEmbeddings, embeddingDim]);
  }

  /** The rows at int64 indices of any shape: `[..]` to `[.., d]`. */
  forward(index: Tensor): Tensor {
    return F.embedding(index, this.weight);
  }

  protected override describe(): string {
    return this.weight.shape.join(", ");
  }
}
