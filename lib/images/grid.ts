import { plural } from "../printed.ts";
import { convert, MODES, type Pixels } from "./pixels.ts";

/** How pictures are put side by side. */
export interface GridOptions {
  /** Pictures per row; default all. */
  columns?: number;
  /** A text below each picture. */
  captions?: readonly string[];
  /** White pixels between pictures; default 4. */
  gap?: number;
}

/** Pixels of height for a line of captions, and of its letters. */
const LINE = 20;
const LETTERS = 14;

/** Pictures on white, row by row, each in the middle of its place. */
export async function gridOf(pictures: readonly Pixels[], options: GridOptions): Promise<Pixels> {
  const { columns = pictures.length, captions, gap = 4 } = options;
  if (!Number.isInteger(columns) || columns < 1) {
    throw new RangeError(`Image.grid: ${plural(columns, "column")}; expected a whole number from 1 up`);
  }
  if (!Number.isInteger(gap) || gap < 0)
    throw new RangeError(`Image.grid: gap ${gap}; expected a whole number from 0 up`);
  if (captions && captions.length !== pictures.length) {
    throw new RangeError(
      `Image.grid: ${plural(captions.length, "caption")} for ${plural(pictures.length, "picture")}; expected one for each`,
    );
  }
  const across = Math.min(columns, pictures.length);
  const rows = Math.ceil(pictures.length / across);
  const cellWidth = Math.max(...pictures.map((picture) => picture.width));
  const pictureHeight = Math.max(...pictures.map((picture) => picture.height));
  const cellHeight = pictureHeight + (captions ? LINE : 0);
  const width = across * cellWidth + (across - 1) * gap;
  const height = rows * cellHeight + (rows - 1) * gap;
  const data = new Uint8Array(width * height * 3).fill(255);
  for (const [i, picture] of pictures.entries()) {
    const rgb = convert(picture, "RGB").data;
    const left = (i % across) * (cellWidth + gap) + ((cellWidth - picture.width) >> 1);
    const top = Math.floor(i / across) * (cellHeight + gap) + ((pictureHeight - picture.height) >> 1);
    for (let y = 0; y < picture.height; y++) {
      const row = rgb.subarray(y * picture.width * 3, (y + 1) * picture.width * 3);
      data.set(row, ((top + y) * width + left) * 3);
    }
  }
  const grid: Pixels = { width, height, mode: "RGB", data };
  if (!captions) return grid;
  const texts = captions.map((caption, i) => {
    const x = (i % across) * (cellWidth + gap) + cellWidth / 2;
    const y = Math.floor(i / across) * (cellHeight + gap) + pictureHeight + LINE - 6;
    return `<text x="${x}" y="${y}">${escapeXml(fitting(String(caption), cellWidth))}</text>`;
  });
  return withText(grid, texts.join(""));
}

async function withText({ width, height, mode, data }: Pixels, texts: string): Promise<Pixels> {
  const style = `font-family="sans-serif" font-size="${LETTERS}" text-anchor="middle" fill="#222"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g ${style}>${texts}</g></svg>`;
  const { default: sharp } = await import("sharp");
  const drawn = await sharp(data, { raw: { width, height, channels: MODES[mode] } })
    .composite([{ input: Buffer.from(svg) }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return { width, height, mode, data: new Uint8Array(drawn) };
}

/** Cut where it would run into the next picture's: a letter is about half as wide as high. */
function fitting(caption: string, width: number): string {
  const letters = Math.max(1, Math.floor(width / (LETTERS * 0.52)));
  const all = [...caption.replace(/\s+/g, " ")];
  return all.length <= letters ? all.join("") : `${all.slice(0, letters - 1).join("")}…`;
}

function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML cannot hold them in any form
  return text.replace(/[\0-\x08\x0b-\x1f]/g, "").replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
