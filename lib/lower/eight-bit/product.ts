import type { Emitter } from "../emitter.ts";
import type { Corner, WeightRows } from "./weights.ts";

const microsoft = { domain: "com.microsoft" };

// Smaller layers gain nothing, and the first and the last of a network, which are the most sensitive ones, have fewer channels.
export const least = { channels: 32, rows: 16 };

/** A weight and its scales, as the file will have them, and what is 0 in it. */
export type Filter = readonly [numbers: string, scales: string, zero: string];

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
  const zero = e.memoize("eight-bit zero", () =>
    target.signed
      ? e.graph.initializer("int8", [], new Uint8Array(1))
      : e.graph.initializer("uint8", [], Uint8Array.of(128)),
  );
  return [numbers, factors, zero];
}

/** A tensor in 8 bits, with its scale and what is 0 in it; or as it is, where rounding would leave too little of it. */
export type Rounded = readonly [x: string, scale: string, zero: string] | readonly [x: string];

export function rounded(e: Emitter, x: string, size: number): Rounded {
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
export function product(
  e: Emitter,
  [x, ...how]: Rounded,
  [weight, weightScales, weightZero]: Filter,
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
