import { type DType, isFloat } from "./dtype.ts";
import { type Shape, sizeOf } from "./shape.ts";

/** `[top, left, bottom, right]`: zeros around an image; negative numbers crop. */
export type Padding = readonly [number, number, number, number];

export interface ConvAttrs {
  readonly stride: readonly [number, number];
  readonly padding: Padding;
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

export interface WindowAttrs {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: Padding;
  /** Distance between a window's elements; 1 unless given. */
  readonly dilation?: readonly [number, number];
}

interface ReduceAttrs {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
}

// biome-ignore lint/complexity/noBannedTypes: an operation without attributes
type None = {};

export type UnaryOp =
  | ("neg" | "exp" | "log" | "sqrt" | "reciprocal" | "tanh" | "sigmoid" | "relu" | "erf" | "abs" | "sign" | "sin")
  | ("cos" | "floor" | "ceil" | "round" | "not" | "isnan" | "silu" | "gelu" | "quickGelu" | "detach");

export type BinaryOp =
  | ("add" | "sub" | "mul" | "div" | "pow" | "maximum" | "minimum" | "mod")
  | ("eq" | "lt" | "le" | "gt" | "ge" | "and" | "or" | "xor");

/** Every operation of the graph, with the attributes that belong to it. */
export interface OpAttrs extends Record<UnaryOp | BinaryOp, None> {
  /** A tensor that exists: its elements are in `node.storage`. */
  source: None;
  /** An argument of a traced function. */
  placeholder: None;
  /** Host numbers made anew for each call of a traced function: random draws, a learning rate. */
  live: None;
  /**
   * A number written into the program. `free` numbers are the caller's: outside a traced function they are fed, so that
   * another value needs no new session. A `weak` one stands beside a float16 tensor: it keeps float32's range and
   * precision, and the result is float16.
   */
  const: { readonly value: number; readonly free?: boolean; readonly weak?: boolean };
  cast: None;
  where: None;
  sum: ReduceAttrs;
  sumSquare: ReduceAttrs;
  max: ReduceAttrs;
  min: ReduceAttrs;
  argmax: { readonly dim: number; readonly keepdim: boolean };
  argmin: { readonly dim: number; readonly keepdim: boolean };
  cumsum: { readonly dim: number; readonly reverse: boolean };
  reshape: None;
  expand: None;
  permute: { readonly perm: readonly number[] };
  /** `out[i] = x[start + i * step]` in each dimension; the size is the node's shape. */
  slice: { readonly start: readonly number[]; readonly step: readonly number[]; readonly free?: boolean };
  pad: { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: number };
  cat: { readonly dim: number };
  /** Whole slices along `dim` at the indices of any shape (an embedding look-up if `dim` is 0). */
  indexSelect: { readonly dim: number };
  /** The reverse of `indexSelect`: slices added into zeros of `size` along `dim`. */
  indexAdd: { readonly dim: number };
  gather: { readonly dim: number };
  scatterAdd: { readonly dim: number };
  /** Puts elements in place of others, where `scatterAdd` adds them. */
  scatter: { readonly dim: number };
  /** Where the `k` largest (smallest) elements along `dim` stand, in their order; equal ones in the order of the input. */
  topkIndices: { readonly dim: number; readonly k: number; readonly largest: boolean };
  matmul: None;
  softmax: { readonly dim: number };
  logSoftmax: { readonly dim: number };
  conv2d: ConvAttrs;
  /** Gradient of `conv2d` for its input; also what `ConvTranspose2d` computes. */
  convInput: ConvAttrs;
  /** Gradient of `conv2d` for its weight. */
  convWeight: ConvAttrs;
  /** `x * scale[B, C] + shift[B, C]` over the image dimensions. */
  channelAffine: None;
  /** Each row of `[rows, n]` with its mean taken off, divided by `sqrt(variance + eps)`. */
  standardize: { readonly eps: number };
  /** `1 / sqrt(variance + eps)` of each row of `[rows, n]`: `[rows, 1]`. */
  inverseDeviation: { readonly eps: number };
  groupNorm: { readonly groups: number; readonly eps: number };
  layerNorm: { readonly eps: number };
  maxPool: WindowAttrs;
  /** Where in the input (flat, over the whole tensor) each maximum stands. */
  maxPoolIndices: WindowAttrs;
  /** Gradient of `maxPool`: each value goes back to where its maximum stood. Inputs: dy and the indices. */
  maxUnpool: WindowAttrs;
  sumPool: WindowAttrs;
  /** Gradient of `sumPool`: each value goes to every place of its window. */
  sumPoolBackward: WindowAttrs;
  attention: { readonly scale: number };
}

export type Op = keyof OpAttrs;

/** Elements of a tensor that exists, wherever they are. The runtime knows what is behind it. */
export interface Storage {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly device: string | null;
  /** Elements that lie in a file: the session maps them from there. */
  readonly file?: FileRegion;
  /** A frozen weight that layers may be given in 8 bits. */
  eightBit?: boolean;
}

/** A file that tensors lie in, which may come to lie elsewhere. */
export interface FileOnDisk {
  /** Tells it from others, also from one under its name that holds something else. */
  readonly id: number;
  readonly folder: string;
  /** Its name in `folder`. */
  readonly location: string;
}

/** Bytes of a file on disk. */
export interface FileRegion {
  readonly file: FileOnDisk;
  readonly offset: number;
  readonly length: number;
}

/** Where gradients flow at the moment; `noGrad` switches it off. */
export const gradMode = { enabled: true };

/** Who writes down what a traced function does, and compares it with what it did before. */
export interface Recorder {
  /** The node that an earlier call made at this point, if it was the same; null otherwise. */
  known(op: Op, inputs: readonly Node[], attrs: object, shape: Shape, dtype: DType, requiresGrad: boolean): Node | null;
  /** Takes in a new node. */
  made(node: Node): void;
  /** What `make` gives, or gave in an earlier call at this point for the same `key`: it depends on nothing else. */
  memo<T>(key: readonly unknown[], make: () => T): T;
}

/** The recorder of the function being traced, if one is. */
export const recording: { current: Recorder | null } = { current: null };

let count = 0;

/**
 * One value of a graph: an operation, what it reads and the shape and dtype that come out.
 *
 * A node never changes, but for two things. Once computed it carries `storage`, and whoever computes with it starts
 * there. And what no gradient will pass forgets its inputs then, so that a training loop does not keep its past.
 */
export class Node<O extends Op = Op> {
  declare readonly id: number;
  declare readonly op: O;
  declare readonly attrs: OpAttrs[O];
  declare readonly shape: Shape;
  declare readonly dtype: DType;
  /** Where it will be computed; null while only numbers of the program take part. */
  declare readonly device: string | null;
  declare requiresGrad: boolean;
  declare inputs: readonly Node[];
  #storage: Storage | null = null;

  /** @param device - of a placeholder, which has no inputs that would tell it */
  constructor(op: O, inputs: readonly Node[], attrs: OpAttrs[O], shape: Shape, dtype: DType, device?: string | null) {
    const requiresGrad =
      gradMode.enabled && op !== "detach" && isFloat(dtype) && inputs.some((input) => input.requiresGrad);
    const recorder = recording.current;
    const known = recorder?.known(op, inputs, attrs, shape, dtype, requiresGrad);
    // biome-ignore lint/correctness/noConstructorReturn: a traced function meets its own nodes again at each call
    if (known) return known as Node<O>;
    this.id = count++;
    this.op = op;
    this.inputs = inputs;
    this.attrs = attrs;
    this.shape = shape;
    this.dtype = dtype;
    this.device = device === undefined ? joinDevices(op, inputs) : device;
    this.requiresGrad = requiresGrad;
    recorder?.made(this as unknown as Node);
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get storage(): Storage | null {
    return this.#storage;
  }

  /** Records the computed elements. */
  settle(storage: Storage): void {
    this.#storage = storage;
    if (!this.requiresGrad) this.inputs = [];
  }

  is<P extends Op>(op: P): this is Node<P> {
    return (this.op as Op) === op;
  }
}

function joinDevices(op: Op, inputs: readonly Node[]): string | null {
  let device: string | null = null;
  for (const input of inputs) {
    const own = input.storage?.device ?? input.device;
    if (own === null || own === device) continue;
    if (device !== null) {
      throw new TypeError(
        `${op}: one tensor is on "${device}", another on "${own}"; move one of them first: x.to("${device}")`,
      );
    }
    device = own;
  }
  return device;
}

/** Whether two operations have the same attributes; numbers as `Object.is` tells them apart (NaN, -0). */
export function sameAttributes(a: object, b: object): boolean {
  const [p, q] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key in p) {
    const [v, w] = [p[key], q[key]];
    if (Object.is(v, w)) continue;
    if (!Array.isArray(v) || !Array.isArray(w) || v.length !== w.length) return false;
    for (let i = 0; i < v.length; i++) if (!Object.is(v[i], w[i])) return false;
  }
  for (const key in q) if (!(key in p)) return false;
  return true;
}

/** A leaf that holds `storage`. */
export function source(storage: Storage, requiresGrad = false): Node {
  const node = new Node("source", [], {}, storage.shape, storage.dtype);
  node.settle(storage);
  node.requiresGrad = requiresGrad;
  return node;
}

/** Whether a value is made of nothing but weights in a file, perhaps in another dtype or shape. */
export function inFile(node: Node): boolean {
  for (let at: Node | undefined = node; at; at = at.inputs[0]) {
    if (at.storage) return at.storage.file !== undefined;
    if (at.inputs.length !== 1) return false;
  }
  return false;
}
