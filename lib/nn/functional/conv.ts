import type { Padding } from "../../graph/node.ts";
import * as g from "../../graph/ops/index.ts";
import { show } from "../../graph/shape.ts";
import { checkChoice, checkInteger, checkOptions, type Names, shown } from "../../options.ts";
import { Tensor } from "../../tensor/tensor.ts";

/** One number for both image dimensions, or `[height, width]`. */
export type Pair = number | readonly [number, number];

/** `[height, width]` from one number or two. */
export function pair(value: Pair): readonly [number, number] {
  return typeof value === "number" ? [value, value] : value;
}

/** Both numbers of a pair, each an integer of at least `least`. */
export function integerPair(where: string, name: string, value: Pair, least: number): readonly [number, number] {
  const both = pair(value);
  if (!Array.isArray(both) || both.length !== 2) {
    throw new TypeError(`${where}: ${name} is ${shown(value)}, expected a number or [height, width]`);
  }
  checkInteger(where, name, both, least);
  return both;
}

/** How a convolution's windows move over the image. */
export interface ConvOptions {
  /** Step between windows; default 1. */
  readonly stride?: Pair;
  /** Zeros on each side; default 0. `"same"` keeps the image's size, `"valid"` is 0. */
  readonly padding?: Pair | "same" | "valid";
  /** Distance between a kernel's elements; default 1. */
  readonly dilation?: Pair;
  /** Into how many independent parts the channels are divided; default 1. */
  readonly groups?: number;
}

/** How a one-dimensional convolution's windows move over the rows. */
export interface Conv1dOptions {
  /** Step between windows; default 1. */
  readonly stride?: number;
  /** Zeros on each side; default 0. `"same"` keeps the length, `"valid"` is 0. */
  readonly padding?: number | "same" | "valid";
  /** Distance between a kernel's elements; default 1. */
  readonly dilation?: number;
  /** Into how many independent parts the channels are divided; default 1. */
  readonly groups?: number;
}

export const convNames: Names<ConvOptions> = { stride: true, padding: true, dilation: true, groups: true };

/** The same padding on opposite sides. */
export function bothSides([h, w]: readonly [number, number]): Padding {
  return [h, w, h, w];
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
  checkOptions("conv2d", options, convNames);
  const stride = integerPair("conv2d", "stride", options.stride ?? 1, 1);
  const dilation = integerPair("conv2d", "dilation", options.dilation ?? 1, 1);
  const padding = paddingOf("conv2d", options.padding, weight.shape.slice(2), stride, dilation);
  const attrs = { stride, padding, dilation, groups: options.groups ?? 1 };
  checkInteger("conv2d", "groups", [attrs.groups], 1);
  return withBias(new Tensor(g.conv2d(x.node, weight.node, attrs)), bias);
}

/** The zeros on each side; for `"same"` those that keep the size, the odd one at the end. */
export function paddingOf(
  where: string,
  padding: Pair | "same" | "valid" = 0,
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): Padding {
  if (padding === "valid") return [0, 0, 0, 0];
  if (padding !== "same") {
    if (typeof padding === "string") checkChoice(where, "padding", padding, ["same", "valid"]);
    return bothSides(integerPair(where, "padding", padding, 0));
  }
  if (stride.some((s) => s !== 1)) {
    throw new RangeError(`${where}: padding "same" keeps the size only at stride 1, got ${show(stride)}`);
  }
  const total = kernel.map((k, i) => dilation[i]! * (k - 1)) as [number, number];
  const before = total.map((n) => Math.floor(n / 2)) as [number, number];
  return [before[0], before[1], total[0] - before[0], total[1] - before[1]];
}

/**
 * Convolution of rows `x` `[B, C, L]` with `weight` `[O, C / groups, k]` and `bias` `[O]`: `[B, O, L']`.
 *
 * @param options - one number each
 */
export function conv1d(x: Tensor, weight: Tensor, bias?: Tensor | null, options: Conv1dOptions = {}): Tensor {
  checkOptions("conv1d", options, convNames);
  if (x.ndim !== 3 || weight.ndim !== 3) {
    throw new RangeError(
      `conv1d: got input ${show(x.shape)} and weight ${show(weight.shape)}; expected [B, C, L] and [O, C, k]`,
    );
  }
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  for (const [name, value] of Object.entries({ stride, dilation })) checkInteger("conv1d", name, [value], 1);
  if (typeof padding !== "string") checkInteger("conv1d", "padding", [padding], 0);
  const wide = conv2d(x.unsqueeze(2), weight.unsqueeze(2), bias, {
    stride: [1, stride],
    padding: typeof padding === "string" ? padding : [0, padding],
    dilation: [1, dilation],
    groups,
  });
  return wide.squeeze(2);
}

/** Convolution with padding that differs by side: `[top, left, bottom, right]`. */
export function conv2dPadded(x: Tensor, weight: Tensor, bias: Tensor | null, stride: Pair, padding: Padding): Tensor {
  const attrs = { stride: pair(stride), padding, dilation: [1, 1] as const, groups: 1 };
  return withBias(new Tensor(g.conv2d(x.node, weight.node, attrs)), bias);
}

/** How a transposed convolution spreads its input. */
export interface ConvTransposeOptions extends Omit<ConvOptions, "padding"> {
  /** Rows and columns that are cut off on each side; default 0. */
  readonly padding?: Pair;
  /** Rows and columns that the output has more, at its end: below stride or dilation; default 0. */
  readonly outputPadding?: Pair;
}

export const convTransposeNames: Names<ConvTransposeOptions> = { ...convNames, outputPadding: true };

/**
 * Transposed convolution: `weight` is `[C, O / groups, kh, kw]`, the output about `stride` times as large:
 * `(H - 1) stride - 2 padding + dilation (kh - 1) + outputPadding + 1` rows.
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvTransposeOptions = {},
): Tensor {
  const where = "convTranspose2d";
  checkOptions(where, options, convTransposeNames);
  const { groups = 1 } = options;
  const s = integerPair(where, "stride", options.stride ?? 1, 1);
  const p = integerPair(where, "padding", options.padding ?? 0, 0);
  const d = integerPair(where, "dilation", options.dilation ?? 1, 1);
  const extra = integerPair(where, "outputPadding", options.outputPadding ?? 0, 0);
  checkInteger(where, "groups", [groups], 1);
  if (x.ndim !== 4 || weight.ndim !== 4 || x.shape[1] !== weight.shape[0]) {
    throw new RangeError(
      `convTranspose2d: input ${show(x.shape)} ([B, C, H, W]) and weight ${show(weight.shape)} ([C, O / groups, kh, kw]) differ in C`,
    );
  }
  if (x.shape[1]! % groups !== 0) {
    throw new RangeError(`convTranspose2d: ${groups} groups do not divide ${x.shape[1]} channels`);
  }
  const sides = [0, 1] as const;
  for (const i of sides) {
    if (extra[i] >= Math.max(s[i], d[i])) {
      throw new RangeError(`convTranspose2d: outputPadding ${extra[i]} must be smaller than stride or dilation`);
    }
  }
  // ONNX knows an output padding below the stride only. What is more stands in the rows that the padding cut off, and
  // beyond these there is nothing.
  const more = sides.map((i) => (extra[i] >= s[i] ? extra[i] : 0)) as [number, number];
  const cut = sides.map((i) => Math.max(0, p[i] - more[i])) as [number, number];
  const zeros = sides.map((i) => Math.max(0, more[i] - p[i])) as [number, number];
  const size = sides.map((i) => {
    const full = (x.shape[2 + i]! - 1) * s[i] + d[i] * (weight.shape[2 + i]! - 1) + 1;
    return full - p[i] - cut[i] + (more[i] > 0 ? 0 : extra[i]);
  }) as [number, number];
  if (size.some((n) => n < 1)) {
    throw new RangeError(`convTranspose2d: a padding of ${show(p)} leaves nothing of ${show(x.shape)}`);
  }
  const attrs = { stride: s, padding: [p[0], p[1], cut[0], cut[1]] as const, dilation: d, groups };
  const shape = [x.shape[0]!, weight.shape[1]! * groups, ...size];
  const out = g.convInput(x.node, weight.node, attrs, shape);
  return withBias(new Tensor(g.pad(out, [0, 0, 0, 0], [0, 0, ...zeros])), bias);
}

function withBias(x: Tensor, bias: Tensor | null | undefined): Tensor {
  if (!bias) return x;
  if (bias.numel() !== x.shape[1]) {
    throw new RangeError(`conv: bias ${show(bias.shape)} must have one element for each of ${x.shape[1]} channels`);
  }
  return x.add(bias.reshape(-1, 1, 1));
}
