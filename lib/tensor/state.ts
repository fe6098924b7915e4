import { gradients } from "../autodiff/gradients.ts";
import { type DType, isFloat } from "../graph/dtype.ts";
import { gradMode, Node, source } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { axis, type Shape, sameShape, show, sizeOf } from "../graph/shape.ts";
import { computeAlong, deviceOf } from "../runtime/realize.ts";
import { escaped } from "../runtime/storage.ts";
import { refuseSubscripts } from "./subscript.ts";
import { displaced, pending, type Trace, tracing, untraced, type Variable } from "./trace.ts";

interface Window<T> {
  readonly base: T;
  readonly offset: number;
  readonly shape: Shape;
  /** What keeps the row in order: it is told where this tensor leaves its place. */
  readonly keeper: { arrange(): void };
  from?: Node;
  node?: Node;
  trace?: unknown;
}

/** The tensors that wait for the gradients of their leaves. */
const owners = new WeakMap<Node, Variable>();

// Tells a leaf from what `detach()` makes: only the one may pass gradients later.
const leaf = { leaf: true };

/** A tensor, by the type of the whole class. */
export const self = <T extends TensorState<T>>(x: TensorState<T>): T => x as unknown as T;

/**
 * What a tensor is and holds: its value in the graph, its gradient, its elements. The operations are in the classes
 * on top of this one, each extending the one before; `Tensor` is the last.
 *
 * @typeParam T - that last class, which is what operations return
 */
export abstract class TensorState<T extends TensorState<T>> implements Variable {
  #node: Node;
  #window: Window<T> | null = null;
  #requiresGrad = false;
  // The compiled function's call that this tensor was made in, where it was: it cannot be used after it, unless kept.
  #home: Trace | null = tracing.current;
  /** Gradient left here by `backward()`; null before. */
  grad: T | null = null;

  /** Use `tensor`, `zeros`, `randn` and their like to make one. */
  constructor(node: Node) {
    this.#node = node;
    this.#requiresGrad = node.requiresGrad;
    if (this.#home?.keeping) this.#home.kept.add(self(this));
  }

  /** Lets a tensor made in the present call of a compiled function outlive it. */
  keep(): void {
    if (this.#home !== null && this.#home === tracing.current) this.#home.kept.add(self(this));
  }

  /** Gives a kept tensor the node of its value after the call that it was made in. */
  leaveCall(node: Node): void {
    this.#home = null;
    this.#requiresGrad = false;
    this.#node = node;
  }

  /** A tensor around another value of the graph. */
  abstract wrap(node: Node): T;

  /** The value in the graph. For those who write operations. */
  get node(): Node {
    const trace = tracing.current;
    const window = this.#window;
    if (window) {
      const from = window.base.node;
      // A view from before may have been computed by now; a traced function must lead back to the row itself.
      if (window.from !== from || window.trace !== trace) {
        window.from = from;
        window.trace = trace;
        window.node = this.#leaf(viewOf(from, window.offset, window.shape));
      }
      return window.node!;
    }
    if (this.#home !== null) {
      if (this.#home === trace) return this.#node;
      throw new Error(
        `this tensor ${show(this.shape)} was created inside the compiled function "${this.#home.name}" and no longer exists; return it from the function, or change a tensor from outside in place (copy_)`,
      );
    }
    if (trace) {
      if (trace.writes.has(self(this))) return this.#node;
      const known = trace.read(self(this), this.#node);
      if (this.#requiresGrad) owners.set(known, self(this));
      return known;
    }
    const { storage } = this.#node;
    escaped.add(this.#node);
    if (storage) escaped.add(storage);
    return this.#node;
  }

  /** The value, looked at without keeping it: for compiled functions, which write their state in place. */
  peek(): Node {
    return this.#window ? this.node : this.#node;
  }

  /** Puts a value in place of the present one, without any of what `assign` watches over. */
  place(node: Node): void {
    pending.delete(self(this));
    this.#node = this.#requiresGrad ? this.#leaf(node) : node;
  }

  /** Lets a traced function know that this tensor from outside is about to change. */
  #rememberIn(trace: Trace | null): void {
    if (trace && this.#home === null && !trace.writes.has(self(this))) trace.writes.set(self(this), this.remember());
  }

  /** What puts the present value back. */
  remember(): () => void {
    const [node, requiresGrad, waits] = [this.#node, this.#requiresGrad, pending.has(self(this))];
    return () => {
      if (waits) pending.add(self(this));
      else pending.delete(self(this));
      this.#node = node;
      this.#requiresGrad = requiresGrad;
    };
  }

  /** Puts a new leaf of the graph, which nobody else knows, in place of the present value. */
  hold(leaf: Node): void {
    pending.delete(self(this));
    leaf.requiresGrad = this.#requiresGrad;
    if (this.#requiresGrad) owners.set(leaf, self(this));
    this.#node = leaf;
  }

  /** Size of each dimension: `[8, 1, 28, 28]` for a batch of eight grey pictures. Known at once, without `await`. */
  get shape(): Shape {
    return this.#window?.shape ?? this.#node.shape;
  }

  /** Type of the elements: "float32" for most, "int64" for indices, "bool" for comparisons. */
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

  /** The shape, or the size of one dimension: `x.size()`, `x.size(0)`, `x.size(-1)`. */
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
    if (!value && !this.#window && this.#node.op !== "detach" && this.#node.inputs.some((x) => x.requiresGrad)) {
      throw new Error("requiresGrad: this tensor is a result; use detach() to cut it off");
    }
    this.#requiresGrad = value;
    if (value) this.#isParameter = true;
    if (this.#window) {
      this.#window.from = undefined;
      displaced.add(this.#window.keeper);
    } else if (this.#home !== null || tracing.current?.writes.has(self(this))) this.#node = this.#leaf(this.#node);
    else this.#node = untraced(() => this.#leaf(this.#node));
  }

  #isParameter = false;

  /** Whether a module takes it for a parameter: it was once asked to have gradients, and may be frozen since. */
  get isParameter(): boolean {
    return this.#isParameter;
  }

  /** Says that it is a parameter, though it may never have gradients. */
  protected markParameter(): void {
    this.#isParameter = true;
  }

  /** Sets `requiresGrad` and returns the tensor itself. */
  requiresGrad_(value = true): this {
    this.requiresGrad = value;
    return this;
  }

  /** A node of its own for a tensor at which gradients stop. */
  #leaf(node: Node): Node {
    const own = node.storage ? source(node.storage) : new Node("detach", [node], leaf, node.shape, node.dtype);
    own.requiresGrad = this.#requiresGrad;
    if (this.#requiresGrad) owners.set(own, self(this));
    return own;
  }

  /** The same values, cut off from the gradient. */
  detach(): T {
    return this.wrap(g.unary("detach", this.node));
  }

  /**
   * Adds the gradients of this scalar to `grad` of every tensor with `requiresGrad` that it was computed from.
   * `loss.backward()`, then `weight.grad` has the shape of `weight`.
   *
   * @param gradient - gradient of this tensor, if it is no scalar
   * @param options.createGraph - keep the gradients differentiable; default false
   * @throws Error if nothing requires a gradient, or a tensor of several elements is given no `gradient`
   */
  backward(gradient?: T, options: { createGraph?: boolean } = {}): void {
    if (!this.node.requiresGrad) {
      throw new Error(
        "backward: this result does not depend on any tensor with requiresGrad. Make one before computing with it: tensor([1, 2], { requiresGrad: true }); noGrad and detach() cut the path back to it",
      );
    }
    if (this.numel() !== 1 && !gradient) {
      throw new Error(
        `backward: got ${show(this.shape)}, expected a scalar; call sum() or mean() first, as in loss.mean().backward()`,
      );
    }
    if (gradient && !sameShape(gradient.shape, this.shape)) {
      throw new RangeError(
        `backward: gradient ${show(gradient.shape)}, expected ${show(this.shape)}, the shape of the result that it is called on`,
      );
    }
    const seed = gradient ? { seed: gradient.node } : {};
    const reached: Variable[] = [];
    for (const [node, dx] of gradients(this.node, { ...seed, ...options })) {
      const owner = owners.get(node);
      if (!owner) continue;
      tracing.current?.grads.add(owner);
      const made = options.createGraph ? dx : g.unary("detach", dx);
      owner.grad = this.wrap(owner.grad ? g.add(owner.grad.node, made) : made);
      reached.push(owner);
    }
    if (tracing.current || reached.length < 2) return;
    const left = () => reached.flatMap(({ grad }) => (grad ? [grad.peek()] : []));
    for (const node of left()) computeAlong(node, left);
  }

  /**
   * Replaces the values in place; the shape and dtype stay. A result keeps its gradient history, and what the new values
   * were computed from gets its gradient through this tensor from now on.
   *
   * @throws Error if this is a tensor with `requiresGrad` that you made, and `value` has a gradient, which would be lost
   */
  copy_(value: T | number): this {
    return this.replace(typeof value === "number" ? g.constant(value, this.dtype, true) : value.node, value);
  }

  /** Puts `next` in place of the present values, computed with `given` from outside. */
  protected replace(next: Node, given: T | number): this {
    const value = g.expand(g.cast(next, this.dtype), this.shape);
    if (gradMode.enabled && value.requiresGrad) {
      if (this.#isResult || !this.#requiresGrad) return this.#become(value);
      // A parameter's own values may be changed: it stays what it is, a tensor at which gradients stop.
      if (typeof given !== "number" && given.node.requiresGrad) {
        throw new Error(
          "in place: the gradient of the new values would be lost, as this tensor has requiresGrad itself; compute a new tensor, or change it inside noGrad(() => ...)",
        );
      }
    }
    const cut = g.unary("detach", value);
    return this.#isResult ? this.#become(cut) : this.assign(cut);
  }

  /** Whether this tensor was computed from others that have gradients, rather than made. */
  get #isResult(): boolean {
    return !this.#window && this.#requiresGrad && this.#node.inputs.some((input) => input.requiresGrad);
  }

  /** Takes another value together with its history. */
  #become(node: Node): this {
    this.#rememberIn(tracing.current);
    this.#requiresGrad = false;
    this.assign(node);
    this.#requiresGrad = node.requiresGrad;
    return this;
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
    this.#rememberIn(trace);
    if (this.#window) displaced.add(this.#window.keeper);
    this.#window = null;
    this.#node = this.#requiresGrad ? this.#leaf(node) : node;
    if (trace) return this;
    if (!node.storage && !options.lazy) pending.add(self(this));
    return this;
  }

  /**
   * Makes this tensor a part of `base` `[n]`, from `offset` on: optimizers keep parameters in rows.
   *
   * @param keeper - is asked to arrange its row again where this tensor is given another value, or frozen
   */
  moveInto(base: T, offset: number, keeper: { arrange(): void }): void {
    this.#window = { base, offset, shape: this.shape, keeper };
  }

  /** The row that this tensor is a part of, if it is. */
  get window(): { readonly base: T; readonly offset: number } | null {
    return this.#window;
  }

  /** Whether this tensor is a part of the row `base`. */
  isWindowOf(base: T): boolean {
    return this.#window?.base === base;
  }
}

function viewOf(base: Node, offset: number, shape: Shape): Node {
  return g.reshape(g.narrow(base, 0, offset, offset + sizeOf(shape)), shape);
}

refuseSubscripts(TensorState.prototype);
