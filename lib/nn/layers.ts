import { checkChoice, checkInteger, checkOptions } from "../options.ts";
import { plural } from "../printed.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { convNames, convTransposeNames, integerPair, paddingOf } from "./functional/conv.ts";
import { paddingRow } from "./functional/embedding.ts";
import * as F from "./functional/index.ts";
import * as init from "./init.ts";
import { Module } from "./module.ts";

/** Refuses numbers of channels and the like that are none. */
function checkSizes(where: string, sizes: Readonly<Record<string, number>>): void {
  for (const [name, size] of Object.entries(sizes)) checkInteger(where, name, [size], 1);
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

/** What the padding of a convolution holds. */
interface PaddingModeOption {
  /** What the padding holds: `"zeros"` (default), `"reflect"`, `"replicate"` or `"circular"`. */
  readonly paddingMode?: PaddingMode;
}

const paddingModes = ["zeros", "reflect", "replicate", "circular"] as const;
/** What stands around an image: zeros, the image mirrored at its edge, the edge itself, or the other side. */
export type PaddingMode = (typeof paddingModes)[number];

/** Settings of a convolution: stride, padding, paddingMode, dilation, groups, bias. */
export type Conv2dOptions = F.ConvOptions & BiasOption & PaddingModeOption;
/** Settings of a one-dimensional convolution. */
export type Conv1dOptions = F.Conv1dOptions & BiasOption & PaddingModeOption;
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
  /** What the padding holds. */
  readonly paddingMode: PaddingMode;

  /** @param kernelSize - one number, or `[height, width]` */
  constructor(inChannels: number, outChannels: number, kernelSize: F.Pair, options: Conv2dOptions = {}) {
    super();
    const { bias = true, paddingMode = "zeros", ...conv } = options;
    checkOptions("Conv2d", options, { ...convNames, bias: true, paddingMode: true });
    checkChoice("Conv2d", "paddingMode", paddingMode, paddingModes);
    const { groups = 1 } = conv;
    checkSizes("Conv2d", { inChannels, outChannels, groups });
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new RangeError(
        `Conv2d: ${plural(groups, "group")} do not divide ${inChannels} input and ${outChannels} output channels`,
      );
    }
    const [kh, kw] = integerPair("Conv2d", "kernelSize", kernelSize, 1);
    const fanIn = (inChannels / groups) * kh * kw;
    this.weight = init.kaimingUniform([outChannels, inChannels / groups, kh, kw], fanIn);
    this.bias = bias ? init.uniform([outChannels], 1 / Math.sqrt(fanIn)) : null;
    this.options = conv;
    this.paddingMode = paddingMode;
  }

  /** Images `[B, in, H, W]` to `[B, out, H', W']`. */
  forward(x: Tensor): Tensor {
    if (this.paddingMode === "zeros") return F.conv2d(x, this.weight, this.bias, this.options);
    const { padding, ...conv } = this.options;
    const [stride, dilation] = [F.pair(conv.stride ?? 1), F.pair(conv.dilation ?? 1)];
    const [top, left, bottom, right] = paddingOf("Conv2d", padding, this.weight.shape.slice(2), stride, dilation);
    const padded = F.pad(x, [left, right, top, bottom], { mode: this.paddingMode });
    return F.conv2d(padded, this.weight, this.bias, conv);
  }

  protected override describe(): string {
    const [out, inner, ...kernel] = this.weight.shape;
    return `${inner! * (this.options.groups ?? 1)}, ${out}, kernelSize=[${kernel}]${optionsText(this.options)}${this.paddingMode === "zeros" ? "" : `, paddingMode=${this.paddingMode}`}${this.bias ? "" : ", bias=false"}`;
  }
}

/**
 * Convolution of rows `[B, in, L]` to `[B, out, L']`.
 * `new nn.Conv1d(1, 16, 3, { padding: 1 }).forward(sounds)` of `[b, 1, 100]` is `[b, 16, 100]`.
 */
export class Conv1d extends Module {
  /** `[out, in / groups, k]` */
  weight: Tensor;
  /** `[out]`, or null */
  bias: Tensor | null;
  /** The settings that it was made with. */
  readonly options: F.Conv1dOptions;
  /** What the padding holds. */
  readonly paddingMode: PaddingMode;

  constructor(inChannels: number, outChannels: number, kernelSize: number, options: Conv1dOptions = {}) {
    super();
    const { bias = true, paddingMode = "zeros", ...conv } = options;
    checkOptions("Conv1d", options, { ...convNames, bias: true, paddingMode: true });
    checkChoice("Conv1d", "paddingMode", paddingMode, paddingModes);
    const { groups = 1 } = conv;
    checkSizes("Conv1d", { inChannels, outChannels, kernelSize, groups });
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new RangeError(
        `Conv1d: ${groups} groups do not divide ${inChannels} input and ${outChannels} output channels`,
      );
    }
    const fanIn = (inChannels / groups) * kernelSize;
    this.weight = init.kaimingUniform([outChannels, inChannels / groups, kernelSize], fanIn);
    this.bias = bias ? init.uniform([outChannels], 1 / Math.sqrt(fanIn)) : null;
    this.options = conv;
    this.paddingMode = paddingMode;
  }

  /** Rows `[B, in, L]` to `[B, out, L']`. */
  forward(x: Tensor): Tensor {
    if (this.paddingMode === "zeros") return F.conv1d(x, this.weight, this.bias, this.options);
    const { padding = 0, ...conv } = this.options;
    const [kernel, dilation] = [this.weight.shape[2]!, conv.dilation ?? 1];
    const [, left, , right] = paddingOf("Conv1d", padding, [1, kernel], [1, conv.stride ?? 1], [1, dilation]);
    return F.conv1d(F.pad(x, [left, right], { mode: this.paddingMode }), this.weight, this.bias, conv);
  }

  protected override describe(): string {
    const [out, inner, kernel] = this.weight.shape;
    return `${inner! * (this.options.groups ?? 1)}, ${out}, kernelSize=${kernel}${optionsText(this.options)}${this.bias ? "" : ", bias=false"}`;
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
    const [kh, kw] = integerPair("ConvTranspose2d", "kernelSize", kernelSize, 1);
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
  /** The row that stays as it is; null if all learn. */
  readonly paddingIdx: number | null;

  /** @param options.paddingIdx - the row of this index is zeros at first, and gets no gradient */
  constructor(numEmbeddings: number, embeddingDim: number, options: { paddingIdx?: number } = {}) {
    super();
    checkOptions("Embedding", options, { paddingIdx: true });
    checkSizes("Embedding", { numEmbeddings, embeddingDim });
    const { paddingIdx } = options;
    this.paddingIdx = paddingIdx === undefined ? null : paddingRow("Embedding", paddingIdx, numEmbeddings);
    const weight = init.normal([numEmbeddings, embeddingDim]);
    this.weight = this.paddingIdx === null ? weight : weight.detach().set([this.paddingIdx], 0).requiresGrad_();
  }

  /** The rows at int64 indices of any shape: `[..]` to `[.., d]`. */
  forward(index: Tensor): Tensor {
    return F.embedding(index, this.weight, this.paddingIdx === null ? {} : { paddingIdx: this.paddingIdx });
  }

  protected override describe(): string {
    return `${this.weight.shape.join(", ")}${this.paddingIdx === null ? "" : `, paddingIdx=${this.paddingIdx}`}`;
  }
}
