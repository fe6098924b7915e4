import { rgb } from "./palette.ts";
import type { Picture } from "./pictures.ts";
import { type Range, specialColour } from "./ranges.ts";

/** Pixels as bytes. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 red, green and blue. */
  readonly channels: 1 | 3;
  /** `[h, w, channels]` */
  readonly bytes: Uint8Array;
}

/** A picture's values as bytes: `range` becomes 0 to 255, what lies outside is cut off, what is no number gets its colour. */
export function rasterOf(picture: Picture, [low, high]: Range): Raster {
  const { width, height, channels, pixels } = picture;
  const scale = 255 / (high - low);
  const bytes = new Uint8ClampedArray(pixels.length);
  let special = false;
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i]!;
    bytes[i] = (value - low) * scale; // rounds and cuts off; NaN becomes 0
    special ||= !Number.isFinite(value);
  }
  const raster = { width, height, channels, bytes: new Uint8Array(bytes.buffer) };
  return special ? marked(raster, pixels) : raster;
}

/** The colour of each value by a function, for maps. */
export function colouredRaster(picture: Picture, colour: (value: number) => readonly [number, number, number]): Raster {
  const { width, height, pixels } = picture;
  const bytes = new Uint8Array(width * height * 3);
  for (let i = 0; i < pixels.length; i++) {
    const special = specialColour(pixels[i]!);
    bytes.set(special ? rgb(special) : colour(pixels[i]!), i * 3);
  }
  return { width, height, channels: 3, bytes };
}

function marked({ width, height, channels, bytes }: Raster, pixels: ArrayLike<number>): Raster {
  const out = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const all = channels === 1 ? [0, 0, 0] : [0, 1, 2];
    let colour: readonly number[] = all.map((channel) => bytes[i * channels + channel]!);
    for (const channel of all) {
      const special = specialColour(pixels[i * channels + channel]!);
      if (special) colour = rgb(special);
    }
    out.set(colour, i * 3);
  }
  return { width, height, channels: 3, bytes: out };
}

/** Each pixel as a square of `factor` x `factor`: no resampling filter, so no blur. */
export function enlarged(raster: Raster, factor: number): Raster {
  if (factor === 1) return raster;
  const { width, height, channels, bytes } = raster;
  const row = width * factor * channels;
  const out = new Uint8Array(row * height * factor);
  for (let y = 0; y < height; y++) {
    const start = y * factor * row;
    for (let x = 0; x < width * factor; x++) {
      const from = (y * width + Math.floor(x / factor)) * channels;
      for (let c = 0; c < channels; c++) out[start + x * channels + c] = bytes[from + c]!;
    }
    for (let copy = 1; copy < factor; copy++) out.copyWithin(start + copy * row, start, start + row);
  }
  return { width: width * factor, height: height * factor, channels, bytes: out };
}

/** A raster as a picture file in a data: address. */
export interface Encoded {
  readonly href: string;
  /** Whether each pixel of the raster is a square of whole CSS pixels. */
  readonly crisp: boolean;
}

/**
 * Writes a raster for the page.
 *
 * @param scale - CSS pixels for one of the raster's. Whole numbers: every pixel becomes a square, in PNG. Below 1, a picture
 *   larger than its place: made smaller, to two pixels for each CSS pixel, in WebP, which for photographs is a tenth of PNG.
 */
export async function encode(raster: Raster, scale: number): Promise<Encoded> {
  if (scale >= 1) {
    const png = await pngOf(enlarged(raster, scale));
    return { href: `data:image/png;base64,${Buffer.from(png).toString("base64")}`, crisp: true };
  }
  const { default: sharp } = await import("sharp");
  const open = ({ width, height, channels, bytes }: Raster) => sharp(bytes, { raw: { width, height, channels } });
  const width = Math.min(raster.width, Math.max(1, Math.round(raster.width * scale * 2)));
  const webp = await open(raster).resize({ width }).webp({ quality: 88 }).toBuffer();
  return { href: `data:image/webp;base64,${webp.toString("base64")}`, crisp: false };
}

/** A raster as a PNG file. */
export async function pngOf({ width, height, channels, bytes }: Raster): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  const image = sharp(bytes, { raw: { width, height, channels } });
  const grey = channels === 1 ? image.toColourspace("b-w") : image;
  return grey.png({ compressionLevel: 9 }).toBuffer();
}
