import type { Node } from "../../graph/node.ts";
import { type Emissions, type Emitter, terms } from "../emitter.ts";
import { frozen } from "../frozen.ts";
import { standard } from "../standard.ts";
import * as whole from "../tuned/attention.ts";
import { isBiasOf } from "../tuned/conv.ts";
import { tuned } from "../tuned/index.ts";
import { attention } from "./attention.ts";
import { conv2d, pixelsOf } from "./conv.ts";
import { least, product, rounded, roundedByRows, weights } from "./product.ts";
import { frozenRows } from "./weights.ts";

/*
 * Layers with frozen weights in 8 bits. Weights are rounded once, by output channel; inputs when they come, by the range
 * that the tensor has then, so nothing has to be calibrated. A product of both is a sum of whole numbers, exact in 32
 * bits, which leaves as float32. A convolution is such a product: pixels, channels last, gathered by a table.
 * (ONNX's QLinearConv is a tenth faster, but rounds its output, too, by a range that nobody knows beforehand.)
 * Attention over many keys multiplies rounded queries and keys: see attention.ts.
 */

/** Formulations in 8 bits of what allows it; everything else is left to those for frozen weights. */
export const eightBit: Partial<Emissions> = {
  add: (e, n) => withBias(e, n) ?? frozen.add?.(e, n) ?? standard.add(e, n),
  matmul: (e, n) => linear(e, n) ?? (frozen.matmul ?? standard.matmul)(e, n),
  conv2d: (e, n) => conv2d(e, n) ?? (tuned.conv2d ?? standard.conv2d)(e, n),
  permute: (e, n) => pixelsOf(e, n) ?? whole.joined(e, n, attention) ?? standard.permute(e, n),
  attention: (e, n) => whole.attention(e, n, attention),
};

/** `x weight^T (+ bias)`. */
function linear(e: Emitter, n: Node<"matmul">, bias?: Node): string | null {
  const [x, turned] = n.inputs as [Node, Node];
  if (n.requiresGrad || n.dtype !== "float32" || x.shape.length < 2) return null;
  if (!turned.is("permute") || turned.storage || turned.shape.length !== 2) return null;
  const [inner, outer] = turned.shape as [number, number];
  if (inner < least.channels || outer < least.channels || x.size / inner < least.rows) return null;
  const rows = frozenRows(turned.inputs[0]!);
  if (!rows) return null;
  const by = isGated(x) ? roundedByRows : rounded;
  return product(e, by(e, e.name(x), x.size), weights(e, rows, inner, 1), bias && e.name(bias));
}

/** Whether numbers are products of two, as behind a gate: then some rows are much larger than others. */
function isGated(x: Node): boolean {
  return !x.storage && x.is("mul") && x.inputs.every(({ shape }) => shape.join() === x.shape.join());
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
