import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { MappedFile } from "../files/mapped.ts";
import { byteWidth, type DType, type TypedArray, viewBytes } from "../graph/dtype.ts";
import type { FileRegion, Node, Storage } from "../graph/node.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import { engine } from "./engine.ts";
import type { Feed } from "./protocol.ts";

/** Elements in this thread. The first larger computation moves them to the engine's. */
export class HostArray implements Storage {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly device: string;
  readonly data: TypedArray;

  /** Takes over `data`: nobody else may change it from here on. */
  constructor(dtype: DType, shape: Shape, data: TypedArray, device: string) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
    this.device = device;
  }
}

/** Elements that lie in a file, such as weights of a checkpoint: sessions map them, nothing is copied. */
export class FileArray implements Storage {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly device: string;
  readonly file: FileRegion & { readonly file: MappedFile };

  constructor(dtype: DType, shape: Shape, file: FileArray["file"], device: string) {
    this.dtype = dtype;
    this.shape = shape;
    this.file = file;
    this.device = device;
  }

  /** Its elements, read now. */
  read(): TypedArray {
    const { file, offset, length } = this.file;
    return viewBytes(this.dtype, file.read(offset, length).buffer);
  }
}

/**
 * Values that somebody outside of compiled functions may still look at, or their elements if they are computed:
 * buffers that hold them are not written to again.
 */
export const escaped = new WeakSet<Storage | Node>();

let count = 0;

/** Elements that the engine's thread holds. They are freed with the last tensor that refers to them. */
export class DeviceBuffer implements Storage {
  readonly id: number;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly device: string;
  readonly #generation = engine.generation;
  #open = true;

  constructor(dtype: DType, shape: Shape, device: string) {
    this.id = count++;
    this.dtype = dtype;
    this.shape = shape;
    this.device = device;
    const bytes = sizeOf(shape) * byteWidth[dtype];
    memory.add(bytes);
    registry.register(this, { id: this.id, bytes }, this);
  }

  /** Why its elements are gone, or null if they are there. */
  get gone(): string | null {
    if (!this.#open) return "is used after dispose()";
    if (this.#generation === engine.generation) return null;
    return "is lost: the computing thread that held it has stopped. Load or create it again.";
  }

  get usable(): boolean {
    return this.gone === null;
  }

  /** Frees the memory now rather than when the garbage collector comes by. */
  dispose(): void {
    if (!this.#open) return;
    this.#open = false;
    registry.unregister(this);
    memory.free(this.id, sizeOf(this.shape) * byteWidth[this.dtype]);
  }
}

const LEAST_LIMIT = 256 * 2 ** 20;

/** Collects freed buffers and tells the thread in one message. */
class Memory {
  bytes = 0;
  /** At this many bytes the garbage collector is asked to look for buffers that nobody refers to. */
  #limit = LEAST_LIMIT;
  #freed: number[] = [];
  #collect: (() => void) | null = null;

  add(bytes: number): void {
    this.bytes += bytes;
  }

  free(id: number, bytes: number): void {
    this.bytes -= bytes;
    if (this.#freed.length === 0) {
      queueMicrotask(() => {
        engine.post({ type: "free", buffers: this.#freed, sessions: [] });
        this.#freed = [];
      });
    }
    this.#freed.push(id);
  }

  /**
   * JavaScript's collector sees only our small handles, not what they hold, and would let gigabytes pile up.
   * Where much was allocated it is called explicitly, once for all who ask for it at the same time.
   */
  async relieve(): Promise<void> {
    if (this.bytes < this.#limit) return;
    this.#collect ??= collector();
    this.#collect();
    // Others that ask meanwhile go on. Were they to wait for this, a cell stopped right now could leave them waiting for ever.
    this.#setLimit();
    // Finalizers run as tasks of their own.
    await new Promise((resolve) => setImmediate(resolve));
    this.#setLimit();
  }

  #setLimit(): void {
    this.#limit = Math.max(LEAST_LIMIT, this.bytes * 1.5);
  }
}

function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

export const memory = new Memory();

const registry = new FinalizationRegistry<{ id: number; bytes: number }>(({ id, bytes }) => memory.free(id, bytes));

// Up to this many bytes are sent along with a run; more is moved once and stays.
const inlineLimit = 16384;

/** What to feed for `storage`; `settle` is told where larger host data lives from now on. */
export function feed(name: string, storage: Storage, settle: (buffer: DeviceBuffer) => void): Feed {
  const { dtype, shape } = storage;
  if (storage instanceof HostArray) {
    if (storage.data.byteLength <= inlineLimit) return { name, dtype, shape, data: storage.data };
    const buffer = upload(storage);
    settle(buffer);
    return { name, dtype, shape, buffer: buffer.id };
  }
  if (storage instanceof DeviceBuffer) {
    if (storage.gone !== null) throw new Error(`a tensor of shape [${shape}] ${storage.gone}`);
    return { name, dtype, shape, buffer: storage.id };
  }
  throw new Error(`a tensor of shape [${shape}] lies nowhere`);
}

/** Moves the elements of a host array to the thread; the array is empty afterwards. */
export function upload(host: HostArray): DeviceBuffer {
  const known = uploaded.get(host);
  if (known) return known;
  const buffer = new DeviceBuffer(host.dtype, host.shape, host.device);
  uploaded.set(host, buffer);
  if (escaped.has(host)) escaped.add(buffer);
  const { data } = host;
  // A part of a larger buffer cannot be moved alone.
  const own = data.byteLength === data.buffer.byteLength ? data : data.slice();
  engine.post({ type: "put", buffer: buffer.id, dtype: host.dtype, shape: host.shape, data: own }, [
    own.buffer as ArrayBuffer,
  ]);
  return buffer;
}

// Several nodes may share one host array.
const uploaded = new WeakMap<HostArray, DeviceBuffer>();

/** Where a host array's elements are now. */
export function current(storage: Storage): Storage {
  return storage instanceof HostArray ? (uploaded.get(storage) ?? storage) : storage;
}
