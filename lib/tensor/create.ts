import { allocate, arrayName, type DType, holds, type TypedArray } from "../graph/dtype.ts";
import { float32ToFloat16, roundToFloat16 } from "../graph/half.ts";
import { type Node, source } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { axis, checkShape, type Shape, sameShape, show, sizeOf } from "../graph/shape.ts";
import { checkNumber, shown } from "../options.ts";
import { plural } from "../printed.ts";
import { settings } from "../runtime/settings.ts";
import { HostArray } from "../runtime/storage.ts";
import { checkCreation, type TensorOptions } from "./creation.ts";
import type { Nested } from "./nested.ts";
import { inRange, nodeOf, type ShapeArguments, shapeArguments } from "./operands.ts";
import { type Operand, Tensor } from "./tensor.ts";

export type { TensorOptions } from "./creation.ts";

/** A tensor of a flat list of numbers, arranged in a shape: `tensor(pixels, [28, 28])`. */
export function tensor(data: ArrayLike<number> | ArrayLike<bigint>, shape: Shape, options?: TensorOptions): Tensor;
/**
 * A tensor of the given numbers: nested lists of equal length, or a typed array with its shape.
 *
 * Numbers become float32 (integers too: ask for `{ dtype: "int64" }` where indices are meant), booleans bool; typed
 * arrays keep their type where a dtype matches (Float64Array becomes float32). The data are copied.
 * `tensor([[1, 2], [3, 4]])` is a matrix `[2, 2]`; `tensor(pixels, [28, 28])` arranges a flat array.
 *
 * @throws RangeError if lists differ in length, or the shape holds another number of elements
 */
export function tensor(data: Nested | ArrayLike<number> | ArrayLike<bigint>, options?: TensorOptions): Tensor;
export function tensor(
  data: Nested | ArrayLike<number> | ArrayLike<bigint>,
  second?: Shape | TensorOptions,
  third?: TensorOptions,
): Tensor {
  const given = Array.isArray(second) ? (second as Shape) : undefined;
  const options = (given ? third : (second as TensorOptions | undefined)) ?? {};
  checkCreation("tensor", options);
  if (ArrayBuffer.isView(data)) return fromTyped(data as TypedArray, given, options);
  const shape: number[] = [];
  for (let level: unknown = data; Array.isArray(level); level = level[0]) shape.push(level.length);
  const flat: (number | boolean)[] = [];
  flatten(data as Nested, shape, 0, flat);
  const dtype = options.dtype ?? (flat.length > 0 && flat.every((v) => typeof v === "boolean") ? "bool" : "float32");
  return made(fill(dtype, flat), given ?? shape, { ...options, dtype });
}

function flatten(data: Nested, shape: Shape, dim: number, out: (number | boolean)[]): void {
  if (dim === shape.length) {
    if (typeof data !== "number" && typeof data !== "boolean") {
      const what = Array.isArray(data) ? "a list" : typeof data;
      throw new TypeError(`tensor: got ${what} where a number was expected; lists must be nested equally deep`);
    }
    out.push(data);
    return;
  }
  if (!Array.isArray(data) || data.length !== shape[dim]) {
    const got = Array.isArray(data) ? `a list of ${data.length}` : String(data);
    throw new RangeError(
      `tensor: in dimension ${dim} got ${got}, expected a list of ${shape[dim]} like those before it`,
    );
  }
  for (const item of data) flatten(item, shape, dim + 1, out);
}

function fill(dtype: DType, values: ArrayLike<number | boolean | bigint>): TypedArray {
  const n = values.length;
  if (dtype === "float16") return float32ToFloat16(Float32Array.from(values as ArrayLike<number>, Number));
  const out = allocate(dtype, n);
  if (out instanceof BigInt64Array) for (let i = 0; i < n; i++) out[i] = toBigInt(values[i]!);
  else if (dtype === "bool") for (let i = 0; i < n; i++) out[i] = Number(values[i]) !== 0 ? 1 : 0;
  else {
    for (let i = 0; i < n; i++) {
      const value = Number(values[i]);
      checkHolds(dtype, value);
      out[i] = value;
    }
  }
  return out;
}

/** The largest whole number that each integer dtype holds. */
const largest: Partial<Record<DType, number>> = { uint8: 255, int32: 2 ** 31 - 1, int64: 2 ** 63 };

/** Refuses numbers that an integer dtype would turn into others. As in PyTorch, fractions are cut off, and uint8 takes -1 as 255. */
function checkHolds(dtype: DType, value: number): void {
  const most = largest[dtype];
  if (most === undefined || Math.abs(Math.trunc(value)) <= most || (dtype === "int32" && value === -(2 ** 31))) return;
  const range = dtype === "uint8" ? "0 to 255" : dtype === "int32" ? "-2147483648 to 2147483647" : "-2^63 to 2^63 - 1";
  throw new RangeError(`tensor: ${value} does not fit into ${dtype}, which holds ${range}`);
}

/** A number as int64: fractions are cut off, as in PyTorch. */
function toBigInt(value: number | boolean | bigint): bigint {
  if (typeof value === "bigint") return value;
  if (!Number.isFinite(Number(value)))
    throw new RangeError(`tensor: ${value} cannot be an int64; expected a finite number`);
  checkHolds("int64", Number(value));
  return BigInt(Math.trunc(Number(value)));
}

function fromTyped(data: TypedArray, shape: Shape | undefined, options: TensorOptions): Tensor {
  const dtype = options.dtype ?? natural(data);
  const copy = holds(dtype, data) ? (data.slice() as TypedArray) : fill(dtype, data);
  return made(copy, shape ?? [data.length], { ...options, dtype });
}

function natural(data: TypedArray): DType {
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Uint8Array) return "uint8";
  return "float32";
}

function made(data: TypedArray, shape: Shape, options: TensorOptions & { dtype: DType }): Tensor {
  checkShape("tensor", shape);
  if (sizeOf(shape) !== data.length) {
    throw new RangeError(`tensor: ${plural(data.length, "element")} do not fit the shape ${show(shape)}`);
  }
  return fromArray(options.dtype, shape, data, options);
}

/**
 * A tensor around `data`, which is not copied and must not be changed afterwards.
 * For readers of files and whoever makes the array itself; float16 takes raw bits.
 */
export function fromArray(dtype: DType, shape: Shape, data: TypedArray, options: TensorOptions = {}): Tensor {
  checkCreation("fromArray", options);
  if (!holds(dtype, data)) {
    throw new TypeError(`fromArray: ${dtype} needs a ${arrayName(dtype)}, got ${(data as object).constructor.name}`);
  }
  if (sizeOf(shape) !== data.length) {
    throw new RangeError(`fromArray: ${plural(data.length, "element")} do not fit the shape ${show(shape)}`);
  }
  return finish(source(new HostArray(dtype, [...shape], data, options.device ?? settings.device)), options);
}

function finish(node: Node, options: TensorOptions): Tensor {
  const x = new Tensor(node);
  return options.requiresGrad ? x.requiresGrad_() : x;
}

/**
 * A tensor of `shape` filled with `value`. `full([2, 3], 0.5)`. In integer dtypes fractions are cut off, as in PyTorch.
 *
 * @throws RangeError for a value that an integer dtype has not (NaN, Infinity), or a device that does not exist
 */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  return filled("full", shape, value, options);
}

/** Zeros: `zeros(2, 3)` is `zeros([2, 3])`. */
export function zeros(...shape: number[]): Tensor;
/** Zeros of a shape: `zeros([2, 3])`, or `zeros(2, 3)`; `zeros([2], { dtype: "int64" })`. */
export function zeros(shape: Shape, options?: TensorOptions): Tensor;
export function zeros(...args: ShapeArguments<TensorOptions>): Tensor {
  const [shape, options] = shapeArguments(args);
  return filled("zeros", shape, 0, options);
}

/** Ones: `ones(2, 3)` is `ones([2, 3])`. */
export function ones(...shape: number[]): Tensor;
/** Ones of a shape: `ones([2, 3])`, or `ones(2, 3)`. */
export function ones(shape: Shape, options?: TensorOptions): Tensor;
export function ones(...args: ShapeArguments<TensorOptions>): Tensor {
  const [shape, options] = shapeArguments(args);
  return filled("ones", shape, 1, options);
}

function filled(where: string, shape: Shape, given: number, options: TensorOptions): Tensor {
  checkCreation(where, options);
  checkShape(where, shape);
  const { dtype = "float32", device } = options;
  if (typeof given !== "number" && typeof given !== "boolean") {
    throw new TypeError(`${where}: value is ${shown(given)}, expected a number`);
  }
  // One element tells what the dtype makes of the value.
  const one = fill(dtype, [given]);
  const value = dtype === "float16" ? roundToFloat16(Number(given)) : Number(one[0]);
  if (device === undefined)
    return finish(g.expand(g.constant(value, dtype, value !== 0 && value !== 1), shape), options);
  const data = allocate(dtype, sizeOf(shape));
  data.fill(one[0] as never);
  return fromArray(dtype, shape, data, options);
}

/** Options of a tensor that is made like `x`: its dtype and device, unless they are given. */
export function like(x: Tensor, options: TensorOptions): TensorOptions {
  const device = x.device === settings.device ? {} : { device: x.device };
  return { dtype: x.dtype, ...device, ...options };
}

/** A tensor of the shape, dtype and device of `x`, filled with `value`. `fullLike(x, 0.5)`. */
export function fullLike(x: Tensor, value: number, options: TensorOptions = {}): Tensor {
  return filled("fullLike", x.shape, value, like(x, options));
}

/** Zeros of the shape, dtype and device of `x`. */
export function zerosLike(x: Tensor, options: TensorOptions = {}): Tensor {
  return filled("zerosLike", x.shape, 0, like(x, options));
}

/** Ones of the shape, dtype and device of `x`. */
export function onesLike(x: Tensor, options: TensorOptions = {}): Tensor {
  return filled("onesLike", x.shape, 1, like(x, options));
}

/**
 * `start`, `start + step` and so on below `end`; from 0 where only an end is given. int64 where all three are whole
 * numbers, as in PyTorch.
 * `arange(5)` is `[0, 1, 2, 3, 4]`.
 */
export function arange(end: number, options?: TensorOptions): Tensor;
export function arange(start: number, end: number, step?: number, options?: TensorOptions): Tensor;
export function arange(a: number, b?: number | TensorOptions, step = 1, options: TensorOptions = {}): Tensor {
  const [start, end] = typeof b === "number" ? [a, b] : [0, a];
  const chosen = typeof b === "object" ? b : options;
  checkCreation("arange", chosen);
  for (const [name, value] of Object.entries({ start, end: typeof b === "object" ? end : (b ?? end), step })) {
    checkNumber("arange", name, value);
  }
  if (step === 0 || !Number.isFinite((end - start) / step)) {
    throw new RangeError(`arange: ${start} to ${end} in steps of ${step} never ends`);
  }
  const count = Math.max(0, Math.ceil((end - start) / step));
  checkShape("arange", [count]);
  const dtype = chosen.dtype ?? ([start, end, step].every(Number.isInteger) ? "int64" : "float32");
  return fromArray(
    dtype,
    [count],
    fill(
      dtype,
      Array.from({ length: count }, (_, i) => start + i * step),
    ),
    chosen,
  );
}

/**
 * `count` numbers evenly spaced from `start` to `end`, both included. `linspace(0, 1, 5)` is
 * `[0, 0.25, 0.5, 0.75, 1]`.
 */
export function linspace(start: number, end: number, count: number, options: TensorOptions = {}): Tensor {
  checkCreation("linspace", options);
  for (const [name, value] of Object.entries({ start, end })) checkNumber("linspace", name, value);
  if (!Number.isInteger(count) || count < 0)
    throw new RangeError(`linspace: got ${plural(count, "number")}, expected 0 or more`);
  checkShape("linspace", [count]);
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  // From both ends towards the middle, so that the last number is exact.
  const values = Array.from({ length: count }, (_, i) =>
    i * 2 < count ? start + step * i : end - step * (count - 1 - i),
  );
  const dtype = options.dtype ?? "float32";
  return fromArray(dtype, [count], fill(dtype, values), options);
}

/** The identity matrix of `n` rows. `eye(3)` is `[3, 3]`. */
export function eye(n: number, options: TensorOptions = {}): Tensor {
  checkCreation("eye", options);
  checkShape("eye", [n, n]);
  const dtype = options.dtype ?? "float32";
  const values = Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  return fromArray(dtype, [n, n], fill(dtype, values), options);
}

/** Tensors joined along an existing dimension. `cat([a, b])` of two `[8, 28, 28]` is `[16, 28, 28]`. */
export function cat(list: readonly Tensor[], dim = 0): Tensor {
  checkTensors("cat", list);
  return new Tensor(
    g.cat(
      list.map((x) => x.node),
      dim,
    ),
  );
}

/** Refuses what is no list of tensors. */
function checkTensors(where: string, list: unknown): void {
  if (!Array.isArray(list)) {
    const got = list instanceof Tensor ? `a tensor ${show(list.shape)}` : shown(list);
    throw new TypeError(`${where}: got ${got}; expected a list of tensors, such as ${where}([a, b])`);
  }
  const strange = list.find((x) => !(x instanceof Tensor));
  if (strange === undefined && !list.includes(undefined)) return;
  const wait = strange instanceof Promise ? `; write await in front of it` : `; tensor(numbers) makes one of numbers`;
  throw new TypeError(
    `${where}: the list holds ${strange instanceof Promise ? "a promise" : shown(strange)}, expected tensors${wait}`,
  );
}

/** Tensors of one shape joined along a new dimension. `stack([a, b, c])` of three `[28, 28]` is `[3, 28, 28]`. */
export function stack(list: readonly Tensor[], dim = 0): Tensor {
  checkTensors("stack", list);
  if (list.length === 0) throw new RangeError("stack: got an empty list; expected at least one tensor");
  const [{ shape }] = list as [Tensor];
  const other = list.find((x) => !sameShape(x.shape, shape));
  if (other) {
    throw new RangeError(
      `stack: ${show(shape)} and ${show(other.shape)} differ; expected tensors of one shape. cat joins them along a dimension that they have`,
    );
  }
  axis("stack", dim, shape.length + 1);
  const out = cat(
    list.map((x) => x.unsqueeze(dim)),
    dim,
  );
  // Figures ask for it: three grey pictures in a stack have the shape of one in colour.
  if (dim === 0) Object.defineProperty(out, Symbol.for("difflab.stack"), { value: true });
  return out;
}

/** `condition ? a : b`, elementwise with broadcasting. `where(x.gt(0), x, 0)`. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const like = a instanceof Tensor ? a : b instanceof Tensor ? b : condition.float();
  return new Tensor(g.where(condition.node, nodeOf("where", a, like), nodeOf("where", b, like)));
}

/** The larger of `a` and `b`, element by element: `maximum(x, 0)`. */
export function maximum(a: Tensor, b: Operand): Tensor {
  return a.maximum(b);
}

/** The smaller of `a` and `b`, element by element. */
export function minimum(a: Tensor, b: Operand): Tensor {
  return a.minimum(b);
}

/** Matrix product: `[n, k]` and `[k, m]` give `[n, m]`; dimensions before the last two broadcast. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  return a.matmul(b);
}

/**
 * One-hot rows: `[..]` of int64 below `classes` becomes `[.., classes]` of float32.
 *
 * @throws RangeError for an index out of range (when computed, if it is not known before)
 */
export function oneHot(index: Tensor, classes: number): Tensor {
  checkShape("oneHot", [classes]);
  const at = inRange("oneHot", index, classes, { lookUp: true });
  return at.unsqueeze(-1).eq(arange(classes)).float();
}
