import type { Node } from "../../graph/node.ts";
import { microsoft, type OnnxGraph } from "../../onnx/model.ts";
import type { Emitter } from "../emitter.ts";
import { fused, tokens } from "../tuned/attention.ts";
import { quantized, type Rounding, zeroOf } from "./product.ts";

// With fewer keys, preparing them costs as much time as is saved.
const leastKeys = 2048;
// Scores are computed in blocks of whole rows of about so many numbers, which stay in the cache; and of no fewer rows than that.
const block = { scores: 2 ** 21, rows: 256 };
// Extra keys of zeros, whose values are zeros too. Without them, a row of scores is often a multiple of 4096 bytes long, so that the
// starts of all rows compete for the same place in the cache.
const extraKeys = 16;
// The standard deviation of a probability's relative error at the longest query and key; and the largest score whose exp, summed
// over a row and multiplied by values, stays finite.
const limits = { error: 0.1, score: 70 };

/** Lengths of an attention: queries and keys, and how wide they and the values are in each head. */
interface Sizes {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly d: number;
  readonly width: number;
}

/**
 * Attention over many keys, whose scores are products in 8 bits; `[B, N, heads * width]`. Probabilities and values stay in float32:
 * of thousands of probabilities most are smaller than one step of 8 bits, but their sum is not negligible.
 *
 * Keys are rounded after their mean is subtracted, which does not change the softmax (Zhang et al. 2024:
 * https://arxiv.org/abs/2410.02367). The scores of each row then average 0, so the largest is at least 0, and at most the product
 * of the longest query and the longest key. If that is small enough, exp needs no maximum subtracted; otherwise the layer stays in
 * float32.
 */
export function attention(e: Emitter, n: Node<"attention">): string {
  const [, keys] = n.inputs as [Node, Node, Node];
  if (!e.target.eightBit!.signed || keys.shape[2]! < leastKeys) return fused(e, n);
  return e.memoize(`eight-bit attention ${e.canonical(n).id}`, () => {
    let out: string | null = null;
    e.target.eightBit!.input(() => {
      const written = inEightBits(e, n);
      out = written.out;
      return written.coarseness;
    });
    return out ?? fused(e, n);
  });
}

/** The output, and its coarseness, `[1]`: above 1, 8 bits are too coarse. */
function inEightBits(e: Emitter, n: Node<"attention">): { out: string; coarseness: string } {
  const { graph } = e;
  const [batch, heads, queries, width] = n.shape as [number, number, number, number];
  const [, , keys, d] = n.inputs[1]!.shape as [number, number, number, number];
  const sizes = { batch, heads, queries, keys, d, width };
  const [query, key, value] = n.inputs.map((input) => tokens(e, input)) as [string, string, string];
  const centred = graph.add("Sub", [key, graph.add("ReduceMean", [key, graph.ints([1])])]);
  const q = quantized(graph, query);
  const queryBy = { scale: `${q}_scale`, zero: `${q}_zero` };
  const keyBy = roundingOf(e, centred);
  const k = graph.add("QuantizeLinear", [centred, keyBy.scale, keyBy.zero]);
  const lengths = [lengthsOf(e, query, queries, sizes), lengthsOf(e, centred, keys, sizes)] as const;

  const byHead = (x: string, count: number, size: number, perm: readonly number[]) =>
    graph.add("Transpose", [e.reshape(x, [batch, count, heads, size])], { perm });
  const each = [
    e.reshape(byHead(q, queries, d, [0, 2, 1, 3]), [batch * heads, queries, d]),
    e.reshape(byHead(k, keys, d, [0, 2, 3, 1]), [batch * heads, d, keys]),
    e.reshape(byHead(value, keys, width, [0, 2, 1, 3]), [batch * heads, keys, width]),
    e.reshape(nanOrZero(graph, lengths), [batch * heads]),
  ];
  const scaled = { ...queryBy, scale: graph.add("Mul", [queryBy.scale, graph.scalar(n.attrs.scale)]) };
  const body = oneHead(graph.body(), scaled, keyBy, sizes);
  const attended = graph.add("Scan", each, { body, num_scan_inputs: each.length });
  const side = graph.add("Transpose", [e.reshape(attended, [batch, heads, queries, width])], { perm: [0, 2, 1, 3] });
  const coarseness = coarsenessOf(graph, [queryBy.scale, keyBy.scale], lengths, Math.abs(n.attrs.scale));
  return { out: e.reshape(side, [batch, queries, heads * width]), coarseness: e.reshape(coarseness, [1]) };
}

/** How keys are rounded, around 0: as the second factor of a product, they are signed. */
function roundingOf(e: Emitter, centred: string): Rounding {
  const { graph } = e;
  const largest = graph.add("ReduceMax", [graph.add("Abs", [centred])], { keepdims: 0 });
  // Zeros stay zeros.
  const scale = graph.add("Max", [graph.add("Mul", [largest, graph.scalar(1 / 127)]), graph.scalar(1e-30)]);
  return { scale, zero: zeroOf(e) };
}

/** The squared lengths of all queries or keys, `[B, count, heads]`. */
function lengthsOf(e: Emitter, x: string, count: number, { batch, heads, d }: Sizes): string {
  const vectors = e.reshape(x, [batch, count, heads, d]);
  return e.graph.add("ReduceSumSquare", [vectors, e.graph.ints([3])], { keepdims: 0 });
}

/** NaN for each head, `[B, heads]`, that has a query or key with NaN, which rounding and maxima pass over; else 0. */
function nanOrZero(graph: OnnxGraph, lengths: readonly string[]): string {
  const sums = lengths.map((x) => graph.add("ReduceSum", [x, graph.ints([1])], { keepdims: 0 })) as [string, string];
  return graph.add("Mul", [graph.add("Add", sums), graph.scalar(0)]);
}

/** How far rounding may take scores off, and how large they may be, over what is allowed. */
function coarsenessOf(
  graph: OnnxGraph,
  [queryStep, keyStep]: readonly [string, string],
  lengths: readonly [string, string],
  scale: number,
): string {
  const times = (...factors: string[]) => factors.reduce((x, y) => graph.add("Mul", [x, y]));
  const [query, key] = lengths.map((x) => graph.add("ReduceMax", [x], { keepdims: 0 })) as [string, string];
  // Zeros are rounded with a step of 1, and are exact.
  const step = graph.add("Min", [queryStep, graph.add("Sqrt", [query])]);
  // Rounding to a step is off by its twelfth, squared.
  const squares = graph.add("Add", [times(step, step, key), times(keyStep, keyStep, query)]);
  const error = graph.add("Sqrt", [times(squares, graph.scalar((scale / limits.error) ** 2 / 12))]);
  const largest = times(graph.add("Sqrt", [times(query, key)]), graph.scalar(scale / limits.score));
  // Lengths that overflow float32 count as too coarse.
  return graph.add("Min", [graph.add("Max", [error, largest]), graph.scalar(1e30)]);
}

/**
 * Attention of one head: queries `[N, d]` and keys `[d, M]` in 8 bits, values `[M, width]` and NaN or 0, to `[N, width]`.
 *
 * @param query - how queries are rounded, with the scale of the scores in it
 */
function oneHead(body: OnnxGraph, query: Rounding, key: Rounding, { queries, keys, d, width }: Sizes): OnnxGraph {
  const all = body.input(body.fresh(), "uint8", [queries, d]);
  const turned = body.input(body.fresh(), "int8", [d, keys]);
  const values = body.input(body.fresh(), "float32", [keys, width]);
  const step = body.add("Add", [query.scale, body.input(body.fresh(), "float32", [])]);
  // A column of ones beside the values: its product is the sum of the row. Up to a multiple of 16, columns cost nothing.
  const columns = Math.ceil((width + 1) / 16) * 16;
  const withOnes = body.add("Pad", [values, body.ints([0, 0, 0, columns - width]), body.scalar(1)]);
  const padded = {
    keys: body.add("Pad", [turned, body.ints([0, 0, 0, extraKeys]), key.zero]),
    values: body.add("Pad", [withOnes, body.ints([0, 0, extraKeys, 0])]),
  };
  const column = (x: string, from: number, to: number) =>
    body.add("Slice", [x, body.ints([from]), body.ints([to]), body.ints([1])]);
  const rows = Math.max(block.rows, Math.floor(block.scores / keys));
  const parts = Array.from({ length: Math.ceil(queries / rows) }, () => body.fresh());
  const sizes = parts.map((_, i) => Math.min(rows, queries - i * rows));
  body.addMany("Split", [all, body.ints(sizes)], parts, { axis: 0 });
  const attended = parts.map((part) => {
    const inputs = [part, padded.keys, step, key.scale, query.zero, key.zero];
    const scores = body.add("MatMulIntegerToFloat", inputs, {}, microsoft);
    const sums = body.add("MatMul", [body.add("Exp", [scores]), padded.values]);
    return body.add("Div", [column(sums, 0, width), column(sums, width, width + 1)]);
  });
  body.result(body.add("Concat", attended, { axis: 0 }), body.fresh(), "float32", [queries, width]);
  return body;
}
