import { inFile, type Node, type Padding } from "../../graph/node.ts";
import type { Shape } from "../../graph/shape.ts";
import { type Emitter, terms } from "../emitter.ts";
import { isBiasOf } from "../tuned/conv.ts";
import { cornerFilters, smallImage } from "../tuned/upsample.ts";
import { type Filter, least, product, type Rounded, rounded, weights } from "./product.ts";
import { type Corner, frozenRows, type WeightRows } from "./weights.ts";

// Gathered pixels of more bytes than this are split into bands, which stay in the cache and take less memory.
const mostGathered = 2 ** 22;

/** A convolution in 8 bits; `as` is the node whose value it is with its bias. */
export function conv2d(e: Emitter, n: Node<"conv2d">, bias?: Node, as: Node = n): string | null {
  const pixels = convolved(e, n, bias, as);
  return pixels === null ? null : e.graph.add("Transpose", [pixels], { perm: [0, 3, 1, 2] });
}

/** The same with channels last, `[B, H, W, C]`. */
function convolved(e: Emitter, n: Node<"conv2d">, bias: Node | undefined, as: Node): string | null {
  const [image, weight] = n.inputs as [Node, Node];
  const [to, from, kh, kw] = weight.shape as [number, number, number, number];
  const [b, , height, width] = n.shape as [number, number, number, number];
  if (n.requiresGrad || n.dtype !== "float32" || n.attrs.groups !== 1) return null;
  if (from < least.channels || to < least.channels || b * height * width < least.rows) return null;
  const rows = frozenRows(weight);
  const small = smallImage(e, n);
  if (!rows && !(small && inFile(weight))) return null;
  return e.memoize(`convolved ${e.canonical(as).id}`, () => {
    const offset = bias && e.reshape(e.name(bias), [to]);
    if (!rows) return enlargedInFloat32(e, small!, weight, offset);
    if (small) return enlarged(e, small, rows, offset);
    const filter = weights(e, rows, from, kh * kw);
    const { stride, padding, dilation } = n.attrs;
    const x = imagePixels(e, image);
    if (kh * kw === 1 && stride.every((s) => s === 1) && padding.every((p) => p === 0)) {
      return product(e, x, filter, offset);
    }
    const { flat, width: w } = padded(e, x, image.shape, padding);
    const window = { b, channels: from, kernel: [kh, kw], stride, dilation, width: w, at: [0, 0] } as const;
    const parts = bands(height, b * width * kh * kw * from * bytesOf(x)).map(([top, count]) =>
      windowed(e, flat, filter, offset, { ...window, rows: [top, count], columns: width }),
    );
    return joined(e, parts, 1);
  });
}

/** A 3x3 convolution behind nearest upsampling by 2, from the small image: see `upsampledConv`. */
function enlarged(e: Emitter, small: Node, rows: WeightRows, offset: string | undefined): string {
  const filter = (corner: Corner) => weights(e, rows, small.shape[1]!, 4, corner);
  return interleaved(e, small, rows.rows, imagePixels(e, small), filter, offset);
}

/** The same in float32, channels last, like the layers around it. */
function enlargedInFloat32(e: Emitter, small: Node, weight: Node, offset: string | undefined): string {
  const x = e.graph.add("Transpose", [e.name(small)], { perm: [0, 2, 3, 1] });
  const filters = cornerFilters(e, weight);
  return interleaved(e, small, weight.shape[0]!, { x, by: null }, ([y, x]) => filters[2 * y + x]!, offset);
}

/** The four 2x2 convolutions that make an image twice as large, each for one place in a block of four pixels. */
function interleaved(
  e: Emitter,
  small: Node,
  channels: number,
  image: Rounded,
  filterOf: (corner: Corner) => Filter | string,
  offset: string | undefined,
): string {
  const [b, c, h, w] = small.shape as [number, number, number, number];
  const corners = ([0, 1] as const).map((y) =>
    ([0, 1] as const).map((x) => ({ at: [y, x] as const, filter: filterOf([y, x]) })),
  );
  const { flat, width } = padded(e, image, small.shape, [1, 1, 1, 1]);
  const window = { b, channels: c, kernel: [2, 2], stride: [1, 1], dilation: [1, 1], width, columns: w } as const;
  const parts = bands(h, b * w * 4 * c * bytesOf(image)).map(([top, count]) => {
    const lines = corners.map((line) => {
      const pixels = line.map(({ at, filter }) =>
        e.reshape(windowed(e, flat, filter, offset, { ...window, at, rows: [top, count] }), [b, count, w, 1, channels]),
      );
      return e.reshape(joined(e, pixels, 3), [b, count, 1, 2 * w, channels]);
    });
    return e.reshape(joined(e, lines, 2), [b, 2 * count, 2 * w, channels]);
  });
  return joined(e, parts, 1);
}

function bytesOf({ by }: Rounded): number {
  return by ? 1 : 4;
}

function joined(e: Emitter, parts: readonly string[], axis: number): string {
  return parts.length === 1 ? parts[0]! : e.graph.add("Concat", parts, { axis });
}

/** The rows of an image in bands, `[first row, count]`, each of which gathers at most `mostGathered` bytes, or is a single row. */
function bands(height: number, bytesOfRow: number): [number, number][] {
  const most = Math.max(1, Math.floor(mostGathered / bytesOfRow));
  const step = Math.ceil(height / Math.ceil(height / most));
  return Array.from({ length: Math.ceil(height / step) }, (_, i) => [i * step, Math.min(step, height - i * step)]);
}

/** Pixels with a margin of zeros, in one row after the other, `[B, H W, C]`. */
function padded(e: Emitter, pixels: Rounded, shape: Shape, [top, left, bottom, right]: Padding) {
  const [b, c, h, w] = shape as [number, number, number, number];
  const isWider = top + left + bottom + right > 0;
  const margins = e.graph.ints([0, top, left, 0, 0, bottom, right, 0]);
  const all = isWider ? e.graph.add("Pad", [pixels.x, margins, pixels.by?.zero ?? ""]) : pixels.x;
  const width = w + left + right;
  return { flat: { ...pixels, x: e.reshape(all, [b, (h + top + bottom) * width, c]) }, width };
}

/** Some rows of a convolution, `[B, rows, columns, O]`, as a product with windows that are gathered. */
function windowed(
  e: Emitter,
  flat: Rounded,
  filter: Filter | string,
  offset: string | undefined,
  window: Windows & { readonly b: number; readonly channels: number },
): string {
  const { b, channels, rows, columns, kernel } = window;
  const gathered = e.graph.add("Gather", [flat.x, windows(e, window)], { axis: 1 });
  const matrix = e.reshape(gathered, [b, rows[1], columns, kernel[0] * kernel[1] * channels]);
  return product(e, { ...flat, x: matrix }, filter, offset);
}

/** Windows over the pixels of an image, `width` of them in a row. */
interface Windows {
  readonly width: number;
  /** Where the very first window begins, `[y, x]`. */
  readonly at: readonly [number, number];
  /** The first row of windows, and how many. */
  readonly rows: readonly [number, number];
  readonly columns: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/** Which pixel stands at each place of each window: `[rows * columns * kh * kw]`. */
function windows(e: Emitter, { width, at, rows, columns, kernel, stride, dilation }: Windows): string {
  const [top, count] = rows;
  const [kh, kw] = kernel;
  const key = `windows ${width} ${at} ${rows} ${columns} ${kernel} ${stride} ${dilation}`;
  return e.graph.constant(key, "int32", [count * columns * kh * kw], () => {
    const pixels = new Int32Array(count * columns * kh * kw);
    let i = 0;
    for (let y = top; y < top + count; y++) {
      for (let x = 0; x < columns; x++) {
        for (let p = 0; p < kh; p++) {
          const row = (at[0] + y * stride[0] + p * dilation[0]) * width + at[1];
          for (let q = 0; q < kw; q++) pixels[i++] = row + x * stride[1] + q * dilation[1];
        }
      }
    }
    return pixels;
  });
}

/** An image in 8 bits, channels last, `[B, H, W, C]`; taken from the tokens that it was made of, if there are any. */
function imagePixels(e: Emitter, image: Node): Rounded {
  const [b, c, h, w] = image.shape as [number, number, number, number];
  const tokens = tokensOf(image);
  if (tokens) {
    const { x, by } = rounded(e, e.name(tokens), image.size);
    return { x: e.reshape(x, [b, h, w, c]), by };
  }
  const { x, by } = rounded(e, e.name(image), image.size);
  const pixels = e.memoize(`pixels ${x}`, () => e.graph.add("Transpose", [x], { perm: [0, 2, 3, 1] }));
  return { x: pixels, by };
}

/** The tokens `[B, H W, C]` that an image is made of by nothing but a change of their order. */
function tokensOf(image: Node): Node | null {
  if (image.storage || !image.is("reshape")) return null;
  const turned = image.inputs[0]!;
  if (turned.storage || !turned.is("permute") || turned.attrs.perm.join() !== "0,2,1") return null;
  // Not only the channels: a reshape may also move whole images between the batch and the pixels.
  return turned.shape[0] === image.shape[0] && turned.shape[1] === image.shape[1] ? turned.inputs[0]! : null;
}

/** The pixels of a convolution as tokens `[B, H W, C]`: the order in which it makes them. */
export function pixelsOf(e: Emitter, n: Node<"permute">): string | null {
  if (n.attrs.perm.join() !== "0,2,1") return null;
  const flat = n.inputs[0]!;
  if (flat.storage || !flat.is("reshape")) return null;
  const image = e.canonical(flat.inputs[0]!);
  if (image.storage || image.shape.length !== 4) return null;
  if (image.shape[0] !== flat.shape[0] || image.shape[1] !== flat.shape[1]) return null;
  const pixels = image.is("conv2d") ? convolved(e, image, undefined, image) : biased(e, image);
  return pixels === null ? null : e.reshape(pixels, n.shape);
}

function biased(e: Emitter, image: Node): string | null {
  if (!image.is("add")) return null;
  for (const [first, bias] of terms(image)) {
    const conv = e.canonical(first);
    if (conv.is("conv2d") && !conv.storage && isBiasOf(bias, conv)) return convolved(e, conv, bias, image);
  }
  return null;
}
