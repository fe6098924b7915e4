import type { DType, TypedArray } from "../graph/dtype.ts";
import { inFile, Node, type Op, type Recorder, recording, sameAttributes, source } from "../graph/node.ts";
import { type Shape, sameShape } from "../graph/shape.ts";
import type { Generator } from "../random/index.ts";
import { engine } from "../runtime/engine.ts";
import { settings } from "../runtime/settings.ts";
import { HostArray } from "../runtime/storage.ts";
import { within } from "../scope.ts";

/** A tensor, as far as a traced function has to know it. */
export interface Variable {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly requiresGrad: boolean;
  /** Its value in the graph. */
  readonly node: Node;
  /** Its value, looked at without keeping it. */
  peek(): Node;
  /** What puts its present value back. */
  remember(): () => void;
  /** Puts a new leaf of the graph, which nobody else knows, in place of its value. */
  hold(leaf: Node): void;
  /** Gives it the node of its value after the call of a compiled function that it was made in. */
  leaveCall(node: Node): void;
  /** Gradient left here by `backward()`. */
  grad: Variable | null;
}

/** A tensor from outside, as a traced function knows it: an argument by its number, all others as what they are. */
export type Outer = Variable | number;

/** One thing that a traced function did: it made a node, or it looked at a tensor from outside. */
export interface Entry {
  readonly node: Node;
  /** Whether the node passed gradients when it was made. */
  readonly requiresGrad: boolean;
  readonly read?: Outer;
  /** Where a tensor from outside lies. */
  readonly device?: string;
}

/** What a traced function did, in order. */
export type Record = readonly Entry[];

/** What came of a whole piece of work that began after an entry, and how many entries it took. */
interface Memo {
  readonly key: readonly unknown[];
  readonly value: unknown;
  readonly length: number;
  readonly last: Entry;
}

const memos = new WeakMap<Entry, Memo>();

/** Thrown inside a function being traced that has to be traced again: something was rearranged. */
export class Retrace extends Error {}

/**
 * One call of a traced function. The function runs at every call, as any function does, and what it does is compared,
 * node by node, with what it did before: as long as that is the same it is given the nodes of then, and at the end the
 * program of then. So there is nothing that could be overlooked: a variable, a setting, a layer or a weight that is
 * another one leads to another node, and to another program.
 */
export class Trace implements Recorder {
  readonly name: string;
  /** Changed tensors, with what puts back the value that each had before. */
  readonly writes = new Map<Variable, () => void>();
  /** Tensors that `backward` left a gradient on. */
  readonly grads = new Set<Variable>();
  /** Numbers from the host that belong to this call. */
  readonly live = new Map<Node, TypedArray>();
  /** What puts back counters, rates and generators that the function has changed on the host. */
  readonly restore: (() => void)[] = [];
  /** Tensors made in this call that outlive it: a module's hook has seen or made them. */
  readonly kept = new Set<Variable>();
  /** Whether all tensors made now outlive the call. */
  keeping = false;
  readonly #arguments: ReadonlyMap<Variable, number>;
  readonly #known: readonly Record[];
  readonly #seen = new Map<Variable, Entry>();
  #entries: Entry[];
  #at = 0;
  /** Whether the entries are a known record so far, rather than new ones. */
  #following: boolean;

  /** @param known - records of earlier calls, the likeliest first */
  constructor(name: string, args: readonly Variable[], known: readonly Record[] = []) {
    this.name = name;
    this.#arguments = new Map(args.map((tensor, i) => [tensor, i]));
    this.#known = known;
    this.#following = known.length > 0;
    this.#entries = (known[0] ?? []) as Entry[];
  }

  /** All that was done. Where a known record was followed to its end it is that very record. */
  get record(): Record {
    if (this.#following && this.#at < this.#entries.length) return this.#entries.slice(0, this.#at);
    return this.#entries;
  }

  known(op: Op, inputs: readonly Node[], attrs: object, shape: Shape, dtype: DType, grad: boolean): Node | null {
    if (!this.#following) return null;
    // Nearly always it is the next one.
    const next = this.#entries[this.#at];
    if (next !== undefined && isMade(next, op, inputs, attrs, shape, dtype, grad)) {
      this.#at++;
      return next.node;
    }
    return this.#next((entry) => isMade(entry, op, inputs, attrs, shape, dtype, grad))?.node ?? null;
  }

  memo<T>(parts: readonly unknown[], make: () => T): T {
    // Tensors made on the way are lost with the engine's thread.
    const key = [...parts, engine.generation];
    const from = this.#at;
    const past = this.#entries[from - 1];
    if (past === undefined) return make();
    const memo = this.#following ? memos.get(past) : undefined;
    const isSame = memo?.key.length === key.length && memo.key.every((part, i) => part === key[i]);
    if (memo && isSame && this.#entries[from + memo.length - 1] === memo.last) {
      this.#at += memo.length;
      return memo.value as T;
    }
    const value = make();
    const length = this.#at - from;
    if (length > 0) memos.set(past, { key, value, length, last: this.#entries[this.#at - 1]! });
    return value;
  }

  made(node: Node): void {
    this.#append({ node, requiresGrad: node.requiresGrad });
  }

  /**
   * The node by which the traced function knows a tensor from outside: a stand-in for whatever value it has at a call.
   * Weights in a file, or in 8 bits, are part of the program, unless an optimizer steps them: after the first step they lie there no more.
   *
   * @param value - its present value
   */
  read(tensor: Variable, value: Node): Node {
    const seen = this.#seen.get(tensor);
    if (seen && seen.requiresGrad === tensor.requiresGrad) return seen.node;
    const read = this.#arguments.get(tensor) ?? tensor;
    const fixed = (inFile(value) || value.storage?.eightBit === true) && !stepped.has(tensor);
    // What is not computed yet may have no device; it will be the default one.
    const device = value.storage?.device ?? value.device ?? settings.device;
    const same = (entry: Entry) => {
      if (entry.read !== read || entry.requiresGrad !== tensor.requiresGrad) return false;
      const { node } = entry;
      if (fixed || !node.is("placeholder")) return node === value;
      return entry.device === device && node.dtype === value.dtype && sameShape(node.shape, value.shape);
    };
    let entry = this.#next(same);
    if (!entry) {
      // Where arguments have to lie is said at the call.
      const place = typeof read === "number" ? null : (value.storage?.device ?? value.device);
      const node = fixed ? value : untraced(() => standIn(tensor, place));
      entry = { node, requiresGrad: tensor.requiresGrad, read, device };
      this.#append(entry);
    }
    this.#seen.set(tensor, entry);
    return entry.node;
  }

  readonly #generators = new Set<Generator>();

  /** Remembers where a generator stands before the function draws from it. */
  willDraw(generator: Generator): void {
    if (this.#generators.has(generator)) return;
    this.#generators.add(generator);
    const state = generator.getState();
    this.restore.push(() => generator.setState(state));
  }

  /** The next entry of what is known, where it fits. */
  #next(fits: (entry: Entry) => boolean): Entry | null {
    if (!this.#following) return null;
    const at = this.#at;
    const next = this.#entries[at];
    if (next && fits(next)) {
      this.#at++;
      return next;
    }
    // Another record with the same past may go on like this.
    const last = this.#entries[at - 1];
    for (const record of this.#known) {
      const other = record[at];
      if (!other || record[at - 1] !== last || !fits(other)) continue;
      this.#entries = record as Entry[];
      this.#at++;
      return other;
    }
    this.#entries = this.#entries.slice(0, at);
    this.#following = false;
    return null;
  }

  #append(entry: Entry): void {
    this.#entries.push(entry);
    this.#at++;
  }
}

/** Whether an entry is the making of such a node. */
function isMade(
  { node, requiresGrad, read }: Entry,
  op: Op,
  inputs: readonly Node[],
  attrs: object,
  shape: Shape,
  dtype: DType,
  grad: boolean,
): boolean {
  if (node.op !== op || read !== undefined || node.dtype !== dtype || requiresGrad !== grad) return false;
  if (node.inputs.length !== inputs.length || !sameShape(node.shape, shape)) return false;
  for (let i = 0; i < inputs.length; i++) if (node.inputs[i] !== inputs[i]) return false;
  return node.attrs === attrs || sameAttributes(node.attrs, attrs);
}

function standIn(tensor: Variable, device: string | null): Node {
  const node = new Node("placeholder", [], {}, tensor.shape, tensor.dtype, device);
  node.requiresGrad = tensor.requiresGrad;
  return node;
}

export const tracing = {
  get current(): Trace | null {
    return recording.current as Trace | null;
  },
  set current(trace: Trace | null) {
    recording.current = trace;
  },
};

/** Rows of parameters that an optimizer steps. */
export const stepped = new WeakSet<object>();

/** Tensors changed in place and not yet computed; whatever is computed next computes them along. */
export const pending = new Set<Variable>();

/** What was moved out of its order (a parameter with a new value, or frozen), with what puts it back in. */
export const displaced = new Set<{ arrange(): void }>();

/** Puts back in order what was moved out of it. */
export function arrangeDisplaced(): void {
  for (const it of displaced) it.arrange();
  displaced.clear();
}

/** Does `make` as if no function were being traced: for what outlives the call. */
export function untraced<T>(make: () => T): T {
  const trace = recording.current;
  const leave = () => {
    recording.current = trace;
  };
  return within(leave, () => {
    recording.current = null;
    return make();
  });
}

/** Says what puts back a change on the host (a counter, a rate): it is done where the call fails or is undone. */
export function onUndo(restore: () => void): void {
  tracing.current?.restore.push(restore);
}

/**
 * Numbers from the host that may differ at each call: drawn now, and, inside a traced function, at every call of it.
 *
 * @param options.generator - what they are drawn from
 */
export function live(
  dtype: DType,
  shape: Shape,
  fill: () => TypedArray,
  options: { device?: string | undefined; generator?: Generator } = {},
): Node {
  const trace = tracing.current;
  if (!trace) return source(new HostArray(dtype, shape, fill(), options.device ?? settings.device));
  if (options.generator) trace.willDraw(options.generator);
  const node = new Node("live", [], {}, shape, dtype);
  trace.live.set(node, fill());
  return node;
}
