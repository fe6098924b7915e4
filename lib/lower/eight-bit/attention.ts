import type { Node } from "../../graph/node.ts";
import type { Emitter } from "../emitter.ts";
import { fused, tokens } from "../tuned/attention.ts";

const microsoft = { domain: "com.microsoft" };

// With fewer keys, preparing them takes as long as is gained.
const leastKeys = 2048;
// So many scores are computed at once: they stay close to the processor.
const scoresAtOnce = 2 ** 21;
// Keys of zeros beside the others, with values of zeros: without them, rows of scores often are a multiple of 4096 bytes long, and
// the first numbers of all rows share one place in the cache.
const beside = 16;
// A probability may be off by this share where queries and keys are largest; and exp of this, a row of which is summed, is a number.
const limits = { error: 0.1, score: 70 };

/**
 * Attention with many keys, whose scores are products in 8 bits; `[B, N, heads * d]`. Probabilities and values stay in float32: of
 * thousands of probabilities, most are smaller than the step of 8 bits, and together they are not.
 *
 * Keys are rounded without their mean, which no softmax sees (Zhang et al. 2024: https://arxiv.org/abs/2410.02367). Then the scores
 * of a row have the mean 0, so its largest one is above that; and it is below the product of the longest query and the longest
 * key. Where that product is small enough, exp needs no maximum to be subtracted first, and nowhere else are scores in 8 bits.
 */
export function attention(e: Emitter, n: Node<"attention">): string {
  const [, keys] = n.inputs as [Node, Node, Node];
  if (!e.target.eightBit!.signed || keys.shape[2]! < leastKeys) return fused(e, n);
  return e.memoize(`eight-bit attention ${e.canonical(n).id}`, () => {
    let out: string | null = null;
    e.target.eightBit!.input(() => {
      const written = rounded(e, n);
      out = written.out;
      return written.coarseness;
    });
    return out ?? fused(e, n);
  });
}

/** The same, and its coarseness, `[1]`: above 1 where 8 bits do not suit it. */
function rounded(e: Emitter, n: Node<"attention">): { out: string; coarseness: string } {
  const { graph } = e;
  const [b, heads, count, width] = n.shape as [number, number, number, number];
  const [, , keys, d] = n.inputs[1]!.shape as [number, number, number, number];
  const [query, key, value] = n.inputs.map((input) => tokens(e, input)) as [string, string, string];
  const byHead = (x: string, length: number, size: number, perm: readonly number[]) =>
    graph.add("Transpose", [e.reshape(x, [b, length, heads, size])], { perm });
  const scalar = (x: number) => graph.scalar(x);
  const times = (...factors: string[]) => factors.reduce((x, y) => graph.add("Mul", [x, y]));

  const centred = graph.add("Sub", [key, graph.add("ReduceMean", [key, graph.ints([1])])]);
  /** Squared lengths of all vectors, `[B, N, heads]`. */
  const lengths = (x: string, length: number) =>
    graph.add("ReduceSumSquare", [e.reshape(x, [b, length, heads, d]), graph.ints([3])], { keepdims: 0 });
  const [queries2, keys2] = [lengths(query, count), lengths(centred, keys)];
  const [longestQuery2, longestKey2] = [queries2, keys2].map((x) => graph.add("ReduceMax", [x], { keepdims: 0 })) as [
    string,
    string,
  ];

  const names = ["", "_scale", "_zero"].map((suffix) => `${graph.fresh()}${suffix}`) as [string, string, string];
  graph.addMany("DynamicQuantizeLinear", [query], names);
  const [roundedQuery, queryStep, queryZero] = names;
  const largest = graph.add("ReduceMax", [graph.add("Abs", [centred])], { keepdims: 0 });
  const keyStep = graph.add("Max", [times(largest, scalar(1 / 127)), scalar(1e-30)]);
  const keyZero = e.memoize("eight-bit zero", () => graph.initializer("int8", [], new Uint8Array(1)));
  const roundedKey = graph.add("QuantizeLinear", [centred, keyStep, keyZero]);

  const { scale } = n.attrs;
  const steps = (step: string, longest2: string) => times(step, step, longest2);
  const variance = times(
    graph.add("Add", [steps(queryStep, longestKey2), steps(keyStep, longestQuery2)]),
    scalar((scale / limits.error) ** 2 / 12),
  );
  const highest = times(graph.add("Sqrt", [times(longestQuery2, longestKey2)]), scalar(Math.abs(scale)));
  const worse = graph.add("Max", [graph.add("Sqrt", [variance]), times(highest, scalar(1 / limits.score))]);
  // Lengths that are beyond float32 are reason enough.
  const coarseness = graph.add("Min", [worse, scalar(1e30)]);

  // What is no number, which rounding and a maximum pass over, makes everything none.
  const sums = [queries2, keys2].map((x) => graph.add("ReduceSum", [x], { keepdims: 0 })) as [string, string];
  const nothing = times(graph.add("Add", sums), scalar(0));
  const factors = {
    query: [graph.add("Add", [times(queryStep, scalar(scale)), nothing]), queryZero],
    key: [keyStep, keyZero],
  } as const;

  const each = [
    e.reshape(byHead(roundedQuery, count, d, [0, 2, 1, 3]), [b * heads, count, d]),
    e.reshape(byHead(roundedKey, keys, d, [0, 2, 3, 1]), [b * heads, d, keys]),
    e.reshape(byHead(value, keys, width, [0, 2, 1, 3]), [b * heads, keys, width]),
  ];
  const attended = graph.add("Scan", each, {
    body: oneHead(e, factors, { count, keys, d, width }),
    num_scan_inputs: 3,
  });
  const side = graph.add("Transpose", [e.reshape(attended, [b, heads, count, width])], { perm: [0, 2, 1, 3] });
  return { out: e.reshape(side, [b, count, heads * width]), coarseness: e.reshape(coarseness, [1]) };
}

/** Steps of rounding, and zeros. */
interface Factors {
  readonly query: readonly [string, string];
  readonly key: readonly [string, string];
}

/** Attention of one head: queries `[N, d]` and keys `[d, M]` in 8 bits and values `[M, width]` to `[N, width]`. */
function oneHead(
  e: Emitter,
  { query, key }: Factors,
  { count, keys, d, width }: Readonly<Record<"count" | "keys" | "d" | "width", number>>,
) {
  const body = e.graph.body();
  const queries = body.input(body.fresh(), "uint8", [count, d]);
  const turned = body.input(body.fresh(), "int8", [d, keys]);
  const values = body.input(body.fresh(), "float32", [keys, width]);
  // A column of ones beside the values: its product is the sum of the row. With 16 columns at a time, the others cost nothing.
  const columns = Math.ceil((width + 1) / 16) * 16;
  const withOnes = body.add("Pad", [values, body.ints([0, 0, 0, columns - width]), body.scalar(1)]);
  const padded = {
    keys: body.add("Pad", [turned, body.ints([0, 0, 0, beside]), key[1]]),
    values: body.add("Pad", [withOnes, body.ints([0, 0, beside, 0])]),
  };
  const column = (x: string, from: number, to: number) =>
    body.add("Slice", [x, body.ints([from]), body.ints([to]), body.ints([1])]);
  const step = Math.max(16, Math.floor(scoresAtOnce / keys));
  const parts = Array.from({ length: Math.ceil(count / step) }, () => body.fresh());
  const sizes = parts.map((_, i) => Math.min(step, count - i * step));
  body.addMany("Split", [queries, body.ints(sizes)], parts, { axis: 0 });
  const attended = parts.map((part) => {
    const inputs = [part, padded.keys, query[0], key[0], query[1], key[1]];
    const scores = body.add("MatMulIntegerToFloat", inputs, {}, microsoft);
    const sums = body.add("MatMul", [body.add("Exp", [scores]), padded.values]);
    return body.add("Div", [column(sums, 0, width), column(sums, width, width + 1)]);
  });
  const all = body.add("Concat", attended, { axis: 0 });
  body.result(all, body.fresh(), "float32", [count, width]);
  return body;
}
