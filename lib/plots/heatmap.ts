import { type Drawing, Figure } from "./figure.ts";
import { label } from "./format.ts";
import { correlation, cosine } from "./likeness.ts";
import { diverging } from "./palette.ts";
import { COLUMN, drawRaster, GAP, noteBlock, pixelAxes, pixelTitles, scaleBar, titleBlock } from "./parts.ts";
import { describe, type Picture, type Pictures, picturesOf } from "./pictures.ts";
import { colouredRaster } from "./pixels.ts";
import { checkInteger, extentOf, specialNote } from "./ranges.ts";
import { lineHeight, lines, textWidth, wrap } from "./svg.ts";
import { isNumbers, isObject, isTensor, type NumbersInput } from "./values.ts";

const COMPARISONS = ["cosine", "correlation", "none"] as const;

/** How a heat map looks. */
export interface HeatmapOptions {
  /** One line above. */
  title?: string;
  /** What the numbers are, with their unit: "change of p for each unit of brightness". */
  unit?: string;
  /** The value of the darkest red, its negative being the darkest blue; default: the largest absolute value of all. "each": of each map. */
  limit?: number | "each";
  /** CSS pixels for each element, a whole number; default: as many as fit. */
  scale?: number;
  /** How similar the maps are, written below them: default "cosine" for two maps of one shape, "none" otherwise. */
  compare?: (typeof COMPARISONS)[number];
}

/**
 * Shows signed numbers as colours: blue below zero, white at zero, red above, on one scale with a legend.
 * The colours can be told apart by the colour-blind; the numbers show on hover.
 * `showHeatmap(grad(f)(x), { unit: "change of p" })`.
 *
 * @param maps - `[h, w]`; several as `[n, h, w]` or a list of matrices; or by name: `{ "finite differences": a, "backward": b }`
 * @returns a figure that shows itself
 * @throws RangeError if a shape is no matrix, or maps to be compared differ in theirs
 */
export function showHeatmap(
  maps: NumbersInput | readonly NumbersInput[] | Readonly<Record<string, NumbersInput>>,
  options: HeatmapOptions = {},
): Figure {
  const where = "showHeatmap";
  const list = mapsOf(where, maps);
  const first = list[0]?.[1];
  if (!first) throw new RangeError(`${where}: got no maps, expected at least one: { gradient: g }`);
  checkInteger(where, "scale", options.scale);
  const { limit } = options;
  if (limit !== undefined && limit !== "each" && !(Number.isFinite(limit) && limit > 0)) {
    throw new RangeError(`${where}: limit is ${String(limit)}, expected a number above 0, or "each"`);
  }
  const alike = list.every(([, map]) => map.width === first.width && map.height === first.height);
  const compare = options.compare ?? (list.length === 2 && alike ? "cosine" : "none");
  if (!COMPARISONS.includes(compare)) {
    throw new RangeError(
      `${where}: unknown compare "${String(compare)}"; expected ${COMPARISONS.map((c) => `"${c}"`).join(", ")}`,
    );
  }
  if (compare !== "none" && (list.length !== 2 || !alike)) {
    const shapes = list.map(([, map]) => `[${map.height}, ${map.width}]`).join(", ");
    throw new RangeError(`${where}: compare "${compare}" got maps of ${shapes}; expected two of the same shape`);
  }
  return new Figure(where, async () => {
    const read = list.map(async ([name, map]) => ({ name, picture: (await map.read())[0]! }));
    return draw(await Promise.all(read), { ...options, compare });
  });
}

type Named = readonly [name: string, map: Pictures];

/** The maps of an argument with their names: those given, or their numbers. */
function mapsOf(where: string, input: Parameters<typeof showHeatmap>[0]): Named[] {
  if (Array.isArray(input) && input.some((each) => isTensor(each) || isNumbers(each))) {
    return (input as readonly NumbersInput[]).map((map, i) => [String(i), matrix(`${where}: map ${i}`, map)]);
  }
  if (Array.isArray(input) || isNumbers(input) || isTensor(input) || (isObject(input) && isNumbers(input.data))) {
    return several(picturesOf(where, input as NumbersInput, { three: "grey" }), where);
  }
  const named = Object.entries(input as Readonly<Record<string, NumbersInput>>);
  return named.map(([name, map]) => [name, matrix(`${where}: "${name}"`, map)]);
}

/** The matrices of `[n, h, w]`, read once. */
function several(maps: Pictures, where: string): Named[] {
  if (maps.count === 1) return [["", only(where, maps)]];
  let all: Promise<Picture[]> | undefined;
  return Array.from({ length: maps.count }, (_, i) => {
    const read = async () => {
      all ??= maps.read();
      return [(await all)[i]!];
    };
    return [String(i), only(where, { ...maps, count: 1, read })];
  });
}

function matrix(where: string, input: NumbersInput): Pictures {
  return only(where, picturesOf(where, input, { three: "grey" }));
}

function only(where: string, pictures: Pictures): Pictures {
  if (pictures.count !== 1 || pictures.channels !== 1) {
    throw new RangeError(`${where}: got ${pictures.count} maps of ${describe(pictures)}, expected one matrix [h, w]`);
  }
  return pictures;
}

interface NamedMap {
  readonly name: string;
  readonly picture: Picture;
}

async function draw(maps: readonly NamedMap[], options: HeatmapOptions): Promise<Drawing> {
  const margin = { left: 26, top: 16 };
  // Several maps stand in rows of equal length, at most four.
  const columns = Math.ceil(maps.length / Math.ceil(maps.length / 4));
  const room = (COLUMN - (columns - 1) * 3 * GAP) / columns - margin.left;
  const widest = Math.max(...maps.map(({ picture }) => picture.width));
  const scale = options.scale ?? Math.max(1, Math.floor(Math.min(room, 300) / widest));
  const extents = maps.map(({ picture }) => extentOf([picture.pixels]));
  const sizesOfAll = extents.map(({ low, high }) => Math.max(-low, high) || 1);
  const limits = sizesOfAll.map((own) => (options.limit === "each" ? own : (options.limit ?? Math.max(...sizesOfAll))));
  const place = Math.max(widest * scale, maps.length === 1 || options.limit === "each" ? 140 : 60);

  const title = titleBlock(options.title);
  const parts = [title.body];
  const hover: string[] = [];
  let [top, bottom] = [title.height, title.height];
  let furthest = title.width;
  for (const [i, { name, picture }] of maps.entries()) {
    if (i % columns === 0) top = bottom + (i === 0 ? 0 : GAP);
    const limit = limits[i]!;
    const left = (i % columns) * (margin.left + place + 3 * GAP) + margin.left;
    let y = top;
    if (name) {
      const text = wrap(name, Math.max(picture.width * scale, 90));
      parts.push(lines(text, left, y + 12, { bold: true }));
      y += text.length * lineHeight() + 2;
    }
    y += margin.top;
    const raster = colouredRaster(picture, (value) => diverging(value / limit));
    parts.push(await drawRaster(raster, left, y, scale), pixelAxes(picture.width, picture.height, left, y, scale));
    if (picture.width * picture.height <= 1024) hover.push(pixelTitles(picture, left, y, scale));
    y += picture.height * scale + GAP;
    if (options.limit === "each") {
      const room = maps.length === 1 ? COLUMN - left : place + 2 * GAP;
      const bar = await legend(limit, { x: left, y, width: Math.min(220, place), name: options.unit, room });
      parts.push(bar.body);
      y += bar.height;
      furthest = Math.max(furthest, bar.width);
    }
    bottom = Math.max(bottom, y);
  }
  if (options.limit !== "each") {
    const width = Math.min(220, Math.max(140, widest * scale));
    const bar = await legend(limits[0]!, { x: margin.left, y: bottom, width, name: options.unit });
    parts.push(bar.body);
    bottom += bar.height;
    furthest = Math.max(furthest, bar.width);
  }
  const special = specialNote(extentOf(maps.map(({ picture }) => picture.pixels)), true);
  const likeness = compared(maps, options.compare ?? "none");
  const cut = extents.some(({ low, high }, i) => Math.max(-low, high) > limits[i]! * (1 + 1e-9))
    ? `the values go from ${label(Math.min(...extents.map((e) => e.low)))} to ${label(Math.max(...extents.map((e) => e.high)))}`
    : "";
  if (likeness) {
    parts.push(lines([likeness], margin.left, bottom + 12));
    bottom += lineHeight() + 4;
    furthest = Math.max(furthest, margin.left + textWidth(likeness));
  }
  const width = Math.max(columns * (margin.left + place + 3 * GAP) - 3 * GAP, 240, furthest);
  const note = noteBlock([cut, special], width, bottom);
  const described = maps.slice(0, 4);
  const what = described.map(({ name, picture }, i) => {
    const { low, high } = extents[i]!;
    return `${name ? `${name}, ` : ""}heat map of ${picture.height} × ${picture.width} values from ${label(low)} to ${label(high)}`;
  });
  if (maps.length > described.length) what.push(`${maps.length - described.length} more`);
  const alt = [options.title, ...what, likeness, special].filter(Boolean).join(". ");
  return { width, height: bottom + note.height + 2, body: parts.join("") + note.body, hover: hover.join(""), alt };
}

function legend(limit: number, place: Parameters<typeof scaleBar>[2]) {
  const ticks = [
    { share: 0, text: label(-limit) },
    { share: 0.5, text: "0" },
    { share: 1, text: label(limit) },
  ];
  return scaleBar((share) => diverging(2 * share - 1), ticks, place);
}

function compared(maps: readonly NamedMap[], compare: (typeof COMPARISONS)[number]): string {
  if (compare === "none") return "";
  const [a, b] = maps.map(({ picture }) => picture.pixels) as [ArrayLike<number>, ArrayLike<number>];
  const value = compare === "cosine" ? cosine(a, b) : correlation(a, b);
  const name = compare === "cosine" ? "cosine similarity" : "correlation";
  return `${name} ${closeness(value)}`;
}

/** Six digits behind the point: what is nearly 1 differs there. */
function closeness(value: number): string {
  return Number.isNaN(value)
    ? "undefined (a map is zero everywhere, or contains NaN)"
    : value.toFixed(6).replace("-", "−");
}
