import type { DType, TypedArray } from "../graph/dtype.ts";
import { Node, source } from "../graph/node.ts";
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
  readonly writes = new Set<Tensor>();
  readonly everyCall: (() => void)[] = [];

  constructor() {
    this.first = new Node("const", [], { value: 0 }, [], "float32").id;
  }

  read(tensor: Tensor, node: Node): void {
    if (node.id < this.first) this.reads.set(node, tensor);
  }
}

export const tracing: { current: Trace | null } = { current: null };

/** Tensors changed in place and not yet computed; whatever is computed next computes them along. */
export const pending = new Set<Tensor>();

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
