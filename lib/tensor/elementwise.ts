import { isFloat } from "../graph/dtype.ts";
import type { BinaryOp, UnaryOp } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { checkNumber } from "../options.ts";
import { checkTensor, nodeOf } from "./operands.ts";
import { self } from "./state.ts";
import { Values } from "./values.ts";

/** Operations that treat each element alone, and conversions. */
export abstract class Elementwise<T extends Elementwise<T>> extends Values<T> {
  /** The sum `x + y`, element by element; shapes broadcast: `x.add(1)`, `x.add(noise.mul(sigma))`, `images.add(bias)`. */
  add(other: T | number): T {
    return binary(this, "add", other);
  }

  /** The difference `x - y`, element by element: `noisy.sub(noise)`. */
  sub(other: T | number): T {
    return binary(this, "sub", other);
  }

  /** The product `x * y`, element by element (not the matrix product, which is `matmul`): `noise.mul(0.5)`. */
  mul(other: T | number): T {
    return binary(this, "mul", other);
  }

  /** The quotient `x / y`, element by element: `x.div(x.norm())`. Always a float, also of whole numbers. */
  div(other: T | number): T {
    return binary(this, "div", other);
  }

  /** The quotient rounded down; of whole numbers exactly, and whole. */
  floorDivide(other: T | number): T {
    const quotient = this.div(other);
    const by = g.operand(this.node, typeof other === "number" ? other : other.node);
    if (!isFloat(this.dtype) && !isFloat(by.dtype)) return this.wrap(g.floorDivide(this.node, by));
    // With the exact rest: 1 / 0.1 rounds to 10, though 0.1 (a little more than a tenth) fits only nine times.
    const exact = this.sub(this.remainder(other)).div(other).round();
    return this.wrap(
      g.where(g.binary("eq", g.unary("abs", quotient.node), g.constant(Infinity)), quotient.node, exact.node),
    );
  }

  /** The rest after division, with the divisor's sign. */
  remainder(other: T | number): T {
    return binary(this, "mod", other);
  }

  /** Each element to the power `exponent`: `x.pow(3)`. Any shape, the same shape back. */
  pow(exponent: T | number): T {
    // Exponents are seldom varied and often simplify: they belong to the program.
    if (typeof exponent === "number" && exponent < 0 && !isFloat(this.dtype)) {
      throw new RangeError(
        `pow: ${this.dtype} to the power ${exponent} is a fraction; write x.float().pow(${exponent})`,
      );
    }
    return typeof exponent === "number"
      ? this.wrap(g.pow(this.node, g.operand(this.node, exponent)))
      : binary(this, "pow", exponent);
  }

  /** Each element times itself: `a.sub(b).square().mean()` is a mean squared error. */
  square(): T {
    const x = this.dtype === "bool" ? this.long() : self(this);
    return x.mul(x);
  }

  /** The larger of `x` and `other`, element by element: `x.maximum(0)`. For the largest element of all: `max()`. */
  maximum(other: T | number): T {
    return binary(this, "maximum", other);
  }

  /** The smaller of `x` and `other`, element by element: `x.minimum(1)`. For the smallest element of all: `min()`. */
  minimum(other: T | number): T {
    return binary(this, "minimum", other);
  }

  /** Whether each element equals `other`: a bool tensor. `pred.eq(labels).float().mean()` is an accuracy. */
  eq(other: T | number): T {
    return binary(this, "eq", other);
  }

  /** Whether each element differs from `other`: a bool tensor. */
  ne(other: T | number): T {
    return this.eq(other).logicalNot();
  }

  /** Whether each element is less than `other` (`x < y` in Python): a bool tensor, `x.lt(0)`. */
  lt(other: T | number): T {
    return binary(this, "lt", other);
  }

  /** Whether each element is at most `other` (`x <= y` in Python): a bool tensor. */
  le(other: T | number): T {
    return binary(this, "le", other);
  }

  /** Whether each element is greater than `other` (`x > y` in Python): a bool tensor, `x.gt(0.5)`. */
  gt(other: T | number): T {
    return binary(this, "gt", other);
  }

  /** Whether each element is at least `other` (`x >= y` in Python): a bool tensor. */
  ge(other: T | number): T {
    return binary(this, "ge", other);
  }

  /** Whether both are true, element by element: `x.gt(0).logicalAnd(x.lt(1))`. */
  logicalAnd(other: T): T {
    return binary(this, "and", other);
  }

  /** Whether at least one is true, element by element. */
  logicalOr(other: T): T {
    return binary(this, "or", other);
  }

  /** True becomes false and false true, element by element. */
  logicalNot(): T {
    return unary(this, "not");
  }

  /** `-x`, element by element. */
  neg(): T {
    return unary(this, "neg");
  }

  /** e to the power of each element; the same shape back: `tensor([0, 1]).exp()` is `[1, 2.7183]`. */
  exp(): T {
    return unary(this, "exp");
  }

  /** Natural logarithm of each element: `x.log()`. Of 0 it is -Infinity, below 0 NaN. */
  log(): T {
    return unary(this, "log");
  }

  /** Square root of each element; NaN below 0. Example: `x.square().mean().sqrt()`. */
  sqrt(): T {
    return unary(this, "sqrt");
  }

  /** 1 / sqrt(x) */
  rsqrt(): T {
    return this.sqrt().reciprocal();
  }

  /** 1 / x */
  reciprocal(): T {
    return unary(this, "reciprocal");
  }

  /** Sine of each element, in radians. */
  sin(): T {
    return unary(this, "sin");
  }

  /** Cosine of each element, in radians. */
  cos(): T {
    return unary(this, "cos");
  }

  /** Hyperbolic tangent of each element, from -1 to 1. */
  tanh(): T {
    return unary(this, "tanh");
  }

  /** 1 / (1 + exp(-x)), element by element: any number becomes one between 0 and 1. */
  sigmoid(): T {
    return unary(this, "sigmoid");
  }

  /** max(x, 0), element by element: negative elements become 0. */
  relu(): T {
    return unary(this, "relu");
  }

  /** x sigmoid(x) */
  silu(): T {
    return unary(this, "silu");
  }

  /** x Phi(x), Phi being the normal distribution: `approximate: "none"` of PyTorch. */
  gelu(): T {
    return unary(this, "gelu");
  }

  /** x sigmoid(1.702 x), as CLIP uses it. */
  quickGelu(): T {
    return unary(this, "quickGelu");
  }

  /** The error function of each element, from -1 to 1. */
  erf(): T {
    return unary(this, "erf");
  }

  /** Each element without its sign. */
  abs(): T {
    return unary(this, "abs");
  }

  /** -1, 0 or 1 for each element. */
  sign(): T {
    return unary(this, "sign");
  }

  /** Each element rounded down to a whole number. */
  floor(): T {
    return unary(this, "floor");
  }

  /** Each element rounded up to a whole number. */
  ceil(): T {
    return unary(this, "ceil");
  }

  /** To the nearest integer, halves to the even one. */
  round(): T {
    return unary(this, "round");
  }

  /** Whether each element is NaN: a bool tensor. `await x.isnan().any().item()` is 1 where one is. */
  isnan(): T {
    return unary(this, "isnan");
  }

  /** Whether each element is neither infinite nor NaN. */
  isfinite(): T {
    return this.abs().lt(Infinity);
  }

  /** Values below `min` become `min`, those above `max` become `max`. On the bounds themselves the slope is 1. */
  clamp(min?: number, max?: number): T {
    for (const [name, bound] of Object.entries({ min, max })) {
      if (bound !== undefined) checkNumber("clamp", name, bound);
    }
    const low = min === undefined ? self(this) : this.maximum(min);
    const out = max === undefined ? low : low.minimum(max);
    if (!out.node.requiresGrad) return out;
    const inside = [...(min === undefined ? [] : [this.ge(min)]), ...(max === undefined ? [] : [this.le(max)])];
    if (inside.length === 0) return self(this);
    return this.wrap(g.where(inside.reduce((a, b) => a.logicalAnd(b)).node, this.node, out.detach().node));
  }

  /** `value` where `mask` is true. */
  maskedFill(mask: T, value: number): T {
    checkTensor("maskedFill", mask);
    return this.wrap(g.where(mask.node, g.constant(value, this.dtype, true), this.node));
  }

  /**
   * Exponentials along `dim` divided by their sum, so that they are positive and add up to 1: scores `[b, 10]`
   * become probabilities with `scores.softmax(1)`.
   */
  softmax(dim: number): T {
    return this.wrap(g.softmax(this.node, dim));
  }

  /** The logarithm of `softmax(dim)`, computed without overflow. */
  logSoftmax(dim: number): T {
    return this.wrap(g.softmax(this.node, dim, "logSoftmax"));
  }

  /** The same values as float32; true and false become 1 and 0. */
  float(): T {
    return this.to("float32");
  }

  /** The same values as float16: half the memory, about three digits. */
  half(): T {
    return this.to("float16");
  }

  /** The same values as int64, fractions cut off: what indices and classes are. */
  long(): T {
    return this.to("int64");
  }

  /** The same values as int32, fractions cut off. */
  int(): T {
    return this.to("int32");
  }

  /** False where an element is 0, true elsewhere. */
  bool(): T {
    return this.to("bool");
  }

  /** `this + other` in place of this tensor's values; a result keeps its gradient history. */
  add_(other: T | number): this {
    return this.replace(this.add(other).node, other);
  }

  /** Subtracts `other` in place: this tensor changes. */
  sub_(other: T | number): this {
    return this.replace(this.sub(other).node, other);
  }

  /** Multiplies by `other` in place: this tensor changes. */
  mul_(other: T | number): this {
    return this.replace(this.mul(other).node, other);
  }

  /** Sets all elements to 0, in place. */
  zero_(): this {
    return this.copy_(0);
  }

  /** Sets all elements to `value`, in place. */
  fill_(value: number): this {
    return this.copy_(value);
  }
}

function unary<T extends Elementwise<T>>(x: Elementwise<T>, op: UnaryOp): T {
  return x.wrap(g.unary(op, x.node));
}

function binary<T extends Elementwise<T>>(x: Elementwise<T>, op: BinaryOp, other: T | number): T {
  return x.wrap(g.binary(op, x.node, nodeOf(op, other, x)));
}
