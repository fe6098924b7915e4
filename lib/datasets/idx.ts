import { promisify } from "node:util";
import { gunzip } from "node:zlib";

/** The element types of the IDX format by their code in the header. All are big endian. */
const TYPES = {
  8: { name: "uint8", array: Uint8Array },
  9: { name: "int8", array: Int8Array },
  11: { name: "int16", array: Int16Array },
  12: { name: "int32", array: Int32Array },
  13: { name: "float32", array: Float32Array },
  14: { name: "float64", array: Float64Array },
} as const;

/** Far above any file of the MNIST family (47 MB), far below what would exhaust a laptop. */
const MAX_UNPACKED_BYTES = 2 ** 30;

/** What an IDX file holds. */
export interface IdxArray {
  /** Type of the elements. */
  readonly dtype: (typeof TYPES)[keyof typeof TYPES]["name"];
  /** Size of each dimension. */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
}

/**
 * Reads an IDX file, the format of MNIST, packed with gzip or plain.
 *
 * @param bytes - the whole file
 * @param where - names the file in errors
 * @throws Error if the file is damaged: not IDX, cut off, longer than its header says, or its gzip is broken
 * @see http://yann.lecun.com/exdb/mnist/ (at the end of the page)
 */
export async function parseIdx(bytes: Uint8Array, where = "idx"): Promise<IdxArray> {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? await unpack(bytes, where) : bytes;
  if (plain.length < 4) throw new Error(`${where}: ${plain.length} bytes are too short for an IDX file`);
  const type = TYPES[plain[2] as keyof typeof TYPES];
  const rank = plain[3]!;
  if (plain[0] !== 0 || plain[1] !== 0 || !type || rank === 0) {
    const start = Buffer.from(plain.subarray(0, 4)).toString("hex");
    throw new Error(
      `${where}: starts with the bytes ${start}; an IDX file starts with 0000, a type from 08 to 0e, and a rank`,
    );
  }
  const dataStart = 4 + 4 * rank;
  if (plain.length < dataStart) throw new Error(`${where}: truncated in its header, after ${plain.length} bytes`);
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const bytesWanted = shape.reduce((a, b) => a * b, type.array.BYTES_PER_ELEMENT);
  const bytesFound = plain.length - dataStart;
  if (bytesFound !== bytesWanted) {
    throw new Error(
      `${where}: its header says ${type.name} [${shape}], ${bytesWanted} bytes, but ${bytesFound} follow; ` +
        `${bytesFound < bytesWanted ? "it was truncated" : "it is damaged"}; download it again`,
    );
  }
  // A copy, aligned for its type; a Buffer's own slice would share the memory.
  const copy = new Uint8Array(plain.subarray(dataStart));
  const swapped = toHostOrder(copy, type.array.BYTES_PER_ELEMENT);
  return { dtype: type.name, shape, data: new type.array(swapped.buffer as ArrayBuffer) };
}

async function unpack(bytes: Uint8Array, where: string): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") throw new Error(`${where}: unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
    throw new Error(`${where}: its gzip data are damaged or truncated (${message}); download it again`, {
      cause: error,
    });
  }
}

function toHostOrder(bytes: Uint8Array, size: number): Uint8Array {
  if (size > 1) for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
  return bytes;
}
