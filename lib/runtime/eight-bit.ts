import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { sweep } from "../files/leftovers.ts";
import { float16ToFloat32 } from "../graph/half.ts";
import { sourceWidth } from "../lower/eight-bit/weights.ts";
import type { EightBitFile, EightBitSource } from "./protocol.ts";

// Rows read at once: their numbers end up side by side.
const band = 64;

/** Writes weights in 8 bits, one after the other: there is never more of them in memory than one. */
export function writeEightBit(file: EightBitFile, bufferOf: (id: number) => Float32Array): void {
  const folder = dirname(file.path);
  sweep(folder, /^difflab-(\w+)-(\d+)-[0-9a-f]{12}\.weights$/);
  let out: number | null = null;
  try {
    out = openSync(file.path, "wx", 0o600);
    for (const part of file.parts) {
      const { numbers, scales } = quantize(rowsOf(part, bufferOf), part, file.signed);
      checkFinite(part, scales);
      writeAt(out, numbers, part.offset);
      writeAt(out, new Uint8Array(scales.buffer), part.scales);
    }
  } catch (error) {
    throw explained(error as NodeJS.ErrnoException, folder, file);
  } finally {
    if (out !== null) closeSync(out);
  }
}

// What keeps a file from being written, by Node's codes.
const unwritable: Readonly<Record<string, string>> = {
  ...{ ENOSPC: "the disk is full", EDQUOT: "the disk quota is used up", EFBIG: "files may not be as large" },
  ...{ ENOENT: "there is no such folder", ENOTDIR: "it is not a folder", EROFS: "it is read-only" },
  ...{ EACCES: "it is not writable", EPERM: "it is not writable" },
};

/** Says what to do where the folder for temporary files does not take the weights. */
function explained(error: NodeJS.ErrnoException, folder: string, { path, parts }: EightBitFile): Error {
  const reason = unwritable[error.code ?? ""];
  // Reading the weights themselves may fail, too: that says where.
  if (!reason || (error.path !== undefined && error.path !== path)) return error;
  const bytes = parts.reduce((sum, { rows, channels, places }) => sum + rows * (channels * places + 4), 0);
  return new Error(
    `precision "int8": cannot write ${Math.ceil(bytes / 1e6)} MB of weights in 8 bits to ${folder}: ${reason}. ` +
      `Set TMPDIR to a folder with room for them, or load with precision: "float32"`,
  );
}

/** An activation that is no number would vanish at the next layer in 8 bits, and nobody would notice. */
function checkFinite({ from, rows, channels, places }: EightBitSource, scales: Float32Array): void {
  const row = scales.findIndex(Number.isNaN);
  if (row < 0) return;
  const which = "path" in from ? `in ${from.path}` : "that was computed (by a LoRA, or by training)";
  throw new Error(
    `precision "int8": a weight of ${rows} x ${channels * places} ${which} holds NaN or infinity, in row ${row}: it is damaged`,
  );
}

/**
 * `round(w / scale)` with `scale = max |w| / 127` over each row, from `[rows, channels, places]` to `[places, channels, rows]`.
 * A row of zeros has scale 1; one that holds no numbers (NaN, infinity) has scale NaN.
 *
 * @param rows - gives some rows, one after the other
 */
export function quantize(
  rows: (start: number, count: number) => Float32Array,
  shape: { rows: number; channels: number; places: number },
  signed: boolean,
): { numbers: Uint8Array; scales: Float32Array } {
  const { rows: count, channels, places } = shape;
  const width = channels * places;
  const numbers = new Uint8Array(count * width);
  const scales = new Float32Array(count);
  const factors = new Float64Array(band);
  // Shifted by 128, truncation rounds; as int8 the same bits without the shift.
  const flip = signed ? 0x80 : 0;
  for (let top = 0; top < count; top += band) {
    const n = Math.min(band, count - top);
    const values = rows(top, n);
    for (let r = 0; r < n; r++) {
      const scale = scaleOf(values, r * width, width);
      scales[top + r] = scale;
      factors[r] = 1 / scales[top + r]!;
    }
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < places; p++) {
        const to = (p * channels + c) * count + top;
        let from = c * places + p;
        for (let r = 0; r < n; r++, from += width) {
          numbers[to + r] = (values[from]! * factors[r]! + 128.5) ^ flip;
        }
      }
    }
  }
  return { numbers, scales };
}

function scaleOf(values: Float32Array, start: number, length: number): number {
  let largest = 0;
  for (let i = start; i < start + length; i++) {
    const size = Math.abs(values[i]!);
    // NaN is not smaller than anything.
    if (!(size <= largest)) largest = size;
    if (!(largest < Infinity)) return Number.NaN;
  }
  return largest === 0 ? 1 : largest / 127;
}

/** Gives some rows of a weight, summed where it is one of the 2x2 kernels of a 3x3 one. */
function rowsOf(part: EightBitSource, bufferOf: (id: number) => Float32Array) {
  const rows = sourceRows(part, bufferOf);
  const { corner } = part;
  return corner ? (start: number, count: number) => cornerSums(rows(start, count), corner) : rows;
}

/** Kernels of 3 x 3 as kernels of 2 x 2: rows 0 and 1 + 2 at `y = 0`, 0 + 1 and 2 at `y = 1`, and columns likewise. */
function cornerSums(kernels: Float32Array, [y, x]: readonly [0 | 1, 0 | 1]): Float32Array {
  const sums = new Float32Array((kernels.length / 9) * 4);
  for (let k = 0; k < kernels.length / 9; k++) {
    for (let p = 0; p < 3; p++) {
      for (let q = 0; q < 3; q++) {
        const place = 2 * (p > y ? 1 : 0) + (q > x ? 1 : 0);
        sums[4 * k + place]! += kernels[9 * k + 3 * p + q]!;
      }
    }
  }
  return sums;
}

/** Reads some rows of a weight, widened where they are float16. */
function sourceRows(part: EightBitSource, bufferOf: (id: number) => Float32Array) {
  const { from, half } = part;
  const width = sourceWidth(part);
  if ("buffer" in from) {
    const all = bufferOf(from.buffer);
    return (start: number, count: number) =>
      all.subarray(from.offset + start * width, from.offset + (start + count) * width);
  }
  const bytes = half ? 2 : 4;
  return (start: number, count: number) => {
    const read = readAt(from.path, from.offset + start * width * bytes, count * width * bytes);
    return half ? float16ToFloat32(new Uint16Array(read.buffer)) : new Float32Array(read.buffer);
  };
}

function readAt(path: string, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const file = openSync(path, "r");
  try {
    for (let done = 0; done < length; ) {
      const got = readSync(file, bytes, done, length - done, offset + done);
      if (got === 0) throw new Error(`${path}: ends ${length - done} bytes too early`);
      done += got;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}

function writeAt(file: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, offset + done);
  }
}
