import { type allocate, byteWidth } from "../graph/dtype.ts";
import type { Node, Storage } from "../graph/node.ts";
import { show } from "../graph/shape.ts";
import { isLeaf, type Structure, structure } from "../lower/structure.ts";
import type { SessionOptions } from "../runtime/protocol.ts";
import { open, type Session, targetOf } from "../runtime/sessions.ts";
import { settings } from "../runtime/settings.ts";
import type { DeviceBuffer } from "../runtime/storage.ts";
import { within } from "../scope.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Outer, Record, Trace, Variable } from "../tensor/trace.ts";
import type { Traced } from "./traced.ts";

/** Where an input of the session comes from at each call. */
export interface Slot {
  readonly name: string;
  readonly node: Node;
  /** A tensor from outside; null for numbers of the host, and for tensors that the function makes of such. */
  readonly outer: Outer | null;
}

/** A tensor that the function changes. */
export interface State {
  readonly target: Outer;
  readonly node: Node;
  /** The buffer into which its next value goes. */
  spare: DeviceBuffer | null;
}

/** One form of a compiled function: what it did in a call, as one session. */
export class Program {
  readonly name: string;
  readonly record: Record;
  readonly results: readonly Node[];
  readonly states: readonly State[];
  readonly slots: readonly Slot[];
  readonly device: string;
  /** About how many bytes a run takes beside what goes in and comes out. */
  readonly workingBytes: number;
  /** What the session computes: results and states that have elements, in this order. */
  readonly outputs: readonly Node[];
  readonly #graph: Structure;
  readonly #options: Partial<SessionOptions>;
  #session: Session | null = null;

  constructor(name: string, traced: Traced<unknown>, given: readonly Tensor[], options: Partial<SessionOptions>) {
    this.name = name;
    this.record = traced.record;
    this.results = traced.results;
    this.states = statesOf(traced, given).map(([target, node]) => ({ target, node, spare: null }));
    this.outputs = [...this.results, ...traced.states.values()].filter((node) => node.size > 0);
    const argument = this.record.find(({ read }) => typeof read === "number");
    this.device = this.outputs.find((node) => node.device !== null)?.device ?? argument?.device ?? settings.device;
    this.#graph = structure(this.outputs, true);
    this.#options = options;
    const outers = new Map<Node, Outer>();
    for (const { node, read } of this.record) if (read !== undefined) outers.set(node, read);
    this.slots = this.#graph.inputs.map(({ name, node }) => ({ name, node, outer: outers.get(node) ?? null }));
    this.workingBytes = workingBytes(this.#graph);
  }

  /** Whether a call that did this is computed by this program. */
  computes(traced: Traced<unknown>, given: readonly Tensor[]): boolean {
    const { record, results } = traced;
    const isSame =
      record === this.record || (record.length === this.record.length && record.at(-1) === this.record.at(-1));
    if (!isSame || results.length !== this.results.length || traced.states.size !== this.states.length) return false;
    if (results.some((node, i) => node !== this.results[i])) return false;
    return statesOf(traced, given).every(([target, node], i) => {
      const state = this.states[i]!;
      return state.target === target && state.node === node;
    });
  }

  /** The session, opened if need be; null if there is nothing to compute. */
  async session(): Promise<Session | null> {
    if (this.outputs.length === 0) return null;
    if (!this.#session?.usable) {
      // A plan of all memory ahead of time takes .8 GB more for a 3-million-parameter U-Net, and gains nothing.
      const extra = { arena: true, memPattern: false, ...this.#options };
      const target = await targetOf(this.device);
      this.#session = within(
        () => {},
        () => open(this.#graph, this.device, target, extra),
      );
    }
    return this.#session;
  }

  close(): void {
    this.#session?.close();
    this.#session = null;
    for (const state of this.states) {
      state.spare?.dispose();
      state.spare = null;
    }
  }
}

/** Changed tensors as the program knows them: arguments by number. */
function statesOf({ states }: Traced<unknown>, given: readonly Tensor[]): [Outer, Node][] {
  const numbers = new Map<Variable, number>(given.map((tensor, i) => [tensor, i]));
  return [...states].map(([tensor, node]) => [numbers.get(tensor) ?? tensor, node]);
}

/** The numbers of this call for a slot that no tensor from outside fills. */
export function hostValue(slot: Slot, trace: Trace): Storage | { readonly live: ReturnType<typeof allocate> } {
  const drawn = trace.live.get(slot.node);
  if (drawn) return { live: drawn };
  if (slot.node.storage) return slot.node.storage;
  throw new Error(
    `a value of shape ${show(slot.node.shape)} was created in another compiled function and no longer exists`,
  );
}

/** The most bytes that values of the graph take at once, computed in its order and freed after their last reader. */
function workingBytes({ order, outputs }: Structure): number {
  const last = new Map<Node, number>();
  for (const [i, node] of order.entries()) if (!isLeaf(node)) for (const input of node.inputs) last.set(input, i);
  for (const node of outputs) last.delete(node);
  const bytes = (node: Node) => (isLeaf(node) ? 0 : node.size * byteWidth[node.dtype]);
  let [now, most] = [0, 0];
  for (const [i, node] of order.entries()) {
    now += bytes(node);
    most = Math.max(most, now);
    if (isLeaf(node)) continue;
    for (const input of new Set(node.inputs)) if (last.get(input) === i) now -= bytes(input);
  }
  return most;
}
