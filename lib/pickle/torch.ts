import { readFile, stat } from "node:fs/promises";
import { byteLengthOf, DTYPES, type SafetensorsDtype, type TensorData } from "../safetensors/dtypes.ts";
import { Global, type Meanings, Tuple, unpickle } from "./unpickle.ts";
import { isZip, readZip } from "./zip.ts";

/** A tensor of a PyTorch file: row-major, in memory of its own. */
export class PickledTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly data: TensorData;

  constructor(dtype: SafetensorsDtype, shape: readonly number[], data: TensorData) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }
}

/** What a PyTorch file can hold here: data, with tensors in it. */
export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickledTensor
  | readonly Pickled[]
  | ReadonlyMap<unknown, unknown>;

/** Embeddings take kilobytes and adapters megabytes; whole models come as safetensors. */
const MOST_BYTES = 2e9;
/** The pickle itself holds names and shapes. */
const MOST_PICKLE_BYTES = 64e6;
/** The first bytes of PyTorch's format before 1.6: the pickle of a number. */
const LEGACY = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46];

const STORAGES: Readonly<Record<string, SafetensorsDtype>> = {
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  DoubleStorage: "F64",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

const FUNCTIONS = new Set([
  "collections.OrderedDict",
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_parameter",
  // What holds the vectors in files of the first textual inversion, and the empty sets that it carries along.
  "torch.nn.modules.container.ParameterDict",
  "__builtin__.set",
  "builtins.set",
]);

/**
 * Reads a file of `torch.save`, such as the `learned_embeds.bin` of a concept on the hub: dictionaries, lists and tensors.
 * Anything else in it is refused, and nothing in it is run.
 *
 * @throws Error if the file is missing, damaged, of the format before PyTorch 1.6, or holds more than data
 */
export async function readTorchFile(path: string): Promise<Pickled> {
  const { size } = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path}: ${error.code === "ENOENT" ? "there is no such file" : error.message}`, { cause: error });
  });
  if (size > MOST_BYTES)
    throw new RangeError(
      `${path}: is ${size} bytes; PyTorch files are read only up to ${MOST_BYTES} bytes. Use safetensors.`,
    );
  return parseTorchFile(await readFile(path), path);
}

/** As `readTorchFile`, from the file's bytes. `where` names it in errors. */
export function parseTorchFile(bytes: Uint8Array, where: string): Pickled {
  if (LEGACY.every((byte, i) => bytes[i] === byte)) {
    throw new Error(
      `${where}: written in the format before PyTorch 1.6, which is not supported. In Python: torch.save(torch.load(FILE), FILE), or better ` +
        "safetensors.torch.save_file.",
    );
  }
  if (!isZip(bytes)) throw new Error(`${where}: not a torch.save file (it does not begin like a zip archive)`);
  const files = readZip(bytes, where);
  const pickle = [...files.keys()].find((name) => /^[^/]*\/data\.pkl$/.test(name));
  if (pickle === undefined) throw new Error(`${where}: a zip archive without data.pkl; expected a torch.save file`);
  const folder = pickle.slice(0, -"data.pkl".length);
  const order = files.get(`${folder}byteorder`);
  if (order && Buffer.from(order).toString("latin1") !== "little") {
    throw new Error(`${where}: written on a machine with a different byte order; save it again as safetensors`);
  }
  const program = files.get(pickle)!;
  if (program.length > MOST_PICKLE_BYTES)
    throw new RangeError(`${where}: a pickle of ${program.length} bytes; expected at most ${MOST_PICKLE_BYTES}`);
  const tensors = new TorchMeanings((key) => files.get(`${folder}data/${key}`), bytes.length, where);
  return unpickle(program, tensors, where) as Pickled;
}

/** Numbers that several tensors may share. */
class Storage {
  readonly dtype: SafetensorsDtype;
  readonly numbers: TensorData;

  constructor(dtype: SafetensorsDtype, bytes: Uint8Array) {
    const { array } = DTYPES[dtype];
    const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
    this.dtype = dtype;
    this.numbers = new array(
      aligned.buffer as ArrayBuffer,
      aligned.byteOffset,
      aligned.length / array.BYTES_PER_ELEMENT,
    );
  }
}

class TorchMeanings implements Meanings {
  readonly #file: (key: string) => Uint8Array | undefined;
  readonly #where: string;
  readonly #storages = new Map<string, Storage>();
  /** Tensors may share a storage, so they can take more than the file; a few times its size is honest, more is a bomb. */
  #room: number;

  constructor(file: (key: string) => Uint8Array | undefined, size: number, where: string) {
    this.#file = file;
    this.#where = where;
    this.#room = 4 * size;
  }

  allows(global: Global): boolean {
    return FUNCTIONS.has(String(global)) || (global.module === "torch" && Object.hasOwn(STORAGES, global.name));
  }

  call(global: Global, args: readonly unknown[]): unknown {
    switch (String(global)) {
      case "collections.OrderedDict":
        if (args.length === 0) return new Map();
        break;
      case "torch.nn.modules.container.ParameterDict":
        if (args.length === 0) return new Map();
        break;
      case "__builtin__.set":
      case "builtins.set":
        if (Array.isArray(args[0])) return args[0];
        break;
      case "torch._utils._rebuild_parameter":
        if (args[0] instanceof PickledTensor) return args[0];
        break;
      case "torch._utils._rebuild_tensor_v2":
        return this.#tensor(args);
    }
    throw this.#strange(`a call of ${global} with ${args.length} values`);
  }

  build(object: unknown, state: unknown): unknown {
    if (!(object instanceof Map) || !(state instanceof Map)) throw this.#strange("an object's state");
    // Attributes of a state dict (versions of its modules) say nothing about tensors; a ParameterDict's are its tensors.
    const inner: unknown = state.get("_parameters");
    if (inner instanceof Map) for (const [key, value] of inner) object.set(key, value);
    return object;
  }

  persistent(id: unknown): Storage {
    const [kind, type, key, , count] = id instanceof Tuple ? id : [];
    const dtype = type instanceof Global ? STORAGES[type.name] : undefined;
    if (kind !== "storage" || !dtype || typeof key !== "string" || !/^\w+$/.test(key) || !isSize(count)) {
      throw this.#strange("a reference to something other than a tensor's storage");
    }
    const bytes = this.#file(key);
    const expected = byteLengthOf(dtype, [count]);
    if (!bytes) throw new Error(`${this.#where}: the numbers of storage ${key} are missing`);
    if (bytes.length < expected) {
      throw new Error(
        `${this.#where}: storage ${key} has ${bytes.length} bytes, but ${count} of ${dtype} take ${expected}`,
      );
    }
    const known = this.#storages.get(key);
    if (known?.dtype === dtype && known.numbers.length >= count) return known;
    const storage = new Storage(dtype, bytes.subarray(0, expected));
    this.#storages.set(key, storage);
    return storage;
  }

  #tensor(args: readonly unknown[]): PickledTensor {
    const [storage, offset, shape, strides] = args;
    if (
      !(
        storage instanceof Storage &&
        isSize(offset) &&
        isSizes(shape) &&
        isSizes(strides) &&
        shape.length === strides.length
      )
    ) {
      throw this.#strange("a tensor without storage, place, shape and strides");
    }
    const { dtype, numbers } = storage;
    const { array } = DTYPES[dtype];
    const count = shape.reduce((all, size) => all * size, 1);
    const last = shape.reduce((at, size, dim) => at + (size - 1) * strides[dim]!, offset);
    if (count > 0 && !(last < numbers.length)) {
      throw new Error(
        `${this.#where}: a tensor [${shape}] extends to element ${last} of a storage of ${numbers.length}`,
      );
    }
    this.#room -= count * array.BYTES_PER_ELEMENT;
    if (!(this.#room >= 0))
      throw new RangeError(`${this.#where}: its tensors would take many times the file's size, so it was not read`);
    const out = new array(new ArrayBuffer(count * array.BYTES_PER_ELEMENT));
    copyStrided(numbers, out, offset, shape, strides);
    return new PickledTensor(dtype, [...shape], out);
  }

  #strange(what: string): Error {
    return new Error(`${this.#where}: contains ${what}, which no file of tensors needs, so it was not read`);
  }
}

function copyStrided(
  from: TensorData,
  to: TensorData,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): void {
  const place = shape.map(() => 0);
  let at = offset;
  for (let i = 0; i < to.length; i++) {
    to[i] = from[at]!;
    for (let dim = shape.length - 1; dim >= 0; dim--) {
      at += strides[dim]!;
      if (++place[dim]! < shape[dim]!) break;
      at -= shape[dim]! * strides[dim]!;
      place[dim] = 0;
    }
  }
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSizes(value: unknown): value is readonly number[] {
  return value instanceof Tuple && value.length <= 32 && value.every(isSize);
}
