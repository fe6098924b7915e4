import type { TypedArray } from "../graph/dtype.ts";
import { allocate } from "../graph/dtype.ts";
import { inFile, type Node, recording, type Storage } from "../graph/node.ts";
import { isLeaf, type Structure, sorted, structure } from "../lower/structure.ts";
import { engine } from "./engine.ts";
import { explain } from "./errors.ts";
import { arrived } from "./futures.ts";
import type { Feed, Fetch } from "./protocol.ts";
import { sessionFor, targetNow, targetOf } from "./sessions.ts";
import { settings } from "./settings.ts";
import { current, DeviceBuffer, FileArray, feed, HostArray, memory } from "./storage.ts";

// Results up to this many bytes are kept in the caller's thread once they were read.
const smallResult = 16384;

// onnxruntime takes ever longer to open a session with more operations than this: larger computations are cut in parts.
const mostOperations = 4096;

const companions = new WeakMap<Node, () => readonly Node[]>();

/**
 * Asks that whoever computes `node`, for itself or on the way to something else, computes `others` in the same run:
 * the gradients of one `backward()` are nearly all the same work.
 */
export function computeAlong(node: Node, others: () => readonly Node[]): void {
  companions.set(node, others);
}

/** What is to be computed along with `graph`, on its device. */
function along(graph: Structure, device: string): Node[] {
  const found = new Set<Node>();
  for (const node of graph.order) {
    if (node.storage) continue;
    for (const other of companions.get(node)?.() ?? []) {
      if (!other.storage && other.size > 0 && deviceOf(other) === device) found.add(other);
    }
  }
  for (const node of graph.outputs) found.delete(node);
  return [...found];
}

/** Computes all `nodes` in one run for each device; what has been computed before is left alone. */
export async function realize(nodes: readonly Node[]): Promise<void> {
  checkNotTracing();
  for (const [device, group] of byDevice(nodes)) await compute(group, device, false);
}

function checkNotTracing(): void {
  if (recording.current) {
    throw new Error("a compiled function has no values yet while it runs: return the tensor, and read it outside");
  }
}

/** The elements of `node`, computed if need be; the array is the caller's. */
export async function read(node: Node): Promise<TypedArray> {
  checkNotTracing();
  if (node.size === 0) return allocate(node.dtype, 0);
  const storage = node.storage && current(node.storage);
  if (storage instanceof HostArray) return storage.data.slice() as TypedArray;
  if (storage instanceof FileArray) return storage.read();
  if (storage instanceof DeviceBuffer) return readBuffer(storage);
  const [data] = await compute([node], deviceOf(node), true);
  return data!;
}

/** `read` for several, computed in one run for each device. */
export async function readAll(nodes: readonly Node[]): Promise<TypedArray[]> {
  checkNotTracing();
  const computed = new Map<Node, TypedArray>();
  for (const [device, group] of byDevice(nodes)) {
    const data = await compute(group, device, true);
    for (const [i, node] of group.entries()) computed.set(node, data[i]!);
  }
  return Promise.all(nodes.map((node) => computed.get(node) ?? read(node)));
}

/**
 * `read`, but the thread sleeps until the elements are there: for printing.
 * @throws Error if that could take long: the engine is busy, or the computation is large
 */
export function readNow(node: Node): TypedArray {
  const storage = node.storage && current(node.storage);
  if (storage instanceof HostArray) return storage.data.slice() as TypedArray;
  if (storage instanceof FileArray && node.size <= 1e6) return storage.read();
  if (engine.busy) throw new Error("readNow: the engine is busy");
  if (storage instanceof DeviceBuffer) {
    return engine.requestNow({ type: "read", buffer: storage.id, device: storage.device }) as TypedArray;
  }
  const order = sorted([node]);
  if (order.length > mostOperations) throw new Error("readNow: the computation is large");
  const graph = structure([node]);
  if (
    graph.order.reduce((n, { size }) => n + size, 0) > 1e6 ||
    graph.inputs.some((i) => !i.values && !i.node.storage)
  ) {
    throw new Error("readNow: the tensor has not been computed yet");
  }
  const device = deviceOf(node);
  const fetch = { name: "y0", dtype: node.dtype, shape: node.shape, read: true };
  const [data] = sessionFor(graph, device, targetNow(device)).runNow(feedsOf(graph), [fetch]);
  if (!node.storage)
    node.settle(new HostArray(node.dtype, node.shape, (data as TypedArray).slice() as TypedArray, device));
  return data as TypedArray;
}

async function readBuffer(storage: DeviceBuffer): Promise<TypedArray> {
  if (storage.gone !== null) throw new Error(`a tensor of shape [${storage.shape}] ${storage.gone}`);
  return (await engine.request({ type: "read", buffer: storage.id, device: storage.device })) as TypedArray;
}

export function deviceOf(node: Node): string {
  return node.storage?.device ?? node.device ?? settings.device;
}

function byDevice(nodes: readonly Node[]): Map<string, Node[]> {
  const groups = new Map<string, Node[]>();
  for (const node of new Set(nodes)) {
    if (node.storage || node.size === 0) continue;
    const device = deviceOf(node);
    const group = groups.get(device);
    if (group) group.push(node);
    else groups.set(device, [node]);
  }
  return groups;
}

/** Computes what is `asked` for, and returns the elements where these are `wanted`. */
async function compute(asked: readonly Node[], device: string, wanted: boolean): Promise<TypedArray[]> {
  await memory.relieve();
  await prepare(asked, device);
  const wished = wanted ? asked : asked.filter((node) => !node.storage);
  if (wished.length === 0) return [];
  const alone = structure(wished);
  const more = along(alone, device);
  const nodes = [...wished, ...more];
  const graph = more.length > 0 ? structure(nodes) : alone;
  const session = sessionFor(graph, device, await targetOf(device));
  const feeds = feedsOf(graph);
  const results: (Storage | null)[] = [];
  const fetches = nodes.map((node, i): Fetch => {
    const read = wanted && i < wished.length;
    const small = read && node.size * 8 <= smallResult;
    const buffer = small ? null : new DeviceBuffer(node.dtype, node.shape, device);
    results.push(buffer);
    const fetch = { name: `y${i}`, dtype: node.dtype, shape: node.shape, read };
    return buffer ? { ...fetch, buffer: buffer.id } : fetch;
  });
  let data: TypedArray[];
  try {
    data = (await session.run(feeds, fetches)) as TypedArray[];
  } catch (error) {
    throw explain(error, graph);
  }
  for (const [i, node] of nodes.entries()) {
    // Weights in a file stay there, also when somebody looks at them.
    if (!node.storage && !(wanted && inFile(node)))
      node.settle(results[i] ?? new HostArray(node.dtype, node.shape, data[i]!.slice() as TypedArray, device));
  }
  return data;
}

/** Waits for what compiled functions are about to compute, and computes the beginning of what is too large for one run. */
async function prepare(wished: readonly Node[], device: string): Promise<void> {
  for (;;) {
    const order = sorted(wished);
    if (await arrived(order.filter((node) => isLeaf(node)))) continue;
    const work = order.filter((node) => !isLeaf(node));
    if (work.length <= mostOperations) return;
    const first = new Set(work.slice(0, mostOperations));
    const needed = new Set(wished.filter((node) => first.has(node)));
    for (const node of work.slice(mostOperations)) {
      for (const input of node.inputs) if (first.has(input)) needed.add(input);
    }
    await compute([...needed], device, false);
  }
}

function feedsOf(graph: Structure): Feed[] {
  return graph.inputs.map(({ name, dtype, shape, node, values }) =>
    values ? { name, dtype, shape, data: values } : feed(name, node.storage!, (buffer) => node.settle(buffer)),
  );
}
