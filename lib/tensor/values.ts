import { type DType, dtypes, isDType, type TypedArray } from "../graph/dtype.ts";
import { float16ToFloat32 } from "../graph/half.ts";
import { inFile, Node, source } from "../graph/node.ts";
import { asNumbers, type NumberArray } from "../graph/numbers.ts";
import * as g from "../graph/ops/index.ts";
import { show } from "../graph/shape.ts";
import { shown } from "../options.ts";
import { plural } from "../printed.ts";
import { devices } from "../runtime/devices.ts";
import { realize as computeNodes, read, readAll } from "../runtime/realize.ts";
import { DeviceBuffer, FileArray, HostArray } from "../runtime/storage.ts";
import { type Nested, nested } from "./nested.ts";
import { self, TensorState } from "./state.ts";
import { pending } from "./trace.ts";

/** What reads a tensor's values, and moves them to another dtype or device. */
export abstract class Values<T extends Values<T>> extends TensorState<T> {
  /** Computes this tensor (and pending in-place changes) now, and returns it. */
  async realize(): Promise<this> {
    await realize(this);
    return this;
  }

  /**
   * The elements as numbers, row by row: a Float32Array for floats, Int32Array or Uint8Array for int32, uint8 and bool
   * (0 and 1), Float64Array for int64.
   *
   * @throws RangeError if an int64 is more than a number holds exactly (2^53 - 1): take `bits()`
   */
  async data(): Promise<NumberArray> {
    return asNumbers(await this.#elements());
  }

  /** int64 as BigInt64Array, float16 as Float32Array. */
  async #elements(): Promise<TypedArray> {
    if (pending.size > 0) await this.realize();
    const data = await read(this.node);
    return this.dtype === "float16" ? float16ToFloat32(data as Uint16Array) : data;
  }

  /** The elements as they are stored: int64 as BigInt64Array, float16 as its bits in a Uint16Array. */
  async bits(): Promise<TypedArray> {
    if (pending.size > 0) await this.realize();
    return read(this.node);
  }

  /** The only element as a number (true and false as 1 and 0). `await loss.item()` in a cell. */
  async item(): Promise<number> {
    if (this.numel() !== 1)
      throw new RangeError(
        `item: ${show(this.shape)} has ${plural(this.numel(), "element")}, expected 1; tolist() and data() give all, mean() and sum() make one of them`,
      );
    return Number((await this.#elements())[0]);
  }

  /** The elements in nested arrays. `await x.tolist()` of shape `[2, 3]` is `[[1, 2, 3], [4, 5, 6]]`. */
  async tolist(): Promise<Nested> {
    return nested(await this.#elements(), this.shape, this.dtype);
  }

  /** Frees the memory of a tensor that is no longer needed, without waiting for the garbage collector. */
  dispose(): void {
    const storage = this.peek().storage;
    if (storage instanceof DeviceBuffer) storage.dispose();
  }

  /** Another dtype of the same values. `x.to("int64")`. */
  to(dtype: DType): T;
  /** The same values on another device. */
  to(device: string): Promise<T>;
  to(target: string): T | Promise<T> {
    if (isDType(target)) return this.wrap(g.cast(this.node, target));
    if (typeof target !== "string" || !(devices as readonly string[]).includes(target)) {
      throw new TypeError(
        `to: got ${shown(target)}; expected a dtype (${dtypes.join(", ")}) or a device (${devices.join(", ")})`,
      );
    }
    return this.#move(target);
  }

  async #move(device: string): Promise<T> {
    if (device === this.device) return self(this);
    // Weights in a file are mapped wherever they are used.
    if (inFile(this.node)) return this.wrap(mappedOn(this.node, device));
    const data = await read(this.node);
    return this.wrap(source(new HostArray(this.dtype, this.shape, data, device)));
  }
}

/** Computes all these tensors (and pending in-place changes) in one run. */
export async function realize(...tensors: readonly { readonly node: Node }[]): Promise<void> {
  const changed = [...pending].map((t) => [t, t.node] as const);
  await computeNodes([...tensors.map((t) => t.node), ...changed.map(([, node]) => node)]);
  for (const [t, node] of changed) if (t.node === node) pending.delete(t);
}

/** `bits()` of each, a few at a time: a session for each would take long to open, and one for all much memory. */
export async function bitsOf(tensors: readonly { readonly node: Node }[]): Promise<TypedArray[]> {
  if (pending.size > 0) await realize();
  const all: TypedArray[] = [];
  for (let i = 0; i < tensors.length; i += 16) {
    all.push(...(await readAll(tensors.slice(i, i + 16).map(({ node }) => node))));
  }
  return all;
}

/** Weights in a file, perhaps in another dtype or shape, for use on another device. */
function mappedOn(node: Node, device: string): Node {
  const { storage } = node;
  if (storage instanceof FileArray) return source(new FileArray(node.dtype, node.shape, storage.file, device));
  return new Node(node.op, [mappedOn(node.inputs[0]!, device)], node.attrs, node.shape, node.dtype);
}
