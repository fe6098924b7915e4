import { join, relative } from "node:path";
import type { TypedArray } from "../graph/dtype.ts";
import type { FileRegion, Node, Op } from "../graph/node.ts";
import { type ExternalData, OnnxGraph } from "../onnx/model.ts";
import type { EightBitWeights } from "./eight-bit/weights.ts";
import { attributes, type Input, isLeaf, type Structure } from "./structure.ts";

/** What a graph is written for. */
export interface Target {
  /** Formulations that are fast on onnxruntime's CPU provider, instead of plain standard operators. */
  readonly tuned: boolean;
  /** Channels in a block of the CPU's own image layout: 16 with AVX-512, else 8; 0 leaves that layout alone. */
  readonly block: 0 | 8 | 16;
  /** The folder above files with weights, which are constants of the program. */
  readonly folder?: string | undefined;
  /** Most weights are such constants, which onnxruntime lays out as it likes. */
  readonly frozen?: boolean | undefined;
  /** Weights are read in place, forwards and backwards, without a second copy. */
  readonly inPlace?: boolean | undefined;
  /** Gathers the weights that layers read in 8 bits; none do without it. */
  readonly eightBit?: EightBitWeights | undefined;
}

/** Writes one node as ONNX operations and returns the name of its value. */
export type Emit<O extends Op = Op> = (e: Emitter, node: Node<O>) => string;
export type Emissions = { readonly [O in Op]: Emit<O> };

// Written only where somebody reads them: the reader may be able to do without.
const onDemand: ReadonlySet<Op> = new Set([
  ...(["permute", "expand", "cast", "const", "reshape"] as const),
  ...(["conv2d", "matmul", "attention", "detach"] as const),
]);

const deepest = 200;

/** An output beside those of the graph, where inputs of layers are rounded to 8 bits: the coarseness of each, `[inputs]`. */
export const COARSENESS = "coarseness";

// What these read, where nobody else does, they write themselves: together they may be less work.
const writesOwn: ReadonlyMap<Op, Op> = new Map([
  ["sum", "mul"],
  ["sumPool", "convInput"],
  ["conv2d", "sumPoolBackward"],
]);

/** The two terms of a sum, either one first. */
export function terms({ inputs: [a, b] }: Node): [Node, Node][] {
  return [
    [a!, b!],
    [b!, a!],
  ];
}

/** Turns a graph into ONNX, node by node, each as a table says. `lower` knows which table a target has. */
export class Emitter {
  readonly graph = new OnnxGraph();
  readonly target: Target;
  /** How many nodes read each one. */
  readonly uses = new Map<Node, number>();
  readonly #names = new Map<Node, string>();
  readonly #memo = new Map<string, string>();
  readonly #inputs = new Map<Node, Input>();
  readonly #canonical = new Map<Node, Node>();
  readonly #known = new Map<string, Node>();
  readonly #ops = new Set<Op>();
  readonly #table: Emissions;

  constructor(target: Target, table: Emissions) {
    this.target = target;
    this.#table = table;
  }

  /** The name under which `node`'s value stands in the ONNX graph. */
  name(node: Node): string {
    const same = this.canonical(node);
    let name = this.#names.get(same);
    if (name === undefined) {
      const file = same.storage?.file;
      const emit = this.#table[same.op] as Emit;
      name = file ? this.graph.initializer(same.dtype, same.shape, this.external(file)) : emit(this, same);
      this.#names.set(same, name);
    }
    return name;
  }

  /** The one node that stands for all that compute the same: gradients repeat parts of what they differentiate. */
  canonical(node: Node): Node {
    let found = this.#canonical.get(node);
    if (found) return found;
    if (isLeaf(node) || this.fed(node) !== undefined) found = node;
    else {
      const inputs = node.inputs.map((input) => this.canonical(input).id);
      const key = `${node.op} ${node.dtype} ${node.shape} ${inputs} ${attributes(node)}`;
      found = this.#known.get(key) ?? node;
      this.#known.set(key, found);
    }
    this.#canonical.set(node, found);
    return found;
  }

  emitted(node: Node): boolean {
    return this.#names.has(this.canonical(node));
  }

  /** A node of this kind that nothing has written yet and only one reader asks for, who may write it as its own part. */
  singleUse<O extends Op>(read: Node, op: O): Node<O> | null {
    const node = this.canonical(read);
    const free = !node.storage && this.uses.get(node) === 1 && !this.emitted(node);
    return free && node.is(op) ? node : null;
  }

  /** Whether the graph contains an operation of this kind. */
  has(op: Op): boolean {
    return this.#ops.has(op);
  }

  /** The names of a node's inputs. */
  names(node: Node): string[] {
    return node.inputs.map((input) => this.name(input));
  }

  /** The name of the fed numbers of a `free` node, or undefined if they are written into the program. */
  fed(node: Node): string | undefined {
    return this.#inputs.get(node)?.name;
  }

  /** Writes something once per key and returns its name every time. */
  memoize(key: string, make: () => string): string {
    let name = this.#memo.get(key);
    if (name === undefined) {
      name = make();
      this.#memo.set(key, name);
    }
    return name;
  }

  /**
   * The whole graph; outputs are named `y0`, `y1` and so on.
   *
   * @param constants - inputs whose elements become part of the model
   */
  emit(structure: Structure, constants?: ReadonlyMap<Node, TypedArray>): Uint8Array {
    for (const input of structure.inputs) {
      const data = constants?.get(input.node);
      if (data) {
        this.#names.set(input.node, this.graph.initializer(input.dtype, input.shape, data));
        continue;
      }
      this.graph.input(input.name, input.dtype, input.shape);
      this.#inputs.set(input.node, input);
      if (!input.values) this.#names.set(input.node, input.name);
    }
    for (const node of structure.order) {
      if (isLeaf(node)) {
        const data = node.storage?.file && constants?.get(node);
        if (data) this.#names.set(node, this.graph.initializer(node.dtype, node.shape, data));
        continue;
      }
      this.#ops.add(node.op);
      if (this.canonical(node) !== node) continue;
      for (const input of node.inputs) {
        const read = this.canonical(input);
        this.uses.set(read, (this.uses.get(read) ?? 0) + 1);
      }
    }
    for (const output of structure.outputs) {
      const read = this.canonical(output);
      this.uses.set(read, (this.uses.get(read) ?? 0) + 1);
    }
    const left = this.#leftToReaders(structure);
    // How many nodes in a row are left to their readers: each is a call within a call when it is written at last.
    const depths = new Map<Node, number>();
    for (const node of structure.order) {
      if (isLeaf(node) || this.canonical(node) !== node) continue;
      const isLeft = onDemand.has(node.op) || left.has(node);
      const depth = isLeft ? 1 + Math.max(0, ...node.inputs.map((input) => depths.get(this.canonical(input)) ?? 0)) : 0;
      if (isLeft && depth < deepest) depths.set(node, depth);
      else this.name(node);
    }
    for (const [i, node] of structure.outputs.entries()) {
      this.graph.result(this.name(node), `y${i}`, node.dtype, node.shape);
    }
    const rounded = this.target.eightBit?.rounded ?? [];
    if (rounded.length > 0) {
      const all = this.graph.add(
        "Concat",
        rounded.map(({ coarseness }) => coarseness),
        { axis: 0 },
      );
      this.graph.result(all, COARSENESS, "float32", [rounded.length]);
    }
    return this.graph.encode();
  }

  #leftToReaders(structure: Structure): Set<Node> {
    const left = new Set<Node>();
    for (const node of structure.order) {
      // What has been computed keeps its operation, but has no inputs any more.
      if (isLeaf(node)) continue;
      const op = writesOwn.get(node.op);
      const read = op && this.singleUse(node.inputs[0]!, op);
      if (read) left.add(read);
    }
    return left;
  }

  /** Where a part of a file lies, as the model says it. */
  external({ file, offset, length }: FileRegion): ExternalData {
    const location = relative(this.target.folder ?? file.folder, join(file.folder, file.location));
    return { location, offset, length };
  }

  reshape(x: string, shape: readonly number[]): string {
    return this.graph.add("Reshape", [x, this.graph.ints(shape)]);
  }

  /** A constant beside a float tensor, in its dtype. */
  scalar(value: number, like: Node): string {
    if (like.dtype !== "float16") return this.graph.scalar(value, like.dtype);
    return this.memoize(`half ${Object.is(value, -0) ? "-0" : value}`, () =>
      this.graph.add("Cast", [this.graph.scalar(value)], { to: 10 }),
    );
  }
}
