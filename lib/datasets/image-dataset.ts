import { sizeOf } from "../graph/shape.ts";
import { DISPLAY } from "../page/display.ts";
import { counted, PRINTED, plural } from "../printed.ts";
import { fromArray } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** `[n, height, width]` */
export type GreyShape = readonly [n: number, height: number, width: number];
/** `[n, 3, height, width]`: red, green and blue. */
export type ColourShape = readonly [n: number, channels: 3, height: number, width: number];

/** One labelled picture of a data set. */
export interface LabelledImage<S extends GreyShape | ColourShape = GreyShape> {
  /** Values 0 to 255, row-major; shares the data set's memory. */
  readonly image: Uint8Array;
  /** Index into `classes`. */
  readonly label: number;
  /** `[height, width]`; `[3, height, width]` where pictures have colours. */
  readonly shape: S extends readonly [number, ...infer Rest] ? Readonly<Rest> : never;
}

/** What a data set is made of. */
export interface ImageDatasetParts<S extends GreyShape | ColourShape = GreyShape> {
  /** Names the data set in errors and displays. */
  readonly name: string;
  /** Values 0 to 255, row-major. */
  readonly images: Uint8Array;
  /** `[n]`, each an index into `classes`. */
  readonly labels: Uint8Array;
  /** `[n, height, width]` of grey pictures, `[n, 3, height, width]` of pictures in colour. */
  readonly shape: S;
  /** What each label means. */
  readonly classes: readonly string[];
}

/**
 * Small labelled pictures in memory: what `digits`, `mnist` and `fashionMnist` return in grey, and `world` in colour.
 *
 * `data[i]` is one picture (`data.at(-1)` the last); `data.batch(indices)` is what a network takes; a `for of` loop
 * goes over all pictures.
 */
export class ImageDataset<S extends GreyShape | ColourShape = GreyShape> implements ImageDatasetParts<S> {
  readonly [index: number]: LabelledImage<S>;
  /** Names the data set in errors and displays. */
  readonly name: string;
  /** Values from 0 to 255 in the order of `shape`, row by row. */
  readonly images: Uint8Array;
  /** The label of each picture, `[n]`: an index into `classes`. */
  readonly labels: Uint8Array;
  /** `[n, height, width]` of grey pictures, `[n, 3, height, width]` of pictures in colour. */
  readonly shape: S;
  /** What each label means. */
  readonly classes: readonly string[];

  /** @throws RangeError if the parts do not fit each other or a label has no class */
  constructor(parts: ImageDatasetParts<S>) {
    const { name, images, labels, shape, classes } = parts;
    const [n] = shape;
    if (images.length !== sizeOf(shape) || labels.length !== n) {
      throw new RangeError(
        `${name}: ${plural(images.length, "pixel")} and ${plural(labels.length, "label")} do not fit pictures of shape [${shape}]`,
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
  at(index: number): LabelledImage<S> | undefined {
    const [n, ...shape] = this.shape;
    const i = index < 0 ? index + n : index;
    if (!Number.isInteger(i) || i < 0 || i >= n) return undefined;
    const size = this.#pictureSize;
    const image = this.images.subarray(i * size, (i + 1) * size);
    return { image, label: this.labels[i]!, shape: shape as unknown as LabelledImage<S>["shape"] };
  }

  *[Symbol.iterator](): IterableIterator<LabelledImage<S>> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }

  /**
   * Some of the pictures, copied.
   *
   * @param indices - which, in the order wanted
   * @throws RangeError if an index is outside
   */
  select(indices: ArrayLike<number | bigint>): ImageDataset<S> {
    const size = this.#pictureSize;
    const images = new Uint8Array(indices.length * size);
    const labels = new Uint8Array(indices.length);
    for (let k = 0; k < indices.length; k++) {
      const i = this.#index(indices[k]!, "select");
      images.set(this.images.subarray(i * size, (i + 1) * size), k * size);
      labels[k] = this.labels[i]!;
    }
    return new ImageDataset({ ...this.#parts(), images, labels, shape: this.#shapeOf(indices.length) });
  }

  /** The pictures from `start` up to `end`, without a copy; both as in `Array.slice`. */
  slice(start?: number, end?: number): ImageDataset<S> {
    const [n] = this.shape;
    const size = this.#pictureSize;
    const from = bound(start ?? 0, n);
    const to = Math.max(from, bound(end ?? n, n));
    const images = this.images.subarray(from * size, to * size);
    const labels = this.labels.subarray(from, to);
    return new ImageDataset({ ...this.#parts(), images, labels, shape: this.#shapeOf(to - from) });
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
   * @returns `images` `[b, 1, height, width]`, in colour `[b, 3, height, width]`, and `labels` `[b]`, row-major
   * @throws RangeError if an index is outside
   */
  batch(
    indices?: ArrayLike<number | bigint>,
    options: { range?: readonly [number, number] } = {},
  ): { images: Float32Array; labels: BigInt64Array; shape: [number, number, number, number] } {
    const [n, ...rest] = this.shape;
    const [channels, height, width] = rest.length === 3 ? rest : [1, ...rest];
    const [low, high] = options.range ?? [0, 1];
    if (!(Number.isFinite(low) && Number.isFinite(high))) {
      throw new RangeError(`${this.name}.batch: range [${low}, ${high}]; expected two finite numbers`);
    }
    const size = this.#pictureSize;
    const count = indices?.length ?? n;
    const images = new Float32Array(count * size);
    const labels = new BigInt64Array(count);
    const values = Float32Array.from({ length: 256 }, (_, grey) => low + ((high - low) * grey) / 255);
    for (let k = 0; k < count; k++) {
      const i = indices ? this.#index(indices[k]!, "batch") : k;
      for (let p = 0; p < size; p++) images[k * size + p] = values[this.images[i * size + p]!]!;
      labels[k] = BigInt(this.labels[i]!);
    }
    return { images, labels, shape: [count, channels!, height!, width!] };
  }

  /** In a notebook: its first pictures, and how many there are. */
  async [DISPLAY](): Promise<Record<string, string>> {
    const { showImages } = await import("../plots/grid.ts");
    if (this.length === 0) return { "text/plain": this[PRINTED]() };
    const figure = showImages(this.slice(0, 24), {
      title: this.#headline(),
      columns: 12,
      scale: this.shape.at(-1)! < 50 ? 2 : 1,
    });
    const display = figure as unknown as { [key: symbol]: () => Promise<Record<string, string>> };
    return { ...(await display[DISPLAY]!()), "text/plain": this[PRINTED]() };
  }

  [PRINTED](): string {
    const counts = new Map<number, number>();
    for (const label of this.labels) counts.set(label, (counts.get(label) ?? 0) + 1);
    const labels = [...counts].sort(([a], [b]) => a - b).map(([label, n]) => `${this.classes[label]}: ${counted(n)}`);
    const shown = labels.length > 12 ? [...labels.slice(0, 12), `${labels.length - 12} more`] : labels;
    return `${this.#headline()}\n  ${shown.join(", ")}`;
  }

  #headline(): string {
    const [n] = this.shape;
    const [height, width] = this.shape.slice(-2);
    const kind = this.shape.length === 3 ? "grey" : "colour";
    return `${this.name}: ${counted(n)} ${kind} ${n === 1 ? "picture" : "pictures"} of ${height} × ${width} pixels`;
  }

  /**
   * All pictures as a float32 tensor `[n, 1 or 3, height, width]`: `digits({ n: 8 }).toTensor()`. For batches in random order
   * take a `DataLoader`.
   *
   * @param options.range - what 0 and 255 become; default [0, 1]. Diffusion works on [-1, 1].
   */
  toTensor(options: { range?: readonly [number, number] } = {}): Tensor {
    const { images, shape } = this.batch(undefined, options);
    return fromArray("float32", shape, images);
  }

  #index(index: number | bigint, method: string): number {
    const i = Number(index);
    if (!Number.isInteger(i) || i < 0 || i >= this.length) {
      throw new RangeError(
        `${this.name}.${method}: index ${index} is out of range; the data set has ${plural(this.length, "picture")}`,
      );
    }
    return i;
  }

  /** Numbers in one picture. */
  get #pictureSize(): number {
    return sizeOf(this.shape.slice(1));
  }

  #shapeOf(n: number): S {
    return [n, ...this.shape.slice(1)] as unknown as S;
  }

  #parts(): ImageDatasetParts<S> {
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
