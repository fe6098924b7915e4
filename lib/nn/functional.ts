import { gradMode, type Padding } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { show } from "../graph/shape.ts";
import { fillUniform, type Generator } from "../random/index.ts";
import { settings } from "../runtime/settings.ts";
import { oneHot, where } from "../tensor/create.ts";
import { checkRange } from "../tensor/operands.ts";
import { Tensor } from "../tensor/tensor.ts";
import { live } from "../tensor/trace.ts";

/** One number for both image dimensions, or `[height, width]`. */
export type Pair = number | readonly [number, number];

/** `[height, width]` from one number or two. */
export function pair(value: Pair): readonly [number, number] {
  return typeof value === "number" ? [value, value] : value;
}

/** How a convolution's windows move over the image. */
export interface ConvOptions {
  /** Step between windows; default 1. */
  readonly stride?: Pair;
  /** Zeros on each side; default 0. */
  readonly padding?: Pair;
  /** Distance between a kernel's elements; default 1. */
  readonly dilation?: Pair;
  /** Into how many independent parts the channels are divided; default 1. */
  readonly groups?: number;
}

function bothSides(padding: Pair): Padding {
  const [h, w] = pair(padding);
  return [h, w, h, w];
}

/** Throws where a number is no integer of at least `least`. */
function whole(where: string, name: string, values: readonly number[], least: number): void {
  for (const v of values) {
    if (!Number.isInteger(v) || v < least) {
      throw new RangeError(`${where}: ${name} is ${v}, expected an integer of at least ${least}`);
    }
  }
}

/** x weightᵀ + bias, with `weight` `[out, in]` over the last dimension of `x`. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  if (x.shape.at(-1) !== weight.shape[1] || weight.ndim !== 2) {
    throw new RangeError(
      `linear: input ${show(x.shape)} ends in ${x.shape.at(-1)} features, weight ${show(weight.shape)} ([out, in]) expects ${weight.shape[1]}`,
    );
  }
  const product = x.matmul(weight.transpose(0, 1));
  return bias ? product.add(bias) : product;
}

/** Convolution of images `x` `[B, C, H, W]` with `weight` `[O, C / groups, kh, kw]` and `bias` `[O]`. */
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor | null, options: ConvOptions = {}): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  whole("conv2d", "stride", pair(stride), 1);
  whole("conv2d", "padding", pair(padding), 0);
  whole("conv2d", "dilation", pair(dilation), 1);
  whole("conv2d", "groups", [groups], 1);
  const attrs = { stride: pair(stride), padding: bothSides(padding), dilation: pair(dilation), groups };
  return withBias(new Tensor(g.conv2d(x.node, weight.node, attrs)), bias);
}

/** Convolution with padding that differs by side: `[top, left, bottom, right]`. */
export function conv2dPadded(x: Tensor, weight: Tensor, bias: Tensor | null, stride: Pair, padding: Padding): Tensor {
  const attrs = { stride: pair(stride), padding, dilation: [1, 1] as const, groups: 1 };
  return withBias(new Tensor(g.conv2d(x.node, weight.node, attrs)), bias);
}

/** Transposed convolution: `weight` is `[C, O / groups, kh, kw]`, the output about `stride` times as large. */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvOptions & { readonly outputPadding?: Pair } = {},
): Tensor {
  const { stride = 1, padding = 0, dilation = 1, groups = 1, outputPadding = 0 } = options;
  if (x.ndim !== 4 || weight.ndim !== 4 || x.shape[1] !== weight.shape[0]) {
    throw new RangeError(
      `convTranspose2d: input ${show(x.shape)} ([B, C, H, W]) and weight ${show(weight.shape)} ([C, O / groups, kh, kw]) differ in C`,
    );
  }
  const [s, p, d, extra] = [pair(stride), pair(padding), pair(dilation), pair(outputPadding)];
  whole("convTranspose2d", "stride", s, 1);
  for (const i of [0, 1] as const) {
    if (extra[i] >= Math.max(s[i], d[i])) {
      throw new RangeError(`convTranspose2d: outputPadding ${extra[i]} must be smaller than stride or dilation`);
    }
  }
  const size = [0, 1].map((i) => {
    return (x.shape[2 + i]! - 1) * s[i]! - 2 * p[i]! + d[i]! * (weight.shape[2 + i]! - 1) + extra[i]! + 1;
  }) as [number, number];
  const attrs = { stride: s, padding: bothSides(padding), dilation: d, groups };
  const shape = [x.shape[0]!, weight.shape[1]! * groups, ...size];
  return withBias(new Tensor(g.convInput(x.node, weight.node, attrs, shape)), bias);
}

function withBias(x: Tensor, bias: Tensor | null | undefined): Tensor {
  if (!bias) return x;
  if (bias.numel() !== x.shape[1]) {
    throw new RangeError(`conv: bias ${show(bias.shape)} must have one element for each of ${x.shape[1]} channels`);
  }
  return x.add(bias.reshape(-1, 1, 1));
}

/** Rows of `weight` `[n, d]` at the int64 indices `index` (any shape). */
export function embedding(index: Tensor, weight: Tensor): Tensor {
  checkRange("embedding", index.node, weight.shape[0]!, false);
  return new Tensor(g.indexSelect(weight.node, 0, index.node));
}

/** Normalisation over `groups` groups of channels of `x` `[B, C, ...]`. @see https://arxiv.org/abs/1803.08494 */
export function groupNorm(x: Tensor, groups: number, weight: Tensor, bias: Tensor, eps = 1e-5): Tensor {
  return new Tensor(g.groupNorm(x.node, weight.node, bias.node, groups, eps));
}

/** Normalisation over the last dimension. @see https://arxiv.org/abs/1607.06450 */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps = 1e-5): Tensor {
  return new Tensor(g.layerNorm(x.node, weight.node, bias.node, eps));
}

function pooling(where: string, kernelSize: Pair, stride: Pair | undefined, padding: Pair) {
  const attrs = { kernel: pair(kernelSize), stride: pair(stride ?? kernelSize), padding: bothSides(padding) };
  whole(where, "kernelSize", attrs.kernel, 1);
  whole(where, "stride", attrs.stride, 1);
  whole(where, "padding", attrs.padding, 0);
  if (attrs.padding[0] * 2 > attrs.kernel[0] || attrs.padding[1] * 2 > attrs.kernel[1]) {
    throw new RangeError(`${where}: padding ${pair(padding)} is more than half of the window ${attrs.kernel}`);
  }
  return attrs;
}

/** The largest element of each window; `stride` is the window's size unless given. */
export function maxPool2d(x: Tensor, kernelSize: Pair, options: { stride?: Pair; padding?: Pair } = {}): Tensor {
  return new Tensor(g.maxPool(x.node, pooling("maxPool2d", kernelSize, options.stride, options.padding ?? 0)));
}

/** The mean of each window, padding counted in. */
export function avgPool2d(x: Tensor, kernelSize: Pair, options: { stride?: Pair; padding?: Pair } = {}): Tensor {
  const attrs = pooling("avgPool2d", kernelSize, options.stride, options.padding ?? 0);
  return new Tensor(g.mul(g.sumPool(x.node, attrs), 1 / (attrs.kernel[0] * attrs.kernel[1])));
}

/** Images `scale` times as large (a whole number), each pixel repeated. */
export function upsampleNearest(x: Tensor, scale: Pair): Tensor {
  const [h, w] = pair(scale);
  whole("upsample", "scale", [h, w], 1);
  if (x.ndim !== 4) throw new RangeError(`upsample: got ${show(x.shape)}, expected [B, C, H, W]`);
  const [b, c, height, width] = x.shape as [number, number, number, number];
  const attrs = { kernel: [h, w], stride: [h, w], padding: [0, 0, 0, 0] } as const;
  return new Tensor(g.spread(x.node, attrs, [b, c, height * h, width * w]));
}

export { pixelShuffle, pixelUnshuffle } from "./pixel-shuffle.ts";

/** Each element zeroed with probability `p`, the others scaled by 1 / (1 - p) to keep the mean. */
export function dropout(x: Tensor, p = 0.5, options: { training?: boolean; generator?: Generator } = {}): Tensor {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`dropout: p is ${p}, expected a probability from 0 to 1`);
  if (options.training === false || p === 0) return x;
  const size = x.numel();
  const mask = live(
    "float32",
    x.shape,
    () => {
      const draws = fillUniform(new Float32Array(size), options);
      const kept = p < 1 ? 1 / (1 - p) : 0;
      for (let i = 0; i < size; i++) draws[i] = draws[i]! < p ? 0 : kept;
      return draws;
    },
    settings.device,
  );
  return x.mul(new Tensor(mask));
}

/** How a loss over many elements becomes one number. */
export type Reduction = "mean" | "sum" | "none";

function reduce(x: Tensor, reduction: Reduction): Tensor {
  if (reduction === "none") return x;
  return reduction === "sum" ? x.sum() : x.mean();
}

function sameSize(where: string, a: Tensor, b: Tensor): void {
  if (a.shape.length !== b.shape.length || a.shape.some((n, i) => n !== b.shape[i])) {
    throw new RangeError(`${where}: input ${show(a.shape)} and target ${show(b.shape)} must have the same shape`);
  }
}

/** Mean of the squared differences. */
export function mseLoss(input: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor {
  sameSize("mseLoss", input, target);
  return reduce(input.sub(target).square(), reduction);
}

/** Mean of the absolute differences. */
export function l1Loss(input: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor {
  sameSize("l1Loss", input, target);
  return reduce(input.sub(target).abs(), reduction);
}

/** Squared below `beta`, absolute above: less moved by outliers than `mseLoss`. */
export function smoothL1Loss(input: Tensor, target: Tensor, reduction: Reduction = "mean", beta = 1): Tensor {
  sameSize("smoothL1Loss", input, target);
  const d = input.sub(target).abs();
  return reduce(where(d.lt(beta), d.square().mul(0.5 / beta), d.sub(0.5 * beta)), reduction);
}

/**
 * Cross-entropy of scores `[B, C, ...]` (before softmax) and classes `[B, ...]` (int64), or probabilities of the
 * scores' shape.
 */
export function crossEntropy(
  input: Tensor,
  target: Tensor,
  options: { reduction?: Reduction; labelSmoothing?: number } = {},
): Tensor {
  const { reduction = "mean", labelSmoothing = 0 } = options;
  if (input.ndim < 2) throw new RangeError(`crossEntropy: scores ${show(input.shape)}; expected [B, C] or [B, C, ...]`);
  const classes = input.shape[1]!;
  const expected = [input.shape[0]!, ...input.shape.slice(2)];
  const rest = expected.length;
  let wanted = target;
  if (target.dtype === "int64" || target.dtype === "int32") {
    if (show(target.shape) !== show(expected)) {
      throw new RangeError(
        `crossEntropy: scores ${show(input.shape)} need classes ${show(expected)}, got ${show(target.shape)}`,
      );
    }
    checkRange("crossEntropy", target.node, classes, false);
    wanted = oneHot(target, classes).permute([0, rest, ...expected.slice(1).map((_, i) => i + 1)]);
  } else if (show(target.shape) !== show(input.shape)) {
    throw new TypeError(
      `crossEntropy: target is ${target.dtype} ${show(target.shape)}; expected int64 classes ${show(expected)} (use .long()) or probabilities ${show(input.shape)}`,
    );
  }
  if (labelSmoothing > 0) wanted = wanted.mul(1 - labelSmoothing).add(labelSmoothing / classes);
  const loss = input.logSoftmax(1).mul(wanted).sum(1).neg();
  return reduce(loss, reduction);
}

/** Negative log-likelihood of log-probabilities `[B, C]` and classes `[B]`. */
export function nllLoss(input: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor {
  checkRange("nllLoss", target.node, input.shape[1]!, false);
  return reduce(input.mul(oneHot(target, input.shape[1]!)).sum(1).neg(), reduction);
}

/** Binary cross-entropy of scores (before sigmoid) and targets from 0 to 1, in the form that cannot overflow. */
export function binaryCrossEntropyWithLogits(input: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor {
  sameSize("binaryCrossEntropyWithLogits", input, target);
  const loss = input.relu().sub(input.mul(target)).add(input.abs().neg().exp().add(1).log());
  return reduce(loss, reduction);
}

/**
 * softmax(q kᵀ scale + mask) v for `q` `[..., N, d]`, `k` and `v` `[..., M, d]`.
 *
 * @param options.mask - added to the scores (float), or where false hides them (bool); broadcasts to `[..., N, M]`
 * @param options.causal - hide what comes later
 * @param options.scale - default 1 / sqrt(d)
 * @see Vaswani et al. 2017: https://arxiv.org/abs/1706.03762
 */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: { mask?: Tensor; causal?: boolean; scale?: number } = {},
): Tensor {
  const [n, d] = q.shape.slice(-2) as [number, number];
  const m = k.shape.at(-2)!;
  if (k.shape.at(-1) !== d || v.shape.at(-2) !== m) {
    throw new RangeError(
      `attention: query ${show(q.shape)}, key ${show(k.shape)} and value ${show(v.shape)} do not fit; expected [.., N, d], [.., M, d], [.., M, e]`,
    );
  }
  const scale = options.scale ?? 1 / Math.sqrt(d);
  const trains = gradMode.enabled && (q.node.requiresGrad || k.node.requiresGrad || v.node.requiresGrad);
  const alike = q.ndim === 4 && k.ndim === 4 && q.shape[0] === k.shape[0] && q.shape[1] === k.shape[1];
  if (!trains && alike && !options.mask && !options.causal) {
    return new Tensor(g.attention(q.node, k.node, v.node, scale));
  }
  let scores = new Tensor(g.mul(q.node, scale)).matmul(k.transpose(-1, -2));
  const hidden = (visible: Tensor) => where(visible, scores, -Infinity);
  if (options.causal) {
    const position = (count: number) => new Tensor(g.cumsum(g.expand(g.constant(1, "int64"), [count]), 0));
    scores = hidden(position(m).unsqueeze(0).le(position(n).unsqueeze(1)));
  }
  if (options.mask) scores = options.mask.dtype === "bool" ? hidden(options.mask) : scores.add(options.mask);
  return scores.softmax(-1).matmul(v);
}

/**
 * Normalisation of each channel of `x` `[B, C, ...]` over the batch and the image.
 *
 * @returns the output, and the batch's mean and variance (not corrected), `[C]` both
 * @see https://arxiv.org/abs/1502.03167
 */
export function batchNorm(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  eps = 1e-5,
): { output: Tensor; mean: Tensor; variance: Tensor } {
  const dims = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const wide = [-1, ...x.shape.slice(2).map(() => 1)];
  const mean = x.mean(dims, true);
  const centred = x.sub(mean);
  const variance = centred.square().mean(dims, true);
  const scale = variance.add(eps).rsqrt().mul(weight.reshape(wide));
  const output = centred.mul(scale).add(bias.reshape(wide));
  return { output, mean: mean.flatten(), variance: variance.flatten() };
}
