import { type DType, isFloat, type TypedArray } from "../graph/dtype.ts";
import { Node, type Storage, source } from "../graph/node.ts";
import { type Shape, show } from "../graph/shape.ts";
import { type Input, structure } from "../lower/structure.ts";
import { Retrace } from "../optim/flat.ts";
import { explain } from "../runtime/errors.ts";
import type { Feed, Fetch, SessionOptions } from "../runtime/protocol.ts";
import { realize as computeNodes } from "../runtime/realize.ts";
import { open, type Session, targetOf } from "../runtime/sessions.ts";
import { settings } from "../runtime/settings.ts";
import { current, DeviceBuffer, feed, HostArray, memory } from "../runtime/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import { escaped, inFile, Trace, tracing } from "../tensor/trace.ts";

/** What a compiled function may return. */
export type Results = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>> | undefined;

/** A function that runs as one session for each shape of its arguments. */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: A): Promise<R>;
  /** How often it was traced: once for each combination of argument shapes. */
  readonly traces: number;
  /** Puts everything that the last call changed back to what it was before; works once for a call. */
  undo(): void;
  /** Releases the sessions; another call is an error. */
  close(): void;
}

/** How a function is compiled. */
export interface CompileOptions {
  /** Named in errors; the function's own name by default. */
  readonly name?: string;
  /** How the sessions are opened, where the defaults do not suit. */
  readonly session?: Partial<SessionOptions>;
}

/**
 * Traces `f` once per shape of its arguments and from then on runs the whole of it as one session.
 *
 * All tensors that `f` reads are looked up at every call, and all that it changes (parameters through an optimizer's
 * `step()`, running means) are written in place. Random numbers, dropout, learning rates and step counts are fresh at
 * each call; other numbers and branches are those of the first call. Gradients that `backward()` leaves inside do not
 * outlive the call: return what you want to see.
 *
 * @param f - synchronous; takes tensors (and plain values, which are part of the program), returns a tensor, a list or
 *   a record of them, or nothing
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a result is what it means here
export function compile<A extends readonly unknown[], R extends Results | void>(
  f: (...args: A) => R,
  options: CompileOptions = {},
): Compiled<A, R> {
  const programs = new Map<string, Promise<Program<R>>>();
  const name = options.name ?? (f.name || "compiled function");
  let closed = false;
  let traces = 0;
  let latest: Program<R> | null = null;
  let last: Promise<unknown> = Promise.resolve();

  const call = async (args: A): Promise<R> => {
    if (closed) throw new Error(`${name}: called after close()`);
    const key = args.map(describe).join(";");
    for (;;) {
      let program = programs.get(key);
      if (!program) {
        traces++;
        program = Program.trace(name, f as (...args: readonly unknown[]) => R, args, options.session);
        programs.set(key, program);
        program.catch(() => programs.delete(key));
      }
      try {
        latest = await program;
        return await latest.run(args);
      } catch (error) {
        if (!(error instanceof Retrace)) throw error;
        (await program).close();
        programs.delete(key);
      }
    }
  };

  const compiled = (...args: A): Promise<R> => {
    // One call after the other: each starts from the state that the one before has left.
    const result = last.then(() => call(args));
    last = result.catch(() => {});
    return result;
  };
  return Object.defineProperties(compiled, {
    traces: { get: () => traces },
    undo: { value: () => latest?.undo() },
    close: {
      value: () => {
        closed = true;
        for (const program of programs.values()) program.then((p) => p.close()).catch(() => {});
        programs.clear();
      },
    },
  }) as unknown as Compiled<A, R>;
}

function describe(value: unknown): string {
  return value instanceof Tensor ? `${value.dtype}${show(value.shape)}${value.requiresGrad}` : JSON.stringify(value);
}

/** Where an input of the session comes from at each call. */
interface Slot {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly from:
    | { readonly kind: "argument"; readonly index: number }
    | { readonly kind: "live"; readonly fill: () => TypedArray }
    | { readonly kind: "tensor"; readonly tensor: Tensor }
    | { readonly kind: "fixed"; storage: Storage };
}

/** A tensor that the function changes, and the buffer into which the next value goes. */
interface State {
  readonly tensor: Tensor;
  spare: DeviceBuffer | null;
}

/** One traced form of a function. */
export class Program<R> {
  readonly #name: string;
  /** Null where there is nothing to compute. */
  readonly #session: Session | null;
  readonly #slots: readonly Slot[];
  readonly #states: readonly State[];
  readonly #results: readonly Node[];
  readonly #shape: (tensors: Tensor[]) => R;
  readonly #trace: Trace;
  readonly #device: string;
  /** Values that are part of the program (weights in a file): another value means another program. */
  readonly #fixedValues: readonly (readonly [Tensor, Node])[];

  #before: readonly (readonly [Tensor, Storage])[] = [];

  private constructor(
    name: string,
    traced: Traced<R>,
    session: Session | null,
    inputs: readonly Input[],
    fixedValues: readonly (readonly [Tensor, Node])[],
    device: string,
  ) {
    this.#name = name;
    this.#session = session;
    this.#trace = traced.trace;
    this.#slots = inputs.map((input) => slotOf(input, traced));
    this.#states = [...traced.states.keys()].map((tensor) => ({ tensor, spare: null }));
    this.#results = traced.results.map((node) => new Node("placeholder", [], {}, node.shape, node.dtype));
    this.#shape = traced.shape;
    this.#fixedValues = fixedValues;
    this.#device = device;
  }

  static async trace<R>(
    name: string,
    f: (...args: readonly unknown[]) => R,
    args: readonly unknown[],
    options: Partial<SessionOptions> = {},
  ): Promise<Program<R>> {
    const traced = traceTwice(name, f, args);
    const fixedValues: (readonly [Tensor, Node])[] = [];
    for (const [node, tensor] of traced.trace.reads) if (inFile(node)) fixedValues.push([tensor, node]);
    const outputs = [...traced.results, ...traced.states.values()];
    const device = outputs.find((node) => node.device !== null)?.device ?? settings.device;
    const graph = structure(outputs, true);
    // A plan of all memory ahead of time takes .8 GB more for a 3-million-parameter U-Net, and gains nothing.
    const extra = { arena: true, memPattern: false, ...options };
    const session = outputs.length > 0 ? open(graph, device, await targetOf(device), extra) : null;
    return new Program(name, traced, session, graph.inputs, fixedValues, device);
  }

  async run(args: readonly unknown[]): Promise<R> {
    for (const prepare of this.#trace.prepare) prepare();
    for (const [tensor, base] of this.#trace.windows) if (!tensor.isWindowOf(base)) throw new Retrace();
    for (const [tensor, node] of this.#fixedValues) if (tensor.peek() !== node) throw new Retrace();
    await memory.relieve();
    await this.#settleInputs(args);
    for (const action of this.#trace.everyCall) action();
    const feeds = this.#slots.map((slot) => this.#feed(slot, args));
    const fetches = this.#fetches();
    let data: TypedArray[];
    try {
      data = ((await this.#session?.run(feeds, fetches.all)) ?? []) as TypedArray[];
    } catch (error) {
      throw explain(error);
    }
    this.#before = this.#states.map(({ tensor }) => [tensor, current(tensor.peek().storage!)] as const);
    for (const [i, state] of this.#states.entries()) {
      const old = state.tensor.peek().storage;
      state.tensor.place(source(fetches.states[i]!));
      state.spare = old instanceof DeviceBuffer && !escaped.has(old) ? old : null;
    }
    let at = 0;
    const results = fetches.results.map((storage, i) => {
      const { dtype, shape } = this.#results[i]!;
      return new Tensor(source(storage ?? new HostArray(dtype, shape, data[at++]!, this.#device)));
    });
    return this.#shape(results);
  }

  /** Computes what a tensor from outside was meanwhile set to, if nobody has. */
  async #settleInputs(args: readonly unknown[]): Promise<void> {
    const nodes: Node[] = [];
    for (const slot of this.#slots) {
      const { from } = slot;
      const tensor =
        from.kind === "tensor" ? from.tensor : from.kind === "argument" ? (args[from.index] as Tensor) : null;
      const node = tensor?.peek();
      if (node && !node.storage) nodes.push(node);
    }
    if (nodes.length > 0) await computeNodes(nodes);
  }

  #feed({ name, dtype, shape, from }: Slot, args: readonly unknown[]): Feed {
    if (from.kind === "live") return { name, dtype, shape, data: from.fill() };
    if (from.kind === "fixed") {
      return feed(name, current(from.storage), (buffer) => {
        from.storage = buffer;
      });
    }
    const tensor = from.kind === "tensor" ? from.tensor : (args[from.index] as Tensor);
    const node = tensor.peek();
    const storage = current(node.storage!);
    if (storage.device !== this.#device) {
      throw new TypeError(
        `${this.#name}: a tensor of shape ${show(shape)} is on "${storage.device}", the function runs on "${this.#device}"; move it with await x.to("${this.#device}")`,
      );
    }
    return feed(name, storage, (buffer) => node.settle(buffer));
  }

  #fetches(): { all: Fetch[]; results: (DeviceBuffer | null)[]; states: DeviceBuffer[] } {
    const all: Fetch[] = [];
    const results = this.#results.map((node, i) => {
      const { dtype, shape } = node;
      if (node.size * 8 <= 16384) {
        all.push({ name: `y${i}`, dtype, shape, read: true });
        return null;
      }
      const buffer = new DeviceBuffer(dtype, shape, this.#device);
      all.push({ name: `y${i}`, dtype, shape, buffer: buffer.id });
      return buffer;
    });
    const states = this.#states.map(({ tensor, spare }, i) => {
      const { dtype, shape } = tensor;
      const buffer = spare ?? new DeviceBuffer(dtype, shape, this.#device);
      all.push({ name: `y${results.length + i}`, dtype, shape, buffer: buffer.id });
      return buffer;
    });
    return { all, results, states };
  }

  undo(): void {
    for (const [tensor, before] of this.#before) tensor.place(source(before));
    for (const state of this.#states) state.spare = null;
    this.#before = [];
  }

  close(): void {
    this.#session?.close();
    for (const state of this.#states) state.spare?.dispose();
  }
}

export interface Traced<R> {
  readonly trace: Trace;
  readonly placeholders: readonly (Node | null)[];
  readonly results: readonly Node[];
  readonly shape: (tensors: Tensor[]) => R;
  /** Changed tensors and what they become. */
  readonly states: ReadonlyMap<Tensor, Node>;
}

/** Traces; once more where an optimizer had to rearrange its parameters first. */
export function traceTwice<R>(
  name: string,
  f: (...args: readonly unknown[]) => R,
  args: readonly unknown[],
): Traced<R> {
  try {
    return traceOnce(name, f, args);
  } catch (error) {
    if (error instanceof Retrace) return traceOnce(name, f, args);
    throw error;
  }
}

function traceOnce<R>(name: string, f: (...args: readonly unknown[]) => R, args: readonly unknown[]): Traced<R> {
  if (tracing.current)
    throw new Error(`${name}: called inside another compiled function; call the plain function there`);
  const trace = new Trace();
  const placeholders = args.map((arg) =>
    arg instanceof Tensor ? new Node("placeholder", [], {}, arg.shape, arg.dtype) : null,
  );
  tracing.current = trace;
  const states = new Map<Tensor, Node>();
  try {
    const inputs = args.map((arg, i) => {
      const node = placeholders[i];
      if (!node) return arg;
      const x = new Tensor(node);
      return (arg as Tensor).requiresGrad && isFloat(node.dtype) ? x.requiresGrad_() : x;
    });
    const result = f(...inputs);
    if (result instanceof Promise) {
      throw new TypeError(
        `${name}: the function is async; a compiled function only writes operations down, without await`,
      );
    }
    const { tensors, shape } = disassemble<R>(name, result);
    for (const tensor of trace.writes.keys()) states.set(tensor, tensor.peek());
    return { trace, placeholders, results: tensors.map((t) => t.node), shape, states };
  } finally {
    tracing.current = null;
    for (const [tensor, before] of trace.writes) tensor.place(before);
    for (const tensor of trace.grads) tensor.grad = null;
  }
}

function disassemble<R>(name: string, result: unknown): { tensors: Tensor[]; shape: (tensors: Tensor[]) => R } {
  if (result === undefined) return { tensors: [], shape: () => undefined as R };
  if (result instanceof Tensor) return { tensors: [result], shape: ([x]) => x as R };
  if (Array.isArray(result) && result.every((x) => x instanceof Tensor)) {
    return { tensors: result, shape: (tensors) => tensors as R };
  }
  const entries = typeof result === "object" && result !== null ? Object.entries(result) : [];
  if (entries.length === 0 || !entries.every(([, x]) => x instanceof Tensor)) {
    throw new TypeError(`${name}: a compiled function returns tensors, a list or a record of them, or nothing`);
  }
  return {
    tensors: entries.map(([, x]) => x as Tensor),
    shape: (tensors) => Object.fromEntries(entries.map(([key], i) => [key, tensors[i]])) as R,
  };
}

function slotOf({ name, dtype, shape, node }: Input, traced: Traced<unknown>): Slot {
  const index = traced.placeholders.indexOf(node);
  if (index >= 0) return { name, dtype, shape, from: { kind: "argument", index } };
  if (node.is("live")) return { name, dtype, shape, from: { kind: "live", fill: node.attrs.fill } };
  const tensor = traced.trace.reads.get(node);
  if (tensor) return { name, dtype, shape, from: { kind: "tensor", tensor } };
  return { name, dtype, shape, from: { kind: "fixed", storage: node.storage! } };
}
