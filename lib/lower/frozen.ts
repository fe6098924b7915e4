import { inFile, type Node } from "../graph/node.ts";
import { type Emissions, type Emitter, terms } from "./emitter.ts";
import { standard } from "./standard.ts";
import { isLeaf, type Structure } from "./structure.ts";
import { convInput, withBias } from "./tuned/conv.ts";
import { matmul, operand } from "./tuned/matmul.ts";
import { upsampledInput } from "./tuned/upsample.ts";

/**
 * Formulations where weights are constants in a file: linear layers read the matrix as PyTorch lays it out, forwards and
 * backwards, and halves of a matrix are regions of the file. Convolutions stay plain, since the target has no blocks then:
 * onnxruntime's own pass chooses the layout of a whole run of them.
 */
export const frozen: Partial<Emissions> = {
  add: (e, n) => withBias(e, n) ?? linearBias(e, n) ?? standard.add(e, n),
  matmul: (e, n) => linear(e, n) ?? matmul(e, n),
  // A kernel turned around would be a second copy of it, made when the session opens.
  convInput: (e, n) => (e.target.inPlace ? standard.convInput(e, n) : convInput(e, n)),
  sumPool: (e, n) => (e.target.inPlace ? null : upsampledInput(e, n)) ?? standard.sumPool(e, n),
  slice: (e, n) => region(e, n) ?? standard.slice(e, n),
};

/** `x weight^T (+ bias)`, and `x weight` for gradients, over the last dimension of `x`, where the sum or product is of that kind. */
function linear(e: Emitter, n: Node<"matmul">, bias?: Node): string | null {
  const [x, right] = n.inputs as [Node, Node];
  const { node: weight, trans } = operand(right);
  if (weight === right || right.shape.length !== 2 || x.shape.length < 2) return null;
  const inner = right.shape[0]!;
  const names = [e.name(x), e.name(weight), ...(bias ? [e.name(bias)] : [])];
  if (x.shape.length === 2) return e.graph.add("Gemm", names, { transB: trans });
  const rows = x.size / inner;
  names[0] = e.reshape(names[0]!, [rows, inner]);
  const out =
    inBlocks(e, names, [rows, inner, right.shape[1]!], trans) ?? e.graph.add("Gemm", names, { transB: trans });
  return e.reshape(out, n.shape);
}

// Inputs of at least so many numbers are multiplied in blocks of rows of at most so many numbers, which stay in the cache.
const tall = { from: 2 ** 23, block: 2 ** 20 };

/** `x weight^T` of a tall matrix, `[rows, inner]` to `[rows, outer]`, a block of rows at a time: takes a quarter less time. */
function inBlocks(e: Emitter, [x, ...others]: string[], sizes: readonly number[], transB: 0 | 1): string | null {
  const [rows, inner, outer] = sizes as [number, number, number];
  // Only where most of what is read and written is the input.
  if (!x || rows * inner < tall.from || inner <= 2 * outer) return null;
  const step = divisor(rows, tall.block / inner);
  if (step < 128) return null;
  const body = e.graph.body();
  const block = body.input(body.fresh(), "float32", [step, inner]);
  body.result(body.add("Gemm", [block, ...others], { transB }), body.fresh(), "float32", [step, outer]);
  const blocks = e.reshape(x, [rows / step, step, inner]);
  return e.reshape(e.graph.add("Scan", [blocks], { body, num_scan_inputs: 1 }), [rows, outer]);
}

/** The largest divisor of `n` that is at most `most`. */
function divisor(n: number, most: number): number {
  for (let d = Math.floor(most); d > 1; d--) if (n % d === 0) return d;
  return 1;
}

function linearBias(e: Emitter, n: Node<"add">): string | null {
  for (const [first, bias] of terms(n)) {
    const product = e.singleUse(first, "matmul");
    if (!product) continue;
    if (bias.shape.length !== 1 || bias.shape[0] !== product.shape.at(-1)) continue;
    const out = linear(e, product, bias);
    if (out !== null) return out;
  }
  return null;
}

/** Rows of a weight that lies in a file, as a region of that file. */
function region(e: Emitter, n: Node<"slice">): string | null {
  const { start, step } = n.attrs;
  if (e.fed(n) !== undefined || step.some((s) => s !== 1)) return null;
  let weight = n.inputs[0]!;
  while (!weight.storage && (weight.is("detach") || weight.is("cast"))) weight = weight.inputs[0]!;
  const file = weight.storage?.file;
  const whole = n.shape.every((size, i) => i === 0 || size === weight.shape[i]);
  if (!file || !whole) return null;
  const width = file.length / weight.shape[0]!;
  const part = { ...file, offset: file.offset + start[0]! * width, length: n.shape[0]! * width };
  const name = e.graph.initializer(weight.dtype, n.shape, e.external(part));
  return weight.dtype === n.dtype ? name : e.graph.add("Cast", [name], { to: 1 });
}

/**
 * Whether convolutions have their weights in files, or most of them. A network that is learnt beside others that are not
 * (their autoencoder, their text encoder) has not: it is computed as if there were no files.
 */
export function isMostlyFrozen({ order }: Structure): boolean {
  let balance = 0;
  for (const n of order) {
    if (isLeaf(n) || !n.is("conv2d")) continue;
    const weight = n.inputs[1]!;
    balance += inFile(weight) ? weight.size : -weight.size;
  }
  return balance >= 0;
}

/** Whether gradients pass through convolutions whose weights lie in a file, so that each is read forwards and backwards. */
export function readsBackwards({ order }: Structure): boolean {
  return order.some((n) => !isLeaf(n) && n.is("convInput") && inFile(n.inputs[1]!));
}
