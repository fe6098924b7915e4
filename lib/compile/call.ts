import { allocate, type TypedArray } from "../graph/dtype.ts";
import { Node, type Storage, source } from "../graph/node.ts";
import { show } from "../graph/shape.ts";
import { explain } from "../runtime/errors.ts";
import { expect } from "../runtime/futures.ts";
import type { Feed, Fetch } from "../runtime/protocol.ts";
import { realize as computeNodes } from "../runtime/realize.ts";
import { current, DeviceBuffer, escaped, feed, HostArray, memory } from "../runtime/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Outer, Variable } from "../tensor/trace.ts";
import { hostValue, type Program, type Slot } from "./program.ts";
import { type Traced, undoAll } from "./traced.ts";

// Results up to this many bytes come back with the run.
const smallResult = 16384;

/** A tensor that this call changes: what it was, and the node of what it becomes. */
interface Change {
  readonly tensor: Variable;
  readonly before: Node;
  readonly back: () => void;
  readonly after: Node;
}

/**
 * One call on its way. All that it reads is looked up at once, when it is called: what happens before its turn comes
 * does not touch it. What it changes has its new value from then on, which is computed in its turn.
 */
export class Call<R> {
  readonly #program: Program;
  readonly #traced: Traced<R>;
  /** For each slot its value, or where that will be. */
  #values: readonly (Node | Storage | { readonly live: TypedArray })[];
  readonly #changes: readonly Change[];
  /** What the values of kept tensors will be. */
  readonly #kept: readonly Node[];
  #undone = false;
  #arrive!: () => void;
  #fail!: (error: Error) => void;

  constructor(program: Program, traced: Traced<R>, given: readonly Tensor[]) {
    this.#program = program;
    this.#traced = traced;
    const tensorOf = (outer: Outer) => (typeof outer === "number" ? given[outer]! : outer);
    this.#values = program.slots.map((slot) =>
      slot.outer === null ? hostValue(slot, traced.trace) : tensorOf(slot.outer).peek(),
    );
    const arrived = new Promise<void>((resolve, reject) => {
      this.#arrive = resolve;
      this.#fail = reject;
    });
    arrived.catch(() => {});
    this.#changes = program.states.map(({ target }) => {
      const tensor = tensorOf(target);
      const [before, back] = [tensor.peek(), tensor.remember()];
      const after = new Node("placeholder", [], {}, tensor.shape, tensor.dtype, program.device);
      tensor.hold(after);
      expect(after, arrived);
      return { tensor, before, back, after };
    });
    this.#kept = traced.kept.map((tensors) => {
      const { shape, dtype } = tensors[0]!;
      const after = new Node("placeholder", [], {}, shape, dtype, program.device);
      expect(after, arrived);
      for (const tensor of tensors) tensor.leaveCall(after);
      return after;
    });
  }

  /** Opens its session. */
  async prepare(): Promise<void> {
    await (await this.#program.session())?.ready;
  }

  /** Computes it. The calls before it are done. */
  async run(): Promise<R> {
    try {
      const results = await this.#compute();
      this.#arrive();
      return this.#traced.assemble(results);
    } catch (cause) {
      const error = explain(cause);
      this.#giveUp(error);
      throw error;
    }
  }

  async #compute(): Promise<Tensor[]> {
    const program = this.#program;
    await memory.relieve();
    const waiting = this.#values.filter((value): value is Node => value instanceof Node && !value.storage);
    if (waiting.length > 0) await computeNodes(waiting);
    const session = await program.session();
    const feeds = program.slots.map((slot, i) => this.#feed(slot, this.#values[i]!));
    const { all, results, states } = this.#fetches();
    const data = ((await session?.run(feeds, all)) ?? []) as TypedArray[];
    // Only now: a session in 8 bits may run twice. A large batch need not wait for the next call.
    this.#values = [];
    for (const [i, { before, after }] of this.#changes.entries()) {
      after.settle(states[i]!);
      const state = program.states[i]!;
      const old = before.storage;
      const free = old instanceof DeviceBuffer && !this.#undone && !escaped.has(old) && !escaped.has(before);
      state.spare = free ? old : null;
    }
    let at = 0;
    const computed = results.map((storage, i) => {
      const { dtype, shape, size } = program.results[i]!;
      const read = () => new HostArray(dtype, shape, size === 0 ? allocate(dtype, 0) : data[at++]!, program.device);
      return new Tensor(source(storage ?? read()));
    });
    const returned = computed.length - this.#kept.length;
    for (const [i, after] of this.#kept.entries()) after.settle(computed[returned + i]!.peek().storage!);
    return computed;
  }

  #feed({ name, node: { dtype, shape } }: Slot, value: Node | Storage | { readonly live: TypedArray }): Feed {
    if ("live" in value) return { name, dtype, shape, data: value.live };
    const storage = current(value instanceof Node ? value.storage! : value);
    const { device } = this.#program;
    if (storage.device !== device) {
      throw new TypeError(
        `${this.#program.name}: a tensor of shape ${show(shape)} is on "${storage.device}", the function runs on "${device}"; move it with await x.to("${device}")`,
      );
    }
    return feed(name, storage, (buffer) => {
      if (value instanceof Node) value.settle(buffer);
    });
  }

  #fetches(): { all: Fetch[]; results: (DeviceBuffer | null)[]; states: DeviceBuffer[] } {
    const { device } = this.#program;
    const all: Fetch[] = [];
    const results = this.#program.results.map(({ dtype, shape, size }) => {
      if (size === 0) return null;
      const name = `y${all.length}`;
      if (size * 8 <= smallResult) {
        all.push({ name, dtype, shape, read: true });
        return null;
      }
      const buffer = new DeviceBuffer(dtype, shape, device);
      all.push({ name, dtype, shape, buffer: buffer.id });
      return buffer;
    });
    const states = this.#program.states.map(({ node: { dtype, shape, size }, spare }) => {
      const buffer = spare?.usable ? spare : new DeviceBuffer(dtype, shape, device);
      if (size > 0) all.push({ name: `y${all.length}`, dtype, shape, buffer: buffer.id });
      return buffer;
    });
    return { all, results, states };
  }

  /** The call has failed: everything is as it was. */
  #giveUp(error: Error): void {
    undoAll(this.#traced.trace);
    for (const { tensor, before, back, after } of this.#changes) {
      if (tensor.peek() === after) back();
      // Later calls have it already; for them, too, nothing has happened.
      else if (before.storage) after.settle(before.storage);
    }
    this.#fail(error);
  }

  /** Puts back what the call has changed. */
  undo(): void {
    if (this.#undone) return;
    this.#undone = true;
    undoAll(this.#traced.trace);
    for (const [i, { back }] of this.#changes.entries()) {
      back();
      this.#program.states[i]!.spare = null;
    }
  }
}
