import type { DType, TypedArray } from "../graph/dtype.ts";
import type { Node, Storage } from "../graph/node.ts";
import type { Shape } from "../graph/shape.ts";

/** What a session is fed under one name: a tensor, or numbers that belong to one run. */
export interface Input {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly node: Node;
  /** The numbers of a `free` constant or slice; undefined where the node's tensor is fed. */
  readonly values?: TypedArray;
}

/** A graph in the order of computation, with what distinguishes it from others. */
export interface Structure {
  /** Equal for graphs which one session can compute. */
  readonly key: string;
  readonly order: readonly Node[];
  readonly inputs: readonly Input[];
  readonly outputs: readonly Node[];
}

const constants = new WeakMap<Storage, number>();
let count = 0;

/** Tells a storage from every other, whose elements become part of a session. */
function constantId(storage: Storage): number {
  let id = constants.get(storage);
  if (id === undefined) {
    id = count++;
    constants.set(storage, id);
  }
  return id;
}

/** Whether a node is given to the session rather than computed by it. */
export function isLeaf(node: Node): boolean {
  return node.storage !== null || node.op === "placeholder" || node.op === "live" || node.op === "source";
}

/**
 * Orders the graph under `outputs`, and names all that differs from run to run as an input.
 *
 * @param freeze - write the caller's numbers into the program: for a function that is traced once
 */
export function structure(outputs: readonly Node[], freeze = false): Structure {
  const order = sorted(outputs);
  const place = new Map<Node, number>();
  const inputs: Input[] = [];
  const parts: string[] = [];
  for (const [i, node] of order.entries()) {
    place.set(node, i);
    const head = `${node.op} ${node.dtype} ${node.shape}`;
    if (isLeaf(node)) {
      const region = node.storage?.file;
      const eightBit = node.storage?.eightBit ? "8 bits " : "";
      if (region) parts.push(`${eightBit}file ${head} ${region.file.id} ${region.offset}`);
      else {
        inputs.push({ name: `x${i}`, dtype: node.dtype, shape: node.shape, node });
        parts.push(`${eightBit && `${eightBit}${constantId(node.storage!)} `}leaf ${node.dtype} ${node.shape}`);
      }
      continue;
    }
    const values = freeze ? null : freeNumbers(node);
    if (values) {
      const [dtype, shape] = node.is("slice") ? (["int64", [values.length]] as const) : [node.dtype, node.shape];
      inputs.push({ name: `x${i}`, dtype, shape, node, values });
    }
    const reads = node.inputs.map((input) => place.get(input)!);
    parts.push(`${head} ${reads} ${values ? fixedAttributes(node) : attributes(node)}`);
  }
  parts.push(`out ${outputs.map((node) => place.get(node)!)}`);
  return { key: parts.join("\n"), order, inputs, outputs };
}

/** A node's attributes as text, different for different ones: JSON alone writes NaN and both infinities as null. */
export function attributes(node: Node): string {
  for (const _ in node.attrs) return JSON.stringify(node.attrs, exactly);
  return "";
}

function exactly(_: string, value: unknown): unknown {
  return typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${1 / value} ${value}`
    : value;
}

function fixedAttributes(node: Node): string {
  return node.is("slice") ? `step ${node.attrs.step}` : "";
}

function freeNumbers(node: Node): TypedArray | null {
  if (node.is("const") && node.attrs.free && (node.dtype === "float32" || node.dtype === "int64")) {
    return node.dtype === "int64" ? BigInt64Array.of(BigInt(node.attrs.value)) : Float32Array.of(node.attrs.value);
  }
  if (node.is("slice") && node.attrs.free) return BigInt64Array.from(sliceStarts(node), (v) => BigInt(v));
  return null;
}

export function sliceStarts(node: Node<"slice">): readonly number[] {
  return node.attrs.start;
}

/** Inputs before the nodes that read them, without recursion: graphs are deep. */
export function sorted(outputs: readonly Node[]): Node[] {
  const done = new Set<Node>();
  const list: Node[] = [];
  const stack: [Node, number][] = [];
  for (const output of outputs) {
    if (done.has(output)) continue;
    done.add(output);
    stack.push([output, 0]);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const input = isLeaf(top[0]) ? undefined : top[0].inputs[top[1]++];
      if (!input) {
        list.push(top[0]);
        stack.pop();
      } else if (!done.has(input)) {
        done.add(input);
        stack.push([input, 0]);
      }
    }
  }
  return list;
}
