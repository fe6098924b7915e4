import { type DType, isFloat, promote } from "../dtype.ts";
import { type BinaryOp, Node, type UnaryOp } from "../node.ts";
import { broadcast, broadcastsTo, type Shape, sameShape, show } from "../shape.ts";

/** The number `value` as a scalar; `free` where it is the caller's and may be another one next time. */
export function constant(value: number, dtype: DType = "float32", free = false): Node {
  return new Node("const", [], free ? { value, free } : { value }, [], dtype);
}

export function cast(x: Node, dtype: DType): Node {
  if (x.dtype === dtype) return x;
  if (x.is("const") && isFloat(dtype)) return constant(x.attrs.value, dtype, x.attrs.free);
  return new Node("cast", [x], {}, x.shape, dtype);
}

// What each unary operation makes of integers: it keeps them, or PyTorch's rule "compute in float".
const keepsIntegers: ReadonlySet<UnaryOp> = new Set(["neg", "abs", "sign", "floor", "ceil", "round", "relu", "detach"]);

export function unary(op: UnaryOp, x: Node): Node {
  if (op === "not") return new Node(op, [cast(x, "bool")], {}, x.shape, "bool");
  if (op === "isnan") return new Node(op, [isFloat(x.dtype) ? x : cast(x, "float32")], {}, x.shape, "bool");
  if (op === "neg" && x.is("const")) return constant(-x.attrs.value, x.dtype, x.attrs.free);
  if (op === "neg" && x.is("neg") && !x.storage && x.inputs[0]!.requiresGrad === x.requiresGrad) return x.inputs[0]!;
  if (isFloat(x.dtype) || op === "detach") return new Node(op, [x], {}, x.shape, x.dtype);
  if (x.dtype === "bool" || !keepsIntegers.has(op)) return unary(op, cast(x, "float32"));
  if (op === "floor" || op === "ceil" || op === "round") return x;
  return new Node(op, [x], {}, x.shape, x.dtype);
}

const comparisons: ReadonlySet<BinaryOp> = new Set(["eq", "lt", "le", "gt", "ge"]);
const logical: ReadonlySet<BinaryOp> = new Set(["and", "or", "xor"]);

/** An elementwise operation of two tensors, with broadcasting and PyTorch's promotion of dtypes. */
export function binary(op: BinaryOp, a: Node, b: Node): Node {
  const shape = broadcast(op, a.shape, b.shape);
  if (logical.has(op)) return new Node(op, strip([cast(a, "bool"), cast(b, "bool")], shape), {}, shape, "bool");
  let dtype = promote(a.dtype, b.dtype);
  if (op === "div" && !isFloat(dtype)) dtype = "float32";
  // onnxruntime has no arithmetic on bool; PyTorch's own result for it is seldom what was meant either.
  if (dtype === "bool" && op !== "eq") dtype = "int64";
  const simple = fold(op, cast(a, dtype), cast(b, dtype), shape);
  if (simple) return simple;
  const inputs = strip([cast(a, dtype), cast(b, dtype)], shape);
  return new Node(op, inputs, {}, shape, comparisons.has(op) ? "bool" : dtype);
}

/** Leaves out a repetition that broadcasting does anyway. */
function strip(inputs: [Node, Node], shape: Shape): [Node, Node] {
  const [a, b] = inputs;
  const p = bare(a);
  const q = bare(b);
  if (p !== a && sameShape(broadcast("strip", p.shape, b.shape), shape)) return strip([p, b], shape);
  if (q !== b && sameShape(broadcast("strip", a.shape, q.shape), shape)) return [a, q];
  return inputs;
}

function bare(x: Node): Node {
  return x.is("expand") && !x.storage && x.inputs[0]!.requiresGrad === x.requiresGrad ? x.inputs[0]! : x;
}

/** x + 0, x * 1 and their like, so that gradients do not fill the graph with them. */
function fold(op: BinaryOp, a: Node, b: Node, shape: Shape): Node | null {
  const p = number(a);
  const q = number(b);
  if (p !== null && q !== null && sameShape(shape, [])) {
    const free = isFree(a) || isFree(b);
    if (op === "add") return constant(p + q, a.dtype, free);
    if (op === "sub") return constant(p - q, a.dtype, free);
    if (op === "mul") return constant(p * q, a.dtype, free);
    if (op === "div" && q !== 0) return constant(p / q, a.dtype, free);
  }
  // The caller's numbers vary; that one of them is 0 or 1 just now must not make another graph.
  if (isFree(a) || isFree(b)) return null;
  if (sameShape(a.shape, shape)) {
    if (q === 0 && (op === "add" || op === "sub")) return a;
    if (q === 1 && (op === "mul" || op === "div" || op === "pow")) return a;
  }
  if (sameShape(b.shape, shape)) {
    if (p === 0 && op === "add") return b;
    if (p === 1 && op === "mul") return b;
    if (p === 0 && op === "sub") return unary("neg", b);
  }
  return null;
}

function isFree(x: Node): boolean {
  const n = bare(x);
  return n.is("const") && n.attrs.free === true;
}

/** The value of a constant, also a repeated one. */
export function number(x: Node): number | null {
  const n = bare(x);
  return n.is("const") ? n.attrs.value : null;
}

/** `condition ? a : b`, elementwise. */
export function where(condition: Node, a: Node, b: Node): Node {
  const dtype = promote(a.dtype, b.dtype);
  const shape = broadcast("where", broadcast("where", condition.shape, a.shape), b.shape);
  return new Node("where", [cast(condition, "bool"), cast(a, dtype), cast(b, dtype)], {}, shape, dtype);
}

/** `x` repeated to `shape`. */
export function expand(x: Node, shape: Shape): Node {
  if (sameShape(x.shape, shape)) return x;
  if (!broadcastsTo(x.shape, shape)) {
    throw new RangeError(`expand: ${show(x.shape)} cannot be repeated to ${show(shape)}; only dimensions of 1 repeat`);
  }
  return new Node("expand", [bare(x)], {}, shape, x.dtype);
}

export const neg = (x: Node) => unary("neg", x);
export const exp = (x: Node) => unary("exp", x);
export const sqrt = (x: Node) => unary("sqrt", x);
export const reciprocal = (x: Node) => unary("reciprocal", x);
export const sigmoid = (x: Node) => unary("sigmoid", x);
export const add = (a: Node, b: Node | number) => binary("add", a, operand(a, b));
export const sub = (a: Node, b: Node | number) => binary("sub", a, operand(a, b));
export const mul = (a: Node, b: Node | number) => binary("mul", a, operand(a, b));
export const div = (a: Node, b: Node | number) => binary("div", a, operand(a, b));
export const pow = (a: Node, b: Node | number) => binary("pow", a, operand(a, b));
export const rsub = (a: number, b: Node) => binary("sub", operand(b, a), b);

/**
 * A number beside a tensor takes the tensor's dtype, as in PyTorch: a fraction makes integers float32, a whole number
 * leaves them.
 */
export function operand(beside: Node, value: Node | number, free = false): Node {
  if (typeof value !== "number") return value;
  if (isFloat(beside.dtype)) return constant(value, beside.dtype, free);
  if (!Number.isInteger(value)) return constant(value, "float32", free);
  return constant(value, beside.dtype === "bool" ? "int64" : beside.dtype, free);
}
