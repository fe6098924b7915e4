import { isFloat } from "../graph/dtype.ts";
import type { BinaryOp, UnaryOp } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { nodeOf, type Operand } from "./operands.ts";
import { TensorState } from "./state.ts";
import type { Tensor } from "./tensor.ts";

/** Operations that treat each element alone, and conversions. */
export abstract class Elementwise extends TensorState {
  add(this: Tensor, other: Operand): Tensor {
    return binary(this, "add", other);
  }

  sub(this: Tensor, other: Operand): Tensor {
    return binary(this, "sub", other);
  }

  mul(this: Tensor, other: Operand): Tensor {
    return binary(this, "mul", other);
  }

  div(this: Tensor, other: Operand): Tensor {
    return binary(this, "div", other);
  }

  /** The quotient rounded down. */
  floorDivide(this: Tensor, other: Operand): Tensor {
    const floor = this.div(other).floor();
    return isFloat(this.dtype) ? floor : floor.to(this.dtype);
  }

  /** The rest after division, with the divisor's sign. */
  remainder(this: Tensor, other: Operand): Tensor {
    return binary(this, "mod", other);
  }

  pow(this: Tensor, exponent: Operand): Tensor {
    // Exponents are seldom varied and often simplify: they belong to the program.
    return typeof exponent === "number"
      ? this.wrap(g.pow(this.node, g.operand(this.node, exponent)))
      : binary(this, "pow", exponent);
  }

  square(this: Tensor): Tensor {
    return this.mul(this);
  }

  maximum(this: Tensor, other: Operand): Tensor {
    return binary(this, "maximum", other);
  }

  minimum(this: Tensor, other: Operand): Tensor {
    return binary(this, "minimum", other);
  }

  eq(this: Tensor, other: Operand): Tensor {
    return binary(this, "eq", other);
  }

  ne(this: Tensor, other: Operand): Tensor {
    return this.eq(other).logicalNot();
  }

  lt(this: Tensor, other: Operand): Tensor {
    return binary(this, "lt", other);
  }

  le(this: Tensor, other: Operand): Tensor {
    return binary(this, "le", other);
  }

  gt(this: Tensor, other: Operand): Tensor {
    return binary(this, "gt", other);
  }

  ge(this: Tensor, other: Operand): Tensor {
    return binary(this, "ge", other);
  }

  logicalAnd(this: Tensor, other: Tensor): Tensor {
    return binary(this, "and", other);
  }

  logicalOr(this: Tensor, other: Tensor): Tensor {
    return binary(this, "or", other);
  }

  logicalNot(this: Tensor): Tensor {
    return unary(this, "not");
  }

  neg(this: Tensor): Tensor {
    return unary(this, "neg");
  }

  exp(this: Tensor): Tensor {
    return unary(this, "exp");
  }

  log(this: Tensor): Tensor {
    return unary(this, "log");
  }

  sqrt(this: Tensor): Tensor {
    return unary(this, "sqrt");
  }

  /** 1 / sqrt(x) */
  rsqrt(this: Tensor): Tensor {
    return this.sqrt().reciprocal();
  }

  /** 1 / x */
  reciprocal(this: Tensor): Tensor {
    return unary(this, "reciprocal");
  }

  sin(this: Tensor): Tensor {
    return unary(this, "sin");
  }

  cos(this: Tensor): Tensor {
    return unary(this, "cos");
  }

  tanh(this: Tensor): Tensor {
    return unary(this, "tanh");
  }

  sigmoid(this: Tensor): Tensor {
    return unary(this, "sigmoid");
  }

  relu(this: Tensor): Tensor {
    return unary(this, "relu");
  }

  /** x sigmoid(x) */
  silu(this: Tensor): Tensor {
    return unary(this, "silu");
  }

  /** x Phi(x), Phi being the normal distribution: `approximate: "none"` of PyTorch. */
  gelu(this: Tensor): Tensor {
    return unary(this, "gelu");
  }

  /** x sigmoid(1.702 x), as CLIP uses it. */
  quickGelu(this: Tensor): Tensor {
    return unary(this, "quickGelu");
  }

  erf(this: Tensor): Tensor {
    return unary(this, "erf");
  }

  abs(this: Tensor): Tensor {
    return unary(this, "abs");
  }

  sign(this: Tensor): Tensor {
    return unary(this, "sign");
  }

  floor(this: Tensor): Tensor {
    return unary(this, "floor");
  }

  ceil(this: Tensor): Tensor {
    return unary(this, "ceil");
  }

  /** To the nearest integer, halves to the even one. */
  round(this: Tensor): Tensor {
    return unary(this, "round");
  }

  isnan(this: Tensor): Tensor {
    return unary(this, "isnan");
  }

  /** Whether each element is neither infinite nor NaN. */
  isfinite(this: Tensor): Tensor {
    return this.abs().le(3.4028234663852886e38);
  }

  /** Values below `min` become `min`, those above `max` become `max`. */
  clamp(this: Tensor, min?: number, max?: number): Tensor {
    let out: Tensor = this;
    if (min !== undefined) out = out.maximum(min);
    if (max !== undefined) out = out.minimum(max);
    return out;
  }

  /** `value` where `mask` is true. */
  maskedFill(this: Tensor, mask: Tensor, value: number): Tensor {
    return this.wrap(g.where(mask.node, g.constant(value, this.dtype, true), this.node));
  }

  softmax(this: Tensor, dim: number): Tensor {
    return this.wrap(g.softmax(this.node, dim));
  }

  logSoftmax(this: Tensor, dim: number): Tensor {
    return this.wrap(g.softmax(this.node, dim, "logSoftmax"));
  }

  float(this: Tensor): Tensor {
    return this.to("float32");
  }

  half(this: Tensor): Tensor {
    return this.to("float16");
  }

  long(this: Tensor): Tensor {
    return this.to("int64");
  }

  int(this: Tensor): Tensor {
    return this.to("int32");
  }

  bool(this: Tensor): Tensor {
    return this.to("bool");
  }

  add_(this: Tensor, other: Operand): Tensor {
    return this.copy_(this.add(other));
  }

  sub_(this: Tensor, other: Operand): Tensor {
    return this.copy_(this.sub(other));
  }

  mul_(this: Tensor, other: Operand): Tensor {
    return this.copy_(this.mul(other));
  }

  zero_(this: Tensor): Tensor {
    return this.copy_(0);
  }

  fill_(this: Tensor, value: number): Tensor {
    return this.copy_(value);
  }
}

function unary(x: Tensor, op: UnaryOp): Tensor {
  return x.wrap(g.unary(op, x.node));
}

function binary(x: Tensor, op: BinaryOp, other: Operand): Tensor {
  return x.wrap(g.binary(op, x.node, nodeOf(other, x)));
}
