import { gradients } from "../autodiff/gradients.ts";
import { type DType, isDType, isFloat, type TypedArray } from "../graph/dtype.ts";
import { type BinaryOp, Node, source, type UnaryOp } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { axis, inferShape, type Shape, sameShape, show, sizeOf } from "../graph/shape.ts";
import { realize as computeNodes, deviceOf, read } from "../runtime/realize.ts";
import { settings } from "../runtime/settings.ts";
import { DeviceBuffer, FileArray, HostArray } from "../runtime/storage.ts";
import { formatNow, mimeBundle, nested } from "./print.ts";
import { escaped, inFile, pending, tracing } from "./trace.ts";

/** A tensor, or a number beside one. */
export type Operand = Tensor | number;
export type Dims = number | readonly number[];
/** Tensors, numbers or booleans in nested lists. */
export type Nested = number | boolean | readonly Nested[];

/** One place of an index: a slice's number, a range, everything, or a tensor of numbers. */
export type IndexSpec = number | readonly [number, number] | readonly [number, number, number] | null | Tensor;

interface Window {
  readonly base: Tensor;
  readonly offset: number;
  readonly shape: Shape;
  from?: Node;
  node?: Node;
  trace?: unknown;
}

const owners = new WeakMap<Node, Tensor>();

/**
 * An array of numbers of one dtype. Operations only write down what to compute; `await x.data()`, `item()`, `tolist()`,
 * a display or an optimizer's step computes it. Shapes and dtypes are checked at once, where the operation is written.
 */
export class Tensor {
  #node: Node;
  #window: Window | null = null;
  #requiresGrad = false;
  /** Gradient left here by `backward()`; null before. */
  grad: Tensor | null = null;

  /** Use `tensor`, `zeros`, `randn` and their like to make one. */
  constructor(node: Node) {
    this.#node = node;
    this.#requiresGrad = node.requiresGrad;
  }

  /** The value in the graph. For those who write operations. */
  get node(): Node {
    const window = this.#window;
    if (window) {
      tracing.current?.windows.set(this, window.base);
      const from = window.base.node;
      // A view from before may have been computed by now; a traced function must lead back to the row itself.
      if (window.from !== from || window.trace !== tracing.current) {
        window.from = from;
        window.trace = tracing.current;
        window.node = this.#leaf(viewOf(from, window.offset, window.shape));
      }
      return window.node!;
    }
    const { storage } = this.#node;
    if (tracing.current) {
      const known = tracing.current.read(this, this.#node);
      if (known !== this.#node && this.#requiresGrad) owners.set(known, this);
      return known;
    }
    if (storage) escaped.add(storage);
    return this.#node;
  }

  /** The value, looked at without keeping it: for compiled functions, which write their state in place. */
  peek(): Node {
    return this.#window ? this.node : this.#node;
  }

  /** Puts a value in place of the present one, without any of what `assign` watches over. */
  place(node: Node): void {
    this.#node = this.#requiresGrad ? this.#leaf(node) : node;
  }

  get shape(): Shape {
    return this.#window?.shape ?? this.#node.shape;
  }

  get dtype(): DType {
    return this.#window?.base.dtype ?? this.#node.dtype;
  }

  /** Where it lies, or will be computed. */
  get device(): string {
    return deviceOf(this.#window ? this.#window.base.#node : this.#node);
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  numel(): number {
    return sizeOf(this.shape);
  }

  size(): Shape;
  size(dim: number): number;
  size(dim?: number): Shape | number {
    return dim === undefined ? this.shape : this.shape[axis("size", dim, this.ndim)]!;
  }

  // ---- gradients

  /** Whether `backward()` reaches this tensor. Set it on tensors that you made, before computing with them. */
  get requiresGrad(): boolean {
    return this.#requiresGrad;
  }

  set requiresGrad(value: boolean) {
    if (value === this.#requiresGrad) return;
    if (value && !isFloat(this.dtype)) {
      throw new TypeError(`requiresGrad: got dtype ${this.dtype}; only float tensors have gradients`);
    }
    if (!this.#window && this.#node.inputs.some((input) => input.requiresGrad)) {
      throw new Error("requiresGrad: this tensor is a result; use detach() to cut it off");
    }
    this.#requiresGrad = value;
    if (this.#window) this.#window.from = undefined;
    else this.#node = this.#leaf(this.#node);
  }

  /** Sets `requiresGrad` and returns the tensor itself. */
  requiresGrad_(value = true): this {
    this.requiresGrad = value;
    return this;
  }

  /** A node of its own for a tensor at which gradients stop. */
  #leaf(node: Node): Node {
    const own = node.storage ? source(node.storage) : new Node("detach", [node], {}, node.shape, node.dtype);
    own.requiresGrad = this.#requiresGrad;
    if (this.#requiresGrad) owners.set(own, this);
    return own;
  }

  /** The same values, cut off from the gradient. */
  detach(): Tensor {
    return new Tensor(g.unary("detach", this.node));
  }

  /**
   * Adds the gradients of this scalar to `grad` of every tensor with `requiresGrad` that it was computed from.
   *
   * @param gradient - gradient of this tensor, where it is no scalar
   * @param options.createGraph - keep the gradients differentiable; default false
   * @throws Error where nothing requires a gradient, or a tensor of several elements is given no `gradient`
   */
  backward(gradient?: Tensor, options: { createGraph?: boolean } = {}): void {
    if (!this.node.requiresGrad) {
      throw new Error("backward: no tensor with requiresGrad took part in this result");
    }
    if (this.numel() !== 1 && !gradient) {
      throw new Error(`backward: got ${show(this.shape)}, expected a scalar; call sum() or mean() first`);
    }
    if (gradient && !sameShape(gradient.shape, this.shape)) {
      throw new RangeError(`backward: gradient ${show(gradient.shape)} must have the shape ${show(this.shape)}`);
    }
    const seed = gradient ? { seed: gradient.node } : {};
    for (const [node, dx] of gradients(this.node, { ...seed, ...options })) {
      const owner = owners.get(node);
      if (!owner) continue;
      tracing.current?.grads.add(owner);
      const made = options.createGraph ? dx : g.unary("detach", dx);
      owner.grad = new Tensor(owner.grad ? g.add(owner.grad.node, made) : made);
    }
  }

  // ---- values

  /** Computes this tensor (and what was changed in place) now, and returns it. */
  async realize(): Promise<this> {
    await realize(this);
    return this;
  }

  /** The elements, row by row: a typed array of the dtype (0 and 1 for bool, Float32Array for float16). */
  async data(): Promise<TypedArray> {
    if (pending.size > 0) await this.realize();
    return read(this.dtype === "float16" ? g.cast(this.node, "float32") : this.node);
  }

  /** The elements as they are stored: float16 as its bits. */
  async bits(): Promise<TypedArray> {
    return read(this.node);
  }

  /** The only element as a number (true and false as 1 and 0). */
  async item(): Promise<number> {
    if (this.numel() !== 1)
      throw new RangeError(`item: ${show(this.shape)} holds ${this.numel()} elements, expected 1`);
    return Number((await this.data())[0]);
  }

  /** The elements in nested arrays. */
  async tolist(): Promise<Nested> {
    return nested(await this.data(), this.shape, this.dtype);
  }

  /** Frees the memory of a tensor that is not needed any more, without waiting for the garbage collector. */
  dispose(): void {
    const storage = this.#node.storage;
    if (storage instanceof DeviceBuffer) storage.dispose();
  }

  /** Replaces the values in place; the shape and dtype stay. The tensor's gradient history ends here. */
  copy_(value: Operand): this {
    const from = typeof value === "number" ? g.constant(value, this.dtype, true) : value.node;
    return this.assign(g.expand(g.cast(g.unary("detach", from), this.dtype), this.shape));
  }

  /**
   * Points this tensor at another value of the graph. For optimizers, running averages and their like.
   * With `lazy` nothing else computes it along: weights that lie in a file stay there.
   */
  assign(node: Node, options: { lazy?: boolean } = {}): this {
    if (!sameShape(node.shape, this.shape) || node.dtype !== this.dtype) {
      throw new RangeError(
        `assign: got ${node.dtype} ${show(node.shape)}, expected ${this.dtype} ${show(this.shape)} as before`,
      );
    }
    const trace = tracing.current;
    if (trace && this.#window) {
      throw new Error("assign: a parameter of an optimizer cannot be replaced inside a compiled function");
    }
    if (trace && !trace.writes.has(this) && trace.outer(this, this.#node)) {
      trace.writes.set(this, this.#node);
    }
    this.#window = null;
    this.#node = this.#requiresGrad ? this.#leaf(node) : node;
    if (trace) return this;
    if (!node.storage && !options.lazy) pending.add(this);
    return this;
  }

  /** Makes this tensor a part of `base` `[n]`, from `offset` on: optimizers keep all parameters in one row. */
  moveInto(base: Tensor, offset: number): void {
    this.#window = { base, offset, shape: this.shape };
  }

  /** The row that this tensor is a part of, if it is. */
  get window(): { readonly base: Tensor; readonly offset: number } | null {
    return this.#window;
  }

  isWindowOf(base: Tensor): boolean {
    return this.#window?.base === base;
  }

  add_(other: Operand): this {
    return this.copy_(this.add(other));
  }

  sub_(other: Operand): this {
    return this.copy_(this.sub(other));
  }

  mul_(other: Operand): this {
    return this.copy_(this.mul(other));
  }

  zero_(): this {
    return this.copy_(0);
  }

  fill_(value: number): this {
    return this.copy_(value);
  }

  /** Another dtype of the same values. */
  to(dtype: DType): Tensor;
  /** The same values on another device. */
  to(device: string): Promise<Tensor>;
  to(target: string): Tensor | Promise<Tensor> {
    if (isDType(target)) return new Tensor(g.cast(this.node, target));
    return this.#move(target);
  }

  async #move(device: string): Promise<Tensor> {
    if (device === this.device) return this;
    // Weights in a file are mapped wherever they are used.
    if (inFile(this.node)) return new Tensor(mappedOn(this.node, device));
    const data = await read(this.node);
    return new Tensor(source(new HostArray(this.dtype, this.shape, data, device)));
  }

  float(): Tensor {
    return this.to("float32");
  }

  half(): Tensor {
    return this.to("float16");
  }

  long(): Tensor {
    return this.to("int64");
  }

  int(): Tensor {
    return this.to("int32");
  }

  bool(): Tensor {
    return this.to("bool");
  }

  // ---- elementwise

  #unary(op: UnaryOp): Tensor {
    return new Tensor(g.unary(op, this.node));
  }

  #binary(op: BinaryOp, other: Operand): Tensor {
    return new Tensor(g.binary(op, this.node, nodeOf(other, this)));
  }

  add(other: Operand): Tensor {
    return this.#binary("add", other);
  }

  sub(other: Operand): Tensor {
    return this.#binary("sub", other);
  }

  mul(other: Operand): Tensor {
    return this.#binary("mul", other);
  }

  div(other: Operand): Tensor {
    return this.#binary("div", other);
  }

  /** The quotient rounded down. */
  floorDivide(other: Operand): Tensor {
    const floor = this.div(other).floor();
    return isFloat(this.dtype) ? floor : floor.to(this.dtype);
  }

  /** The rest after division, with the divisor's sign. */
  remainder(other: Operand): Tensor {
    return this.#binary("mod", other);
  }

  pow(exponent: Operand): Tensor {
    // Exponents are seldom varied and often simplify: they belong to the program.
    return typeof exponent === "number"
      ? new Tensor(g.pow(this.node, g.operand(this.node, exponent)))
      : this.#binary("pow", exponent);
  }

  square(): Tensor {
    return this.mul(this);
  }

  maximum(other: Operand): Tensor {
    return this.#binary("maximum", other);
  }

  minimum(other: Operand): Tensor {
    return this.#binary("minimum", other);
  }

  eq(other: Operand): Tensor {
    return this.#binary("eq", other);
  }

  ne(other: Operand): Tensor {
    return this.eq(other).logicalNot();
  }

  lt(other: Operand): Tensor {
    return this.#binary("lt", other);
  }

  le(other: Operand): Tensor {
    return this.#binary("le", other);
  }

  gt(other: Operand): Tensor {
    return this.#binary("gt", other);
  }

  ge(other: Operand): Tensor {
    return this.#binary("ge", other);
  }

  logicalAnd(other: Tensor): Tensor {
    return this.#binary("and", other);
  }

  logicalOr(other: Tensor): Tensor {
    return this.#binary("or", other);
  }

  logicalNot(): Tensor {
    return this.#unary("not");
  }

  neg(): Tensor {
    return this.#unary("neg");
  }

  exp(): Tensor {
    return this.#unary("exp");
  }

  log(): Tensor {
    return this.#unary("log");
  }

  sqrt(): Tensor {
    return this.#unary("sqrt");
  }

  /** 1 / sqrt(x) */
  rsqrt(): Tensor {
    return this.sqrt().reciprocal();
  }

  /** 1 / x */
  reciprocal(): Tensor {
    return this.#unary("reciprocal");
  }

  sin(): Tensor {
    return this.#unary("sin");
  }

  cos(): Tensor {
    return this.#unary("cos");
  }

  tanh(): Tensor {
    return this.#unary("tanh");
  }

  sigmoid(): Tensor {
    return this.#unary("sigmoid");
  }

  relu(): Tensor {
    return this.#unary("relu");
  }

  /** x sigmoid(x) */
  silu(): Tensor {
    return this.#unary("silu");
  }

  /** x Phi(x), Phi being the normal distribution: `approximate: "none"` of PyTorch. */
  gelu(): Tensor {
    return this.#unary("gelu");
  }

  /** x sigmoid(1.702 x), as CLIP uses it. */
  quickGelu(): Tensor {
    return this.#unary("quickGelu");
  }

  erf(): Tensor {
    return this.#unary("erf");
  }

  abs(): Tensor {
    return this.#unary("abs");
  }

  sign(): Tensor {
    return this.#unary("sign");
  }

  floor(): Tensor {
    return this.#unary("floor");
  }

  ceil(): Tensor {
    return this.#unary("ceil");
  }

  /** To the nearest integer, halves to the even one. */
  round(): Tensor {
    return this.#unary("round");
  }

  isnan(): Tensor {
    return this.#unary("isnan");
  }

  /** Whether each element is neither infinite nor NaN. */
  isfinite(): Tensor {
    return this.abs().le(3.4028234663852886e38);
  }

  /** Values below `min` become `min`, those above `max` become `max`. */
  clamp(min?: number, max?: number): Tensor {
    let out: Tensor = this;
    if (min !== undefined) out = out.maximum(min);
    if (max !== undefined) out = out.minimum(max);
    return out;
  }

  /** `value` where `mask` is true. */
  maskedFill(mask: Tensor, value: number): Tensor {
    return new Tensor(g.where(mask.node, g.constant(value, this.dtype, true), this.node));
  }

  softmax(dim: number): Tensor {
    return new Tensor(g.softmax(this.node, dim));
  }

  logSoftmax(dim: number): Tensor {
    return new Tensor(g.softmax(this.node, dim, "logSoftmax"));
  }

  // ---- reductions: over `dim` (one or several, all by default)

  sum(dim?: Dims, keepdim = false): Tensor {
    return new Tensor(g.sum(this.node, dim, keepdim));
  }

  mean(dim?: Dims, keepdim = false): Tensor {
    return new Tensor(g.mean(this.node, dim, keepdim));
  }

  /** Variance; `correction` is subtracted from the number of elements (1 by default, as in PyTorch). */
  var(dim?: Dims, options: { keepdim?: boolean; correction?: number } = {}): Tensor {
    const { keepdim = false, correction = 1 } = options;
    const centred = this.sub(this.mean(dim, true));
    const sum = centred.mul(centred).sum(dim, keepdim);
    const n = this.numel() / Math.max(1, sum.numel());
    return new Tensor(g.div(sum.node, n - correction));
  }

  /** Standard deviation: the root of `var`. */
  std(dim?: Dims, options: { keepdim?: boolean; correction?: number } = {}): Tensor {
    return this.var(dim, options).sqrt();
  }

  /** Length of the vector of all elements (or along `dim`). */
  norm(dim?: Dims, keepdim = false): Tensor {
    return new Tensor(g.sqrt(g.sumSquare(this.node, dim, keepdim)));
  }

  /** Largest element. */
  max(): Tensor;
  /** Largest elements along `dim`, and where they stand. */
  max(dim: number, keepdim?: boolean): { values: Tensor; indices: Tensor };
  max(dim?: number, keepdim = false): Tensor | { values: Tensor; indices: Tensor } {
    return dim === undefined ? this.amax() : this.#extremum("argmax", dim, keepdim);
  }

  /** Smallest element. */
  min(): Tensor;
  /** Smallest elements along `dim`, and where they stand. */
  min(dim: number, keepdim?: boolean): { values: Tensor; indices: Tensor };
  min(dim?: number, keepdim = false): Tensor | { values: Tensor; indices: Tensor } {
    return dim === undefined ? this.amin() : this.#extremum("argmin", dim, keepdim);
  }

  #extremum(op: "argmax" | "argmin", dim: number, keepdim: boolean): { values: Tensor; indices: Tensor } {
    const at = g.argument(op, this.node, dim, true);
    const values = new Tensor(g.gather(this.node, dim, at));
    const indices = new Tensor(at);
    return keepdim ? { values, indices } : { values: values.squeeze(dim), indices: indices.squeeze(dim) };
  }

  amax(dim?: Dims, keepdim = false): Tensor {
    return new Tensor(g.max(this.node, dim, keepdim));
  }

  amin(dim?: Dims, keepdim = false): Tensor {
    return new Tensor(g.min(this.node, dim, keepdim));
  }

  /** Index of the largest element (along `dim`), the first among equals. */
  argmax(dim?: number, keepdim = false): Tensor {
    return new Tensor(g.argument("argmax", this.node, dim, keepdim));
  }

  argmin(dim?: number, keepdim = false): Tensor {
    return new Tensor(g.argument("argmin", this.node, dim, keepdim));
  }

  /** Whether all elements (along `dim`) are true. */
  all(dim?: Dims, keepdim = false): Tensor {
    return this.bool().logicalNot().any(dim, keepdim).logicalNot();
  }

  /** Whether any element (along `dim`) is true. */
  any(dim?: Dims, keepdim = false): Tensor {
    return new Tensor(g.max(g.cast(this.bool().node, "int32"), dim, keepdim)).bool();
  }

  cumsum(dim: number): Tensor {
    return new Tensor(g.cumsum(this.node, dim));
  }

  // ---- shape

  /** The same elements in another shape; one dimension may be -1. */
  reshape(...shape: number[] | [Shape]): Tensor {
    return new Tensor(g.reshape(this.node, listed(shape)));
  }

  view(...shape: number[] | [Shape]): Tensor {
    return this.reshape(...shape);
  }

  permute(...dims: number[] | [readonly number[]]): Tensor {
    return new Tensor(g.permute(this.node, listed(dims)));
  }

  /** Exchanges two dimensions. */
  transpose(a: number, b: number): Tensor {
    return new Tensor(g.transpose(this.node, a, b));
  }

  /** The transpose of a matrix. */
  get T(): Tensor {
    return this.permute(this.shape.map((_, i) => this.ndim - 1 - i));
  }

  /** Without the dimension `dim`, or without all dimensions, of size 1. */
  squeeze(dim?: number): Tensor {
    const at = dim === undefined ? null : axis("squeeze", dim, this.ndim);
    return this.reshape(this.shape.filter((n, i) => n !== 1 || (at !== null && i !== at)));
  }

  /** With a dimension of size 1 at `dim`. */
  unsqueeze(dim: number): Tensor {
    const at = axis("unsqueeze", dim, this.ndim + 1);
    return this.reshape([...this.shape.slice(0, at), 1, ...this.shape.slice(at)]);
  }

  /** Repeated along dimensions of size 1; -1 keeps a dimension. */
  expand(...shape: number[] | [Shape]): Tensor {
    const wanted = listed(shape);
    const lead = wanted.length - this.ndim;
    return new Tensor(
      g.expand(
        this.node,
        wanted.map((n, i) => (n === -1 ? (this.shape[i - lead] ?? -1) : n)),
      ),
    );
  }

  /** The whole tensor `times[i]` times in a row along each dimension. */
  repeat(...times: number[] | [readonly number[]]): Tensor {
    const counts = listed(times);
    const shape = [...new Array<number>(Math.max(0, counts.length - this.ndim)).fill(1), ...this.shape];
    if (counts.length !== shape.length) {
      throw new RangeError(`repeat: got ${show(counts)} for ${show(this.shape)}; expected a number for each dimension`);
    }
    const spread = this.reshape(shape.flatMap((n) => [1, n])).expand(shape.flatMap((n, i) => [counts[i]!, n]));
    return spread.reshape(shape.map((n, i) => n * counts[i]!));
  }

  /** The dimensions from `start` to `end` as one. */
  flatten(start = 0, end = -1): Tensor {
    if (this.ndim === 0) return this.reshape(1);
    const [a, b] = [axis("flatten", start, this.ndim), axis("flatten", end, this.ndim)];
    return this.reshape([...this.shape.slice(0, a), sizeOf(this.shape.slice(a, b + 1)), ...this.shape.slice(b + 1)]);
  }

  /** The dimension `dim` split in several; one of them may be -1. */
  unflatten(dim: number, shape: Shape): Tensor {
    const at = axis("unflatten", dim, this.ndim);
    const inner = inferShape("unflatten", [this.shape[at]!], shape);
    return this.reshape([...this.shape.slice(0, at), ...inner, ...this.shape.slice(at + 1)]);
  }

  flip(...dims: number[] | [readonly number[]]): Tensor {
    return new Tensor(g.flip(this.node, listed(dims)));
  }

  /** Zeros (or `value`) around the last dimensions: `[left, right]`, `[left, right, top, bottom]` and so on, as PyTorch's `F.pad`. */
  pad(amounts: readonly number[], value = 0): Tensor {
    if (amounts.length % 2 !== 0 || amounts.length > 2 * this.ndim || !amounts.every(Number.isInteger)) {
      throw new RangeError(
        `pad: got ${show(amounts)} for ${show(this.shape)}; expected pairs, the last dimension first`,
      );
    }
    const at = (i: number, side: number) => amounts[2 * (this.ndim - 1 - i) + side] ?? 0;
    const before = this.shape.map((_, i) => at(i, 0));
    const after = this.shape.map((_, i) => at(i, 1));
    return new Tensor(g.pad(this.node, before, after, value));
  }

  // ---- indexing

  /** Elements `start` to `end` (not included) along `dim`, every `step`th; negative positions count from the end. */
  slice(dim: number, start: number, end = Number.MAX_SAFE_INTEGER, step = 1): Tensor {
    return new Tensor(g.narrow(this.node, dim, start, end, step, true));
  }

  /** `length` elements from `start` on along `dim`. */
  narrow(dim: number, start: number, length: number): Tensor {
    const size = this.size(dim);
    if (start < 0 || length < 0 || start + length > size) {
      throw new RangeError(`narrow: ${start} to ${start + length} reaches beyond dim ${dim} of ${show(this.shape)}`);
    }
    return this.slice(dim, start, start + length);
  }

  /** The slice at `index` along `dim`, without that dimension. */
  select(dim: number, index: number): Tensor {
    const size = this.size(dim);
    if (!Number.isInteger(index) || index < -size || index >= size) {
      throw new RangeError(
        `select: index ${index} is out of range; dim ${dim} of ${show(this.shape)} takes ${-size} to ${size - 1}`,
      );
    }
    const at = index < 0 ? index + size : index;
    return this.slice(dim, at, at + 1).squeeze(dim);
  }

  /**
   * NumPy's `x[...]`: for each dimension a number (that slice), `[start, end]` or `[start, end, step]`, null (all),
   * or a tensor of indices. `x.at(0, null, [1, 3])` is `x[0, :, 1:3]`.
   */
  at(...specs: IndexSpec[]): Tensor {
    if (specs.length > this.ndim) {
      throw new RangeError(`at: ${specs.length} indices for a tensor of shape ${show(this.shape)}`);
    }
    let out: Tensor = this;
    let dim = 0;
    for (const spec of specs) {
      if (spec === null) dim++;
      else if (typeof spec === "number") out = out.select(dim, spec);
      else if (spec instanceof Tensor) {
        checkRange("at", spec.node, out.size(dim), true);
        out = new Tensor(g.indexSelect(out.node, dim, spec.node));
        dim += spec.ndim;
      } else out = out.slice(dim++, spec[0], spec[1], spec[2] ?? 1);
    }
    return out;
  }

  /** Whole slices along `dim` at `index`, a tensor of int64 (any shape) or a list. */
  indexSelect(dim: number, index: Tensor | readonly number[]): Tensor {
    const at = indexNode(index);
    checkRange("indexSelect", at, this.size(dim), false);
    return new Tensor(g.indexSelect(this.node, dim, at));
  }

  /** One element for each index: `out[i][j] = x[i][index[i][j]]` where `dim` is 1. */
  gather(dim: number, index: Tensor): Tensor {
    checkRange("gather", index.node, this.size(dim), false);
    return new Tensor(g.gather(this.node, dim, index.node));
  }

  /** This tensor with `src` added at `index` along `dim`. */
  scatterAdd(dim: number, index: Tensor, src: Tensor): Tensor {
    checkRange("scatterAdd", index.node, this.size(dim), false);
    return new Tensor(g.scatterAdd(this.node, dim, index.node, src.node));
  }

  /** Parts of `size` along `dim`; the last may be smaller. A list gives each part's size. */
  split(size: number | readonly number[], dim = 0): Tensor[] {
    const total = this.size(dim);
    const sizes =
      typeof size === "number"
        ? Array.from({ length: Math.ceil(total / size) }, (_, i) => Math.min(size, total - i * size))
        : size;
    if (sizes.reduce((a, b) => a + b, 0) !== total) {
      throw new RangeError(`split: sizes ${show(sizes)} do not add up to ${total}, dim ${dim} of ${show(this.shape)}`);
    }
    let at = 0;
    return sizes.map((n) => {
      const part = new Tensor(g.narrow(this.node, dim, at, at + n));
      at += n;
      return part;
    });
  }

  /** `count` equal parts along `dim` (the last may be smaller). */
  chunk(count: number, dim = 0): Tensor[] {
    return this.split(Math.ceil(this.size(dim) / count), dim);
  }

  /** The slices along `dim`, without that dimension. */
  unbind(dim = 0): Tensor[] {
    return this.split(1, dim).map((part) => part.squeeze(dim));
  }

  // ---- products

  /** Matrix product over the last two dimensions, the others broadcast. */
  matmul(other: Tensor): Tensor {
    return new Tensor(g.matmul(this.node, other.node));
  }

  mm(other: Tensor): Tensor {
    return this.matmul(other);
  }

  // ---- display

  toString(): string {
    return formatNow(this);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return formatNow(this);
  }

  /** What a notebook shows. */
  async [Symbol.for("Jupyter.display")](): Promise<Record<string, unknown>> {
    return mimeBundle(this);
  }
}

/** Computes all these tensors (and what was changed in place) in one run. */
export async function realize(...tensors: readonly Tensor[]): Promise<void> {
  const changed = [...pending].map((t) => [t, t.node] as const);
  await computeNodes([...tensors.map((t) => t.node), ...changed.map(([, node]) => node)]);
  for (const [t, node] of changed) if (t.node === node) pending.delete(t);
}

/** A number beside `x`, or another tensor, as a value of the graph. */
export function nodeOf(value: Operand, beside: Tensor): Node {
  if (value instanceof Tensor) return value.node;
  if (typeof value === "number") return g.operand(beside.node, value, true);
  throw new TypeError(`expected a tensor or a number, got ${typeof value}`);
}

/** A list of indices, or an int64 tensor, as a value of the graph. */
export function indexNode(index: Tensor | readonly number[]): Node {
  if (index instanceof Tensor) return index.node;
  const data = BigInt64Array.from(index, (i) => BigInt(i));
  return source(new HostArray("int64", [index.length], data, settings.device));
}

/** Refuses indices that lie outside, where they are known already. */
export function checkRange(where: string, index: Node, size: number, negative: boolean): void {
  const storage = index.storage;
  if (!(storage instanceof HostArray)) return;
  for (const value of storage.data) {
    const v = Number(value);
    if (v >= size || v < (negative ? -size : 0)) {
      throw new RangeError(
        `${where}: index ${v} is out of range; the indexed dimension has ${size} elements, 0 to ${size - 1}`,
      );
    }
  }
}

function listed(values: number[] | [readonly number[]]): readonly number[] {
  return values.length === 1 && Array.isArray(values[0]) ? values[0] : (values as number[]);
}

function viewOf(base: Node, offset: number, shape: Shape): Node {
  return g.reshape(g.narrow(base, 0, offset, offset + sizeOf(shape)), shape);
}

/** Weights in a file, perhaps in another dtype or shape, for use on another device. */
function mappedOn(node: Node, device: string): Node {
  const file = node.storage?.file;
  if (file) return source(new FileArray(node.dtype, node.shape, file, device));
  return new Node(node.op, [mappedOn(node.inputs[0]!, device)], node.attrs, node.shape, node.dtype);
}
