import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** Pixels as a browser's `ImageData` holds them: rows from the top, four bytes a pixel, red, green, blue, alpha. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/**
 * A drawing context that knows pixels and filled rectangles: what Observable Plot's `raster`, `contour` and colour legends ask of
 * a canvas. Text, paths and gradients would take a real canvas (25 MB of native code), which a picture made of SVG has no use for;
 * asking for them is an error that says so.
 */
export class PixelContext {
  readonly canvas: { width: number; height: number };
  fillStyle: unknown = "#000";
  imageSmoothingEnabled = true;
  #image: Pixels;

  constructor(canvas: { width: number; height: number }) {
    this.canvas = canvas;
    this.#image = pixels(canvas.width, canvas.height);
  }

  /** The picture so far; blank again after the canvas changed its size, as in a browser. */
  get image(): Pixels {
    const { width, height } = this.canvas;
    if (this.#image.width !== width || this.#image.height !== height) this.#image = pixels(width, height);
    return this.#image;
  }

  createImageData(width: number | Pixels, height = 0): Pixels {
    return typeof width === "number" ? pixels(width, height) : pixels(width.width, width.height);
  }

  getImageData(x: number, y: number, width: number, height: number): Pixels {
    const copy = pixels(width, height);
    blit(this.image, copy, -x, -y);
    return copy;
  }

  putImageData(source: Pixels, x: number, y: number): void {
    blit(source, this.image, x, y);
  }

  clearRect(x: number, y: number, width: number, height: number): void {
    this.putImageData(pixels(width, height), x, y);
  }

  /** Fills whole pixels: edges between pixels are rounded, not blended. */
  fillRect(x: number, y: number, width: number, height: number): void {
    const { data, width: columns, height: rows } = this.image;
    const [red, green, blue, alpha] = parseColour(this.fillStyle);
    const [left, right] = clampSpan(x, width, columns);
    const [top, bottom] = clampSpan(y, height, rows);
    for (let row = top; row < bottom; row++) {
      for (let at = (row * columns + left) * 4, end = (row * columns + right) * 4; at < end; at += 4) {
        // Porter and Duff's "over", with colours that are not premultiplied.
        const below = (data[at + 3]! / 255) * (1 - alpha);
        const sum = alpha + below;
        if (sum === 0) continue;
        data[at] = (red * alpha + data[at]! * below) / sum;
        data[at + 1] = (green * alpha + data[at + 1]! * below) / sum;
        data[at + 2] = (blue * alpha + data[at + 2]! * below) / sum;
        data[at + 3] = sum * 255;
      }
    }
  }
}

/** A {@link PixelContext} that answers a call for anything else with an error that says what to do. */
export function createContext(canvas: { width: number; height: number }): PixelContext {
  return new Proxy(new PixelContext(canvas), {
    get(context, key) {
      const value = Reflect.get(context, key, context);
      if (typeof value === "function") return value.bind(context);
      if (value !== undefined || typeof key === "symbol" || key === "then") return value;
      return () => {
        throw new Error(
          `canvas: ${key}() is not available; a notebook's canvas supports only pixels and fillRect. Draw with SVG or sharp instead.`,
        );
      };
    },
    set: (context, key, value) => Reflect.set(context, key, value, context),
  });
}

/** Writes the pixels as a PNG (8 bits, RGBA, no filter), as a data URL. A picture without pixels gives `data:,`, as in a browser. */
export function toDataUrl(image: Pixels): string {
  if (image.width === 0 || image.height === 0) return "data:,";
  return `data:image/png;base64,${encodePng(image).toString("base64")}`;
}

/** @see https://www.w3.org/TR/png-3/ */
function encodePng({ width, height, data }: Pixels): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8); // 8 bits a sample, RGBA, deflate, the five filters, not interlaced
  const rows = Buffer.alloc(height * (1 + width * 4)); // each row starts with its filter: 0, none
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * width * 4, (y + 1) * width * 4), y * (1 + width * 4) + 1);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", zlib().deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function zlib(): typeof import("node:zlib") {
  return process.getBuiltinModule("node:zlib");
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), content]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(content.length, 0);
  frame.set(body, 4);
  frame.writeUInt32BE(zlib().crc32(body), body.length + 4);
  return frame;
}

function pixels(width: number, height: number): Pixels {
  const w = Math.max(0, Math.trunc(Number(width)) || 0);
  const h = Math.max(0, Math.trunc(Number(height)) || 0);
  return { width: w, height: h, data: new Uint8ClampedArray(w * h * 4) };
}

/** Copies `source` into `target` with its top left corner at (x, y); what lies outside is left out. */
function blit(source: Pixels, target: Pixels, x: number, y: number): void {
  const left = Math.max(0, x);
  const right = Math.min(target.width, x + source.width);
  if (left >= right) return;
  for (let row = Math.max(0, y); row < Math.min(target.height, y + source.height); row++) {
    const from = ((row - y) * source.width + left - x) * 4;
    target.data.set(source.data.subarray(from, from + (right - left) * 4), (row * target.width + left) * 4);
  }
}

function clampSpan(start: number, length: number, size: number): [number, number] {
  const [from, to] = length < 0 ? [start + length, start] : [start, start + length];
  const clamp = (at: number): number => Math.min(size, Math.max(0, Math.round(at) || 0));
  return [clamp(from), clamp(to)];
}

type Rgb = (colour: string) => { r: number; g: number; b: number; opacity: number };
let rgb: Rgb | undefined;

/** Red, green and blue from 0 to 255, alpha from 0 to 1. An unknown colour is transparent. */
function parseColour(style: unknown): [number, number, number, number] {
  // Loaded with the first colour: the module must cost a kernel that draws nothing no time.
  rgb ??= (require("d3-color") as { rgb: Rgb }).rgb;
  const { r, g, b, opacity } = rgb(String(style));
  return Number.isNaN(r + g + b + opacity) ? [0, 0, 0, 0] : [r, g, b, opacity];
}
