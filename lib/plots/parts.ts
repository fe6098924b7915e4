import { label } from "./format.ts";
import type { Picture } from "./pictures.ts";
import { encode, type Raster } from "./pixels.ts";
import { escapeText, FONT_SIZE, lineHeight, lines, tag, textWidth, wrap } from "./svg.ts";

/** Pixels of a notebook's column that figures fill at most. */
export const COLUMN = 760;
export const GAP = 8;
/** Size of captions and notes. */
export const SMALL = 11;

/** A part of a figure and the room that it takes. */
export interface Block {
  readonly body: string;
  readonly height: number;
  /** What its widest line takes: a figure is at least as wide. */
  readonly width: number;
}

/** Bold letters are so much wider. */
const BOLD = 1.14;

/** The line above a figure; nothing if there is no title. */
export function titleBlock(title: string | undefined, width = COLUMN): Block {
  if (!title) return { body: "", height: 0, width: 0 };
  const text = wrap(title, width, { size: 14 * BOLD });
  const height = text.length * lineHeight(14) + 6;
  return { body: lines(text, 0, 14, { size: 14, bold: true }), height, width: widest(text, 14 * BOLD) };
}

/** Remarks below a figure, `y` its upper edge. */
export function noteBlock(notes: readonly string[], width: number, y: number): Block {
  const note = notes.filter(Boolean).join("; ");
  if (!note) return { body: "", height: 0, width: 0 };
  const text = wrap(note, width, { size: SMALL, most: 6 });
  return {
    body: lines(text, 0, y + SMALL + 2, { size: SMALL, faint: true }),
    height: text.length * lineHeight(SMALL) + 6,
    width: widest(text, SMALL),
  };
}

function widest(text: readonly string[], size: number): number {
  return Math.max(0, ...text.map((line) => textWidth(line, size)));
}

/** Coloured names in a row, in as many rows as they take. */
export function legendBlock(
  entries: readonly { name: string; colour: string; dash?: string }[],
  x: number,
  y: number,
  room = COLUMN,
): Block {
  let at = x;
  let row = y;
  let last = 1;
  const body = entries.map(({ name, colour, dash }) => {
    const text = wrap(name, room - x - 24);
    const width = 24 + widest(text, FONT_SIZE) + 14;
    if (at > x && (at + width > room + 14 || text.length > 1)) {
      at = x;
      row += last * lineHeight() + 2;
      last = 1;
    }
    last = Math.max(last, text.length);
    const line = tag("path", {
      d: `M${at} ${row + 8}h18`,
      stroke: colour,
      "stroke-width": 3,
      "stroke-dasharray": dash,
    });
    const words = lines(text, at + 24, row + 12);
    at += width;
    return line + words;
  });
  return { body: body.join(""), height: row - y + last * lineHeight() + 4, width: room };
}

/** A raster at a place of an SVG, with a title on hover. */
export async function drawRaster(raster: Raster, x: number, y: number, scale: number, title = ""): Promise<string> {
  const { href, crisp } = await encode(raster, scale);
  const place = { x, y, width: raster.width * scale, height: raster.height * scale };
  const attributes = { ...place, href, style: crisp ? "image-rendering:pixelated" : undefined };
  return tag("image", attributes, title ? tag("title", {}, escapeText(title)) : "");
}

/**
 * A bar of all colours of a scale with its ends (and middle) written below it, and its name above, in as many lines as it takes
 * in a room of so many pixels.
 */
export async function scaleBar(
  colour: (share: number) => readonly [number, number, number],
  ticks: readonly { share: number; text: string }[],
  place: { x: number; y: number; width: number; name?: string; room?: number },
): Promise<Block> {
  const steps = 101;
  const bytes = new Uint8Array(steps * 3);
  for (let i = 0; i < steps; i++) bytes.set(colour(i / (steps - 1)), i * 3);
  const { href } = await encode({ width: steps, height: 1, channels: 3, bytes }, 1);
  const { x, y, width, name, room = COLUMN - x } = place;
  const text = name ? wrap(name, Math.max(room, width), { size: SMALL }) : [];
  const top = y + text.length * lineHeight(SMALL);
  const bar = tag("image", { x, y: top, width, height: 10, href, preserveAspectRatio: "none" });
  const frame = tag("rect", {
    x,
    y: top,
    width,
    height: 10,
    fill: "none",
    stroke: "currentColor",
    "stroke-opacity": 0.3,
  });
  const marks = ticks.map(({ share, text }) => {
    const at = x + share * width;
    const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
    return lines([text], at, top + 10 + SMALL + 2, { size: SMALL, anchor });
  });
  const heading = lines(text, x, y + SMALL - 1, { size: SMALL });
  return {
    body: heading + bar + frame + marks.join(""),
    height: top - y + 10 + SMALL + 8,
    width: x + Math.max(width, widest(text, SMALL)),
  };
}

/**
 * Titles for the pixels of a picture, for a pointer to find. Neighbours in a row with the same value share one, which for
 * the empty border of a digit is a third of the whole.
 */
export function pixelTitles(picture: Picture, x: number, y: number, scale: number): string {
  const { width, height, pixels } = picture;
  const parts: string[] = [];
  for (let row = 0; row < height; row++) {
    for (let from = 0, to = 0; from < width; from = to) {
      const value = pixels[row * width + from]!;
      while (to < width && Object.is(pixels[row * width + to], value)) to++;
      const columns = to - from === 1 ? `column ${from}` : `columns ${from} to ${to - 1}`;
      const title = `row ${row}, ${columns}: ${label(value, 4)}`;
      parts.push(`<path d="M${from} ${row}h${to - from}v1h${from - to}z"><title>${title}</title></path>`);
    }
  }
  return tag("g", { transform: `translate(${x} ${y}) scale(${scale})`, "fill-opacity": 0 }, ...parts);
}

/** Numbers of rows and columns along the upper and left edge of a picture. */
export function pixelAxes(width: number, height: number, x: number, y: number, scale: number): string {
  const every = (count: number) =>
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((step) => count / step <= 8) ?? count;
  const size = 10;
  const parts: string[] = [];
  for (let i = 0; i < width; i += every(width)) {
    parts.push(lines([String(i)], x + (i + 0.5) * scale, y - 4, { size, anchor: "middle", faint: true }));
  }
  for (let i = 0; i < height; i += every(height)) {
    parts.push(lines([String(i)], x - 5, y + (i + 0.5) * scale + 3.5, { size, anchor: "end", faint: true }));
  }
  return parts.join("");
}
