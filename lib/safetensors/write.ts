import { writeWhole } from "../files/write-whole.ts";
import { float32ToFloat16 } from "../graph/half.ts";
import { byteLengthOf, DTYPE_NAMES, DTYPES, isDtype, type SafetensorsDtype, type TensorData } from "./dtypes.ts";
import { float32ToBfloat16 } from "./half.ts";

/** A tensor to be written: `data` is the typed array of `dtype`; for F16 and BF16 also a Float32Array, which is rounded. */
export interface TensorToSave {
  /** Type of the elements, in the format's own words: "F32", "F16", "I64". */
  readonly dtype: SafetensorsDtype;
  /** Size of each dimension. */
  readonly shape: readonly number[];
  /** The elements, row by row. */
  readonly data: TensorData;
}

/** Tensors by name. */
export type TensorsToSave = ReadonlyMap<string, TensorToSave> | Readonly<Record<string, TensorToSave>>;

/** A tensor whose place in the file is settled. */
interface Placed extends TensorToSave {
  readonly name: string;
  readonly byteLength: number;
}

/**
 * Writes a `.safetensors` file, byte for byte as the reference implementation lays it out: widest types first, then
 * by name, data aligned to 8 bytes. The file appears under its name only when it is whole.
 *
 * @param path - folders on the way are made
 * @param options.metadata - strings kept in the header; PyTorch's readers expect `{ format: "pt" }`
 * @throws TypeError or RangeError if a tensor does not fit its dtype and shape (nothing is written then),
 *   Error where the disk refuses
 */
export async function saveSafetensors(
  path: string,
  tensors: TensorsToSave,
  options: { metadata?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const placed = place(tensors);
  const header = headerBytes(placed, options.metadata);
  await writeWhole(path, async (write) => {
    await write(header);
    for (const tensor of placed) await write(bytesOf(tensor));
  });
}

/** The bytes that `saveSafetensors` would write. */
export function serializeSafetensors(
  tensors: TensorsToSave,
  options: { metadata?: Readonly<Record<string, string>> } = {},
): Uint8Array {
  const placed = place(tensors);
  const header = headerBytes(placed, options.metadata);
  const out = new Uint8Array(placed.reduce((bytes, tensor) => bytes + tensor.byteLength, header.length));
  out.set(header);
  let at = header.length;
  for (const tensor of placed) {
    out.set(bytesOf(tensor), at);
    at += tensor.byteLength;
  }
  return out;
}

/** Bytes of one tensor's data. Checks that it fits its dtype and shape. */
export function checkTensor(name: string, { dtype, shape, data }: TensorToSave): number {
  const label = `saveSafetensors: tensor ${JSON.stringify(name)}`;
  if (name === "__metadata__") throw new TypeError(`${label}: the name is reserved by the format; choose another`);
  if (!isDtype(dtype))
    throw new TypeError(`${label}: unknown dtype ${dtype}; expected one of ${DTYPE_NAMES.join(", ")}`);
  let byteLength: number;
  try {
    byteLength = byteLengthOf(dtype, shape);
  } catch (error) {
    throw new RangeError(`${label}: ${(error as Error).message}`);
  }
  const rounded = (dtype === "F16" || dtype === "BF16") && data instanceof Float32Array;
  if (!(rounded || data instanceof DTYPES[dtype].array)) {
    throw new TypeError(
      `${label}: ${dtype} data is a ${data?.constructor?.name}, expected a ${DTYPES[dtype].array.name}`,
    );
  }
  const got = rounded ? data.length * 2 : data.byteLength;
  if (got !== byteLength) {
    throw new RangeError(`${label}: ${dtype} [${shape}] takes ${byteLength} bytes, but the data has ${got}`);
  }
  return byteLength;
}

/** Checked, and in the reference implementation's order. */
function place(tensors: TensorsToSave): Placed[] {
  const entries = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  const placed = entries.map(([name, tensor]) => ({ ...tensor, name, byteLength: checkTensor(name, tensor) }));
  const rank = (tensor: Placed) => DTYPE_NAMES.indexOf(tensor.dtype);
  // Names in the order of their UTF-8 bytes, which is that of their code points and not of UTF-16.
  return placed.sort((a, b) => rank(b) - rank(a) || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

function headerBytes(placed: readonly Placed[], metadata?: Readonly<Record<string, string>>): Uint8Array {
  const entries: [string, unknown][] = [];
  if (metadata && Object.keys(metadata).length > 0) {
    for (const [key, value] of Object.entries(metadata)) {
      if (typeof value !== "string") {
        throw new TypeError(`saveSafetensors: metadata ${JSON.stringify(key)} is a ${typeof value}, expected a string`);
      }
    }
    entries.push(["__metadata__", metadata]);
  }
  let at = 0;
  for (const { name, dtype, shape, byteLength } of placed) {
    entries.push([name, { dtype, shape, data_offsets: [at, at + byteLength] }]);
    at += byteLength;
  }
  // Built entry by entry: an object would move names that look like numbers to the front.
  const json = Buffer.from(
    `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`,
  );
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded, " ");
  bytes.writeBigUInt64LE(BigInt(padded));
  json.copy(bytes, 8);
  return bytes;
}

function bytesOf({ dtype, data }: TensorToSave): Uint8Array {
  let bits = data;
  if (data instanceof Float32Array && dtype === "F16") bits = float32ToFloat16(data);
  if (data instanceof Float32Array && dtype === "BF16") bits = float32ToBfloat16(data);
  return new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength);
}
