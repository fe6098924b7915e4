import { type FileHandle, open, stat } from "node:fs/promises";
import { type FileStamp, sameStamp, stampOf } from "../files/mapped.ts";
import { arrayOver, type TensorData } from "./dtypes.ts";
import { toFloat32 } from "./half.ts";
import { headerLength, parseHeader, type TensorEntry } from "./header.ts";

/** One read call of the operating system takes at most 2 GiB; this stays well below. */
const READ_BYTES = 2 ** 30;

/** A tensor of a checkpoint on disk: enough to read it, or to let onnxruntime map it as external data. */
export interface StoredTensor extends TensorEntry {
  /** The file that holds it. */
  readonly path: string;
}

/**
 * A checkpoint on disk, one file or several: its header is read and checked, its data is read when asked for.
 *
 * It holds no open file, so there is nothing to close. Each read checks that the file is still the one whose header
 * was checked.
 */
export class SafetensorsFile {
  /** The file, or the index of a sharded checkpoint, as it was given. */
  readonly path: string;
  /** By name, in the order of the header. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The strings of `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #stamps: ReadonlyMap<string, FileStamp>;

  /** @internal Use `openSafetensors`. */
  constructor(
    path: string,
    tensors: ReadonlyMap<string, StoredTensor>,
    metadata: Readonly<Record<string, string>>,
    stamps: ReadonlyMap<string, FileStamp>,
  ) {
    this.path = path;
    this.tensors = tensors;
    this.metadata = metadata;
    this.#stamps = stamps;
  }

  /** @internal What identifies each file, for a checkpoint that joins several. */
  get stamps(): ReadonlyMap<string, FileStamp> {
    return this.#stamps;
  }

  /**
   * A tensor's entry: its type, shape, file, and the offset and length of its bytes there.
   *
   * @throws Error if there is no tensor of that name
   */
  entry(name: string): StoredTensor {
    const entry = this.tensors.get(name);
    if (!entry) {
      const names = [...this.tensors.keys()];
      const some = names.slice(0, 3).map((n) => JSON.stringify(n));
      throw new Error(
        `${this.path}: no tensor ${JSON.stringify(name)} among its ${names.length}${some.length ? ` (${some.join(", ")}, ...)` : ""}`,
      );
    }
    return entry;
  }

  /**
   * A tensor's numbers, row-major.
   *
   * @returns the typed array of its dtype; F16 and BF16 as their bits in a Uint16Array
   * @throws Error if there is no such tensor, or the file has changed or cannot be read
   */
  async read(name: string): Promise<TensorData> {
    const entry = this.entry(name);
    const file = await openFile(entry.path);
    try {
      await this.#checkUnchanged(entry.path, file);
      return arrayOver(entry.dtype, await readBytes(file, entry.offset, entry.byteLength, entry.path));
    } finally {
      await file.close();
    }
  }

  /**
   * A tensor's numbers as float32, row-major: F16, BF16, F64 and integers are converted.
   *
   * @throws as `read` does, and TypeError for complex, 8-bit and smaller floats
   */
  async readFloat32(name: string): Promise<Float32Array> {
    return toFloat32(this.entry(name).dtype, await this.read(name));
  }

  /**
   * Every tensor's numbers, read in the order in which they lie on disk.
   *
   * @throws as `read` does
   */
  async readAll(): Promise<Map<string, TensorData>> {
    const inOrder = [...this.tensors.values()].sort((a, b) =>
      a.path === b.path ? a.offset - b.offset : a.path < b.path ? -1 : 1,
    );
    const found = new Map<string, TensorData>();
    let file: FileHandle | undefined;
    let path = "";
    try {
      for (const entry of inOrder) {
        if (!file || entry.path !== path) {
          await file?.close();
          path = entry.path;
          file = await openFile(path);
          await this.#checkUnchanged(path, file);
        }
        found.set(entry.name, arrayOver(entry.dtype, await readBytes(file, entry.offset, entry.byteLength, path)));
      }
    } finally {
      await file?.close();
    }
    return new Map([...this.tensors.keys()].map((name) => [name, found.get(name)!]));
  }

  async #checkUnchanged(path: string, file: FileHandle): Promise<void> {
    const then = this.#stamps.get(path);
    if (then && !sameStamp(then, stampOf(await file.stat({ bigint: true })))) {
      throw new Error(`${path}: the file has changed since it was opened; open it again`);
    }
  }
}

/**
 * Opens one `.safetensors` file: reads and checks its header, and none of its data.
 *
 * @throws Error if the file is missing or is no sound safetensors file
 * @see https://github.com/huggingface/safetensors#format
 */
export async function openFileOfTensors(path: string): Promise<SafetensorsFile> {
  const file = await openFile(path);
  try {
    const info = await file.stat({ bigint: true });
    const size = Number(info.size);
    const prefix = new Uint8Array(await readBytes(file, 0, Math.min(8, size), path));
    const length = headerLength(prefix, size, path);
    const header = parseHeader(new Uint8Array(await readBytes(file, 8, length, path)), size, path);
    const tensors = new Map([...header.tensors].map(([name, entry]) => [name, { ...entry, path }]));
    return new SafetensorsFile(path, tensors, header.metadata, new Map([[path, stampOf(info)]]));
  } finally {
    await file.close();
  }
}

/**
 * The tensors of a safetensors file that is in memory already.
 *
 * @param bytes - the whole file
 * @returns each tensor with its numbers, which share no memory with `bytes`
 * @throws Error if it is no sound safetensors file
 */
export function parseSafetensors(bytes: Uint8Array): {
  tensors: Map<string, TensorEntry & { data: TensorData }>;
  metadata: Readonly<Record<string, string>>;
} {
  const length = headerLength(bytes, bytes.length, "safetensors");
  const header = parseHeader(bytes.subarray(8, 8 + length), bytes.length, "safetensors");
  const tensors = new Map<string, TensorEntry & { data: TensorData }>();
  for (const [name, entry] of header.tensors) {
    // A copy, aligned for its type; a Buffer's own slice would share the memory.
    const copy = new Uint8Array(bytes.subarray(entry.offset, entry.offset + entry.byteLength));
    tensors.set(name, { ...entry, data: arrayOver(entry.dtype, copy.buffer) });
  }
  return { tensors, metadata: header.metadata };
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // A folder opens like a file and fails at the first read with a code that says little.
    if ((await stat(path)).isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
    return await open(path, "r");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder, not a file" : message;
    throw new Error(`${path}: ${reason}`, { cause: error });
  }
}

async function readBytes(file: FileHandle, offset: number, length: number, path: string): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(READ_BYTES, length - done), offset + done);
    if (bytesRead === 0)
      throw new Error(`${path}: ends ${length - done} bytes too early; was it truncated while being read?`);
    done += bytesRead;
  }
  return bytes.buffer;
}
