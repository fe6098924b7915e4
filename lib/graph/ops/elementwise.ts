import { type DType, isFloat, promote } from "../dtype.ts";
import { roundToFloat16 } from "../half.ts";
import { type BinaryOp, Node, type UnaryOp } from "../node.ts";
import { broadcast, broadcastsTo, type Shape, sameShape, show } from "../shape.ts";

/** The number `value` as a scalar; `free` if it is the caller's and may be another one next time. */
export function constant(value: number, dtype: DType = "float32", free = false): Node {
  return new Node("const", [], free ? { value, free } : { value }, [], dtype);
}

export function cast(x: Node, dtype: DType): Node {
  if (x.dtype === dtype) return x;
  if (x.is("const") && isFloat(dtype)) {
    const value = dtype === "float16" ? roundToFloat16(x.attrs.value) : x.attrs.value;
    return constant(value, dtype, x.attrs.free);
  }
  // There and back again: float32 holds every float16 number.
  const back = x.is("cast") && !x.storage && dtype === "float16" && x.dtype === "float32" ? x.inputs[0]! : null;
  if (back?.dtype === "float16" && back.requiresGrad === x.requiresGrad) return back;
  return new Node("cast", [x], {}, x.shape, dtype);
}

// What each unary operation makes of integers: it keeps them, or PyTorch's rule "compute in float".
const keepsIntegers: ReadonlySet<UnaryOp> = new Set(["neg", "abs", "sign", "floor", "ceil", "round", "relu", "detach"]);

export function unary(op: UnaryOp, x: Node): Node {
  if (op === "not") return new Node(op, [cast(x, "bool")], {}, x.shape, "bool");
  if (op === "isnan") return new Node(op, [cast(x, "float32")], {}, x.shape, "bool");
  if (op !== "detach" && x.dtype === "float16" && !x.is("const")) return inFloat32(x, (wide) => unary(op, wide));
  if (op === "neg" && x.is("const")) return constant(-x.attrs.value, x.dtype, x.attrs.free);
  if (op === "neg" && x.is("neg") && !x.storage && x.inputs[0]!.requiresGrad === x.requiresGrad) return x.inputs[0]!;
  if (isFloat(x.dtype) || op === "detach") return new Node(op, [x], {}, x.shape, x.dtype);
  if (x.dtype === "bool" || !keepsIntegers.has(op)) return unary(op, cast(x, "float32"));
  if (op === "floor" || op === "ceil" || op === "round") return x;
  return new Node(op, [x], {}, x.shape, x.dtype);
}

const comparisons: ReadonlySet<BinaryOp> = new Set(["eq", "lt", "le", "gt", "ge"]);
const logical: ReadonlySet<BinaryOp> = new Set(["and", "or", "xor"]);
/** What PyTorch's arithmetic is where both are bool. */
const arithmeticOfBools: Readonly<Partial<Record<BinaryOp, BinaryOp>>> = {
  ...{ add: "or", maximum: "or", mul: "and", minimum: "and" },
};

/** An elementwise operation of two tensors, with broadcasting and PyTorch's promotion of dtypes. */
export function binary(op: BinaryOp, a: Node, b: Node): Node {
  if (isHalf(a, b) && !logical.has(op)) {
    // A number beside a tensor keeps float32's range and precision, but is compared as the float16 number it would be.
    const wide = (x: Node) => cast(comparisons.has(op) ? cast(x, "float16") : x, "float32");
    const result = binary(op, wide(a), wide(b));
    return comparisons.has(op) ? result : cast(result, "float16");
  }
  const shape = broadcast(op, a.shape, b.shape);
  if (logical.has(op)) return new Node(op, strip([cast(a, "bool"), cast(b, "bool")], shape), {}, shape, "bool");
  let dtype = promote(a.dtype, b.dtype);
  if (op === "div" && !isFloat(dtype)) dtype = "float32";
  if (dtype === "bool" && op !== "eq") {
    const ofBools = arithmeticOfBools[op];
    if (ofBools) return binary(ofBools, a, b);
    if (op !== "div" && !comparisons.has(op)) {
      throw new TypeError(
        `${op === "mod" ? "remainder" : op}: both tensors are bool; use logicalAnd, logicalOr or logicalXor, or convert them with x.float()`,
      );
    }
    dtype = "int64";
  }
  const simple = fold(op, cast(a, dtype), cast(b, dtype), shape);
  if (simple) return simple;
  const inputs = strip([cast(a, dtype), cast(b, dtype)], shape);
  return new Node(op, inputs, {}, shape, comparisons.has(op) ? "bool" : dtype);
}

/** The quotient of integers, rounded down: exact, also where float32 is not. */
export function floorDivide(a: Node, b: Node): Node {
  const rest = binary("mod", a, b);
  const dividend = cast(a, rest.dtype);
  const towardsZero = new Node("div", strip([dividend, cast(b, rest.dtype)], rest.shape), {}, rest.shape, rest.dtype);
  if (rest.dtype === "uint8") return towardsZero;
  const zero = constant(0, rest.dtype);
  const otherSign = binary("xor", binary("lt", dividend, zero), binary("lt", rest, zero));
  const above = binary("and", otherSign, unary("not", binary("eq", rest, zero)));
  return binary("sub", towardsZero, cast(above, rest.dtype));
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

function isWeak(x: Node): boolean {
  return x.is("const") && x.attrs.weak === true;
}

/** Whether the result of two values is float16. */
function isHalf(a: Node, b: Node): boolean {
  if (isWeak(a)) return b.dtype === "float16";
  return isWeak(b) ? a.dtype === "float16" : promote(a.dtype, b.dtype) === "float16";
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

/** The square root whose slope at 0 is taken as 0: of a sum of squares that is 0, each square is flat there. */
export function rootOfSquares(x: Node): Node {
  const zero = binary("eq", x, constant(0, x.dtype));
  return where(zero, constant(0, x.dtype), sqrt(where(zero, constant(1, x.dtype), x)));
}

/**
 * `f` computed in float32 if `x` is float16, and rounded afterwards, as PyTorch does on the CPU. onnxruntime would
 * convert by itself, too, but leave out the rounding between two operations.
 */
export function inFloat32(x: Node, f: (x: Node) => Node): Node {
  return x.dtype === "float16" ? cast(f(cast(x, "float32")), "float16") : f(x);
}

/** `f` of several values, computed in float32 if the first is float16. */
export function allInFloat32(values: readonly Node[], f: (...wide: Node[]) => Node): Node {
  if (values[0]!.dtype !== "float16") return f(...values);
  return cast(f(...values.map((x) => (x.dtype === "float16" ? cast(x, "float32") : x))), "float16");
}

/** `condition ? a : b`, elementwise. */
export function where(condition: Node, a: Node, b: Node): Node {
  if (isHalf(a, b)) {
    const wide = (x: Node) => cast(cast(x, "float16"), "float32");
    return cast(where(condition, wide(a), wide(b)), "float16");
  }
  const dtype = promote(a.dtype, b.dtype);
  const shape = broadcast("where", broadcast("where", condition.shape, a.shape), b.shape);
  return new Node("where", [cast(condition, "bool"), cast(a, dtype), cast(b, dtype)], {}, shape, dtype);
}

/** `x` repeated to `shape`. */
export function expand(x: Node, shape: Shape): Node {
  if (sameShape(x.shape, shape)) return x;
  if (!broadcastsTo(x.shape, shape)) {
    throw new RangeError(
      `expand: ${show(x.shape)} cannot be expanded to ${show(shape)}; only dimensions of size 1 can be`,
    );
  }
  return new Node("expand", [bare(x)], {}, shape, x.dtype);
}

export const neg = (x: Node) => unary("neg", x);
export const exp = (x: Node) => unary("exp", x);
export const sqrt = (x: Node) => unary("sqrt", x);
export const abs = (x: Node) => unary("abs", x);
export const isnan = (x: Node) => unary("isnan", x);
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
export function operand(other: Node, value: Node | number, free = false): Node {
  if (typeof value !== "number") return value;
  if (other.dtype === "float16") {
    const attrs = free ? { value, free, weak: true } : { value, weak: true };
    return new Node("const", [], attrs, [], "float32");
  }
  if (other.dtype === "float32") return constant(value, "float32", free);
  if (!Number.isInteger(value)) return constant(value, "float32", free);
  const [least, most] = range[other.dtype] ?? [0, -1];
  return constant(value, value >= least && value <= most ? other.dtype : "int64", free);
}

// Whole numbers that fit into a small integer type; others make the result int64.
const range: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  uint8: [0, 255],
  int32: [-(2 ** 31), 2 ** 31 - 1],
};
