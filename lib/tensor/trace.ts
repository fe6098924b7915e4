import type { DType, TypedArray } from "../graph/dtype.ts";
import { Node, type Storage, source } from "../graph/node.ts";
import type { Shape } from "../graph/shape.ts";
import { settings } from "../runtime/settings.ts";
import { HostArray } from "../runtime/storage.ts";
import type { Tensor } from "./tensor.ts";

/**
 * What a function touches while it is traced: tensors from outside that it reads, tensors that it changes, and what
 * has to happen on the host at every call (random draws, counting steps).
 */
export class Trace {
  /** Nodes with this number or above were made by the traced function itself. */
  readonly first: number;
  readonly reads = new Map<Node, Tensor>();
  readonly windows = new Map<Tensor, Tensor>();
  /** Changed tensors, with the value that each had before. */
  readonly writes = new Map<Tensor, Node>();
  /** Tensors that `backward` left a gradient on. */
  readonly grads = new Set<Tensor>();
  /** Done at every call before the host numbers are made. */
  readonly everyCall: (() => void)[] = [];
  /** Done before every call, and before anything is looked up: putting rearranged tensors back in order. */
  readonly prepare = new Set<() => void>();

  constructor() {
    this.first = new Node("const", [], { value: 0 }, [], "float32").id;
  }

  // Made while tracing, but not by the traced function: an optimizer's state at its first step.
  readonly #adopted = new Set<Tensor>();

  /** Whether a tensor whose present value is `node` comes from outside. */
  outer(tensor: Tensor, node: Node): boolean {
    return node.id < this.first || (this.#adopted.has(tensor) && !this.writes.has(tensor));
  }

  readonly #standIns = new Map<Tensor, Node>();

  /**
   * The node by which the traced function knows a tensor from outside. One that is not computed yet gets a stand-in:
   * what it is made of now (zeros, at the start) must not become part of the program. Weights in a file may.
   */
  read(tensor: Tensor, node: Node): Node {
    if (!this.outer(tensor, node)) return node;
    if (node.storage || inFile(node)) {
      this.reads.set(node, tensor);
      return node;
    }
    let standIn = this.#standIns.get(tensor);
    if (!standIn) {
      standIn = new Node("placeholder", [], {}, node.shape, node.dtype);
      standIn.requiresGrad = tensor.requiresGrad;
      this.#standIns.set(tensor, standIn);
      this.reads.set(standIn, tensor);
    }
    return standIn;
  }

  adopt(tensor: Tensor): void {
    this.#adopted.add(tensor);
  }
}

/** Whether a value is made of nothing but weights in a file, perhaps in another dtype or shape. */
export function inFile(node: Node): boolean {
  for (let at: Node | undefined = node; at; at = at.inputs[0]) {
    if (at.storage) return at.storage.file !== undefined;
    if (at.inputs.length !== 1) return false;
  }
  return false;
}

export const tracing: { current: Trace | null } = { current: null };

/** Tensors changed in place and not yet computed; whatever is computed next computes them along. */
export const pending = new Set<Tensor>();

/**
 * Elements that somebody outside of compiled functions may still look at: buffers that hold them are not written to
 * again.
 */
export const escaped = new WeakSet<Storage>();

/** A tensor that outlives the function being traced, though it is made there. */
export function outside(make: () => Tensor): Tensor {
  const trace = tracing.current;
  tracing.current = null;
  try {
    const tensor = make();
    trace?.adopt(tensor);
    return tensor;
  } finally {
    tracing.current = trace;
  }
}

/** Does `action` now, and again at every call of the function being traced, if one is. */
export function atEveryCall(action: () => void): void {
  if (tracing.current) tracing.current.everyCall.push(action);
  else action();
}

/**
 * Numbers from the host that may differ at each call: drawn now, or, inside a traced function, at every call of it.
 */
export function live(dtype: DType, shape: Shape, fill: () => TypedArray, device = settings.device): Node {
  if (tracing.current) return new Node("live", [], { fill }, shape, dtype);
  return source(new HostArray(dtype, shape, fill(), device));
}
