import { readdir, readFile, stat } from "node:fs/promises";
import { basename, extname, join, relative } from "node:path";
import { Image } from "../images/index.ts";
import { shown } from "../options.ts";
import { plural } from "../printed.ts";
import { Tensor } from "../tensor/tensor.ts";

/** A picture to learn from: opened, or where it lies. */
export type PictureItem =
  | string
  | Image
  | {
      /** The picture, or where it lies. */
      readonly image: string | Image;
      /** Its caption. */
      readonly text?: string;
    };

/** Pictures in memory, such as `world()` and `digits()` draw. */
export interface PictureSet {
  /** Values 0 to 255, row by row, picture after picture. */
  readonly images: Uint8Array;
  /** `[n, 3, height, width]`, or grey `[n, height, width]`. */
  readonly shape: readonly number[];
  /** What is in each. */
  readonly captions?: readonly string[];
}

/**
 * Where pictures come from: a folder (with captions in `metadata.jsonl`, as the hub's image folders have them, or in a text
 * file beside each picture), a list of pictures or paths, a data set such as `world({ n: 20 })`, or a tensor `[n, 3, h, w]`
 * from -1 to 1.
 */
export type PictureSource = string | readonly PictureItem[] | PictureSet | Tensor;

/** Pictures to learn from, each with its caption where it has one. */
export interface CaptionedPictures {
  readonly images: readonly Image[];
  readonly captions: readonly (string | undefined)[];
  /** What each is called in errors. */
  readonly names: readonly string[];
}

interface ReadOptions {
  /** The function that reads, for errors. */
  readonly where: string;
  /** What the captions are called in `metadata.jsonl`; default "text". */
  readonly captionColumn?: string;
  /** What becomes of each picture as soon as it is open: photographs are large. */
  readonly prepare?: (image: Image) => Image;
}

const ENDINGS = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".avif", ".bmp", ".heic"];
const METADATA = "metadata.jsonl";

/**
 * Reads pictures with their captions.
 *
 * @throws Error where there are none, a file is no picture, or `metadata.jsonl` is damaged or names a file that is not there
 */
export async function readPictures(source: PictureSource, options: ReadOptions): Promise<CaptionedPictures> {
  const found = typeof source === "string" ? await inFolder(source, options) : await inMemory(source, options.where);
  if (found.length === 0) throw new RangeError(`${options.where}: got no pictures to train on`);
  const { prepare = (image: Image) => image } = options;
  const images: Image[] = [];
  const broken: string[] = [];
  for (const { image } of found) {
    try {
      images.push(prepare(typeof image === "string" ? await Image.open(image) : image.convert("RGB")));
    } catch (error) {
      broken.push((error as Error).message.replace(/^Image\.open: /, ""));
    }
  }
  if (broken.length > 0) {
    throw new Error(
      `${options.where}: ${broken.length} of ${plural(found.length, "file")} cannot be read as a picture. Remove or replace them:\n  ${broken.slice(0, 10).join("\n  ")}`,
    );
  }
  return { images, captions: found.map(({ text }) => text), names: found.map(({ name }) => name) };
}

interface Found {
  readonly image: string | Image;
  readonly name: string;
  readonly text?: string | undefined;
}

async function inMemory(source: Exclude<PictureSource, string>, where: string): Promise<Found[]> {
  if (source instanceof Tensor) return numbered(await Image.fromBatch(source));
  if (Array.isArray(source)) {
    return (source as readonly PictureItem[]).map((item, i) => {
      const { image, text } = typeof item === "string" || item instanceof Image ? { image: item } : item;
      if (typeof image !== "string" && !(image instanceof Image)) {
        throw new TypeError(`${where}: picture ${i} is ${shown(item)}; expected a path, an Image, or { image, text }`);
      }
      return { image, name: typeof image === "string" ? basename(image) : `picture ${i}`, text };
    });
  }
  const set = source as PictureSet;
  if (!(set?.images instanceof Uint8Array)) {
    throw new TypeError(
      `${where}: data is ${shown(source)}; expected a folder, a list of pictures, a data set such as world({ n: 20 }), or a tensor [n, 3, h, w]`,
    );
  }
  return numbered(picturesIn(set, where)).map((each, i) => ({ ...each, text: set.captions?.[i] }));
}

function numbered(images: readonly Image[]): Found[] {
  return images.map((image, i) => ({ image, name: `picture ${i}` }));
}

function picturesIn({ images, shape }: PictureSet, where: string): Image[] {
  const [n = 0, ...rest] = shape;
  const [channels, height, width] = rest.length === 3 ? rest : [1, ...rest];
  if ((channels !== 1 && channels !== 3) || !height || !width) {
    throw new RangeError(
      `${where}: data of shape [${shape}]; expected [n, 3, height, width] or grey [n, height, width]`,
    );
  }
  const area = height * width;
  return Array.from({ length: n }, (_, i) => {
    const at = i * channels * area;
    const data = new Uint8Array(3 * area);
    for (let p = 0; p < area; p++) {
      for (let c = 0; c < 3; c++) data[3 * p + c] = images[at + (channels === 3 ? c * area : 0) + p]!;
    }
    return Image.fromRaw(data, { width, height });
  });
}

async function inFolder(folder: string, { where, captionColumn = "text" }: ReadOptions): Promise<Found[]> {
  const info = await stat(folder).catch(() => undefined);
  if (!info) throw new Error(`${where}: ${folder}: there is no such folder`);
  if (info.isFile()) return [{ image: folder, name: basename(folder) }];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const pictures = paths.filter((path) => ENDINGS.includes(extname(path).toLowerCase()));
  if (pictures.length === 0) {
    const others = paths.slice(0, 3).map((path) => relative(folder, path));
    const holds =
      others.length > 0 ? `; it contains ${others.join(", ")}${paths.length > 3 ? " and more" : ""}` : "; it is empty";
    throw new Error(`${where}: the folder ${folder} contains no pictures (PNG, JPEG, WebP, GIF, TIFF or AVIF)${holds}`);
  }
  const captions = new Map<string, string | undefined>();
  for (const path of paths.filter((each) => basename(each) === METADATA))
    await readMetadata(path, captionColumn, captions);
  const found: Found[] = [];
  for (const path of pictures) {
    const captionFile = `${path.slice(0, -extname(path).length)}.txt`;
    const text =
      captions.get(path) ?? (paths.includes(captionFile) ? (await readFile(captionFile, "utf8")).trim() : undefined);
    found.push({ image: path, name: relative(folder, path), text: text === "" ? undefined : text });
  }
  const missing = [...captions.keys()].filter((path) => !pictures.includes(path)).map((path) => relative(folder, path));
  if (missing.length > 0) {
    throw new Error(
      `${where}: ${METADATA} in ${folder} lists ${plural(missing.length, "file")} that ${missing.length === 1 ? "does" : "do"} not exist: ${missing.slice(0, 5).join(", ")}`,
    );
  }
  return found;
}

/** `{"file_name": "a.png", "text": "a caption"}`, a line for each picture. @see https://huggingface.co/docs/datasets/image_load */
async function readMetadata(path: string, column: string, captions: Map<string, string | undefined>): Promise<void> {
  const lines = (await readFile(path, "utf8")).split("\n");
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const where = `${path}, line ${i + 1}`;
    let entry: Record<string, unknown>;
    try {
      entry = JSON.parse(line);
    } catch {
      throw new Error(`${where}: not JSON; expected {"file_name": "a.png", "${column}": "a caption"}`);
    }
    const name = entry.file_name;
    if (typeof name !== "string")
      throw new Error(`${where}: has no file_name; expected {"file_name": "a.png", "${column}": "..."}`);
    const text = entry[column];
    if (text !== undefined && text !== null && typeof text !== "string") {
      throw new Error(`${where}: ${column} is ${shown(text)}; expected a string`);
    }
    if (text === undefined && Object.keys(entry).length > 1) {
      throw new Error(
        `${where}: has no ${shown(column)}; it has ${Object.keys(entry).join(", ")}. Set { captionColumn } to the one with the captions.`,
      );
    }
    captions.set(join(path, "..", name), text ?? undefined);
  }
}

/**
 * The captions, where every picture has one.
 *
 * @throws Error that names the pictures without
 */
export function requireCaptions(where: string, { captions, names }: CaptionedPictures): string[] {
  const without = names.filter((_, i) => captions[i] === undefined);
  if (without.length > 0) {
    const which =
      without.length > 5 ? `${without.slice(0, 5).join(", ")} and ${without.length - 5} more` : without.join(", ");
    throw new Error(
      `${where}: ${without.length} of ${plural(names.length, "picture")} ${without.length === 1 ? "has" : "have"} no caption: ${which}. ` +
        `Write them in ${METADATA} ({"file_name": "a.png", "text": "..."}) or in a .txt file next to each picture, or give one for all with { prompt }.`,
    );
  }
  return captions as string[];
}
