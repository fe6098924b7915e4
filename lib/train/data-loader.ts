import type { TypedArray } from "../graph/dtype.ts";
import { sizeOf } from "../graph/shape.ts";
import { checkNumber, checkOptions, type Names } from "../options.ts";
import { counted, PRINTED, plural } from "../printed.ts";
import { fillRandperm, Generator } from "../random/index.ts";
import { fromArray } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Anything that batches can be taken from. */
export interface Dataset {
  /** Number of examples. */
  readonly length: number;
  /**
   * The examples at `indices` as tensors, each with the batch as its first dimension.
   *
   * @param at - which batch of which epoch it is: what a data set draws at random (crops, flips) may depend on it, and on
   *   nothing that was drawn before, so that a training which was stopped goes on exactly
   */
  tensors(indices: Int32Array, at?: LoaderState): Tensor[];
  /** Whether `tensors` makes new ones at each call, which are freed when the step is done; default false. */
  readonly makesTensors?: boolean;
}

/** Grey images with labels in memory, such as `mnist()` gives. */
interface Images {
  /** Number of pictures. */
  readonly length: number;
  /** The pictures at `indices`, with their labels and shape. */
  batch(
    indices: ArrayLike<number>,
    options?: { range?: readonly [number, number] },
  ): { images: Float32Array; labels: BigInt64Array; shape: readonly number[] };
}

/** Examples held in tensors, row by row: `x[i]` belongs to `y[i]`. */
export class TensorDataset implements Dataset {
  /** Number of examples. */
  readonly length: number;
  /** Batches are copies. */
  readonly makesTensors = true;
  readonly #columns: readonly { readonly data: TypedArray; readonly tensor: Tensor; readonly row: number }[];

  private constructor(columns: readonly { data: TypedArray; tensor: Tensor; row: number }[]) {
    this.#columns = columns;
    this.length = columns[0]!.tensor.shape[0]!;
  }

  [PRINTED](): string {
    const columns = this.#columns.map(({ tensor }) => `[${tensor.shape.join(", ")}] ${tensor.dtype}`);
    return `TensorDataset: ${counted(this.length)} examples of ${columns.join(" and ")}`;
  }

  /** Reads the tensors once; batches are then taken in this thread. */
  static async from(...tensors: readonly Tensor[]): Promise<TensorDataset> {
    const first = tensors[0];
    if (!first) throw new RangeError("TensorDataset: got no tensors");
    for (const t of tensors) {
      if (t.ndim === 0 || t.shape[0] !== first.shape[0]) {
        throw new RangeError(`TensorDataset: [${first.shape}] and [${t.shape}] differ in the number of examples`);
      }
    }
    const columns = tensors.map(async (tensor) => ({
      data: await tensor.bits(),
      tensor,
      row: sizeOf(tensor.shape.slice(1)),
    }));
    return new TensorDataset(await Promise.all(columns));
  }

  /** The examples at `indices`: one tensor for each that it was made from. */
  tensors(indices: Int32Array): Tensor[] {
    return this.#columns.map(({ data, tensor, row }) => {
      const out = data.slice(0, 0).constructor as new (n: number) => TypedArray;
      const batch = new out(indices.length * row);
      for (const [k, i] of indices.entries()) batch.set(data.subarray(i * row, (i + 1) * row) as never, k * row);
      return fromArray(tensor.dtype, [indices.length, ...tensor.shape.slice(1)], batch);
    });
  }
}

/** How batches are taken from a data set. */
export interface DataLoaderOptions {
  /** Default 64. */
  readonly batchSize?: number;
  /** Shuffle the examples anew in each epoch; default false. */
  readonly shuffle?: boolean;
  /** Seed of the shuffling; default 0. */
  readonly seed?: number;
  /** Leave out a last batch that is smaller than the others; default false. */
  readonly dropLast?: boolean;
  /** For grey images: what black and white become; default [0, 1]. Diffusion works on [-1, 1]. */
  readonly range?: readonly [number, number];
}

const loaderNames: Names<DataLoaderOptions> = {
  batchSize: true,
  shuffle: true,
  seed: true,
  dropLast: true,
  range: true,
};

/** Where a loader stands, to go on exactly there. */
export interface LoaderState {
  /** Epochs that are finished. */
  readonly epoch: number;
  /** Batches taken in this epoch. */
  readonly position: number;
}

/**
 * Batches of a data set, epoch after epoch.
 * `for (const [images, labels] of new DataLoader(digits({ n: 640 }), { batchSize: 32, shuffle: true }))`:
 * `[32, 1, 28, 28]` and `[32]`.
 */
export class DataLoader {
  /** The data set that batches are taken from. */
  readonly dataset: Dataset;
  /** Examples in a batch. */
  readonly batchSize: number;
  /** The options that it was made with. */
  readonly options: DataLoaderOptions;
  #epoch = 0;
  #position = 0;
  #order: Int32Array | null = null;
  #dropLast: boolean;

  constructor(data: Dataset | Images, options: DataLoaderOptions = {}) {
    checkOptions("DataLoader", options, loaderNames);
    if (options.seed !== undefined) checkNumber("DataLoader", "seed", options.seed);
    this.dataset = "tensors" in data ? data : new ImageBatches(data, options.range ?? [0, 1]);
    this.batchSize = options.batchSize ?? 64;
    this.options = options;
    this.#dropLast = options.dropLast ?? false;
    if (!Number.isInteger(this.batchSize) || this.batchSize < 1) {
      throw new RangeError(`DataLoader: batchSize is ${this.batchSize}, expected an integer above 0`);
    }
    this.#checkLength();
  }

  #checkLength(): void {
    if (this.length > 0) return;
    throw new RangeError(
      `DataLoader: ${plural(this.dataset.length, "example")} do not fill a batch of ${this.batchSize}; ` +
        "choose a smaller batchSize, or keep the last batch with dropLast: false",
    );
  }

  /** Whether a last batch that is smaller than the others is left out; may be changed at any time. */
  get dropLast(): boolean {
    return this.#dropLast;
  }

  set dropLast(value: boolean) {
    const before = this.#dropLast;
    this.#dropLast = value;
    try {
      this.#checkLength();
    } catch (error) {
      this.#dropLast = before;
      throw error;
    }
    if (this.#position >= this.length) this.#nextEpoch();
  }

  #nextEpoch(): void {
    this.#position = 0;
    this.#epoch++;
    this.#order = null;
  }

  [PRINTED](): string {
    const { dropLast } = this;
    const { shuffle } = this.options;
    const how = [shuffle && "shuffled", dropLast && "a smaller last one left out"].filter(Boolean);
    const batches = `${counted(this.length)} batches of ${this.batchSize} from ${counted(this.dataset.length)} examples`;
    return `DataLoader: ${[batches, ...how].join(", ")}`;
  }

  /** Batches in an epoch. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize;
    return this.#dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** The next batch; after the last one of an epoch the next epoch begins. */
  next(): Tensor[] {
    this.#order ??= this.#shuffled();
    const start = this.#position * this.batchSize;
    const batch = this.dataset.tensors(
      this.#order.subarray(start, Math.min(start + this.batchSize, this.dataset.length)),
      this.state,
    );
    this.#position++;
    if (this.#position === this.length) this.#nextEpoch();
    return batch;
  }

  /** The remaining batches of the epoch. */
  *[Symbol.iterator](): IterableIterator<Tensor[]> {
    const { epoch } = this.state;
    while (this.#epoch === epoch) yield this.next();
  }

  #shuffled(): Int32Array {
    const order = new Int32Array(this.dataset.length);
    if (!this.options.shuffle) return order.map((_, i) => i);
    // Each epoch has a generator of its own, so that an order does not depend on what else was drawn before.
    const seed = (this.options.seed ?? 0) * 1_000_003 + this.#epoch;
    return fillRandperm(order, { generator: new Generator(seed) });
  }

  /** Where it stands; set it to go on from there. */
  get state(): LoaderState {
    return { epoch: this.#epoch, position: this.#position };
  }

  /** @throws RangeError where a state is not one of these data */
  checkState({ epoch, position }: LoaderState): void {
    if (!(position >= 0 && position < this.length && epoch >= 0)) {
      throw new RangeError(
        `DataLoader: position ${position} of ${this.length} batches in epoch ${epoch}; the data set is not the one that the state was saved with`,
      );
    }
  }

  set state(state: LoaderState) {
    this.checkState(state);
    const { epoch, position } = state;
    this.#epoch = epoch;
    this.#position = position;
    this.#order = null;
  }
}

class ImageBatches implements Dataset {
  readonly makesTensors = true;
  readonly #images: Images;
  readonly #range: readonly [number, number];

  constructor(images: Images, range: readonly [number, number]) {
    this.#images = images;
    this.#range = range;
  }

  get length(): number {
    return this.#images.length;
  }

  tensors(indices: Int32Array): Tensor[] {
    const { images, labels, shape } = this.#images.batch(indices, { range: this.#range });
    return [fromArray("float32", shape, images), fromArray("int64", [labels.length], labels)];
  }
}
