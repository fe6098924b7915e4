import type { Node } from "../../graph/node.ts";
import { microsoft } from "../../onnx/model.ts";
import type { Emitter } from "../emitter.ts";

/** Whether a permutation exchanges heads and tokens, `[B, N, heads, d]` and `[B, heads, N, d]`. */
function exchangesHeads(n: Node): n is Node<"permute"> {
  return n.is("permute") && n.storage === null && n.attrs.perm.join() === "0,2,1,3";
}

/** Query, key or value as `[B, N, heads * d]`: how it was before the heads were split off, where they were. */
export function tokens(e: Emitter, n: Node): string {
  const [b, heads, count, d] = n.shape as [number, number, number, number];
  const shape = [b, count, heads * d];
  if (!exchangesHeads(n)) {
    return e.reshape(e.graph.add("Transpose", [e.name(n)], { perm: [0, 2, 1, 3] }), shape);
  }
  const split = n.inputs[0]!;
  const before = split.is("reshape") && !split.storage ? split.inputs[0]! : split;
  const same = before.shape.length === 3 && before.shape.every((size, i) => size === shape[i]);
  return same ? e.name(before) : e.reshape(e.name(split), shape);
}

/** Writes an attention as `[B, N, heads * d]`. */
export type Fused = (e: Emitter, n: Node<"attention">) => string;

/** Attention in one operation that never holds the whole matrix of scores; `[B, N, heads * d]`. */
export function fused(e: Emitter, n: Node<"attention">): string {
  const { scale } = n.attrs;
  const inputs = n.inputs.map((input) => tokens(e, input)) as [string, string, string];
  return e.memoize(`attention ${inputs} ${scale}`, () => {
    const [query, ...others] = inputs;
    // To onnxruntime, a scale of 0 means the usual one.
    const isZero = Math.fround(scale) === 0;
    const first = isZero ? e.graph.add("Mul", [query, e.graph.scalar(0)]) : query;
    const attributes = { num_heads: n.shape[1]!, scale: { float: isZero ? 1 : scale } };
    return e.graph.add("MultiHeadAttention", [first, ...others], attributes, microsoft);
  });
}

/** `[B, heads, N, d]` for whoever reads it in that form. */
export function attention(e: Emitter, n: Node<"attention">, as: Fused = fused): string {
  const [b, heads, count, d] = n.shape as [number, number, number, number];
  const split = e.reshape(as(e, n), [b, count, heads, d]);
  return e.graph.add("Transpose", [split], { perm: [0, 2, 1, 3] });
}

/** The heads of an attention side by side again: the form in which the operation gives them. */
export function joined(e: Emitter, n: Node<"permute">, as: Fused = fused): string | null {
  if (!exchangesHeads(n)) return null;
  const input = e.canonical(n.inputs[0]!);
  if (!input.is("attention") || input.storage) return null;
  return e.reshape(as(e, input), n.shape);
}
