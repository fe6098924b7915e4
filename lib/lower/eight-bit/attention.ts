import type { Node } from "../../graph/node.ts";
import type { Emitter } from "../emitter.ts";
import { fused, tokens } from "../tuned/attention.ts";

const microsoft = { domain: "com.microsoft" };

// With fewer keys, preparing them takes as long as is gained.
const leastKeys = 2048;
// So many scores are computed at once: they stay close to the processor.
const scoresAtOnce = 2 ** 20;
// A probability may be off by this share where queries and keys are largest, and the difference of two scores in a row may be
// this large: exp of half of it, of which a row is summed, is a number in float32.
const limits = { error: 0.1, range: 160 };

/**
 * Attention with many keys, whose scores are products in 8 bits; `[B, N, heads * d]`. Probabilities and values stay in float32: of
 * thousands of probabilities, most are smaller than the step of 8 bits, and together they are not.
 *
 * Keys are rounded without their mean, which no softmax sees (Zhang et al. 2024: https://arxiv.org/abs/2410.02367). Then the scores
 * of a row have the mean 0, so the largest one is above it, and below the product of the longest query and the longest key: what
 * is subtracted before exp is known before any score is. Where all this cannot be, attention is left in float32.
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
  const coarseness = graph.add("Max", [graph.add("Sqrt", [variance]), times(highest, scalar(1 / limits.range))]);

  // What is no number, which rounding and a maximum pass over, makes everything none.
  const sums = [queries2, keys2].map((x) => graph.add("ReduceSum", [x], { keepdims: 0 })) as [string, string];
  const nothing = times(graph.add("Add", sums), scalar(0));
  const below = graph.add("Min", [graph.add("Sub", [scalar(limits.range / 2), highest]), scalar(0)]);
  const factors = {
    query: [graph.add("Add", [times(queryStep, scalar(scale)), nothing]), queryZero],
    key: [keyStep, keyZero],
    bias: graph.add("Expand", [below, graph.ints([keys])]),
  } as const;

  // A column of ones beside the values: its product is the sum of the row. With 16 columns at a time, the others cost nothing.
  const columns = Math.ceil((width + 1) / 16) * 16;
  const beside = graph.add("Pad", [
    e.reshape(byHead(value, keys, width, [0, 2, 1, 3]), [b * heads, keys, width]),
    graph.ints([0, 0, 0, 0, 0, columns - width]),
    scalar(1),
  ]);
  const each = [
    e.reshape(byHead(roundedQuery, count, d, [0, 2, 1, 3]), [b * heads, count, d]),
    e.reshape(byHead(roundedKey, keys, d, [0, 2, 3, 1]), [b * heads, d, keys]),
    beside,
  ];
  const body = oneHead(e, factors, { count, keys, d, columns });
  const weighted = graph.add("Scan", each, { body, num_scan_inputs: 3 });
  const part = (from: number, to: number) =>
    graph.add("Slice", [weighted, graph.ints([from]), graph.ints([to]), graph.ints([2])]);
  const attended = graph.add("Div", [part(0, width), part(width, width + 1)]);
  const side = graph.add("Transpose", [e.reshape(attended, [b, heads, count, width])], { perm: [0, 2, 1, 3] });
  return { out: e.reshape(side, [b, count, heads * width]), coarseness: e.reshape(coarseness, [1]) };
}

/** Steps of rounding and zeros, and what is added to all scores of a row. */
interface Factors {
  readonly query: readonly [string, string];
  readonly key: readonly [string, string];
  readonly bias: string;
}

/** exp(scores) times values of one head: queries `[N, d]` and keys `[d, M]` in 8 bits and values `[M, columns]` to `[N, columns]`. */
function oneHead(
  e: Emitter,
  { query, key, bias }: Factors,
  { count, keys, d, columns }: Readonly<Record<"count" | "keys" | "d" | "columns", number>>,
) {
  const body = e.graph.body();
  const queries = body.input(body.fresh(), "uint8", [count, d]);
  const turned = body.input(body.fresh(), "int8", [d, keys]);
  const values = body.input(body.fresh(), "float32", [keys, columns]);
  const step = Math.max(16, Math.floor(scoresAtOnce / keys));
  const parts = Array.from({ length: Math.ceil(count / step) }, () => body.fresh());
  const sizes = parts.map((_, i) => Math.min(step, count - i * step));
  body.addMany("Split", [queries, body.ints(sizes)], parts, { axis: 0 });
  const products = parts.map((part) => {
    const inputs = [part, turned, query[0], key[0], query[1], key[1], bias];
    const scores = body.add("MatMulIntegerToFloat", inputs, {}, microsoft);
    return body.add("MatMul", [body.add("Exp", [scores]), values]);
  });
  const all = body.add("Concat", products, { axis: 0 });
  body.result(all, body.fresh(), "float32", [count, columns]);
  return body;
}
