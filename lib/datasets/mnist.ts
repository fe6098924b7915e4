import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { HUB_OPTIONS, type HubOptions, hubFile } from "../hub/index.ts";
import { checkOptions, type Names } from "../options.ts";
import { plural } from "../printed.ts";
import { parseIdx } from "./idx.ts";
import { ImageDataset } from "./image-dataset.ts";
import { readPictureTable } from "./picture-table.ts";

/** The splits of the MNIST family. */
export const SPLITS = ["train", "test"] as const;

/** `train` (60,000 pictures) or `test` (10,000). */
export type Split = (typeof SPLITS)[number];

/** Where to take a data set from, and which part. */
export interface MnistOptions extends HubOptions {
  /** Default "train". */
  split?: Split;
  /** A folder with the four IDX files, packed with gzip or not. Without it the data comes from the Hugging Face hub. */
  folder?: string;
}

const MNIST_OPTIONS: Names<MnistOptions> = { ...HUB_OPTIONS, split: true, folder: true };

interface Source {
  name: string;
  repo: string;
  /** The folder in the repository that holds the parquet files. */
  config: string;
  classes: readonly string[];
}

const MNIST: Source = {
  name: "mnist",
  repo: "ylecun/mnist",
  config: "mnist",
  classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
};

const FASHION_MNIST: Source = {
  name: "fashionMnist",
  repo: "zalando-datasets/fashion_mnist",
  config: "fashion_mnist",
  classes: ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
};

/**
 * MNIST: handwritten digits, 28x28, white ink on black.
 *
 * @param options.split - "train" (60,000, default) or "test" (10,000)
 * @param options.folder - IDX files on disk; without it the hub's `ylecun/mnist` (about 16 MB, kept in the hub's cache)
 * @throws Error if a file is missing or damaged, or the hub cannot be reached and nothing is cached
 * @see LeCun, Cortes and Burges: http://yann.lecun.com/exdb/mnist/
 */
export function mnist(options: MnistOptions = {}): Promise<ImageDataset> {
  return load(MNIST, options);
}

/**
 * Fashion-MNIST: pictures of ten kinds of clothing, 28x28, in MNIST's format.
 *
 * @param options.split - "train" (60,000, default) or "test" (10,000)
 * @param options.folder - IDX files on disk; without it the hub's `zalando-datasets/fashion_mnist` (about 31 MB, kept in
 *   the hub's cache)
 * @throws Error if a file is missing or damaged, or the hub cannot be reached and nothing is cached
 * @see Xiao, Rasul and Vollgraf 2017: https://arxiv.org/abs/1708.07747
 */
export function fashionMnist(options: MnistOptions = {}): Promise<ImageDataset> {
  return load(FASHION_MNIST, options);
}

async function load(source: Source, options: MnistOptions): Promise<ImageDataset> {
  checkOptions(source.name, options, MNIST_OPTIONS);
  const { split = "train", folder } = options;
  if (!SPLITS.includes(split)) {
    throw new RangeError(`${source.name}: unknown split ${JSON.stringify(split)}; expected "train" or "test"`);
  }
  return folder === undefined ? fromHub(source, split, options) : fromFolder(source, split, folder);
}

async function fromFolder(source: Source, split: Split, folder: string): Promise<ImageDataset> {
  const stem = split === "train" ? "train" : "t10k";
  // One after the other: where both are missing, the pictures are what is told, not whichever file was looked for faster.
  const images = await readIdx(source, folder, `${stem}-images-idx3-ubyte`);
  const labels = await readIdx(source, folder, `${stem}-labels-idx1-ubyte`);
  const [n, height, width] = images.shape;
  if (images.dtype !== "uint8" || images.shape.length !== 3) {
    throw new Error(
      `${images.path}: holds ${images.dtype} [${images.shape}], expected pictures as uint8 [n, height, width]`,
    );
  }
  if (labels.dtype !== "uint8" || labels.shape.length !== 1) {
    throw new Error(`${labels.path}: holds ${labels.dtype} [${labels.shape}], expected labels as uint8 [n]`);
  }
  if (labels.shape[0] !== n) {
    throw new Error(
      `${labels.path}: has ${plural(labels.shape[0], "label")}, but ${images.path} has ${plural(n, "picture")}`,
    );
  }
  return new ImageDataset({
    name: source.name,
    images: images.data as Uint8Array,
    labels: labels.data as Uint8Array,
    shape: [n!, height!, width!],
    classes: source.classes,
  });
}

async function readIdx(source: Source, folder: string, name: string) {
  // The original files end in .gz; unpacked copies often have a dot where the original has a hyphen.
  const candidates = [name, name.replace("-idx", ".idx")].flatMap((stem) => [`${stem}.gz`, stem]);
  for (const candidate of candidates) {
    const path = join(folder, candidate);
    try {
      const bytes = await readFile(path);
      return { path, ...(await parseIdx(bytes, path)) };
    } catch (error) {
      if (!["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
  throw new Error(
    `${source.name}: no ${name}.gz (or ${name}) in the folder ${folder}. ` +
      `Set { folder } to the folder of the four IDX files, or leave it out to fetch the data from the Hugging Face hub.`,
  );
}

async function fromHub(source: Source, split: Split, options: HubOptions): Promise<ImageDataset> {
  const file = `${source.config}/${split}-00000-of-00001.parquet`;
  const path = await hubFile(source.repo, file, { repoType: "dataset", where: source.name, ...options });
  const { images, labels, shape } = await readPictureTable(path);
  return new ImageDataset({ name: source.name, images, labels, shape, classes: source.classes });
}
