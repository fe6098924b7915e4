import { type MappedFile, mapFile } from "../files/mapped.ts";
import type { DType, TypedArray } from "../graph/dtype.ts";
import { source } from "../graph/node.ts";
import { checkChoice, checkOptions } from "../options.ts";
import { settings } from "../runtime/settings.ts";
import { FileArray } from "../runtime/storage.ts";
import { openSafetensors, saveSafetensors, type TensorToSave } from "../safetensors/index.ts";
import { fromArray } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";
import { bitsOf } from "../tensor/values.ts";

// What the engine computes with as it lies in the file; all else is converted on reading.
const direct: Readonly<Record<string, DType>> = {
  F32: "float32",
  F16: "float16",
  I64: "int64",
  I32: "int32",
  U8: "uint8",
  BOOL: "bool",
};

// What other types become; those that are left out have no equal here.
const widened: Readonly<Record<string, "float32" | "int32" | "int64">> = {
  ...{ BF16: "float32", F64: "float32", I8: "int32", I16: "int32", U16: "int32", U32: "int64" },
};

function asIntegers(dtype: "int32" | "int64", data: ArrayLike<number>): TypedArray {
  return dtype === "int32" ? Int32Array.from(data) : BigInt64Array.from(Array.from(data, BigInt));
}

/** The other tensors of the file are of use without it. */
function refuseLater(tensors: Record<string, Tensor>, name: string, path: string, dtype: string): void {
  const get = () => {
    const known = [...Object.keys(direct), ...Object.keys(widened)].join(", ");
    throw new TypeError(`${path}: "${name}" is ${dtype}; expected one of ${known}`);
  };
  Object.defineProperty(tensors, name, { get, enumerable: false, configurable: true });
}

const stored = { float32: "F32", float16: "F16", int64: "I64", int32: "I32", uint8: "U8", bool: "BOOL" } as const;

/**
 * The tensors of a safetensors checkpoint (one file, or the index of several), by name.
 *
 * They stay in the file: a session that computes with them maps it, so that opening takes no time and no memory. Do not
 * delete or change the file while they are used; saving over it from here is fine, they keep their values. bfloat16 and float64 are read and converted to float32.
 *
 * @param options.copy - read everything into memory now; default false
 * Other integers are widened. A tensor of a type that the engine does not know, such as 8-bit floats, is an error only if it is asked for.
 *
 * @throws Error if the file is damaged
 */
export async function loadTensors(path: string, options: { copy?: boolean } = {}): Promise<Record<string, Tensor>> {
  checkOptions("loadTensors", options, { copy: true });
  const file = await openSafetensors(path);
  const tensors: Record<string, Tensor> = {};
  const files = new Map<string, MappedFile>();
  for (const [name, entry] of file.tensors) {
    const dtype = direct[entry.dtype];
    if (dtype === undefined) {
      const wider = widened[entry.dtype];
      if (wider === "float32") tensors[name] = fromArray("float32", entry.shape, await file.readFloat32(name));
      else if (wider !== undefined) {
        tensors[name] = fromArray(wider, entry.shape, asIntegers(wider, (await file.read(name)) as ArrayLike<number>));
      } else refuseLater(tensors, name, path, entry.dtype);
    } else if (options.copy || entry.byteLength === 0 || dtype === "bool") {
      tensors[name] = fromArray(dtype, entry.shape, (await file.read(name)) as TypedArray);
    } else {
      const mapped = files.get(entry.path) ?? (await mapFile(entry.path, file.stamps.get(entry.path)!));
      files.set(entry.path, mapped);
      const region = { file: mapped, offset: entry.offset, length: entry.byteLength };
      tensors[name] = new Tensor(source(new FileArray(dtype, entry.shape, region, settings.device)));
    }
  }
  return tensors;
}

/** How tensors are written. */
export interface SaveOptions {
  /** Store float tensors in this type; as they are by default. */
  readonly dtype?: "float32" | "float16";
  /** Notes of the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Writes tensors to a safetensors file, completely or not at all. */
export async function saveTensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  options: SaveOptions = {},
): Promise<void> {
  checkOptions("saveTensors", options, { dtype: true, metadata: true });
  if (options.dtype !== undefined) checkChoice("saveTensors", "dtype", options.dtype, ["float32", "float16"]);
  const converted = Object.values(tensors).map((tensor) => {
    const float = tensor.dtype === "float32" || tensor.dtype === "float16";
    const dtype = float && options.dtype ? options.dtype : tensor.dtype;
    return dtype === "float16" ? tensor.half() : tensor.to(dtype);
  });
  const data = await bitsOf(converted);
  const list = Object.keys(tensors).map((name, i): [string, TensorToSave] => {
    const { dtype, shape } = converted[i]!;
    return [name, { dtype: stored[dtype], shape, data: data[i]! }];
  });
  await saveSafetensors(path, new Map(list), options.metadata ? { metadata: options.metadata } : {});
}
