import { open, stat } from "node:fs/promises";
import { type Pickled, PickledTensor, readTorchFile } from "../pickle/index.ts";
import { openSafetensors, type SafetensorsDtype, toFloat32 } from "../safetensors/index.ts";

/** Small weights in memory, as float32. */
export interface Weights {
  /** Row-major. */
  readonly data: Float32Array;
  /** Size of each dimension. */
  readonly shape: readonly number[];
}

/** What a file of weights holds: a value, usually a dictionary of tensors, and texts beside it. */
export interface WeightsFile {
  /** A Map of tensors from safetensors; from `torch.save` whatever it was given. */
  readonly value: Pickled;
  /** Texts of a safetensors header. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a file of weights, safetensors or `torch.save`, told apart by its first bytes: names mislead.
 *
 * @throws Error if the file is missing, damaged, or holds more than tensors
 */
export async function readWeightsFile(path: string): Promise<WeightsFile> {
  if (!(await stat(path).catch(() => undefined))?.isFile()) throw new Error(`${path}: there is no such file`);
  if (!(await isTorch(path))) {
    const file = await openSafetensors(path);
    const all = await file.readAll();
    const value = new Map(
      [...file.tensors.values()].map((e) => [e.name, new PickledTensor(e.dtype, e.shape, all.get(e.name)!)]),
    );
    return { value, metadata: file.metadata };
  }
  return { value: await readTorchFile(path), metadata: {} };
}

/** A zip archive, or one of PyTorch's older pickles, for which its reader has a better error than the safetensors one. */
async function isTorch(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    // A safetensors header of 0x...0280 bytes is possible, but not one that goes on with 0x0a8a.
    return bytesRead === 4 && (buffer.toString("latin1") === "PK\x03\x04" || buffer.readUInt32LE(0) === 0x0a8a0280);
  } finally {
    await file.close();
  }
}

/** A tensor as float32. */
export function weightsOf({
  dtype,
  shape,
  data,
}: {
  dtype: SafetensorsDtype;
  shape: readonly number[];
  data: PickledTensor["data"];
}): Weights {
  return { shape, data: toFloat32(dtype, data) };
}
