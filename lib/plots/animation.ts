import { writeFile } from "node:fs/promises";
import { inspect } from "node:util";
import { DISPLAY } from "../page/display.ts";
import type { MimeData } from "./figure.ts";
import { filmPlayer } from "./film-player.ts";
import { plural } from "./format.ts";
import { rgb, SERIES } from "./palette.ts";
import { checkCount, describe, type PicturesInput, picturesOf } from "./pictures.ts";
import { enlarged, type Raster, rasterOf } from "./pixels.ts";
import { checkInteger, checkRange, extentOf, pictureRange, type Range } from "./ranges.ts";
import { tag } from "./svg.ts";

const FORMATS = ["webp", "gif"] as const;
const MOST_FRAMES = 500;

/** How a film plays. */
export interface AnimationOptions {
  /** Frames per second; default 10. */
  fps?: number;
  /** Seconds for which the last frame stays before the film starts over; default 1.5. */
  hold?: number;
  /** The values shown as black and white, in all frames; default: by their type and extent. */
  range?: Range;
  /** Screen pixels for each pixel, a whole number; default: up to 224 on the page. */
  scale?: number;
  /** Default "webp", which keeps all colours; "gif" has 256. */
  format?: (typeof FORMATS)[number];
  /** A bar in the file, below the picture, that shows how far the film has got; default true. */
  bar?: boolean;
  /** One line above. */
  title?: string;
  /** A text below each frame, as many as there are frames; default "3 / 40". */
  captions?: readonly (string | number)[];
}

/**
 * Plays pictures as a film that starts over at its end, with a button to pause and a slider to step through it. Readers who
 * asked their system for less motion see the last frame; so does everybody in print.
 * `animate(frames, { title: "from noise to digit" })`.
 *
 * @param frames - `[n, h, w]`, `[n, 1 or 3, h, w]`, or a list of pictures
 * @throws RangeError if there are more than 500 frames, or an option is out of range
 */
export function animate(frames: PicturesInput, options: AnimationOptions = {}): Animation {
  const where = "animate";
  const { fps = 10, hold = 1.5, format = "webp" } = options;
  const pictures = picturesOf(where, frames, { three: "grey" });
  if (pictures.count > MOST_FRAMES) {
    throw new RangeError(
      `${where}: ${plural(pictures.count, "frame")}, expected at most ${MOST_FRAMES}. Use every tenth frame.`,
    );
  }
  if (!(fps > 0 && fps <= 60)) throw new RangeError(`${where}: fps is ${String(fps)}, expected above 0 and at most 60`);
  if (!(hold >= 0 && hold <= 60)) throw new RangeError(`${where}: hold is ${String(hold)}, expected 0 to 60 seconds`);
  if (!FORMATS.includes(format)) {
    throw new RangeError(
      `${where}: unknown format "${String(format)}"; expected ${FORMATS.map((f) => `"${f}"`).join(" or ")}`,
    );
  }
  if (options.range !== undefined) checkRange(where, options.range);
  checkInteger(where, "scale", options.scale);
  const scale = options.scale ?? Math.max(1, Math.floor(224 / Math.max(pictures.width, pictures.height)));
  if (options.captions) checkCount(where, "captions", options.captions, pictures.count, "frame");
  const title = options.title ? `${options.title}: ` : "";
  const alt = `${title}animation of ${plural(pictures.count, "frame")}, ${describe(pictures)} pixels`;
  return new Animation(format, alt, async () => {
    const all = await pictures.read();
    const range = options.range ?? all[0]!.range ?? pictureRange(extentOf(all.map((picture) => picture.pixels)));
    const frames = all.map((picture) => inColour(rasterOf(picture, range)));
    return filmOf(frames, { ...options, fps, hold, format, scale, alt });
  });
}

/** How {@link filmOf} plays frames. */
interface Playing {
  readonly fps: number;
  readonly hold: number;
  readonly format: (typeof FORMATS)[number];
  /** CSS pixels for each of a frame's. */
  readonly scale: number;
  /** Pixels of the file for each of a frame's; default `scale`. */
  readonly fileScale?: number;
  readonly alt: string;
  readonly bar?: boolean;
  readonly title?: string;
  readonly captions?: readonly (string | number)[];
}

/** Frames in colour and of one size as a film: the file, and a player for the page. */
export async function filmOf(frames: readonly Raster[], playing: Playing): Promise<Film> {
  const { fps, hold, format, scale, title, alt } = playing;
  const large = frames.map((frame, i) => {
    const raster = enlarged(frame, playing.fileScale ?? scale);
    return playing.bar === false ? raster : withBar(raster, (i + 1) / frames.length);
  });
  const each = Math.round(1000 / fps);
  const last = Math.round(1000 / fps + hold * 1000);
  const delay = frames.map((_, i) => (i === frames.length - 1 ? last : each));
  const captions = frames.map((_, i) => String(playing.captions?.[i] ?? `${i + 1} / ${frames.length}`));
  const player = await filmPlayer({ frames, scale, title, captions, delay: each, hold: last, alt });
  return { ...(await film(large, delay, format)), player };
}

/** A film as a file. */
interface Film {
  /** The file. */
  readonly bytes: Uint8Array;
  /** The last frame, as PNG. */
  readonly last: Uint8Array;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** HTML that plays it in a page, with a slider; undefined if it is too large for that. */
  readonly player?: string;
}

/** A film that shows itself. In a script write it to a file: `await film.save("walk.webp")`. */
export class Animation {
  readonly #format: (typeof FORMATS)[number];
  readonly #alt: string;
  readonly #make: () => Promise<Film>;
  #film: Promise<Film> | undefined;

  constructor(format: (typeof FORMATS)[number], alt: string, make: () => Promise<Film>) {
    this.#format = format;
    this.#alt = alt;
    this.#make = make;
  }

  #made(): Promise<Film> {
    this.#film ??= this.#make();
    return this.#film;
  }

  /** The file: WebP or GIF. */
  async bytes(): Promise<Uint8Array> {
    return (await this.#made()).bytes;
  }

  /** Writes the film to a file, whose name ends in its format. */
  async save(path: string): Promise<void> {
    if (!path.toLowerCase().endsWith(`.${this.#format}`)) {
      throw new RangeError(
        `animate: save got "${path}"; expected a name ending in .${this.#format}, the film's format`,
      );
    }
    await writeFile(path, await this.bytes());
  }

  async [DISPLAY](): Promise<MimeData> {
    const { bytes, last, width, height, player = "" } = await this.#made();
    const address = (type: string, file: Uint8Array) =>
      `data:image/${type};base64,${Buffer.from(file).toString("base64")}`;
    const still = tag("source", { media: "(prefers-reduced-motion: reduce)", srcset: address("png", last) });
    const style = "image-rendering:pixelated;max-width:100%;height:auto;display:block";
    const image = tag("img", { src: address(this.#format, bytes), width, height, alt: this.#alt, style });
    const picture = `<picture class="difflab-still">${still}${image}</picture>`;
    return { "text/html": player + picture, "text/plain": this.#alt };
  }

  [inspect.custom](): string {
    return `Animation: displayed automatically in a notebook; in a script, use: await film.save("film.${this.#format}")`;
  }
}

/** Rasters of one size as one file that plays them over and over; `delay` in milliseconds for each. */
async function film(rasters: readonly Raster[], delay: number[], format: (typeof FORMATS)[number]): Promise<Film> {
  const { default: sharp } = await import("sharp");
  const { width, height } = rasters[0]!;
  const strip = Buffer.concat(rasters.map((raster) => raster.bytes));
  const raw = { width, height: height * rasters.length, channels: 3, pageHeight: height } as const;
  const image = sharp(strip, { raw, limitInputPixels: false });
  const bytes = await (format === "webp"
    ? image.webp({ lossless: true, effort: 4, delay, loop: 0 })
    : image.gif({ delay, loop: 0, dither: 0 })
  ).toBuffer();
  const last = await sharp(rasters.at(-1)!.bytes, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  return { bytes, last, width, height };
}

function inColour(raster: Raster): Raster {
  if (raster.channels === 3) return raster;
  const bytes = new Uint8Array(raster.bytes.length * 3);
  for (let i = 0; i < raster.bytes.length; i++) bytes.fill(raster.bytes[i]!, i * 3, i * 3 + 3);
  return { ...raster, channels: 3, bytes };
}

/** Four rows of pixels more, of which the first `share` is coloured. */
function withBar(raster: Raster, share: number): Raster {
  const { width, height, bytes } = raster;
  const rows = 4;
  const out = new Uint8Array(bytes.length + width * rows * 3).fill(128);
  out.set(bytes);
  for (let i = 0; i < width * rows; i++) if (i % width < share * width) out.set(rgb(SERIES[0]), bytes.length + i * 3);
  return { ...raster, height: height + rows, bytes: out };
}
