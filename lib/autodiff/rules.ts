import type { BinaryOp, ConvAttrs, Node, Op, UnaryOp } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { normRules } from "./norm-rules.ts";
import type { Rule } from "./rule.ts";

const x = (n: Node): Node => n.inputs[0]!;
const y = (n: Node): Node => n.inputs[1]!;
const unary = (f: (dy: Node, x: Node, out: Node) => Node): Rule => {
  return (n, dy) => [f(dy, x(n), n)];
};
/** Elementwise with broadcasting: each side's gradient is summed back to its shape. */
const binary = (da: (dy: Node, n: Node) => Node, db: (dy: Node, n: Node) => Node): Rule => {
  return (n, dy) => [needed(x(n), () => da(dy, n)), needed(y(n), () => db(dy, n))];
};
const none: Rule = (n) => n.inputs.map(() => null);

/** The gradient for `input`, not even written down where nothing asks for it. */
function needed(input: Node, make: () => Node): Node | null {
  return input.requiresGrad ? g.sumTo(make(), input.shape) : null;
}

/** `v` with the reduced dimensions put back as 1, so that it broadcasts over the input. */
function unreduced(n: Node<"sum" | "max" | "min" | "sumSquare">, v: Node): Node {
  return g.reshape(
    v,
    x(n).shape.map((d, i) => (n.attrs.dims.includes(i) ? 1 : d)),
  );
}

/** The gradient of a largest or smallest element goes to it, in equal parts where several are equal. */
const extremum: Rule<"max" | "min"> = (n, dy) => {
  // Where the result is NaN, it came from the elements that are.
  const chosen = g.binary("or", g.binary("eq", x(n), unreduced(n, n)), g.isnan(x(n)));
  const count = g.sum(g.cast(chosen, dy.dtype), n.attrs.dims, true);
  return [g.where(chosen, g.div(unreduced(n, dy), count), g.constant(0, dy.dtype))];
};

const ones = (n: Node): Node => g.expand(g.constant(1, n.dtype), n.shape);

/** The gradient of an operand of `maximum` (`minimum`): nothing where `loses`, a half each where both are equal. */
const share = (n: Node, dy: Node, loses: Node): Node =>
  g.where(loses, g.constant(0, dy.dtype), g.where(g.binary("eq", x(n), y(n)), g.mul(dy, 0.5), dy));

const unaryRules: Record<UnaryOp, Rule> = {
  neg: unary((dy) => g.neg(dy)),
  exp: unary((dy, _, out) => g.mul(dy, out)),
  log: unary((dy, a) => g.div(dy, a)),
  sqrt: unary((dy, _, out) => g.div(g.mul(dy, 0.5), out)),
  reciprocal: unary((dy, _, out) => g.neg(g.mul(dy, g.mul(out, out)))),
  tanh: unary((dy, _, out) => g.mul(dy, g.rsub(1, g.mul(out, out)))),
  sigmoid: unary((dy, _, out) => g.mul(dy, g.mul(out, g.rsub(1, out)))),
  relu: unary((dy, _, out) => g.mul(dy, g.cast(g.binary("gt", out, g.constant(0)), dy.dtype))),
  erf: unary((dy, a) => g.mul(dy, g.mul(g.exp(g.neg(g.mul(a, a))), 2 / Math.sqrt(Math.PI)))),
  abs: unary((dy, a) => g.mul(dy, g.unary("sign", a))),
  sign: none,
  sin: unary((dy, a) => g.mul(dy, g.unary("cos", a))),
  cos: unary((dy, a) => g.neg(g.mul(dy, g.unary("sin", a)))),
  floor: none,
  ceil: none,
  round: none,
  not: none,
  isnan: none,
  // With s = sigmoid(x) and out = x s: out' = s + out (1 - s).
  silu: unary((dy, a, out) => {
    const s = g.sigmoid(a);
    return g.mul(dy, g.add(s, g.sub(out, g.mul(out, s))));
  }),
  // out = x Phi(x), out' = Phi(x) + x phi(x), with the normal distribution's Phi and phi.
  gelu: unary((dy, a) => {
    const cdf = g.mul(g.add(g.unary("erf", g.mul(a, Math.SQRT1_2)), 1), 0.5);
    const pdf = g.mul(g.exp(g.mul(g.mul(a, a), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return g.mul(dy, g.add(cdf, g.mul(a, pdf)));
  }),
  // out = x sigmoid(1.702 x)
  quickGelu: unary((dy, a) => {
    const s = g.sigmoid(g.mul(a, 1.702));
    return g.mul(dy, g.add(s, g.mul(g.mul(g.mul(a, 1.702), s), g.rsub(1, s))));
  }),
  detach: none,
};

const binaryRules: Record<BinaryOp, Rule> = {
  add: binary(
    (dy) => dy,
    (dy) => dy,
  ),
  sub: binary(
    (dy) => dy,
    (dy) => g.neg(dy),
  ),
  mul: binary(
    (dy, n) => g.mul(dy, y(n)),
    (dy, n) => g.mul(dy, x(n)),
  ),
  div: binary(
    (dy, n) => g.div(dy, y(n)),
    (dy, n) => g.neg(g.div(g.mul(dy, n), y(n))),
  ),
  pow: binary(
    (dy, n) => {
      const p = g.number(y(n));
      if (p === 2) return g.mul(dy, g.mul(x(n), 2));
      const slope = g.mul(y(n), g.pow(x(n), g.sub(y(n), 1)));
      // x ** 0 is flat, also at 0, where the formula would give 0 * infinity.
      return g.mul(dy, g.where(g.binary("eq", y(n), g.operand(y(n), 0)), g.mul(y(n), 0), slope));
    },
    (dy, n) => {
      // log(0) = -infinity meets 0 ** p = 0: the limit is 0, and PyTorch takes it for 0 ** 0 as well.
      const zero = g.binary("and", g.binary("eq", x(n), g.operand(x(n), 0)), g.binary("ge", y(n), g.operand(y(n), 0)));
      return g.mul(dy, g.mul(n, g.unary("log", g.where(zero, ones(n), x(n)))));
    },
  ),
  maximum: binary(
    (dy, n) => share(n, dy, g.binary("lt", x(n), y(n))),
    (dy, n) => share(n, dy, g.binary("gt", x(n), y(n))),
  ),
  minimum: binary(
    (dy, n) => share(n, dy, g.binary("gt", x(n), y(n))),
    (dy, n) => share(n, dy, g.binary("lt", x(n), y(n))),
  ),
  // x mod y = x - y floor(x / y)
  mod: binary(
    (dy) => dy,
    (dy, n) => g.neg(g.mul(dy, g.unary("floor", g.div(x(n), y(n))))),
  ),
  eq: none,
  lt: none,
  le: none,
  gt: none,
  ge: none,
  and: none,
  or: none,
  xor: none,
};

/** The gradient rule of every operation. */
export const rules: { readonly [O in Op]: Rule<O> } = {
  ...unaryRules,
  ...binaryRules,
  ...normRules,
  source: none,
  placeholder: none,
  live: none,
  const: none,
  cast: (n, dy) => [g.cast(dy, x(n).dtype)],
  where: (n, dy) => {
    const zero = g.constant(0, dy.dtype);
    return [
      null,
      needed(n.inputs[1]!, () => g.where(x(n), dy, zero)),
      needed(n.inputs[2]!, () => g.where(x(n), zero, dy)),
    ];
  },
  sum: (n, dy) => [g.expand(unreduced(n, dy), x(n).shape)],
  sumSquare: (n, dy) => [g.mul(x(n), g.mul(unreduced(n, dy), 2))],
  max: extremum,
  min: extremum,
  argmax: none,
  argmin: none,
  cumsum: (n, dy) => [g.cumsum(dy, n.attrs.dim, !n.attrs.reverse)],
  reshape: (n, dy) => [g.reshape(dy, x(n).shape)],
  expand: (n, dy) => [g.sumTo(dy, x(n).shape)],
  permute: (n, dy) => [
    g.permute(
      dy,
      n.attrs.perm.map((_, i) => n.attrs.perm.indexOf(i)),
    ),
  ],
  slice: (n, dy) => [unslice(n, dy)],
  pad: (n, dy) => [
    g.pad(
      dy,
      n.attrs.before.map((v) => -v),
      n.attrs.after.map((v) => -v),
    ),
  ],
  cat: (n, dy) => {
    let at = 0;
    return n.inputs.map((input) => {
      const from = at;
      at += input.shape[n.attrs.dim]!;
      return input.requiresGrad ? g.narrow(dy, n.attrs.dim, from, at) : null;
    });
  },
  indexSelect: (n, dy) => [g.indexAdd(dy, n.attrs.dim, y(n), x(n).shape[n.attrs.dim]!), null],
  indexAdd: (n, dy) => [g.indexSelect(dy, n.attrs.dim, y(n)), null],
  gather: (n, dy) => {
    const zeros = g.expand(g.constant(0, dy.dtype), x(n).shape);
    return [g.scatterAdd(zeros, n.attrs.dim, y(n), dy), null];
  },
  scatterAdd: (n, dy) => [dy, null, g.gather(dy, n.attrs.dim, y(n))],
  scatter: (n, dy) => {
    const zeros = g.expand(g.constant(0, dy.dtype), y(n).shape);
    return [g.scatter(dy, n.attrs.dim, y(n), zeros), null, g.gather(dy, n.attrs.dim, y(n))];
  },
  topkIndices: none,
  matmul: (n, dy) => [
    needed(x(n), () => g.matmul(dy, g.transpose(y(n), -1, -2))),
    needed(y(n), () => matmulRight(x(n), dy, y(n).shape.length)),
  ],
  softmax: (n, dy) => {
    const t = g.mul(dy, n);
    return [g.sub(t, g.mul(n, g.sum(t, [n.attrs.dim], true)))];
  },
  logSoftmax: (n, dy) => [g.sub(dy, g.mul(g.exp(n), g.sum(dy, [n.attrs.dim], true)))],
  conv2d: (n, dy) => [
    lazily(x(n), () => g.convInput(dy, y(n), n.attrs, x(n).shape)),
    lazily(y(n), () => g.convWeight(x(n), dy, n.attrs, y(n).shape)),
  ],
  // Both gradients of a convolution are linear in their two inputs, so theirs are convolutions again.
  convInput: (n, dy) => [
    lazily(x(n), () => g.conv2d(dy, y(n), n.attrs as ConvAttrs)),
    lazily(y(n), () => g.convWeight(dy, x(n), n.attrs, y(n).shape)),
  ],
  convWeight: (n, dy) => [
    lazily(x(n), () => g.convInput(y(n), dy, n.attrs, x(n).shape)),
    lazily(y(n), () => g.conv2d(x(n), dy, n.attrs as ConvAttrs)),
  ],
  maxPool: (n, dy) => [g.maxUnpool(dy, g.maxPoolIndices(x(n), n.attrs), n.attrs, x(n).shape)],
  maxUnpool: (n, dy) => {
    const flat = g.gather(g.reshape(dy, [dy.size]), 0, g.reshape(y(n), [y(n).size]));
    return [g.reshape(flat, x(n).shape), null];
  },
  maxPoolIndices: none,
  sumPool: (n, dy) => [g.sumPoolBackward(dy, n.attrs, x(n).shape)],
  sumPoolBackward: (n, dy) => [g.sumPool(dy, n.attrs)],
  attention: (n, dy) => {
    const [q, k, v] = n.inputs as [Node, Node, Node];
    const p = g.softmax(g.mul(g.matmul(q, g.transpose(k, -1, -2)), n.attrs.scale), -1);
    const t = g.mul(g.matmul(dy, g.transpose(v, -1, -2)), p);
    const ds = g.mul(g.sub(t, g.mul(p, g.sum(t, [-1], true))), n.attrs.scale);
    return [g.matmul(ds, k), g.matmul(g.transpose(ds, -1, -2), q), g.matmul(g.transpose(p, -1, -2), dy)];
  },
};

function lazily(input: Node, make: () => Node): Node | null {
  return input.requiresGrad ? make() : null;
}

/** aᵀ dy, in one product over all rows if `b` was one matrix for a whole batch. */
function matmulRight(a: Node, dy: Node, rank: number): Node {
  if (rank > 2 || a.shape.length === 2) return g.matmul(g.transpose(a, -1, -2), dy);
  const flat = (t: Node): Node => g.reshape(t, [-1, t.shape.at(-1)!]);
  return g.matmul(g.transpose(flat(a), 0, 1), flat(dy));
}

/** Zeros if nothing was taken: the reverse of a slice. */
function unslice(n: Node<"slice">, dy: Node): Node {
  const { start, step } = n.attrs;
  const shape = x(n).shape;
  let out = dy;
  const reversed = step.flatMap((s, i) => (s < 0 ? [i] : []));
  if (reversed.length > 0) out = g.flip(out, reversed);
  const gap = step.map(Math.abs);
  const first = start.map((s, i) => (step[i]! < 0 ? s - (n.shape[i]! - 1) * gap[i]! : s));
  // A step of s: spread the elements s apart by padding each one on an axis of its own.
  for (const [i, s] of gap.entries()) {
    if (s === 1) continue;
    const size = out.shape[i]!;
    const apart = g.reshape(out, [...out.shape.slice(0, i + 1), 1, ...out.shape.slice(i + 1)]);
    const after = apart.shape.map((_, d) => (d === i + 1 ? s - 1 : 0));
    out = g.pad(
      apart,
      after.map(() => 0),
      after,
    );
    out = g.reshape(
      out,
      dy.shape.map((d, j) => (j < i ? out.shape[j]! : j === i ? size * s : d)),
    );
  }
  const after = shape.map((d, i) => d - first[i]! - out.shape[i]!);
  return g.pad(out, first, after);
}
