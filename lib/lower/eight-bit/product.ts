import { microsoft, type OnnxGraph } from "../../onnx/model.ts";
import type { Emitter } from "../emitter.ts";
import type { Corner, WeightRows } from "./weights.ts";

// Smaller layers gain nothing, and the first and the last of a network, which are the most sensitive ones, have fewer channels.
export const least = { channels: 32, rows: 16 };

/** A weight and its scales, as the file will have them, and what is 0 in it. */
export type Filter = readonly [numbers: string, scales: string, zero: string];

/** The step of rounding, and what is 0. */
export interface Rounding {
  readonly scale: string;
  readonly zero: string;
}

export function weights(e: Emitter, rows: WeightRows, channels: number, places: number, corner?: Corner): Filter {
  const target = e.target.eightBit!;
  const dtype = target.signed ? "int8" : "uint8";
  const { data, scales } = target.add(rows, channels, places, corner);
  const numbers = e.memoize(`eight-bit weight ${data.offset}`, () =>
    e.graph.initializer(dtype, [places * channels, rows.rows], data),
  );
  const factors = e.memoize(`eight-bit scales ${scales.offset}`, () =>
    e.graph.initializer("float32", [rows.rows], scales),
  );
  return [numbers, factors, zeroOf(e)];
}

/** What is 0 in a rounded weight. */
export function zeroOf(e: Emitter): string {
  return e.memoize("eight-bit zero", () =>
    e.target.eightBit!.signed
      ? e.graph.initializer("int8", [], new Uint8Array(1))
      : e.graph.initializer("uint8", [], Uint8Array.of(128)),
  );
}

/** A tensor in 8 bits; or as it is, where rounding would leave too little of it. */
export interface Rounded {
  readonly x: string;
  /** Null where it is not rounded. */
  readonly by: Rounding | null;
  /** What each row was divided by before, `[.., 1]`. */
  readonly rows?: string;
}

/** Rounds a tensor by the range that it has; its scale and its zero have its name with `_scale` and `_zero` behind it. */
export function quantized(graph: OnnxGraph, x: string): string {
  const name = graph.fresh();
  graph.addMany("DynamicQuantizeLinear", [x], [name, `${name}_scale`, `${name}_zero`]);
  return name;
}

/** A tensor of `size` numbers, rounded by the range that it has. */
export function rounded(e: Emitter, x: string, size: number): Rounded {
  const name = e.memoize(`eight-bit ${x}`, () => {
    let result = x;
    e.target.eightBit!.input(() => {
      result = quantized(e.graph, x);
      return coarseness(e, x, size, `${result}_scale`);
    });
    return result;
  });
  if (name === x) return { x, by: null };
  return { x: name, by: { scale: afterSample(e, x, size, `${name}_scale`), zero: `${name}_zero` } };
}

/**
 * A tensor whose rows differ much in size, each rounded by its own largest number, from -127 to 127. Costs a third of a float32
 * product with 1000 columns; `rounded` costs next to nothing.
 */
export function roundedByRows(e: Emitter, x: string, size: number): Rounded {
  const { graph } = e;
  const scale = graph.scalar(1 / 127);
  const zero = e.memoize("eight-bit middle", () => graph.initializer("uint8", [], Uint8Array.of(128)));
  let found: Rounded = { x, by: null };
  e.target.eightBit!.input(() => {
    const last = graph.ints([-1]);
    const [high, low] = ["ReduceMax", "ReduceMin"].map((op) => graph.add(op, [x, last])) as [string, string];
    // Zeros stay zeros; and what is no number, which a maximum passes over, makes its row none.
    const largest = graph.add("Max", [high, graph.add("Neg", [low]), graph.scalar(1e-30)]);
    const nothing = graph.add("Mul", [graph.add("ReduceMean", [x, last]), graph.scalar(0)]);
    const rows = graph.add("Add", [largest, nothing]);
    const even = graph.add("Div", [x, rows]);
    const by = { scale: afterSample(e, even, size, scale), zero };
    found = { x: graph.add("QuantizeLinear", [even, scale, zero]), by, rows };
    return coarseness(e, even, size, scale);
  });
  return found;
}

// How many numbers are sampled to estimate a tensor's magnitude.
const sampled = 4096;

/**
 * The step of rounding over the usual magnitude of the tensor's numbers, `[1]`: above 1, most of them become 0. Usual is the
 * squared mean of their roots, in which a few large ones count for little.
 */
function coarseness(e: Emitter, x: string, size: number, scale: string): string {
  return e.graph.add("Div", [e.reshape(scale, [1]), magnitude(e, x, size)]);
}

function magnitude(e: Emitter, x: string, size: number): string {
  const { graph } = e;
  return e.memoize(`magnitude ${x}`, () => {
    // Odd: an even step would see only some of the channels.
    const step = Math.floor(size / sampled) | 1;
    const [from, to, axis] = [0, size, 0].map((value) => graph.ints([value])) as [string, string, string];
    const sample = graph.add("Slice", [e.reshape(x, [size]), from, to, axis, graph.ints([step])]);
    const root = graph.add("ReduceMean", [graph.add("Sqrt", [graph.add("Abs", [sample])])]);
    return graph.add("Mul", [root, root]);
  });
}

/**
 * The scale itself, made to depend on the tensor's magnitude. Nothing else needs the magnitude before the end: it would be computed
 * last, and every rounded tensor would be kept for it.
 */
function afterSample(e: Emitter, x: string, size: number, scale: string): string {
  return e.memoize(`scale of ${x}`, () => {
    const known = magnitude(e, x, size);
    const below = e.graph.add("Where", [e.graph.add("IsNaN", [known]), e.graph.scalar(0), e.graph.add("Neg", [known])]);
    return e.reshape(e.graph.add("Max", [scale, below]), []);
  });
}

/**
 * `x [.., K]` times a weight `[K, N]`, plus a bias `[N]`, in float32.
 *
 * @param filter - the weight in 8 bits, or the name of one in float32, for an `x` that is not rounded either
 */
export function product(e: Emitter, { x, by, rows }: Rounded, filter: Filter | string, bias?: string): string {
  const plus = (out: string) => (bias === undefined ? out : e.graph.add("Add", [out, bias]));
  if (typeof filter === "string") return plus(e.graph.add("MatMul", [x, filter]));
  const [weight, weightScales, weightZero] = filter;
  if (!by) {
    const exact = e.memoize(`exact ${weight}`, () => unrounded(e, weight, weightScales));
    return plus(e.graph.add("MatMul", [x, exact]));
  }
  const inputs = [x, weight, by.scale, weightScales, by.zero, weightZero];
  const multiply = (...more: string[]) => e.graph.add("MatMulIntegerToFloat", [...inputs, ...more], {}, microsoft);
  if (rows !== undefined) return plus(e.graph.add("Mul", [multiply(), rows]));
  return bias === undefined ? multiply() : multiply(bias);
}

/** A weight `[K, N]` in float32 again. (After DequantizeLinear, onnxruntime would round the product's other factor by itself.) */
function unrounded(e: Emitter, weight: string, scales: string): string {
  const numbers = e.graph.add("Cast", [weight], { to: 1 });
  const shifted = e.target.eightBit!.signed ? numbers : e.graph.add("Sub", [numbers, e.graph.scalar(128)]);
  return e.graph.add("Mul", [shifted, scales]);
}
