import type { Node } from "../../graph/node.ts";
import type { Emitter } from "../emitter.ts";

/** What a transposition of the last two dimensions was applied to, or null. */
function transposed(n: Node): Node | null {
  if (!n.is("permute") || n.storage) return null;
  const { perm } = n.attrs;
  const r = perm.length;
  const last = perm.every((d, i) => d === (i === r - 1 ? r - 2 : i === r - 2 ? r - 1 : i));
  return last ? n.inputs[0]! : null;
}

/** Matrix products read their operands as they lie, transposed or not. */
export function matmul(e: Emitter, n: Node<"matmul">): string {
  const [a, b] = n.inputs as [Node, Node];
  const [p, q] = [transposed(a), transposed(b)];
  const names = [e.name(p ?? a), e.name(q ?? b)];
  if (!p && !q) return e.graph.add("MatMul", names);
  if (a.shape.length === 2 && b.shape.length === 2) {
    return e.graph.add("Gemm", names, { transA: Number(p !== null), transB: Number(q !== null) });
  }
  const attributes = { transA: Number(p !== null), transB: Number(q !== null) };
  return e.graph.add("FusedMatMul", names, attributes, { domain: "com.microsoft" });
}

/** `x weightᵀ + bias` of matrices as one operation, where the sum is of that kind. */
export function linearBias(e: Emitter, n: Node<"add">): string | null {
  for (const [first, bias] of [n.inputs, [...n.inputs].reverse()] as [Node, Node][]) {
    const product = e.one(first);
    if (!product.is("matmul") || product.storage || e.uses.get(product) !== 1 || e.emitted(product)) continue;
    if (product.shape.length !== 2 || bias.shape.length !== 1 || bias.shape[0] !== product.shape[1]) continue;
    if (product.inputs.some((input) => input.shape.length !== 2)) continue;
    const [a, b] = product.inputs as [Node, Node];
    const [p, q] = [transposed(a), transposed(b)];
    const names = [e.name(p ?? a), e.name(q ?? b), e.name(bias)];
    return e.graph.add("Gemm", names, { transA: Number(p !== null), transB: Number(q !== null) });
  }
  return null;
}
