import { type DType, isFloat } from "../graph/dtype.ts";
import type { BinaryOp, ConvAttrs, Node, UnaryOp, WindowAttrs } from "../graph/node.ts";
import { sizeOf } from "../graph/shape.ts";
import { convWeight } from "./conv-weight.ts";
import type { Emissions, Emit, Emitter } from "./emitter.ts";

const elementType: Readonly<Record<DType, number>> = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 };

const plain =
  (type: string): Emit =>
  (e, n) =>
    e.graph.add(type, e.names(n));

/** An operation that onnxruntime lacks for this dtype, computed in another one that holds the same values. */
function inType(e: Emitter, n: Node, type: string, dtype: DType, inputs: readonly number[]): string {
  const names = e
    .names(n)
    .map((name, i) => (inputs.includes(i) ? e.graph.add("Cast", [name], { to: elementType[dtype] }) : name));
  return e.graph.add("Cast", [e.graph.add(type, names)], { to: elementType[n.dtype] });
}

const unary: Record<UnaryOp, Emit> = {
  neg: (e, n) =>
    n.dtype === "uint8"
      ? e.graph.add("Sub", [e.graph.scalar(0, n.dtype), e.name(n.inputs[0]!)])
      : e.graph.add("Neg", e.names(n)),
  exp: plain("Exp"),
  log: plain("Log"),
  sqrt: plain("Sqrt"),
  reciprocal: plain("Reciprocal"),
  tanh: plain("Tanh"),
  sigmoid: plain("Sigmoid"),
  relu: (e, n) =>
    n.dtype === "float32" || n.dtype === "float16"
      ? e.graph.add("Relu", e.names(n))
      : e.graph.add("Max", [e.name(n.inputs[0]!), e.graph.scalar(0, n.dtype)]),
  erf: plain("Erf"),
  abs: plain("Abs"),
  // As in PyTorch, the sign of what is no number is 0.
  sign: (e, n) => {
    const sign = e.graph.add("Sign", e.names(n));
    if (!isFloat(n.dtype)) return sign;
    return e.graph.add("Where", [notNumbers(e, e.name(n.inputs[0]!)), e.scalar(0, n), sign]);
  },
  sin: plain("Sin"),
  cos: plain("Cos"),
  floor: plain("Floor"),
  ceil: plain("Ceil"),
  round: plain("Round"),
  not: plain("Not"),
  isnan: plain("IsNaN"),
  silu: (e, n) => {
    const x = e.name(n.inputs[0]!);
    return e.graph.add("Mul", [x, e.graph.add("Sigmoid", [x])]);
  },
  gelu: plain("Gelu"),
  quickGelu: (e, n) => {
    const x = e.name(n.inputs[0]!);
    return e.graph.add("Mul", [x, e.graph.add("Sigmoid", [e.graph.add("Mul", [x, e.scalar(1.702, n)])])]);
  },
  detach: (e, n) => e.name(n.inputs[0]!),
};

const binary: Record<BinaryOp, Emit> = {
  add: plain("Add"),
  sub: plain("Sub"),
  mul: plain("Mul"),
  div: (e, n) => {
    if (isFloat(n.dtype)) return e.graph.add("Div", e.names(n));
    const { a, divisor, minusOne } = wholeDivision(e, n);
    const quotient = e.graph.add("Div", [a, divisor]);
    return minusOne ? e.graph.add("Where", [minusOne, e.graph.add("Neg", [a]), quotient]) : quotient;
  },
  pow: (e, n) => (n.dtype === "uint8" ? inType(e, n, "Pow", "int32", [0, 1]) : e.graph.add("Pow", e.names(n))),
  maximum: plain("Max"),
  minimum: plain("Min"),
  mod: (e, n) => {
    if (!isFloat(n.dtype)) {
      const { a, divisor } = wholeDivision(e, n);
      return e.graph.add("Mod", [a, divisor]);
    }
    const [a, b] = e.names(n) as [string, string];
    // The rest with the dividend's sign, exact; where the divisor's is the other one, once the divisor more.
    const rest = e.graph.add("Mod", [a, b], { fmod: 1 });
    const zero = e.scalar(0, n);
    const negative = (x: string) => e.graph.add("Less", [x, zero]);
    const other = e.graph.add("Xor", [negative(rest), negative(b)]);
    const some = e.graph.add("Not", [e.graph.add("Equal", [rest, zero])]);
    return e.graph.add("Where", [e.graph.add("And", [some, other]), e.graph.add("Add", [rest, b]), rest]);
  },
  eq: plain("Equal"),
  lt: plain("Less"),
  le: plain("LessOrEqual"),
  gt: plain("Greater"),
  ge: plain("GreaterOrEqual"),
  and: plain("And"),
  or: plain("Or"),
  xor: plain("Xor"),
};

/**
 * The operands of a division of integers, with 1 in place of -1: the least integer divided by -1 is none, and processors
 * answer it with a signal that ends the process.
 */
function wholeDivision(e: Emitter, n: Node): { a: string; divisor: string; minusOne: string | null } {
  const [a, b] = e.names(n) as [string, string];
  const by = n.inputs[1]!;
  if (n.dtype === "uint8" || (by.is("const") && !by.attrs.free && by.attrs.value !== -1)) {
    return { a, divisor: b, minusOne: null };
  }
  const minusOne = e.graph.add("Equal", [b, e.graph.scalar(-1, n.dtype)]);
  return { a, divisor: e.graph.add("Where", [minusOne, e.graph.scalar(1, n.dtype), b]), minusOne };
}

const reduce =
  (type: string): Emit<"sum" | "sumSquare" | "max" | "min"> =>
  (e, n) =>
    e.graph.add(type, [e.name(n.inputs[0]!), e.graph.ints(n.attrs.dims)], { keepdims: Number(n.attrs.keepdim) });

/** Where elements are NaN: nothing else differs from itself, and every device can compare. */
function notNumbers(e: Emitter, x: string): string {
  return e.memoize(`nan ${x}`, () => e.graph.add("Not", [e.graph.add("Equal", [x, x])]));
}

/** The largest or smallest, which is NaN where any element is: ONNX's own would leave it out. */
const extremum =
  (type: string): Emit<"max" | "min"> =>
  (e, n) => {
    const value = reduce(type)(e, n);
    if (!isFloat(n.dtype)) return value;
    const x = e.name(n.inputs[0]!);
    const flags = e.graph.add("Cast", [notNumbers(e, x)], { to: elementType.int32 });
    const any = e.graph.add("ReduceMax", [flags, e.graph.ints(n.attrs.dims)], { keepdims: Number(n.attrs.keepdim) });
    const yes = e.graph.add("Cast", [any], { to: elementType.bool });
    return e.graph.add("Where", [yes, e.scalar(Number.NaN, n), value]);
  };

/** Where the largest or smallest stands: the first NaN, if there is one. */
const argument =
  (type: string): Emit<"argmax" | "argmin"> =>
  (e, n) => {
    const attributes = { axis: n.attrs.dim, keepdims: Number(n.attrs.keepdim) };
    const input = n.inputs[0]!;
    const at = e.graph.add(type, e.names(n), attributes);
    if (!isFloat(input.dtype)) return at;
    const flags = e.graph.add("Cast", [notNumbers(e, e.name(input))], { to: elementType.int32 });
    const first = e.graph.add("ArgMax", [flags], attributes);
    const any = e.graph.add("ReduceMax", [flags, e.graph.ints([n.attrs.dim])], { keepdims: attributes.keepdims });
    return e.graph.add("Where", [e.graph.add("Cast", [any], { to: elementType.bool }), first, at]);
  };

const given: Emit = (_, n) => {
  throw new Error(`${n.op}: a leaf without a tensor`);
};

/** Every operation in ONNX's standard operators: right on any device, and what the tuned ones are checked against. */
export const standard: Emissions = {
  ...unary,
  ...binary,
  source: given,
  placeholder: given,
  live: given,
  const: (e, n) => e.fed(n) ?? e.scalar(n.attrs.value, n),
  cast: (e, n) => e.graph.add("Cast", e.names(n), { to: elementType[n.dtype] }),
  where: (e, n) => (n.dtype === "bool" ? inType(e, n, "Where", "uint8", [1, 2]) : e.graph.add("Where", e.names(n))),
  sum: reduce("ReduceSum"),
  sumSquare: reduce("ReduceSumSquare"),
  max: extremum("ReduceMax"),
  min: extremum("ReduceMin"),
  argmax: argument("ArgMax"),
  argmin: argument("ArgMin"),
  cumsum: (e, n) =>
    e.graph.add("CumSum", [e.name(n.inputs[0]!), e.graph.scalar(n.attrs.dim, "int64")], {
      reverse: Number(n.attrs.reverse),
    }),
  reshape: (e, n) => e.reshape(e.name(n.inputs[0]!), n.shape),
  expand: (e, n) => e.graph.add("Expand", [e.name(n.inputs[0]!), e.graph.ints(n.shape)]),
  permute: (e, n) => e.graph.add("Transpose", e.names(n), { perm: n.attrs.perm }),
  slice,
  pad: (e, n) => {
    const x = e.name(n.inputs[0]!);
    const { before, after, value } = n.attrs;
    const all = n.shape.map((_, i) => i);
    if ([...before, ...after].every((v) => v <= 0)) {
      const ends = before.map((b, i) => n.shape[i]! - b);
      return e.graph.add("Slice", [x, e.graph.ints(before.map((b) => -b)), e.graph.ints(ends), e.graph.ints(all)]);
    }
    return e.graph.add("Pad", [x, e.graph.ints([...before, ...after]), e.scalar(value, n)]);
  },
  cat: (e, n) => e.graph.add("Concat", e.names(n), { axis: n.attrs.dim }),
  indexSelect: (e, n) => e.graph.add("Gather", e.names(n), { axis: n.attrs.dim }),
  indexAdd: (e, n) => {
    const [x, index] = n.inputs as [Node, Node];
    const d = n.attrs.dim;
    const k = index.shape.length;
    const [pre, post] = [x.shape.slice(0, d), x.shape.slice(d + k)];
    // The indexed dimensions first, as one; the others keep their order.
    const front = e.graph.add("Transpose", [e.name(x)], {
      perm: [...index.shape.map((_, i) => d + i), ...pre.map((_, i) => i), ...post.map((_, i) => d + k + i)],
    });
    const updates = e.reshape(front, [index.size, ...pre, ...post]);
    const zeros = e.graph.add("Expand", [e.scalar(0, n), e.graph.ints([n.shape[d]!, ...pre, ...post])]);
    const at = e.reshape(e.name(index), [index.size, 1]);
    const sum = e.graph.add("ScatterND", [zeros, at, updates], { reduction: "add" });
    return e.graph.add("Transpose", [sum], {
      perm: [...pre.map((_, i) => i + 1), 0, ...post.map((_, i) => d + 1 + i)],
    });
  },
  gather: (e, n) => e.graph.add("GatherElements", e.names(n), { axis: n.attrs.dim }),
  scatterAdd: (e, n) => e.graph.add("ScatterElements", e.names(n), { axis: n.attrs.dim, reduction: "add" }),
  scatter: (e, n) => e.graph.add("ScatterElements", e.names(n), { axis: n.attrs.dim }),
  topkIndices: (e, n) => {
    const { dim, k, largest } = n.attrs;
    const name = e.graph.fresh();
    const attributes = { axis: dim, largest: Number(largest), sorted: 1 };
    e.graph.addMany("TopK", [e.name(n.inputs[0]!), e.graph.ints([k])], [`${name}_values`, name], attributes);
    return name;
  },
  matmul: plain("MatMul"),
  softmax: (e, n) => e.graph.add("Softmax", e.names(n), { axis: n.attrs.dim }),
  logSoftmax: (e, n) => e.graph.add("LogSoftmax", e.names(n), { axis: n.attrs.dim }),
  conv2d: (e, n) => e.graph.add("Conv", e.names(n), convAttributes(n.attrs, n.inputs[1]!)),
  convInput: (e, n) => {
    const { stride, padding: p, dilation } = n.attrs;
    const weight = n.inputs[1]!;
    const kernel = weight.shape.slice(2);
    const rest = [0, 1].map(
      (i) => (n.shape[2 + i]! + p[i]! + p[i + 2]! - dilation[i]! * (kernel[i]! - 1) - 1) % stride[i]!,
    );
    return e.graph.add("ConvTranspose", e.names(n), { ...convAttributes(n.attrs, weight), output_padding: rest });
  },
  convWeight: (e, n) => convWeight(e, n),
  channelAffine: (e, n) => {
    const [x, scale, shift] = e.names(n) as [string, string, string];
    const wide = [n.shape[0]!, n.shape[1]!, 1, 1];
    return e.graph.add("Add", [e.graph.add("Mul", [x, e.reshape(scale, wide)]), e.reshape(shift, wide)]);
  },
  standardize: (e, n) => standardized(e, n).h,
  inverseDeviation: (e, n) => standardized(e, n).inv,
  groupNorm: (e, n) => {
    const [x, weight, bias] = e.names(n) as [string, string, string];
    const { groups, eps } = n.attrs;
    const flat = e.reshape(x, [n.shape[0]!, groups, n.size / (n.shape[0]! * groups)]);
    const [one, zero] = [1, 0].map((v) => e.graph.scalar(v, n.dtype, [groups])) as [string, string];
    const h = e.graph.add("InstanceNormalization", [flat, one, zero], { epsilon: { float: eps } });
    const wide = [n.shape[1]!, ...n.shape.slice(2).map(() => 1)];
    const scaled = e.graph.add("Mul", [e.reshape(h, n.shape), e.reshape(weight, wide)]);
    return e.graph.add("Add", [scaled, e.reshape(bias, wide)]);
  },
  layerNorm: (e, n) => e.graph.add("LayerNormalization", e.names(n), { axis: -1, epsilon: { float: n.attrs.eps } }),
  maxPool: (e, n) => maxPool(e, n.inputs[0]!, n.attrs).values,
  maxPoolIndices: (e, n) => maxPool(e, n.inputs[0]!, n.attrs).indices,
  maxUnpool: (e, n) => {
    const [dy, index] = n.inputs as [Node, Node];
    const { kernel, stride, padding, dilation } = n.attrs;
    const names = [e.name(dy), e.name(index)] as const;
    // Windows that do not overlap put back one value at a place; others may add up.
    const apart = stride[0] >= kernel[0] && stride[1] >= kernel[1] && !dilation;
    if (apart && padding.every((p) => p === 0)) {
      return e.graph.add("MaxUnpool", [...names, e.graph.ints(n.shape)], { kernel_shape: kernel, strides: stride });
    }
    const zeros = e.graph.add("Expand", [e.scalar(0, n), e.graph.ints([n.size])]);
    const flat = names.map((name) => e.reshape(name, [dy.size])) as [string, string];
    const sum = e.graph.add("ScatterElements", [zeros, flat[1], flat[0]], { axis: 0, reduction: "add" });
    return e.reshape(sum, n.shape);
  },
  sumPool: (e, n) => {
    const average = e.graph.add("AveragePool", e.names(n), { ...windowAttributes(n.attrs), count_include_pad: 1 });
    return e.graph.add("Mul", [average, e.scalar(sizeOf(n.attrs.kernel), n)]);
  },
  sumPoolBackward,
  attention,
};

/** Normalised rows and by how much they were scaled, as one operation. */
function standardized(e: Emitter, n: Node<"standardize"> | Node<"inverseDeviation">): { h: string; inv: string } {
  const input = n.inputs[0]!;
  const x = e.name(input);
  const h = e.memoize(`standardized ${x} ${n.attrs.eps}`, () => {
    const name = e.graph.fresh();
    const ones = e.graph.scalar(1, "float32", [input.shape[1]!]);
    const outputs = [name, `${name}_mean`, `${name}_inv`];
    e.graph.addMany("LayerNormalization", [x, ones], outputs, { axis: -1, epsilon: { float: n.attrs.eps } });
    return name;
  });
  return { h, inv: `${h}_inv` };
}

export function convAttributes(attrs: ConvAttrs, weight: Node) {
  return {
    kernel_shape: weight.shape.slice(2),
    strides: attrs.stride,
    pads: attrs.padding,
    dilations: attrs.dilation,
    group: attrs.groups,
  };
}

function windowAttributes({ kernel, stride, padding, dilation }: WindowAttrs) {
  return { kernel_shape: kernel, strides: stride, pads: padding, ...(dilation ? { dilations: dilation } : {}) };
}

function slice(e: Emitter, n: Node<"slice">): string {
  const x = e.name(n.inputs[0]!);
  const { start, step } = n.attrs;
  const all = n.shape.map((_, i) => i);
  const length = step.map((s, i) => s * n.shape[i]!);
  const fed = e.fed(n);
  if (fed !== undefined) {
    const ends = e.graph.add("Add", [fed, e.graph.ints(length)]);
    return e.graph.add("Slice", [x, fed, ends, e.graph.ints(all), e.graph.ints(step)]);
  }
  // Going backwards, the place before the first element is not -1, which would be the last one.
  const ends = start.map((s, i) => (s + length[i]! < 0 ? -(2 ** 31) : s + length[i]!));
  return e.graph.add("Slice", [x, e.graph.ints(start), e.graph.ints(ends), e.graph.ints(all), e.graph.ints(step)]);
}

/** The maxima and where they stand, as one operation. */
function maxPool(e: Emitter, input: Node, attrs: WindowAttrs): { values: string; indices: string } {
  const x = e.name(input);
  const key = `maxPool ${x} ${JSON.stringify(attrs)}`;
  const values = e.memoize(key, () => {
    const name = e.graph.fresh();
    e.graph.addMany("MaxPool", [x], [name, `${name}_at`], windowAttributes(attrs));
    return name;
  });
  return { values, indices: `${values}_at` };
}

function sumPoolBackward(e: Emitter, n: Node<"sumPoolBackward">): string {
  const x = e.name(n.inputs[0]!);
  const { kernel, stride, padding } = n.attrs;
  const [h, w] = n.inputs[0]!.shape.slice(2) as [number, number];
  const apart = kernel[0] === stride[0] && kernel[1] === stride[1] && padding.every((p) => p === 0);
  if (apart && n.shape[2] === h * kernel[0] && n.shape[3] === w * kernel[1]) {
    return e.graph.add("Resize", [x, "", "", e.graph.ints(n.shape)], {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    });
  }
  const c = n.shape[1]!;
  const rest = [0, 1].map((i) => (n.shape[2 + i]! + padding[i]! + padding[i + 2]! - kernel[i]!) % stride[i]!);
  const one = e.graph.scalar(1, n.dtype, [c, 1, ...kernel]);
  return e.graph.add("ConvTranspose", [x, one], { ...windowAttributes(n.attrs), group: c, output_padding: rest });
}

// Scores of more elements than this (256 MB) are computed in parts: what follows reads each part and forgets it.
const largestScores = 2 ** 26;

function attention(e: Emitter, n: Node<"attention">): string {
  const [q, k, v] = e.names(n) as [string, string, string];
  const r = n.shape.length;
  const perm = n.shape.map((_, i) => (i === r - 1 ? r - 2 : i === r - 2 ? r - 1 : i));
  const [rows, columns] = [n.shape[r - 2]!, n.inputs[1]!.shape[r - 2]!];
  const keys = e.graph.add("Transpose", [k], { perm });
  const scaled = e.graph.add("Mul", [q, e.scalar(n.attrs.scale, n)]);
  const attend = (queries: string) => {
    const scores = e.graph.add("MatMul", [queries, keys]);
    return e.graph.add("MatMul", [e.graph.add("Softmax", [scores], { axis: -1 }), v]);
  };
  const parts = Math.ceil((sizeOf(n.shape.slice(0, -1)) * columns) / largestScores);
  if (parts === 1) return attend(scaled);
  const step = Math.ceil(rows / parts);
  const done: string[] = [];
  for (let from = 0; from < rows; from += step) {
    const [start, end] = [e.graph.ints([from]), e.graph.ints([Math.min(rows, from + step)])];
    done.push(attend(e.graph.add("Slice", [scaled, start, end, e.graph.ints([r - 2])])));
  }
  return e.graph.add("Concat", done, { axis: r - 2 });
}
