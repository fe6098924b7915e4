/** One labelled picture of a data set. */
export interface LabelledImage {
  /** Grey values 0 to 255, row-major; shares the data set's memory. */
  readonly image: Uint8Array;
  /** Index into `classes`. */
  readonly label: number;
  /** `[height, width]` */
  readonly shape: readonly [number, number];
}

/** What a data set is made of. */
export interface ImageDatasetParts {
  /** Names the data set in errors and displays. */
  readonly name: string;
  /** Grey values, `[n, height, width]`, row-major. */
  readonly images: Uint8Array;
  /** `[n]`, each an index into `classes`. */
  readonly labels: Uint8Array;
  /** `[n, height, width]` */
  readonly shape: readonly [number, number, number];
  /** What each label means. */
  readonly classes: readonly string[];
}

/**
 * Small grey pictures with labels, in memory: what `digits`, `mnist` and `fashionMnist` return.
 *
 * `data[i]` is one picture (`data.at(-1)` the last); `data.batch(indices)` is what a network takes; a `for of` loop
 * goes over all pictures.
 */
export class ImageDataset implements ImageDatasetParts {
  readonly [index: number]: LabelledImage;
  /** Names the data set in errors and displays. */
  readonly name: string;
  /** Grey values from 0 to 255, `[n, height, width]`, row by row. */
  readonly images: Uint8Array;
  /** The label of each picture, `[n]`: an index into `classes`. */
  readonly labels: Uint8Array;
  /** `[n, height, width]` */
  readonly shape: readonly [number, number, number];
  /** What each label means. */
  readonly classes: readonly string[];

  /** @throws RangeError where the parts do not fit each other or a label has no class */
  constructor(parts: ImageDatasetParts) {
    const { name, images, labels, shape, classes } = parts;
    const [n, height, width] = shape;
    if (images.length !== n * height * width || labels.length !== n) {
      throw new RangeError(
        `${name}: ${images.length} pixels and ${labels.length} labels do not make pictures of shape [${shape}]`,
      );
    }
    const wrong = labels.findIndex((label) => label >= classes.length);
    if (wrong >= 0) {
      throw new RangeError(
        `${name}: picture ${wrong} has the label ${labels[wrong]}, expected 0 to ${classes.length - 1}`,
      );
    }
    this.name = name;
    this.images = images;
    this.labels = labels;
    this.shape = shape;
    this.classes = classes;
  }

  /** Number of pictures. */
  get length(): number {
    return this.shape[0];
  }

  /** Picture `index`, counted from the end where negative; undefined outside. */
  at(index: number): LabelledImage | undefined {
    const [n, height, width] = this.shape;
    const i = index < 0 ? index + n : index;
    if (!Number.isInteger(i) || i < 0 || i >= n) return undefined;
    const size = height * width;
    return { image: this.images.subarray(i * size, (i + 1) * size), label: this.labels[i]!, shape: [height, width] };
  }

  *[Symbol.iterator](): IterableIterator<LabelledImage> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }

  /**
   * Some of the pictures, copied.
   *
   * @param indices - which, in the order wanted
   * @throws RangeError where an index is outside
   */
  select(indices: ArrayLike<number | bigint>): ImageDataset {
    const [, height, width] = this.shape;
    const size = height * width;
    const images = new Uint8Array(indices.length * size);
    const labels = new Uint8Array(indices.length);
    for (let k = 0; k < indices.length; k++) {
      const i = this.#index(indices[k]!, "select");
      images.set(this.images.subarray(i * size, (i + 1) * size), k * size);
      labels[k] = this.labels[i]!;
    }
    return new ImageDataset({ ...this.#parts(), images, labels, shape: [indices.length, height, width] });
  }

  /** The pictures from `start` up to `end`, without a copy; both as in `Array.slice`. */
  slice(start?: number, end?: number): ImageDataset {
    const [n, height, width] = this.shape;
    const from = bound(start ?? 0, n);
    const to = Math.max(from, bound(end ?? n, n));
    const images = this.images.subarray(from * height * width, to * height * width);
    const labels = this.labels.subarray(from, to);
    return new ImageDataset({ ...this.#parts(), images, labels, shape: [to - from, height, width] });
  }

  /** The indices of all pictures with one of these labels, in order. */
  indicesOf(...labels: number[]): number[] {
    const wanted = new Set(labels);
    const found: number[] = [];
    for (const [i, label] of this.labels.entries()) if (wanted.has(label)) found.push(i);
    return found;
  }

  /**
   * Pictures and labels as a network takes them.
   *
   * @param indices - which, in the order wanted; default all
   * @param options.range - what 0 and 255 become; default [0, 1]. Diffusion works on [-1, 1].
   * @returns `images` `[b, 1, height, width]` and `labels` `[b]`, row-major
   * @throws RangeError where an index is outside
   */
  batch(
    indices?: ArrayLike<number | bigint>,
    options: { range?: readonly [number, number] } = {},
  ): { images: Float32Array; labels: BigInt64Array; shape: [number, number, number, number] } {
    const [n, height, width] = this.shape;
    const [low, high] = options.range ?? [0, 1];
    if (!(Number.isFinite(low) && Number.isFinite(high))) {
      throw new RangeError(`${this.name}.batch: range [${low}, ${high}]; expected two finite numbers`);
    }
    const size = height * width;
    const count = indices?.length ?? n;
    const images = new Float32Array(count * size);
    const labels = new BigInt64Array(count);
    const values = Float32Array.from({ length: 256 }, (_, grey) => low + ((high - low) * grey) / 255);
    for (let k = 0; k < count; k++) {
      const i = indices ? this.#index(indices[k]!, "batch") : k;
      for (let p = 0; p < size; p++) images[k * size + p] = values[this.images[i * size + p]!]!;
      labels[k] = BigInt(this.labels[i]!);
    }
    return { images, labels, shape: [count, 1, height, width] };
  }

  #index(index: number | bigint, method: string): number {
    const i = Number(index);
    if (!Number.isInteger(i) || i < 0 || i >= this.length) {
      throw new RangeError(`${this.name}.${method}: index ${index} is outside; the set has ${this.length} pictures`);
    }
    return i;
  }

  #parts(): ImageDatasetParts {
    return { name: this.name, images: this.images, labels: this.labels, shape: this.shape, classes: this.classes };
  }
}

// `data[i]` ends here, behind the class's own prototype: fields and methods are found before and cost nothing more.
const indexAccess = new Proxy(Object.create(null), {
  get(_, key, dataset: ImageDataset) {
    return typeof key === "string" && /^\d+$/.test(key) ? dataset.at(Number(key)) : Reflect.get(Object.prototype, key);
  },
});
Object.setPrototypeOf(ImageDataset.prototype, indexAccess);

function bound(index: number, n: number): number {
  return Math.min(n, Math.max(0, Math.trunc(index < 0 ? index + n : index)));
}
