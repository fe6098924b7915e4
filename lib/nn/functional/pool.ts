import type { WindowAttrs } from "../../graph/node.ts";
import * as g from "../../graph/ops/index.ts";
import { show } from "../../graph/shape.ts";
import { checkInteger, checkOptions, type Names } from "../../options.ts";
import { tensor } from "../../tensor/create.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { bothSides, integerPair, type Pair } from "./conv.ts";

interface PoolOptions {
  /** Step between windows; default the window's size. */
  readonly stride?: Pair;
  /** Rows and columns around the image that belong to windows, at most half a window; default 0. */
  readonly padding?: Pair;
  /** Keep windows that begin inside the image and end outside; default false. */
  readonly ceilMode?: boolean;
}

/** What `maxPool2d` takes. */
export interface MaxPoolOptions extends PoolOptions {
  /** Distance between a window's elements; default 1. */
  readonly dilation?: Pair;
}

/** What `avgPool2d` takes. */
export interface AvgPoolOptions extends PoolOptions {
  /** Whether the zeros of the padding count; default true. */
  readonly countIncludePad?: boolean;
  /** What sums are divided by, in place of the window's size. */
  readonly divisorOverride?: number;
}

const poolNames: Names<PoolOptions> = { stride: true, padding: true, ceilMode: true };
export const maxPoolNames: Names<MaxPoolOptions> = { ...poolNames, dilation: true };
export const avgPoolNames: Names<AvgPoolOptions> = { ...poolNames, countIncludePad: true, divisorOverride: true };

/** The windows' attributes, and how many rows and columns must be added at the end so that the last ones are whole. */
function windows(where: string, x: Tensor, kernelSize: Pair, options: MaxPoolOptions) {
  const kernel = integerPair(where, "kernelSize", kernelSize, 1);
  const stride = integerPair(where, "stride", options.stride ?? kernelSize, 1);
  const padding = integerPair(where, "padding", options.padding ?? 0, 0);
  const dilation = integerPair(where, "dilation", options.dilation ?? 1, 1);
  const reach = [0, 1].map((i) => dilation[i]! * (kernel[i]! - 1) + 1);
  if ([0, 1].some((i) => padding[i]! * 2 > reach[i]!)) {
    throw new RangeError(`${where}: padding ${padding} is more than half the window ${reach}`);
  }
  const rest = [0, 1].map((i) => {
    if (!options.ceilMode || x.ndim !== 4) return 0;
    const size = x.shape[2 + i]!;
    const over = size + 2 * padding[i]! - reach[i]!;
    const count = Math.ceil(over / stride[i]!);
    // A window that begins in the padding at the end would see nothing.
    if (over < 0 || count * stride[i]! >= size + padding[i]!) return 0;
    return count * stride[i]! - over;
  }) as [number, number];
  const attrs: WindowAttrs = { kernel, stride, padding: bothSides(padding) };
  return { attrs: dilation.every((d) => d === 1) ? attrs : { ...attrs, dilation }, rest };
}

/**
 * The largest element of each window: `[B, C, H, W]` to `[B, C, H', W']`.
 *
 * ```ts
 * maxPool2d(zeros([1, 3, 28, 28]), 2)  // [1, 3, 14, 14]
 * ```
 */
export function maxPool2d(x: Tensor, kernelSize: Pair, options: MaxPoolOptions = {}): Tensor {
  checkOptions("maxPool2d", options, maxPoolNames);
  const { attrs, rest } = windows("maxPool2d", x, kernelSize, options);
  return new Tensor(g.maxPool(g.pad(x.node, [0, 0, 0, 0], [0, 0, ...rest], -Infinity), attrs));
}

/** The mean of each window: `[B, C, H, W]` to `[B, C, H', W']`. */
export function avgPool2d(x: Tensor, kernelSize: Pair, options: AvgPoolOptions = {}): Tensor {
  checkOptions("avgPool2d", options, avgPoolNames);
  const { countIncludePad = true, divisorOverride } = options;
  const { stride, padding, ceilMode } = options;
  const { attrs, rest } = windows("avgPool2d", x, kernelSize, {
    ...(stride === undefined ? {} : { stride }),
    ...(padding === undefined ? {} : { padding }),
    ...(ceilMode === undefined ? {} : { ceilMode }),
  });
  if (divisorOverride !== undefined) checkInteger("avgPool2d", "divisorOverride", [divisorOverride], 1);
  return new Tensor(
    g.inFloat32(x.node, (wide) => {
      const sums = g.sumPool(g.pad(wide, [0, 0, 0, 0], [0, 0, ...rest]), attrs);
      if (divisorOverride !== undefined) return g.mul(sums, 1 / divisorOverride);
      const counts = [0, 1].map((i) => counted(attrs, i, x.shape[2 + i]!, sums.shape[2 + i]!, countIncludePad));
      const all = new Set(counts[0]!.flatMap((a) => counts[1]!.map((b) => a * b)));
      if (all.size === 1) return g.mul(sums, 1 / [...all][0]!);
      const shares = counts[0]!.flatMap((a) => counts[1]!.map((b) => 1 / (a * b)));
      return g.mul(sums, tensor(shares, sums.shape.slice(2)).node);
    }),
  );
}

/** How many places of each window along one dimension are counted. */
function counted(attrs: WindowAttrs, i: number, size: number, windows: number, padded: boolean): number[] {
  const [k, s, p] = [attrs.kernel[i]!, attrs.stride[i]!, attrs.padding[i]!];
  return Array.from({ length: windows }, (_, w) => {
    const from = w * s - p;
    const to = Math.min(from + k, size + p);
    return padded ? to - from : Math.min(to, size) - Math.max(from, 0);
  });
}

/**
 * The mean of windows that divide the image as evenly as can be: `[B, C, H, W]` to `[B, C, ...size]`, whatever H and W.
 *
 * ```ts
 * adaptiveAvgPool2d(zeros([1, 64, 7, 7]), 1)  // [1, 64, 1, 1]
 * ```
 *
 * @param size - one number, or `[height, width]`; null keeps the input's
 */
export function adaptiveAvgPool2d(x: Tensor, size: number | readonly [number | null, number | null]): Tensor {
  if (x.ndim !== 4) throw new RangeError(`adaptiveAvgPool2d: got ${show(x.shape)}, expected [B, C, H, W]`);
  const wanted = (typeof size === "number" ? [size, size] : size).map((n, i) => n ?? x.shape[2 + i]!);
  checkInteger("adaptiveAvgPool2d", "size", wanted, 1);
  const [h, w] = wanted.map((n, i) => evenWindows(x.shape[2 + i]!, n));
  const means = new Tensor(
    g.inFloat32(x.node, (wide) => g.matmul(h!.node, g.matmul(wide, g.transpose(w!.node, 0, 1)))),
  );
  return means;
}

/** `[to, from]`: each row has equal shares in one window of `from` places. */
function evenWindows(from: number, to: number): Tensor {
  const rows = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const [start, end] = [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)];
    rows.fill(1 / (end - start), i * from + start, i * from + end);
  }
  return tensor(rows, [to, from]);
}
