import { byteLengthOf, DTYPE_NAMES, isDtype, type SafetensorsDtype } from "./dtypes.ts";
import { findRepeatedKey } from "./repeated-key.ts";

/** The longest header read, in bytes: the reference implementation's limit. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Where a tensor lies and how to read it. */
export interface TensorEntry {
  /** The tensor's name. */
  readonly name: string;
  /** Type of its elements, in the format's own words: "F32", "F16", "I64". */
  readonly dtype: SafetensorsDtype;
  /** Size of each dimension. */
  readonly shape: readonly number[];
  /** The first byte of its data, counted from the start of the file. */
  readonly offset: number;
  /** Size of its data in bytes. */
  readonly byteLength: number;
}

/** What a file says of itself. */
export interface SafetensorsHeader {
  /** By name, in the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Bytes of the header's JSON, from the first 8 bytes of a file.
 *
 * @param prefix - at least the file's first 8 bytes, or the whole of a shorter file
 * @param fileBytes - length of the whole file
 * @param where - names the file in errors
 * @throws Error if the file is too short for the header that it announces
 */
export function headerLength(prefix: Uint8Array, fileBytes: number, where: string): number {
  if (fileBytes < 8 || prefix.length < 8) {
    throw new Error(`${where}: ${fileBytes} bytes are too short for a safetensors file; was the download interrupted?`);
  }
  const other = otherKind(prefix);
  if (other !== undefined) throw new Error(`${where}: is ${other}; this is not a safetensors file`);
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new Error(
      `${where}: announces a header of ${length} bytes, but the limit is ${MAX_HEADER_BYTES}; this is not a safetensors file`,
    );
  }
  if (Number(length) > fileBytes - 8) {
    throw new Error(
      `${where}: announces a header of ${length} bytes, but the file has ${fileBytes}; was the download interrupted?`,
    );
  }
  return Number(length);
}

/** What a file is that begins so, if it is taken for a safetensors file often enough. */
function otherKind(prefix: Uint8Array): string | undefined {
  const text = Buffer.from(prefix.subarray(0, 8)).toString("latin1");
  const [first, second] = prefix as unknown as [number, number];
  const isPickle = first === 0x80 && second >= 2 && second <= 5;
  if (text.startsWith("PK\x03\x04") || isPickle) {
    return "PyTorch's own format (torch.save); convert it with Python's safetensors.torch.save_file";
  }
  if (text === "version ") return "a pointer of git-lfs, not the file itself; fetch it with git lfs pull";
  if (/^\s*<(!doc|html|\?xml|head)/i.test(text)) return "a web page; the download went wrong, or needs a login";
  if (text.startsWith("GGUF")) return "a GGUF file of llama.cpp";
  if (text.startsWith("\x89HDF")) return "an HDF5 file of Keras";
  return text.startsWith('{"') ? "JSON; was its .safetensors file meant?" : undefined;
}

/**
 * Reads and checks a whole header: nothing that it says is used before all of it is known to fit the file.
 *
 * @param json - the header's bytes, without the 8 before it
 * @param fileBytes - length of the whole file
 * @param where - names the file in errors
 * @throws Error if the JSON is broken, a key repeats, an entry is malformed, or the tensors overlap, leave gaps or
 *   do not end where the file ends
 */
export function parseHeader(json: Uint8Array, fileBytes: number, where: string): SafetensorsHeader {
  const header = parseJson(json, where);
  const dataStart = 8 + json.length;
  const dataBytes = fileBytes - dataStart;
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") metadata = parseMetadata(entry, where);
    else tensors.set(name, parseEntry(name, entry, dataStart, dataBytes, where));
  }
  checkCoverage(tensors, dataStart, fileBytes, where);
  return { tensors, metadata };
}

function parseJson(json: Uint8Array, where: string): object {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
  } catch {
    throw new Error(`${where}: the header is not UTF-8 text; this is not a safetensors file, or it is damaged`);
  }
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw new Error(`${where}: the header is not JSON (${(error as Error).message})`);
  }
  if (!isObject(header) || text[0] !== "{") {
    throw new Error(`${where}: the header starts with ${JSON.stringify(text.slice(0, 10))}, expected a JSON object`);
  }
  const repeated = findRepeatedKey(text);
  if (repeated !== undefined)
    throw new Error(`${where}: the header contains the key ${JSON.stringify(repeated)} twice`);
  return header;
}

function parseMetadata(value: unknown, where: string): Record<string, string> {
  if (value === null) return {};
  if (!isObject(value)) throw new Error(`${where}: __metadata__ is ${kind(value)}, expected an object of strings`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw new Error(`${where}: __metadata__ ${JSON.stringify(key)} is ${kind(text)}, expected a string`);
    }
  }
  return value as Record<string, string>;
}

function parseEntry(name: string, entry: unknown, dataStart: number, dataBytes: number, where: string): TensorEntry {
  const label = `${where}: tensor ${JSON.stringify(name)}`;
  if (!isObject(entry)) throw new Error(`${label} is ${kind(entry)}, expected { dtype, shape, data_offsets }`);
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  if (!isDtype(dtype)) {
    throw new Error(`${label}: unknown dtype ${JSON.stringify(dtype)}; expected one of ${DTYPE_NAMES.join(", ")}`);
  }
  if (!Array.isArray(shape)) throw new Error(`${label}: shape is ${kind(shape)}, expected a list of sizes`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(Number.isSafeInteger)) {
    throw new Error(`${label}: data_offsets is ${JSON.stringify(offsets)}, expected [start, end] in bytes`);
  }
  const [start, end] = offsets as [number, number];
  if (start < 0 || end < start || end > dataBytes) {
    throw new Error(
      `${label}: data_offsets [${start}, ${end}] lie outside the ${dataBytes} bytes of data; was the download interrupted?`,
    );
  }
  let byteLength: number;
  try {
    byteLength = byteLengthOf(dtype, shape);
  } catch (error) {
    throw new Error(`${label}: ${(error as Error).message}`);
  }
  if (byteLength !== end - start) {
    throw new Error(`${label}: ${dtype} [${shape}] takes ${byteLength} bytes, but data_offsets give ${end - start}`);
  }
  return { name, dtype, shape, offset: dataStart + start, byteLength };
}

/** The tensors, in the order of their data, must follow one another without overlap or gap to the end of the file. */
function checkCoverage(tensors: ReadonlyMap<string, TensorEntry>, start: number, end: number, where: string): void {
  let at = start;
  let before: TensorEntry | undefined;
  const inOrder = [...tensors.values()].sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  for (const entry of inOrder) {
    const name = JSON.stringify(entry.name);
    if (entry.offset < at) {
      throw new Error(`${where}: tensors ${JSON.stringify(before?.name)} and ${name} share ${at - entry.offset} bytes`);
    }
    if (entry.offset > at)
      throw new Error(`${where}: ${entry.offset - at} bytes before tensor ${name} belong to no tensor`);
    at += entry.byteLength;
    before = entry;
  }
  if (at !== end) throw new Error(`${where}: ${end - at} bytes at the end of the file belong to no tensor`);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kind(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "missing";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
