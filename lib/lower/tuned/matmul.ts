import type { Node } from "../../graph/node.ts";
import { microsoft } from "../../onnx/model.ts";
import { type Emitter, terms } from "../emitter.ts";

/** What a transposition of the last two dimensions was applied to, or null. */
function transposed(n: Node): Node | null {
  if (!n.is("permute") || n.storage) return null;
  const { perm } = n.attrs;
  const r = perm.length;
  const last = perm.every((d, i) => d === (i === r - 1 ? r - 2 : i === r - 2 ? r - 1 : i));
  return last ? n.inputs[0]! : null;
}

/** An operand of a product as it lies in memory. */
interface Operand {
  readonly node: Node;
  /** 1 where the product reads it transposed, else 0. */
  readonly trans: 0 | 1;
}

/** What a product reads: a matrix transposed twice, as a gradient has its weights, is the matrix itself. */
export function operand(n: Node): Operand {
  const before = transposed(n);
  if (!before) return { node: n, trans: 0 };
  const { node, trans } = operand(before);
  return { node, trans: trans === 1 ? 0 : 1 };
}

/** Matrix products read their operands as they lie, transposed or not. */
export function matmul(e: Emitter, n: Node<"matmul">): string {
  const [a, b] = n.inputs.map(operand) as [Operand, Operand];
  const names = [e.name(a.node), e.name(b.node)];
  const attributes = { transA: a.trans, transB: b.trans };
  if (!a.trans && !b.trans) return e.graph.add("MatMul", names);
  if (n.inputs.every(({ shape }) => shape.length === 2)) return e.graph.add("Gemm", names, attributes);
  return e.graph.add("FusedMatMul", names, attributes, microsoft);
}

/** `x weightᵀ + bias` of matrices as one operation, where the sum is of that kind. */
export function linearBias(e: Emitter, n: Node<"add">): string | null {
  for (const [first, bias] of terms(n)) {
    const product = e.singleUse(first, "matmul");
    if (!product) continue;
    if (product.shape.length !== 2 || bias.shape.length !== 1 || bias.shape[0] !== product.shape[1]) continue;
    if (product.inputs.some((input) => input.shape.length !== 2)) continue;
    const [a, b] = product.inputs.map(operand) as [Operand, Operand];
    const names = [e.name(a.node), e.name(b.node), e.name(bias)];
    return e.graph.add("Gemm", names, { transA: a.trans, transB: b.trans });
  }
  return null;
}

// Rows shorter than this are summed faster than they are multiplied; longer than that, rounding adds up.
const [shortest, longest] = [256, 2 ** 16];

/** `[..., n]` times `[..., n]`, summed over n: one matrix product a row, so that the products are never written. */
function rowProducts(e: Emitter, a: Node, b: Node, n: number): string | null {
  if (a.dtype !== "float32" || n < shortest || n > longest) return null;
  const rows = [a, b].map((t) => e.reshape(e.name(t), [t.size / n, 1, n]));
  return e.graph.add("FusedMatMul", rows, { transB: 1 }, microsoft);
}

/** How many elements each sum adds up, if they are neighbours in memory; 0 if they are not. */
function neighbours(n: Node<"sum" | "sumSquare">): number {
  const shape = n.inputs[0]!.shape;
  const first = Math.min(...n.attrs.dims);
  return n.attrs.dims.length === shape.length - first ? shape.slice(first).reduce((p, d) => p * d, 1) : 0;
}

/** The sum of a product, where nobody else reads the product. */
export function dot(e: Emitter, n: Node<"sum">): string | null {
  const product = e.singleUse(n.inputs[0]!, "mul");
  if (!product) return null;
  const [a, b] = product.inputs as [Node, Node];
  if (a.shape.join() !== b.shape.join()) return null;
  const sums = rowProducts(e, a, b, neighbours(n));
  return sums === null ? null : e.reshape(sums, n.shape);
}

export function squaredLength(e: Emitter, n: Node<"sumSquare">): string | null {
  const x = n.inputs[0]!;
  const sums = rowProducts(e, x, x, neighbours(n));
  return sums === null ? null : e.reshape(sums, n.shape);
}
