import { type Drawing, Figure } from "./figure.ts";
import { plural } from "./format.ts";
import { drawRows, type Row } from "./grid.ts";
import { sequential } from "./palette.ts";
import { scaleBar } from "./parts.ts";
import { type ImageLike, type Picture, picturesOf } from "./pictures.ts";
import { extentOf, type Range } from "./ranges.ts";
import { type NumbersInput, type Values, valuesOf } from "./values.ts";

/** What `crossAttentionMaps` gives, or whatever else has a picture and a map for each of some words. */
export interface AttentionLike {
  /** What was painted. */
  readonly image: ImageLike;
  /** The words, in the maps' order. */
  readonly words: readonly string[];
  /** For each word, how much each place read of it, `[words, h, w]`. */
  readonly maps: NumbersInput;
  /** The same step by step, `[steps, words, h, w]`. */
  readonly steps?: NumbersInput;
}

/** How attention is shown. */
export interface AttentionOptions {
  /** One line above. */
  title?: string;
  /** The words to show; default all. */
  words?: readonly string[];
  /** One step alone, from 0; default the mean of all. "all": a row for each of up to eight steps. */
  step?: number | "all";
  /** Whether each word has its own scale, up to its largest share ("each", default), or all have one ("all"). */
  scale?: "each" | "all";
}

const MOST = { words: 40, rows: 8 };

/**
 * Shows where the U-Net looked at each word while it painted: the picture, then a map over it for each word.
 * `showAttention(await crossAttentionMaps(pipe, "a red seven in chalk"))`.
 *
 * @throws RangeError if a word or a step is not there, or the maps are not as many as the words
 */
export function showAttention(seen: AttentionLike, options: AttentionOptions = {}): Figure {
  const where = "showAttention";
  const { step, scale = "each" } = options;
  const image = picturesOf(`${where}: image`, seen.image, { three: "colour" });
  const maps = valuesOf(`${where}: maps`, seen.maps);
  const [count, h, w] = maps.shape as [number, number, number];
  if (maps.shape.length !== 3 || count !== seen.words.length) {
    throw new RangeError(
      `${where}: maps [${maps.shape.join(", ")}] for ${plural(seen.words.length, "word")}; expected [words, h, w]`,
    );
  }
  if (scale !== "each" && scale !== "all") {
    throw new RangeError(`${where}: unknown scale "${String(scale)}"; expected "each" or "all"`);
  }
  const steps = seen.steps === undefined ? undefined : valuesOf(`${where}: steps`, seen.steps);
  const known = steps?.shape[0] ?? 0;
  if (step !== undefined && step !== "all" && !(Number.isInteger(step) && step >= 0 && step < known)) {
    throw new RangeError(`${where}: step ${String(step)} of ${known}; expected 0 to ${known - 1}`);
  }
  const chosen = indicesOf(where, seen.words, options.words);
  return new Figure(where, async () => {
    const [[picture], mean] = [await image.read(), await maps.read()];
    const average: Maps = { h, w, of: (word) => part(mean, word, h * w) };
    const all = await steps?.read();
    const ofStep = (at: number): Maps => ({ h, w, of: (word) => part(all!, at * count + word, h * w) });
    const rows: { name: string; maps: Maps }[] =
      step === undefined
        ? [{ name: "", maps: average }]
        : step === "all"
          ? evenSteps(known).map((at) => ({ name: `step ${at + 1} of ${known}`, maps: ofStep(at) }))
          : [{ name: `step ${step + 1} of ${known}`, maps: ofStep(step) }];
    return draw(picture!, seen.words, chosen, rows, { ...options, scale });
  });
}

interface Maps {
  readonly h: number;
  readonly w: number;
  of(word: number): ArrayLike<number>;
}

async function draw(
  picture: Picture,
  words: readonly string[],
  chosen: readonly number[],
  rows: readonly { name: string; maps: Maps }[],
  options: AttentionOptions,
): Promise<Drawing> {
  const most = extentOf(rows.flatMap(({ maps }) => chosen.map((word) => maps.of(word)))).high;
  const painted = coloured(picture);
  const descriptions: string[] = [];
  const lines: Row[] = rows.flatMap(({ name, maps }) => {
    const tiles = chosen.map((word) => {
      const map = maps.of(word);
      const { low, high } = extentOf([map]);
      const range: Range = options.scale === "all" ? [0, most] : [low, high];
      const text = `${percent(low).replace(" %", "")}–${percent(high)}`;
      if (descriptions.length < 12)
        descriptions.push(`${name && `${name}, `}${words[word]}, ${text}, most at the ${placeOf(map, high, maps)}`);
      return { picture: overlaid(painted, map, maps, range), caption: `${words[word]}\n${text}` };
    });
    const list = [{ picture: painted, caption: "" }, ...tiles];
    // A prompt of many words takes several lines; a step is one.
    const columns = rows.length > 1 ? list.length : Math.min(list.length, list.length > 8 ? 6 : 8);
    return Array.from({ length: Math.ceil(list.length / columns) }, (_, i) => {
      const line = list.slice(i * columns, (i + 1) * columns);
      return {
        ...(name && { name: i === 0 ? name : "" }),
        pictures: line.map((tile) => tile.picture),
        captions: line.map((tile) => tile.caption),
      };
    });
  });
  const grid = await drawRows(lines, {
    ...(options.title !== undefined && { title: options.title }),
    ...(rows.length > 1 && { scale: Math.max(1, Math.floor(84 / picture.width)) }),
    what: "attention to each word",
    notes: [],
  });
  const end = options.scale === "all" ? `0 to ${percent(most)}` : "from each word's smallest share to its largest";
  const place = {
    x: 2,
    y: grid.height + 4,
    width: 150,
    name: `how much of what a place reads is this word: ${end}`,
    room: Math.max(grid.width, 240) - 2,
  };
  const bar = await scaleBar(sequential, [], place);
  const width = Math.max(grid.width, bar.width);
  const alt = `${options.title ? `${options.title}. ` : ""}attention to each word: ${descriptions.join("; ")}`;
  return { ...grid, width, height: grid.height + 4 + bar.height, body: grid.body + bar.body, alt };
}

/** A grey picture in three channels, a coloured one as it is, in bytes. */
function coloured({ width, height, channels, pixels, range }: Picture): Picture {
  const [low, high] = range ?? [0, 1];
  const bytes = new Uint8ClampedArray(width * height * 3);
  for (let i = 0; i < bytes.length; i++) {
    const value = pixels[channels === 3 ? i : Math.floor(i / 3)]!;
    bytes[i] = (255 * (value - low)) / (high - low);
  }
  return { width, height, channels: 3, pixels: bytes, range: [0, 255] };
}

/** The map's colours over the picture in grey, denser where more is read. */
function overlaid(picture: Picture, map: ArrayLike<number>, { h, w }: Maps, [low, high]: Range): Picture {
  const { width, height, pixels } = picture;
  const bytes = new Uint8ClampedArray(pixels.length);
  const at = (row: number, column: number) =>
    map[Math.min(h - 1, Math.max(0, row)) * w + Math.min(w - 1, Math.max(0, column))]!;
  for (let y = 0; y < height; y++) {
    const v = ((y + 0.5) * h) / height - 0.5;
    const [top, down] = [Math.floor(v), v - Math.floor(v)];
    for (let x = 0; x < width; x++) {
      const u = ((x + 0.5) * w) / width - 0.5;
      const [left, right] = [Math.floor(u), u - Math.floor(u)];
      const upper = at(top, left) * (1 - right) + at(top, left + 1) * right;
      const lower = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right;
      const share = (upper * (1 - down) + lower * down - low) / (high - low || 1);
      const i = 3 * (y * width + x);
      const grey = 0.3 * pixels[i]! + 0.59 * pixels[i + 1]! + 0.11 * pixels[i + 2]!;
      const dense = 0.35 + 0.5 * Math.min(1, share);
      const colour = sequential(share);
      for (const c of [0, 1, 2]) bytes[i + c] = (1 - dense) * grey + dense * colour[c]!;
    }
  }
  return { width, height, channels: 3, pixels: bytes, range: [0, 255] };
}

/** Where the largest value of a map is, in words. */
function placeOf(map: ArrayLike<number>, largest: number, { h, w }: Maps): string {
  const at = Math.max(0, Array.prototype.indexOf.call(map, largest));
  const row = ["upper", "middle", "lower"][Math.floor((3 * Math.floor(at / w)) / h)]!;
  const column = ["left", "middle", "right"][Math.floor((3 * (at % w)) / w)]!;
  return row === column ? "middle" : `${row} ${column}`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

function part({ data }: Values, index: number, size: number): ArrayLike<number> {
  return Array.from({ length: size }, (_, i) => data[index * size + i]!);
}

function evenSteps(count: number): number[] {
  const rows = Math.min(count, MOST.rows);
  return Array.from({ length: rows }, (_, i) => (rows === 1 ? 0 : Math.round((i * (count - 1)) / (rows - 1))));
}

function indicesOf(where: string, words: readonly string[], wanted: readonly string[] | undefined): number[] {
  if (wanted === undefined) return Array.from(words.keys()).slice(0, MOST.words);
  return wanted.flatMap((word) => {
    const found = Array.from(words.keys()).filter((i) => words[i] === word);
    if (found.length === 0) throw new RangeError(`${where}: no word "${word}"; the prompt has ${words.join(", ")}`);
    return found;
  });
}
