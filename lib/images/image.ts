import { extname } from "node:path";
import { inspect } from "node:util";
import type { Sharp } from "sharp";
import { writeWhole } from "../files/write-whole.ts";
import { DISPLAY } from "../page/display.ts";
import { Animation, filmOf } from "../plots/animation.ts";
import { plural } from "../printed.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkChoice, checkMode, checkRange, checkSize } from "./checks.ts";
import { type GridOptions, gridOf } from "./grid.ts";
import { type ImageMetadata, textsOf } from "./metadata.ts";
import { convert, MODES, type Mode, type Pixels, pixelsOf, pixelsToTensor } from "./pixels.ts";
import { readPngText, withPngText } from "./png-text.ts";
import { decode, type ImageSource, readSource } from "./read.ts";
import { FILTERS, type Filter, resample } from "./resample.ts";

const FITS = ["fill", "cover", "contain"] as const;
const RANGE = [-1, 1] as const;

/** How a picture is resized. */
export interface ResizeOptions {
  /** Default "lanczos". */
  filter?: Filter;
  /** "fill" changes the proportions (default), "cover" crops, "contain" adds white borders. */
  fit?: (typeof FITS)[number];
}

/**
 * An image of 8-bit pixels. It never changes: every method returns a new one. `await Image.open("cat.png")`,
 * `await Image.fromTensor(x, { range: [0, 1] })`.
 */
export class Image {
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** "L" (grey), "RGB" or "RGBA". */
  readonly mode: Mode;
  /** Texts that came with the file: of a PNG by its keywords, such as `parameters`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #data: Uint8Array;

  /** Use `Image.open`, `Image.fromTensor` or `Image.fromRaw`. */
  private constructor({ width, height, mode, data }: Pixels, metadata: Readonly<Record<string, string>> = {}) {
    this.width = width;
    this.height = height;
    this.mode = mode;
    this.metadata = metadata;
    this.#data = data;
  }

  /**
   * Opens a PNG, JPEG, WebP, GIF, TIFF or AVIF: a path, an address, or the file's bytes.
   *
   * It is turned upright as its camera says, brought to 8 bits, and laid on white where it is transparent. Of an animation
   * the first frame is read.
   * `await Image.open("cat.png")`.
   *
   * @param options.mode - default "RGB"
   * @throws Error if there is no such file or it is no picture, RangeError if it has more than 100 million pixels
   */
  static async open(source: ImageSource, options: { mode?: Mode } = {}): Promise<Image> {
    const mode = checkMode("Image.open", options.mode ?? "RGB");
    const { bytes, name } = await readSource(source);
    return new Image(await decode(bytes, name, mode), readPngText(bytes));
  }

  /**
   * A picture of pixels: `[height, width, channels]` bytes, row by row. They are copied.
   *
   * @throws RangeError if there are too many or too few for the size
   */
  static fromRaw(data: ArrayLike<number>, size: { width: number; height: number; mode?: Mode }): Image {
    const { width, height } = size;
    const mode = checkMode("Image.fromRaw", size.mode ?? "RGB");
    checkSize("Image.fromRaw", width, height);
    if (data.length !== width * height * MODES[mode]) {
      throw new RangeError(
        `Image.fromRaw: ${data.length} bytes, ${width}x${height} ${mode} takes ${width * height * MODES[mode]}`,
      );
    }
    return new Image({ width, height, mode, data: Uint8Array.from(data) });
  }

  /**
   * The picture in a tensor.
   *
   * @param tensor - `[c, h, w]` or `[1, c, h, w]`, with 1, 3 or 4 channels
   * @param options.range - the values of black and white; default -1 and 1, as autoencoders decode. Beyond is cut off.
   * @throws RangeError if the shape is another, or values are NaN or infinite
   */
  static async fromTensor(tensor: Tensor, options: { range?: readonly [number, number] } = {}): Promise<Image> {
    const images = await Image.fromBatch(tensor, options);
    if (images.length === 1) return images[0]!;
    throw new RangeError(
      `Image.fromTensor: [${tensor.shape}] contains ${plural(images.length, "picture")}; use Image.fromBatch`,
    );
  }

  /** The pictures in a tensor `[n, c, h, w]`, as `fromTensor` reads one. */
  static async fromBatch(tensor: Tensor, options: { range?: readonly [number, number] } = {}): Promise<Image[]> {
    const where = "Image.fromTensor";
    const range = checkRange(where, options.range ?? RANGE);
    const shape = tensor.ndim === 3 ? [1, ...tensor.shape] : tensor.shape;
    const [count = 0, channels = 0, height = 0, width = 0] = shape;
    if (shape.length !== 4 || ![1, 3, 4].includes(channels)) {
      throw new RangeError(
        `${where}: got [${tensor.shape}], expected [channels, height, width] or [n, channels, height, width] with 1, 3 or 4 channels. ` +
          "To turn latents into a picture, use vae.decode.",
      );
    }
    checkSize(where, width, height);
    const values = (await tensor.float().data()) as Float32Array;
    const each = channels * height * width;
    return Array.from({ length: count }, (_, i) => {
      const part = values.subarray(i * each, (i + 1) * each);
      return new Image(pixelsOf(part, { channels, width, height }, range, where));
    });
  }

  /**
   * Pictures side by side, row by row, with white between. Smaller ones are centred.
   *
   * @param options.columns - default all in one row
   * @param options.captions - a text below each
   */
  static async grid(images: readonly Image[], options: GridOptions = {}): Promise<Image> {
    const where = "Image.grid";
    if (!Array.isArray(images) || images.length === 0) throw new RangeError(`${where}: got no pictures`);
    return new Image(
      await gridOf(
        images.map((image) => image.#pixels()),
        options,
      ),
    );
  }

  /**
   * Pictures as a film, which shows itself in a notebook and is written with `save("film.webp")`.
   *
   * @param options.fps - frames per second; default 10
   * @param options.format - default "webp", which keeps all colours; "gif" has 256
   * @throws RangeError if the pictures differ in size
   */
  static animation(frames: readonly Image[], options: { fps?: number; format?: "webp" | "gif" } = {}): Animation {
    const { fps = 10, format = "webp" } = options;
    const [first] = frames;
    if (!first) throw new RangeError("Image.animation: got no pictures");
    if (!(fps > 0 && fps <= 60))
      throw new RangeError(`Image.animation: fps is ${fps}, expected above 0 and at most 60`);
    const other = frames.find((frame) => frame.width !== first.width || frame.height !== first.height);
    if (other) {
      throw new RangeError(
        `Image.animation: frames of ${first.width}x${first.height} and ${other.width}x${other.height}; expected the same size`,
      );
    }
    const { width, height } = first;
    const alt = `animation of ${plural(frames.length, "frame")}, ${width}x${height}`;
    const scale = enlargement(width, height);
    return new Animation(format, alt, () => {
      const rasters = frames.map(
        (frame) => ({ width, height, channels: 3, bytes: frame.convert("RGB").#data }) as const,
      );
      return filmOf(rasters, { fps, hold: 0, format, scale, fileScale: 1, alt, bar: false });
    });
  }

  /** Another kind of pixels; what is transparent becomes white. */
  convert(mode: Mode): Image {
    return new Image(convert(this.#pixels(), checkMode("Image.convert", mode)), this.metadata);
  }

  /**
   * The picture at another size, byte for byte as Pillow makes it.
   *
   * @param height - default `width`
   */
  resize(width: number, height = width, options: ResizeOptions = {}): Image {
    const { filter = "lanczos", fit = "fill" } = options;
    checkSize("Image.resize", width, height);
    checkChoice("Image.resize", "filter", filter, FILTERS);
    checkChoice("Image.resize", "fit", fit, FITS);
    const at = (image: Image, w: number, h: number) =>
      new Image(resample(image.#pixels(), w, h, filter), this.metadata);
    if (fit === "fill") return at(this, width, height);
    const [across, down] = [width / this.width, height / this.height];
    const scale = fit === "cover" ? Math.max(across, down) : Math.min(across, down);
    const near = (size: number, most: number) => Math.min(most, Math.max(1, Math.round(size)));
    if (fit === "cover") {
      const [w, h] = [near(width / scale, this.width), near(height / scale, this.height)];
      return at(this.crop((this.width - w) >> 1, (this.height - h) >> 1, w, h), width, height);
    }
    return at(this, near(this.width * scale, width), near(this.height * scale, height)).#onWhite(width, height);
  }

  /** In the middle of a larger white picture. */
  #onWhite(width: number, height: number): Image {
    const channels = MODES[this.mode];
    const data = new Uint8Array(width * height * channels).fill(255);
    const [left, top] = [(width - this.width) >> 1, (height - this.height) >> 1];
    for (let y = 0; y < this.height; y++) {
      const row = this.#data.subarray(y * this.width * channels, (y + 1) * this.width * channels);
      data.set(row, ((top + y) * width + left) * channels);
    }
    return new Image({ width, height, mode: this.mode, data }, this.metadata);
  }

  /**
   * A part of the picture, from column `left` and row `top`.
   *
   * @throws RangeError if the part lies outside
   */
  crop(left: number, top: number, width: number, height: number): Image {
    const inside = [left, top].every((n) => Number.isInteger(n) && n >= 0);
    checkSize("Image.crop", width, height);
    if (!inside || left + width > this.width || top + height > this.height) {
      throw new RangeError(
        `Image.crop: ${width}x${height} from (${left}, ${top}) does not fit inside ${this.width}x${this.height}`,
      );
    }
    const channels = MODES[this.mode];
    const data = new Uint8Array(width * height * channels);
    for (let y = 0; y < height; y++) {
      const start = ((top + y) * this.width + left) * channels;
      data.set(this.#data.subarray(start, start + width * channels), y * width * channels);
    }
    return new Image({ width, height, mode: this.mode, data }, this.metadata);
  }

  /**
   * The picture as float32 `[1, channels, height, width]`.
   *
   * @param options.range - the values of black and white; default -1 and 1, as autoencoders encode
   */
  toTensor(options: { range?: readonly [number, number] } = {}): Tensor {
    return pixelsToTensor(this.#pixels(), checkRange("Image.toTensor", options.range ?? RANGE));
  }

  /** The pixels, as a copy: `[height, width, channels]` bytes. */
  toRaw(): Pixels {
    return { ...this.#pixels(), data: this.#data.slice() };
  }

  /** The picture as a PNG file. */
  async toPng(options: { metadata?: ImageMetadata } = {}): Promise<Uint8Array> {
    const png = await (await this.#sharp())
      .toColourspace(this.mode === "L" ? "b-w" : "srgb")
      .png()
      .toBuffer();
    return options.metadata ? withPngText(png, textsOf(options.metadata)) : png;
  }

  /**
   * Writes the picture to a file; its name says the format: .png, .jpg, .webp or .gif. The file is written completely or not at all.
   *
   * @param options.metadata - kept in a PNG's text chunks, where `Image.open(...).metadata` and other programs find it. With a
   *   `prompt` it also goes, in one text, under "parameters", where many programs look.
   * @throws RangeError if the format is another, or cannot keep metadata
   */
  async save(path: string, options: { metadata?: ImageMetadata; quality?: number } = {}): Promise<void> {
    const { metadata, quality = 90 } = options;
    const extension = extname(path).toLowerCase();
    checkChoice("Image.save", "ending", extension, [".png", ".jpg", ".jpeg", ".webp", ".gif"]);
    if (metadata && extension !== ".png") {
      throw new RangeError(
        `Image.save: ${path}: metadata can only be saved in PNG files; save as .png, or leave out the metadata`,
      );
    }
    const opaque = () => this.convert("RGB").#sharp();
    let bytes: Uint8Array;
    if (extension === ".png") bytes = await this.toPng({ metadata });
    else if (extension === ".webp") bytes = await (await this.#sharp()).webp({ quality }).toBuffer();
    else if (extension === ".gif") bytes = await (await this.#sharp()).gif().toBuffer();
    else bytes = await (await opaque()).jpeg({ quality }).toBuffer();
    await writeWhole(path, (write) => write(bytes));
  }

  async [DISPLAY](): Promise<Record<string, unknown>> {
    const factor = enlargement(this.width, this.height);
    const shown = this.resize(this.width * factor, this.height * factor, { filter: "nearest" });
    const png = Buffer.from(await shown.toPng());
    return { "image/png": png.toString("base64"), "text/plain": this.#describe() };
  }

  [inspect.custom](): string {
    return this.#describe();
  }

  #describe(): string {
    return `Image ${this.width}x${this.height} ${this.mode}`;
  }

  #pixels(): Pixels {
    return { width: this.width, height: this.height, mode: this.mode, data: this.#data };
  }

  async #sharp(): Promise<Sharp> {
    // Loaded with the library it would be a fifth of its loading time, and many cells paint nothing.
    const { default: sharp } = await import("sharp");
    return sharp(this.#data, { raw: { width: this.width, height: this.height, channels: MODES[this.mode] } });
  }
}

/** How many times as large a small picture is shown, so that its pixels can be seen: up to about 224 pixels high. */
export function enlargement(width: number, height: number, room = 760): number {
  return height >= 112 ? 1 : Math.max(1, Math.min(Math.floor(room / width), Math.floor(224 / height)));
}
