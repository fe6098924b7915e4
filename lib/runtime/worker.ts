/**
 * The engine's thread: it owns every computed tensor and every session, so that the thread of the caller stays free
 * while a session runs, and tensors do not travel unless somebody reads them.
 *
 * onnxruntime-node takes no SharedArrayBuffer, and its `run` blocks the thread that calls it. A thread of our own,
 * with buffers that move (not copy) on their way in and out, solved both.
 */
import { rmSync } from "node:fs";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import { allocate, byteWidth, type DType, type TypedArray, viewBytes } from "../graph/dtype.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import type { EightBitFile, Envelope, Feed, Fetch, Reply, Request, SessionOptions } from "./protocol.ts";

// What goes wrong is thrown; onnxruntime's own log would only repeat it on the terminal.
ort.env.logLevel = "fatal";

// Where JavaScript has it (Node 24, Deno), onnxruntime-common makes float16 tensors of it, and onnxruntime-node's binding
// then sees no bytes in them. Without it, both take the raw bits in a Uint16Array, as we do.
delete (globalThis as { Float16Array?: unknown }).Float16Array;

const port = parentPort!;
const { quiet } = workerData as { quiet: MessagePort };

/** A session, for as long as anything of it is needed. */
interface Opened {
  readonly session: ort.InferenceSession;
  /** The GPU on which its outputs stay; null if they do not. */
  readonly gpu: string | null;
  /** Whether it writes a profile when it closes. */
  readonly profiled: boolean;
  /** Tensors that lie in its memory on a GPU: freed after the session, they end the process. */
  tensors: number;
  closed: boolean;
}

const sessions = new Map<number, Opened>();
const owners = new WeakMap<ort.Tensor, Opened>();
const buffers = new Map<number, ort.Tensor>();
const copies = new Map<string, Promise<ort.InferenceSession>>();

// Freed memory waits here for the next output of its size: a fresh array costs page faults at every step.
// Only what was made here goes back into it: batches that come in from outside, one after the other, have no use for it.
const pool = new Map<number, ArrayBuffer[]>();
const ours = new WeakSet<ArrayBuffer>();
let pooled = 0;
const poolLimit = 256 * 2 ** 20;

function takeArray(dtype: DType, shape: Shape): TypedArray {
  const size = sizeOf(shape);
  const bytes = size * byteWidth[dtype];
  const buffer = bytes >= 4096 ? pool.get(bytes)?.pop() : undefined;
  if (!buffer) {
    const fresh = allocate(dtype, size);
    ours.add(fresh.buffer as ArrayBuffer);
    return fresh;
  }
  pooled -= bytes;
  return viewBytes(dtype, buffer);
}

async function release(id: number): Promise<void> {
  const tensor = buffers.get(id);
  buffers.delete(id);
  if (!tensor) return;
  if (tensor.location === "gpu-buffer") return dispose(tensor);
  const { buffer, byteOffset, byteLength } = tensor.data as Float32Array<ArrayBuffer>;
  if (byteOffset !== 0 || byteLength !== buffer.byteLength || byteLength < 4096) return;
  if (!ours.has(buffer) || pooled + byteLength > poolLimit) return;
  pooled += byteLength;
  const list = pool.get(byteLength);
  if (list) list.push(buffer);
  else pool.set(byteLength, [buffer]);
}

/** Frees a tensor on a GPU, and with the last one of a closed session that session. */
async function dispose(tensor: ort.Tensor): Promise<void> {
  tensor.dispose();
  const owner = owners.get(tensor);
  owners.delete(tensor);
  if (!owner) return;
  owner.tensors--;
  if (owner.closed && owner.tensors === 0) await owner.session.release();
}

async function close(id: number): Promise<void> {
  const opened = sessions.get(id);
  sessions.delete(id);
  if (!opened) return;
  if (opened.profiled) opened.session.endProfiling();
  opened.closed = true;
  if (opened.tensors === 0) await opened.session.release();
}

function tensorOf(dtype: DType, shape: Shape, data: TypedArray): ort.Tensor {
  return new ort.Tensor(dtype as "float32", data as Float32Array, shape);
}

function buffer(id: number): ort.Tensor {
  const tensor = buffers.get(id);
  if (!tensor) throw new Error("the tensor has been disposed");
  return tensor;
}

/** Opens a session over weights in 8 bits: it has read their file by the end, or holds it without its name. */
async function openEightBit(file: EightBitFile, openSession: () => Promise<void>): Promise<void> {
  const { writeEightBit } = await import("./eight-bit.ts");
  try {
    writeEightBit(file, (id) => buffer(id).data as Float32Array);
    await openSession();
  } finally {
    remove(file.path);
  }
}

/** Files that could not be deleted while a session had them mapped, as on Windows. */
const left = new Set<string>();

function remove(path: string): void {
  for (const file of [...left, path]) {
    try {
      rmSync(file, { force: true });
      left.delete(file);
    } catch {
      left.add(file);
    }
  }
}

process.on("exit", () => left.forEach(remove));

/**
 * Whether products of unsigned and signed 8 bits add up exactly: on x64 without instructions for them (VNNI), sums of two are cut
 * off at 16 bits.
 */
async function eightBit(): Promise<boolean> {
  const { eightBitModel } = await import("./copy-model.ts");
  try {
    const session = await ort.InferenceSession.create(eightBitModel(), { logSeverityLevel: 4 });
    const { y0 } = await session.run({ x0: new ort.Tensor("uint8", new Uint8Array(16 * 64).fill(255), [16, 64]) });
    await session.release();
    return (y0!.data as Float32Array).every((sum) => sum === 255 * 127 * 64);
  } catch {
    return false;
  }
}

// Microseconds that an idle thread spins before it sleeps: operations follow each other so closely that waking it each time costs
// 3 to 9 % of a U-Net's time. With another process on the same core, such spinning costs 8 %; unlimited, 40 %.
const shortWait = "50";

async function open(session: number, model: Uint8Array, options: SessionOptions): Promise<void> {
  const extra: Record<string, unknown> = {
    intra_op: { allow_spinning: "1", ...(options.spinning ? {} : { spin_duration_us: shortWait }) },
    force_spinning_stop: "1",
  };
  if (options.folder !== undefined) extra.model_external_initializers_file_folder_path = options.folder;
  if (options.prepacking === false) extra.disable_prepacking = "1";
  const location: Record<string, "gpu-buffer"> = {};
  for (const name of options.keep ?? []) location[name] = "gpu-buffer";
  const created = await ort.InferenceSession.create(model, {
    executionProviders: [options.device],
    intraOpNumThreads: options.threads,
    enableCpuMemArena: options.arena,
    enableMemPattern: options.memPattern ?? true,
    graphOptimizationLevel: options.level ?? "all",
    logSeverityLevel: 4,
    extra: { session: extra },
    ...(options.keep?.length ? { preferredOutputLocation: location } : {}),
    ...(options.profile ? { enableProfiling: true, profileFilePrefix: options.profile } : {}),
  });
  const { keep, device, profile } = options;
  const gpu = keep ? device : null;
  sessions.set(session, { session: created, gpu, profiled: Boolean(profile), tensors: 0, closed: false });
}

async function run(id: number, feeds: readonly Feed[], fetches: readonly Fetch[]): Promise<TypedArray[]> {
  const opened = sessions.get(id);
  if (!opened) throw new Error("the session has been closed");
  const input: Record<string, ort.Tensor> = {};
  for (const feed of feeds) {
    input[feed.name] = feed.data ? tensorOf(feed.dtype, feed.shape, feed.data) : buffer(feed.buffer!);
  }
  const output: Record<string, ort.Tensor | null> = {};
  for (const fetch of fetches) {
    const kept = fetch.buffer === undefined ? undefined : buffers.get(fetch.buffer);
    if (opened.gpu) output[fetch.name] = null;
    else output[fetch.name] = kept ?? tensorOf(fetch.dtype, fetch.shape, takeArray(fetch.dtype, fetch.shape));
  }
  const results = await opened.session.run(input, output);
  const read: TypedArray[] = [];
  for (const fetch of fetches) {
    const result = results[fetch.name]!;
    if (fetch.buffer !== undefined) {
      const old = buffers.get(fetch.buffer);
      if (old && old !== result && old.location === "gpu-buffer") await dispose(old);
      buffers.set(fetch.buffer, result);
    }
    if (result.location === "gpu-buffer" && !owners.has(result)) {
      owners.set(result, opened);
      opened.tensors++;
    }
    if (!fetch.read) continue;
    if (result.location === "gpu-buffer") {
      read.push(await readBack(result, opened.gpu!));
      if (fetch.buffer === undefined) await dispose(result);
    } else read.push(fetch.buffer === undefined ? (result.data as TypedArray) : copyOf(result));
  }
  return read;
}

function copyOf(tensor: ort.Tensor): TypedArray {
  return (tensor.data as TypedArray).slice();
}

/** Reads a tensor of a GPU through a session that copies it: asking the tensor itself ends the process. */
async function readBack(tensor: ort.Tensor, device: string): Promise<TypedArray> {
  const key = `${device} ${tensor.type} ${tensor.dims}`;
  const { copyModel } = await import("./copy-model.ts");
  let session = copies.get(key);
  if (!session) {
    session = ort.InferenceSession.create(copyModel(tensor.type as DType, tensor.dims), {
      executionProviders: [device],
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    });
    copies.set(key, session);
  }
  const { y0 } = await (await session).run({ x0: tensor });
  return y0!.data as TypedArray;
}

/** How many channels a block of the CPU's own image layout has: found by looking where the first two pixels go. */
async function block(): Promise<number> {
  const { blockModel } = await import("./copy-model.ts");
  try {
    const session = await ort.InferenceSession.create(blockModel(), { logSeverityLevel: 4 });
    const x = Float32Array.from({ length: 32 }, (_, i) => i);
    const { y0 } = await session.run({ x0: new ort.Tensor("float32", x, [1, 16, 1, 2]) });
    await session.release();
    // Blocked, the second pixel of channel 0 comes after the first pixel of all channels in the block.
    return (y0!.data as Float32Array).indexOf(1);
  } catch {
    return 0;
  }
}

async function handle(request: Request): Promise<unknown> {
  switch (request.type) {
    case "open":
      return request.weights
        ? openEightBit(request.weights, () => open(request.session, request.model, request.options))
        : open(request.session, request.model, request.options);
    case "run":
      return run(request.session, request.feeds, request.fetches);
    case "put":
      buffers.set(request.buffer, tensorOf(request.dtype, request.shape, request.data));
      return;
    case "read": {
      const tensor = buffer(request.buffer);
      return tensor.location === "gpu-buffer" ? readBack(tensor, request.device) : copyOf(tensor);
    }
    case "free":
      for (const id of request.buffers) await release(id);
      for (const id of request.sessions) await close(id);
      return;
    case "stop":
      // Ends this thread only, and not in the middle of a computation, which would end the process.
      return process.exit(0);
    case "block":
      return block();
    case "eightBit":
      return eightBit();
    case "backends":
      return ort.listSupportedBackends();
  }
}

let last: Promise<void> = Promise.resolve();

port.on("message", ({ id, request, wake }: Envelope) => {
  last = last.then(async () => {
    let reply: Reply;
    try {
      reply = { id, result: await handle(request) };
    } catch (error) {
      reply = { id, error: error instanceof Error ? error.message : String(error) };
    }
    const moved = transferable(reply.result);
    if (!wake) port.postMessage(reply, moved);
    else {
      quiet.postMessage(reply, moved);
      Atomics.store(wake, 0, 1);
      Atomics.notify(wake, 0);
    }
  });
});

function transferable(result: unknown): ArrayBuffer[] {
  const list = Array.isArray(result) ? result : [result];
  const found = new Set<ArrayBuffer>();
  for (const item of list) if (ArrayBuffer.isView(item)) found.add(item.buffer as ArrayBuffer);
  return [...found];
}
