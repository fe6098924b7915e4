import type { ConvAttrs, Node } from "../../graph/node.ts";
import type { Emissions, Emitter } from "../emitter.ts";
import { frozen } from "../frozen.ts";
import { standard } from "../standard.ts";
import { tuned } from "../tuned/index.ts";
import { frozenRows, type WeightRows } from "./weights.ts";

/*
 * Layers with frozen weights in 8 bits. Weights are rounded once, by output channel; inputs when they come, by the range
 * that the tensor has then, so nothing has to be calibrated. A product of both is a sum of whole numbers, exact in 32
 * bits, which leaves as float32. A convolution is such a product: pixels, channels last, gathered by a table.
 * (ONNX's QLinearConv is a tenth faster, but rounds its output, too, by a range that nobody knows beforehand.)
 */

const microsoft = { domain: "com.microsoft" };

// Smaller layers gain nothing, and the first and the last of a network, which are the most sensitive ones, have fewer channels.
const least = { channels: 32, rows: 16 };

// Gathered pixels of more bytes than this are made in parts: they stay closer to the processor, and take less memory.
const mostGathered = 2 ** 25;

/** Formulations in 8 bits of what allows it; everything else is left to those for frozen weights. */
export const eightBit: Partial<Emissions> = {
  add: (e, n) => withBias(e, n) ?? frozen.add?.(e, n) ?? standard.add(e, n),
  matmul: (e, n) => linear(e, n) ?? (frozen.matmul ?? standard.matmul)(e, n),
  conv2d: (e, n) => conv2d(e, n) ?? (frozen.conv2d ?? standard.conv2d)(e, n),
  permute: (e, n) => pixelsOf(e, n) ?? (tuned.permute ?? standard.permute)(e, n),
};

/** A weight and its scales, as the file will have them, and what is 0 in it. */
function weights(e: Emitter, rows: WeightRows, channels: number, places: number): [string, string, string] {
  const target = e.target.eightBit!;
  const dtype = target.signed ? "int8" : "uint8";
  const { data, scales } = target.add(rows, channels, places);
  const numbers = e.memoize(`eight-bit weight ${data.offset}`, () =>
    e.graph.initializer(dtype, [places * channels, rows.rows], data),
  );
  const factors = e.memoize(`eight-bit scales ${scales.offset}`, () =>
    e.graph.initializer("float32", [rows.rows], scales),
  );
  const zero = e.memoize("eight-bit zero", () =>
    target.signed
      ? e.graph.initializer("int8", [], new Uint8Array(1))
      : e.graph.initializer("uint8", [], Uint8Array.of(128)),
  );
  return [numbers, factors, zero];
}

/** A tensor in 8 bits, with its scale and what is 0 in it; or as it is, where rounding would leave too little of it. */
type Rounded = readonly [x: string, scale: string, zero: string] | readonly [x: string];

function rounded(e: Emitter, x: string, size: number): Rounded {
  const name = e.memoize(`eight-bit ${x}`, () => {
    let result = x;
    e.target.eightBit!.input(() => {
      result = e.graph.fresh();
      e.graph.addMany("DynamicQuantizeLinear", [x], [result, `${result}_scale`, `${result}_zero`]);
      return coarseness(e, x, size, `${result}_scale`);
    });
    return result;
  });
  return name === x ? [x] : [name, `${name}_scale`, `${name}_zero`];
}

// So many numbers tell how large those of a tensor are.
const sampled = 4096;

/**
 * The step of rounding over the usual magnitude of the tensor's numbers, `[1]`: above 1, most of them become 0. Usual is the
 * squared mean of their roots, in which a few large ones count for little.
 */
function coarseness(e: Emitter, x: string, size: number, scale: string): string {
  const { graph } = e;
  // Odd, so that no channel is passed over.
  const step = Math.floor(size / sampled) | 1;
  const [from, to, axis] = [0, size, 0].map((value) => graph.ints([value])) as [string, string, string];
  const sample = graph.add("Slice", [e.reshape(x, [size]), from, to, axis, graph.ints([step])]);
  const root = graph.add("ReduceMean", [graph.add("Sqrt", [graph.add("Abs", [sample])])]);
  return graph.add("Div", [e.reshape(scale, [1]), graph.add("Mul", [root, root])]);
}

/** `x [.., K]` times a weight `[K, N]`, plus a bias `[N]`, in float32. */
function product(
  e: Emitter,
  [x, ...how]: Rounded,
  [weight, weightScales, weightZero]: readonly [string, string, string],
  bias?: string,
): string {
  const [scale, zero] = how;
  if (scale === undefined || zero === undefined) {
    const exact = e.memoize(`exact ${weight}`, () => unrounded(e, weight, weightScales));
    const out = e.graph.add("MatMul", [x, exact]);
    return bias === undefined ? out : e.graph.add("Add", [out, bias]);
  }
  const inputs = [x, weight, scale, weightScales, zero, weightZero, ...(bias === undefined ? [] : [bias])];
  return e.graph.add("MatMulIntegerToFloat", inputs, {}, microsoft);
}

/** A weight `[K, N]` in float32 again. (After DequantizeLinear, onnxruntime would round the product's other factor by itself.) */
function unrounded(e: Emitter, weight: string, scales: string): string {
  const numbers = e.graph.add("Cast", [weight], { to: 1 });
  const shifted = e.target.eightBit!.signed ? numbers : e.graph.add("Sub", [numbers, e.graph.scalar(128)]);
  return e.graph.add("Mul", [shifted, scales]);
}

/** `x weight^T (+ bias)`. */
function linear(e: Emitter, n: Node<"matmul">, bias?: Node): string | null {
  const [x, turned] = n.inputs as [Node, Node];
  if (n.requiresGrad || n.dtype !== "float32" || x.shape.length < 2) return null;
  if (!turned.is("permute") || turned.storage || turned.shape.length !== 2) return null;
  const [inner, outer] = turned.shape as [number, number];
  if (inner < least.channels || outer < least.channels || x.size / inner < least.rows) return null;
  const rows = frozenRows(turned.inputs[0]!);
  if (!rows) return null;
  return product(e, rounded(e, e.name(x), x.size), weights(e, rows, inner, 1), bias && e.name(bias));
}

/** A sum that is a layer with its bias. */
function withBias(e: Emitter, n: Node<"add">): string | null {
  for (const [first, bias] of terms(n)) {
    const sum = e.singleUse(first, "matmul");
    if (sum && bias.shape.length === 1 && bias.shape[0] === sum.shape.at(-1)) {
      const out = linear(e, sum, bias);
      if (out !== null) return out;
    }
    const conv = e.singleUse(first, "conv2d");
    if (conv && isBiasOf(bias, conv)) {
      const out = conv2d(e, conv, bias, n);
      if (out !== null) return out;
    }
  }
  return null;
}

/** The two terms of a sum, either one first. */
function terms({ inputs: [a, b] }: Node): [Node, Node][] {
  return [
    [a!, b!],
    [b!, a!],
  ];
}

/** Whether a term is a number for each channel of a convolution, `[C, 1, 1]`. */
function isBiasOf(bias: Node, conv: Node): boolean {
  return bias.shape.length === 3 && bias.shape[0] === conv.shape[1] && bias.size === conv.shape[1];
}

/** A convolution in 8 bits; `as` is the node whose value it is with its bias. */
function conv2d(e: Emitter, n: Node<"conv2d">, bias?: Node, as: Node = n): string | null {
  const pixels = convolved(e, n, bias, as);
  return pixels === null ? null : e.graph.add("Transpose", [pixels], { perm: [0, 3, 1, 2] });
}

/** The same with channels last, `[B, H, W, C]`. */
function convolved(e: Emitter, n: Node<"conv2d">, bias: Node | undefined, as: Node): string | null {
  const [x, weight] = n.inputs as [Node, Node];
  const [to, from, kh, kw] = weight.shape as [number, number, number, number];
  const [b, , height, width] = n.shape as [number, number, number, number];
  if (n.requiresGrad || n.dtype !== "float32" || n.attrs.groups !== 1) return null;
  if (from < least.channels || to < least.channels || b * height * width < least.rows) return null;
  const rows = frozenRows(weight);
  if (!rows) return null;
  return e.memoize(`convolved ${e.canonical(as).id}`, () => {
    const filter = weights(e, rows, from, kh * kw);
    const [pixels, ...how] = imagePixels(e, x);
    const offset = bias && e.reshape(e.name(bias), [to]);
    const { stride, padding } = n.attrs;
    if (kh * kw === 1 && stride.every((s) => s === 1) && padding.every((p) => p === 0)) {
      return product(e, [pixels, ...how] as Rounded, filter, offset);
    }
    const padded = padding.some((p) => p > 0)
      ? e.graph.add("Pad", [
          pixels,
          e.graph.ints([0, padding[0], padding[1], 0, 0, padding[2], padding[3], 0]),
          how[1] ?? "",
        ])
      : pixels;
    const [h, w] = [x.shape[2]! + padding[0] + padding[2], x.shape[3]! + padding[1] + padding[3]];
    const flat = e.reshape(padded, [b, h * w, from]);
    const bands = Math.ceil((b * height * width * kh * kw * from) / mostGathered);
    const step = Math.ceil(height / bands);
    const parts: string[] = [];
    for (let top = 0; top < height; top += step) {
      const count = Math.min(step, height - top);
      const gathered = e.graph.add("Gather", [flat, windows(e, n.attrs, w, [kh, kw], [top, count, width])], {
        axis: 1,
      });
      const columns = e.reshape(gathered, [b, count, width, kh * kw * from]);
      parts.push(product(e, [columns, ...how] as Rounded, filter, offset));
    }
    return parts.length === 1 ? parts[0]! : e.graph.add("Concat", parts, { axis: 1 });
  });
}

/** Which pixel stands at each place of each window: `[rows * columns * kh * kw]`. */
function windows(
  e: Emitter,
  { stride, dilation }: ConvAttrs,
  width: number,
  [kh, kw]: readonly [number, number],
  [top, rows, columns]: readonly [number, number, number],
): string {
  const key = `windows ${stride} ${dilation} ${width} ${kh} ${kw} ${top} ${rows} ${columns}`;
  return e.graph.constant(key, "int32", [rows * columns * kh * kw], () => {
    const at = new Int32Array(rows * columns * kh * kw);
    let i = 0;
    for (let y = top; y < top + rows; y++) {
      for (let x = 0; x < columns; x++) {
        for (let p = 0; p < kh; p++) {
          const row = (y * stride[0] + p * dilation[0]) * width;
          for (let q = 0; q < kw; q++) at[i++] = row + x * stride[1] + q * dilation[1];
        }
      }
    }
    return at;
  });
}

/** An image in 8 bits with channels last, `[B, H, W, C]`, which it may have been before it became an image. */
function imagePixels(e: Emitter, image: Node): Rounded {
  const [b, c, h, w] = image.shape as [number, number, number, number];
  const tokens = tokensOf(image);
  if (tokens) {
    const [x, ...how] = rounded(e, e.name(tokens), image.size);
    return [e.reshape(x, [b, h, w, c]), ...how] as Rounded;
  }
  const [x, ...how] = rounded(e, e.name(image), image.size);
  const pixels = e.memoize(`pixels ${x}`, () => e.graph.add("Transpose", [x], { perm: [0, 2, 3, 1] }));
  return [pixels, ...how] as Rounded;
}

/** The tokens `[B, H W, C]` that an image is made of by nothing but a change of their order. */
function tokensOf(image: Node): Node | null {
  if (image.storage || !image.is("reshape")) return null;
  const turned = image.inputs[0]!;
  if (turned.storage || !turned.is("permute") || turned.attrs.perm.join() !== "0,2,1") return null;
  return turned.shape[1] === image.shape[1] ? turned.inputs[0]! : null;
}

/** The pixels of a convolution as tokens `[B, H W, C]`: the order in which it makes them. */
function pixelsOf(e: Emitter, n: Node<"permute">): string | null {
  if (n.attrs.perm.join() !== "0,2,1") return null;
  const flat = n.inputs[0]!;
  if (flat.storage || !flat.is("reshape")) return null;
  const image = e.canonical(flat.inputs[0]!);
  if (image.storage || image.shape.length !== 4 || image.shape[1] !== flat.shape[1]) return null;
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
