import { type Drawing, Figure } from "./figure.ts";
import { plural } from "./format.ts";
import { COLUMN, drawRaster, GAP, noteBlock, SMALL, titleBlock } from "./parts.ts";
import {
  channelLikeness,
  checkCount,
  describe,
  type Picture,
  type Pictures,
  type PicturesInput,
  picturesOf,
} from "./pictures.ts";
import { rasterOf } from "./pixels.ts";
import {
  checkInteger,
  checkRange,
  contrastNote,
  type Extent,
  extentOf,
  pictureRange,
  type Range,
  rangeNote,
  specialNote,
} from "./ranges.ts";
import { lineHeight, lines, textWidth, wrap } from "./svg.ts";
import { isObject, kind } from "./values.ts";

/** What all grids of pictures take. */
export interface GridOptions {
  /** One line above. */
  title?: string;
  /** The values shown as black and white; default: by their type and extent, the same for all pictures. "each": from the least to the greatest of each. */
  range?: Range | "each";
  /** CSS pixels for each pixel of a picture, a whole number; default: as many as fit. */
  scale?: number;
}

/** How pictures are shown. */
export interface ImagesOptions extends GridOptions {
  /** Below each picture; `\n` starts a new line; default: the labels of a data set. */
  captions?: readonly (string | number)[];
  /** Pictures per row; default: what suits their number. */
  columns?: number;
  /** Pictures shown at most; the rest is only mentioned. Default 200. */
  limit?: number;
}

/**
 * Shows pictures in a grid, each pixel as a crisp square.
 * `showImages(x, { captions: ["noisy", "clean"] })`.
 *
 * @param images - grey `[h, w]`, `[n, h, w]`, `[n, 1, h, w]` or RGB `[3, h, w]`, `[n, 3, h, w]`; a data set; or a list of such.
 *   `[3, h, w]` is one picture in colour, unless `stack` made it of three grey ones or there are three captions
 * @returns a figure that shows itself; values that are NaN or infinite stand out in magenta, yellow and cyan, and are counted
 * @throws RangeError if the shapes fit no pictures or the captions not the pictures
 */
export function showImages(images: PicturesInput, options: ImagesOptions = {}): Figure {
  const where = "showImages";
  checkOptions(where, options);
  const { captions, limit = 200 } = options;
  const pictures = picturesOf(where, images, { three: captions?.length === 3 ? "grey" : undefined });
  if (captions) checkCount(where, "captions", captions, pictures.count);
  checkInteger(where, "columns", options.columns);
  checkInteger(where, "limit", limit);
  const count = Math.min(limit, pictures.count);
  const columns = options.columns ?? defaultColumns(count);
  const texts = captions?.map(String) ?? pictures.labels;
  return new Figure(where, async () => {
    const shown = (await pictures.read()).slice(0, count);
    const rows: Row[] = [];
    for (let at = 0; at < count; at += columns) {
      rows.push({ pictures: shown.slice(at, at + columns), captions: texts?.slice(at, at + columns) });
    }
    const more = pictures.count > count ? `the first ${count} of ${plural(pictures.count, "picture")}` : "";
    const { height, width } = pictures;
    const unlike = pictures.ambiguous && channelLikeness(shown[0]!) < 0.5;
    const three = unlike
      ? `[3, ${height}, ${width}] is shown as one colour picture; for three grey ones: x.reshape(3, 1, ${height}, ${width})`
      : "";
    const what = `${plural(count, "picture")} of ${describe(pictures)} pixels`;
    return drawRows(rows, { ...options, what, notes: [more, three] });
  });
}

/** How rows of pictures are shown. */
export interface RowsOptions extends GridOptions {
  /** Above each column. */
  captions?: readonly (string | number)[];
}

/**
 * Shows sets of pictures as rows below each other, each with its name: noisy, true noise, predicted noise.
 * Each row has its own range of values, which is given beside it unless it is 0 to 1.
 *
 * @param rows - name to pictures, of one size and number: `{ noisy, "true noise": noise, difference: predicted.sub(noise) }`
 * @throws RangeError if the rows do not fit each other
 */
export function showRows(rows: Readonly<Record<string, PicturesInput>>, options: RowsOptions = {}): Figure {
  const where = "showRows";
  checkOptions(where, options);
  if (!isObject(rows) || Array.isArray(rows)) {
    throw new TypeError(`${where}: got ${kind(rows)}, expected an object of rows: { noisy: x, noise: e }`);
  }
  const read = (three?: "grey") =>
    Object.entries(rows).map(([name, input]) => [name, picturesOf(`${where}: "${name}"`, input, { three })] as const);
  // `[3, h, w]` beside a row of three grey pictures is such a row itself.
  const found = read();
  const named = found.some(([, { count, channels }]) => count === 3 && channels === 1) ? read("grey") : found;
  const [first] = named;
  if (!first) throw new RangeError(`${where}: got no rows, expected at least one: { noisy: x }`);
  for (const [name, pictures] of named) checkFit(where, name, pictures, first);
  if (options.captions) checkCount(where, "captions", options.captions, first[1].count);
  return new Figure(where, async () => {
    const drawn: Row[] = [];
    for (const [name, pictures] of named) drawn.push({ name, pictures: await pictures.read() });
    const what = `${named.map(([name]) => name).join(", ")}: rows of ${plural(first[1].count, "picture")} of ${describe(first[1])} pixels`;
    return drawRows(drawn, { ...options, what, notes: [], headings: options.captions?.map(String), eachRow: true });
  });
}

function checkFit(where: string, name: string, pictures: Pictures, [other, first]: readonly [string, Pictures]): void {
  const fits = pictures.width === first.width && pictures.height === first.height && pictures.count === first.count;
  if (fits) return;
  const say = (each: Pictures) => `${plural(each.count, "picture")} of ${each.height} × ${each.width}`;
  throw new RangeError(`${where}: "${name}" holds ${say(pictures)}, "${other}" ${say(first)}; expected the same`);
}

export interface Row {
  readonly name?: string;
  readonly pictures: readonly Picture[];
  readonly captions?: readonly string[];
}

export interface RowsDrawing extends GridOptions {
  /** What the figure shows, for its text alternative. */
  readonly what: string;
  /** Sentences below it. */
  readonly notes: readonly string[];
  /** Above the columns. */
  readonly headings?: readonly string[];
  /** Each row has its own range. */
  readonly eachRow?: boolean;
}

/** Draws rows of pictures with their names on the left and their captions below. */
export async function drawRows(rows: readonly Row[], options: RowsDrawing): Promise<Drawing> {
  const first = rows[0]!.pictures[0]!;
  const columns = Math.max(...rows.map((row) => row.pictures.length));
  const names = rows.map((row) => row.name ?? "");
  const nameWidth = names.some(Boolean) ? Math.min(150, Math.max(...names.map((name) => textWidth(name)), 60)) + 12 : 0;
  const scale = options.scale ?? scaleFor(first.width, first.height, columns, COLUMN - nameWidth);
  const longest = Math.max(0, ...rows.flatMap((row) => row.captions ?? []).map(longestWord));
  const cell = Math.max(first.width * scale, Math.min(longest + 2, 110), 16);
  const image = { width: first.width * scale, height: first.height * scale };

  const scales = new Scales(rows, options);
  const title = titleBlock(options.title);
  const parts = [title.body];
  let y = title.height;
  if (options.headings) {
    const wrapped = options.headings.map((text) => wrap(text, cell, { size: SMALL, most: 3 }));
    const tallest = Math.max(...wrapped.map((text) => text.length));
    for (const [i, text] of wrapped.entries()) {
      const x = nameWidth + i * (cell + GAP) + cell / 2;
      parts.push(lines(text, x, y + SMALL, { size: SMALL, anchor: "middle" }));
    }
    y += tallest * lineHeight(SMALL) + 4;
  }
  for (const [r, row] of rows.entries()) {
    const captions = row.captions?.map((text) => wrap(text, cell, { size: SMALL, most: 4 }));
    const captionHeight = Math.max(0, ...(captions ?? []).map((text) => text.length)) * lineHeight(SMALL);
    if (row.name) parts.push(rowName(row.name, scales.rowNote(r), nameWidth, y, image.height));
    for (const [i, picture] of row.pictures.entries()) {
      const x = nameWidth + i * (cell + GAP);
      const left = x + (cell - image.width) / 2;
      const hint = [row.name, row.captions?.[i] ?? options.headings?.[i]].filter(Boolean).join(", ");
      parts.push(await drawRaster(rasterOf(picture, scales.range(r, picture)), left, y, scale, hint));
      if (captions)
        parts.push(lines(captions[i]!, x + cell / 2, y + image.height + SMALL + 3, { size: SMALL, anchor: "middle" }));
    }
    y += image.height + (captions ? captionHeight + 6 : 0) + GAP;
  }
  const remarks = [...options.notes, ...scales.notes()].filter(Boolean);
  let width = nameWidth + columns * (cell + GAP) - GAP;
  width = Math.max(width, title.width, Math.min(320, textWidth(remarks.join("; "), SMALL)));
  const note = noteBlock(remarks, width, y - GAP);
  const captions = rows.flatMap((row) => row.captions ?? []).map((text) => text.replaceAll("\n", ", "));
  const said = captions.length > 0 ? `: ${captions.slice(0, 12).join("; ")}${captions.length > 12 ? "; ..." : ""}` : "";
  const alt = `${options.title ? `${options.title}: ` : ""}${options.what}${said}${remarks.length > 0 ? `. ${remarks.join("; ")}` : ""}`;
  return { width, height: y - GAP + note.height + 2, body: parts.join("") + note.body, alt };
}

function rowName(name: string, note: string, width: number, y: number, height: number): string {
  const text = wrap(name, width - 12);
  const small = note ? wrap(note, width - 12, { size: 10, most: 2 }) : [];
  const tall = text.length * lineHeight() + small.length * lineHeight(10);
  const top = y + Math.max(0, (height - tall) / 2) + 11;
  return lines(text, 0, top) + lines(small, 0, top + text.length * lineHeight() - 1, { size: 10, faint: true });
}

/** Which range each picture is shown in, and what is to be said about it. */
class Scales {
  readonly #rows: readonly Row[];
  readonly #given: GridOptions["range"];
  readonly #eachRow: boolean;
  readonly #all: Extent;

  constructor(rows: readonly Row[], options: RowsDrawing) {
    this.#rows = rows;
    this.#given = options.range;
    this.#eachRow = options.eachRow ?? false;
    this.#all = extentOf(rows.flatMap((row) => row.pictures.map((picture) => picture.pixels)));
  }

  range(row: number, picture: Picture): Range {
    const { range: typed, pixels } = picture;
    if (this.#given === "each") {
      const { low, high } = extentOf([pixels]);
      return low === high ? [low - 0.5, high + 0.5] : [low, high];
    }
    return this.#given ?? typed ?? pictureRange(this.#eachRow ? this.#extent(row) : this.#all);
  }

  #extent(row: number): Extent {
    return extentOf(this.#rows[row]!.pictures.map((picture) => picture.pixels));
  }

  /** Below a row's name: its range, if it is not the usual one. */
  rowNote(row: number): string {
    if (!this.#eachRow || this.#given) return "";
    const range = this.range(row, this.#rows[row]!.pictures[0]!);
    const usual = range[0] === 0 && (range[1] === 1 || range[1] === 255);
    return usual ? "" : rangeText(range);
  }

  notes(): string[] {
    const special = specialNote(this.#all, true);
    if (this.#given === "each") return ["black and white are the smallest and largest value of each picture", special];
    if (this.#eachRow && !this.#given) {
      const faint = this.#rows.map((row, r) => {
        const note = contrastNote(this.range(r, row.pictures[0]!), this.#extent(r));
        return note && `${row.name}: ${note}`;
      });
      return [...faint, special];
    }
    const range = this.range(0, this.#rows[0]!.pictures[0]!);
    return [rangeNote(range, this.#all, this.#given === undefined), special];
  }
}

function rangeText([low, high]: Range): string {
  const short = (value: number) => String(Number(value.toPrecision(2))).replace("-", "−");
  return `${short(low)} to ${short(high)}`;
}

function longestWord(text: string): number {
  return Math.max(...text.split(/\s/).map((word) => textWidth(word, SMALL)));
}

/** As many whole CSS pixels for a pixel as fit; below one, if a picture is larger than its place, a fraction. */
export function scaleFor(width: number, height: number, columns: number, room: number): number {
  const place = Math.min(224, (room - (columns - 1) * GAP) / columns);
  const most = Math.max(place, columns === 1 ? 512 : place); // one photograph may fill the column
  const fit = Math.min(place / width, place / height);
  if (fit >= 1) return Math.floor(fit);
  return Math.min(1, most / width, most / height);
}

function defaultColumns(count: number): number {
  if (count <= 8) return count;
  if (count <= 16) return 8;
  return count <= 100 ? 10 : 16;
}

function checkOptions(where: string, { range, scale }: GridOptions): void {
  if (range !== undefined && range !== "each") checkRange(where, range);
  checkInteger(where, "scale", scale);
}
