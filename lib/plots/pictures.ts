import { plural } from "./format.ts";
import { correlation } from "./likeness.ts";
import {
  isNumbers,
  isObject,
  isTensor,
  kind,
  type NumbersInput,
  type Pending,
  type TensorLike,
  valuesOf,
} from "./values.ts";

/** One picture of a data set, or whatever else has its pixels under `image`. */
export interface PictureLike {
  /** The pixels, row by row. */
  readonly image: ArrayLike<number>;
  /** `[height, width]` */
  readonly shape: readonly number[];
  /** Its label. */
  readonly label?: number;
}

/** Pictures of a data set, or a batch of it. */
export interface PicturesLike {
  /** The pixels of all pictures, row by row. */
  readonly images: ArrayLike<number>;
  /** `[n, height, width]` or `[n, 1, height, width]` */
  readonly shape: readonly number[];
  /** The label of each picture, `[n]`. */
  readonly labels?: ArrayLike<number | bigint>;
  /** What each label means. */
  readonly classes?: readonly string[];
}

/** An `Image`, or whatever else can be made a tensor `[1, 1 or 3, h, w]`. */
export interface ImageLike {
  /** The picture as a tensor `[1, channels, height, width]`. */
  toTensor(options: { range: readonly [number, number] }): TensorLike;
}

/**
 * Pictures as figures take them: grey `[h, w]` or `[n, h, w]`, or with channels first `[1 or 3, h, w]` and
 * `[n, 1 or 3, h, w]`; a flat array of n x n numbers; a data set or one of its pictures; or a list of such.
 */
export type PicturesInput =
  | ImageLike
  | NumbersInput
  | PictureLike
  | PicturesLike
  | readonly (ImageLike | NumbersInput | PictureLike)[];

/** Pixels of one picture. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 red, green and blue. */
  readonly channels: 1 | 3;
  /** `[h, w, channels]`, row by row: the channels of a pixel lie together. */
  readonly pixels: ArrayLike<number>;
  /** What the type of the numbers says about their range. */
  readonly range: readonly [number, number] | undefined;
}

/** Pictures of one size, of which the pixels may have to be computed first. */
export interface Pictures {
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** The labels that came with the pictures. */
  readonly labels: readonly string[] | undefined;
  /** Whether one picture in colour was made of `[3, h, w]`, which could be three grey ones. */
  readonly ambiguous?: boolean;
  read(): Promise<Picture[]>;
}

const STACK = Symbol.for("difflab.stack");
const LARGEST_SIDE = 8192;
const EXPECTED =
  "[height, width], [n, height, width], [1 or 3, height, width] or [n, 1 or 3, height, width], channels first";

/**
 * Finds the pictures in an argument.
 *
 * @param where - the function, for errors
 * @param options.three - what `[3, h, w]` is: one picture in colour, or three grey ones, as for a film; default colour,
 *   unless `stack` made it of three
 * @throws RangeError if the shape is none of pictures, or those of a list differ; TypeError if there are no numbers
 */
export function picturesOf(where: string, input: PicturesInput, options: { three?: "colour" | "grey" } = {}): Pictures {
  if (
    Array.isArray(input) &&
    input.length > 0 &&
    input.some((each) => isTensor(each) || hasTensor(each) || isNumbers(each) || isPicture(each))
  ) {
    return several(where, input as readonly (ImageLike | NumbersInput | PictureLike)[]);
  }
  if (isPictures(input)) {
    const labels = input.labels && Array.from(input.labels, (label) => input.classes?.[Number(label)] ?? String(label));
    return arrange(where, valuesOf(where, { data: input.images, shape: input.shape }), labels);
  }
  if (isPicture(input)) {
    const labels = input.label === undefined ? undefined : [String(input.label)];
    return arrange(where, valuesOf(where, { data: input.image, shape: input.shape }), labels);
  }
  if (hasTensor(input))
    return arrange(where, valuesOf(where, input.toTensor({ range: [0, 1] })), undefined, options.three);
  const three = options.three ?? (isStack(input) ? "grey" : undefined);
  return arrange(where, valuesOf(where, input), undefined, three);
}

/** Whether a tensor was made by `stack`, of one picture after the other. */
function isStack(input: unknown): boolean {
  return isObject(input) && (input as { [STACK]?: boolean })[STACK] === true;
}

/** How alike the channels of a picture in colour are at least: 1 if they are the same but for contrast, 0 if they have nothing in common. */
export function channelLikeness({ pixels, channels }: Picture): number {
  if (channels === 1) return 1;
  const channel = (c: number) => Array.from({ length: pixels.length / 3 }, (_, i) => pixels[3 * i + c]!);
  const [red, green, blue] = [0, 1, 2].map(channel) as [number[], number[], number[]];
  const pairs = [correlation(red, green), correlation(green, blue), correlation(red, blue)];
  return Math.min(...pairs.map((r) => (Number.isNaN(r) ? 1 : Math.abs(r))));
}

function several(where: string, list: readonly (ImageLike | NumbersInput | PictureLike)[]): Pictures {
  const parts = list.map((each, i) => picturesOf(`${where}: picture ${i}`, each));
  const first = parts[0]!;
  for (const [i, part] of parts.entries()) {
    if (part.width !== first.width || part.height !== first.height || part.channels !== first.channels) {
      throw new RangeError(
        `${where}: picture ${i} is ${describe(part)}, picture 0 is ${describe(first)}; expected the same size. Show them in separate figures.`,
      );
    }
  }
  const labels = parts.every((part) => part.labels) ? parts.flatMap((part) => part.labels!) : undefined;
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  return { ...first, count, labels, read: async () => (await Promise.all(parts.map((part) => part.read()))).flat() };
}

function arrange(where: string, values: Pending, labels?: readonly string[], three?: "colour" | "grey"): Pictures {
  const grey = three === "grey" && values.shape.length === 3;
  const [count, channels, height, width] = layout(
    where,
    grey ? [values.shape[0]!, 1, ...values.shape.slice(1)] : values.shape,
  );
  if (height > LARGEST_SIDE || width > LARGEST_SIDE) {
    throw new RangeError(
      `${where}: pictures of ${height} x ${width} pixels; expected at most ${LARGEST_SIDE} per side. Show a part of them, or make them smaller.`,
    );
  }
  const read = async (): Promise<Picture[]> => {
    const { data, range } = await values.read();
    return Array.from({ length: count }, (_, i) => {
      const pixels = channels === 1 ? part(data, i, height * width) : interleaved(data, i, height * width);
      return { width, height, channels, pixels, range };
    });
  };
  const ambiguous = values.shape.length === 3 && channels === 3 && three === undefined;
  return { count, width, height, channels, labels, read, ...(ambiguous && { ambiguous }) };
}

/** Number, channels, height and width of what a shape is taken for. */
function layout(
  where: string,
  shape: readonly number[],
): [count: number, channels: 1 | 3, height: number, width: number] {
  const [a, b, c, d] = shape as [number, number, number, number];
  const side = Math.sqrt(a);
  if (shape.length === 1 && Number.isInteger(side)) return [1, 1, side, side];
  if (shape.length === 2) return [1, 1, a, b];
  if (shape.length === 3) return a === 3 ? [1, 3, b, c] : [a, 1, b, c];
  if (shape.length === 4 && (b === 1 || b === 3)) return [a, b, c, d];
  if (shape.length === 4 && (d === 1 || d === 3)) {
    throw new RangeError(
      `${where}: [${shape.join(", ")}] has its channels last; expected channels first. Use x.permute(0, 3, 1, 2).`,
    );
  }
  if (shape.length === 4) {
    throw new RangeError(
      `${where}: [${shape.join(", ")}] has ${plural(b, "channel")}, expected 1 (grey) or 3 (red, green, blue). Show the channels as separate pictures: x.reshape([${a * b}, ${c}, ${d}]).`,
    );
  }
  throw new RangeError(`${where}: got [${shape.join(", ")}], expected ${EXPECTED}`);
}

function part(data: ArrayLike<number>, index: number, size: number): ArrayLike<number> {
  return Array.prototype.slice.call(data, index * size, (index + 1) * size);
}

function interleaved(data: ArrayLike<number>, index: number, size: number): ArrayLike<number> {
  const out = new Float64Array(size * 3);
  const start = index * size * 3;
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < size; i++) out[i * 3 + channel] = data[start + channel * size + i]!;
  }
  return out;
}

export function describe(pictures: { width: number; height: number; channels: number }): string {
  return `${pictures.height} × ${pictures.width} ${pictures.channels === 1 ? "grey" : "RGB"}`;
}

function hasTensor(value: unknown): value is ImageLike {
  return isObject(value) && typeof value.toTensor === "function";
}

function isPicture(value: unknown): value is PictureLike {
  return isObject(value) && isNumbers(value.image) && Array.isArray(value.shape);
}

function isPictures(value: unknown): value is PicturesLike {
  return isObject(value) && isNumbers(value.images) && Array.isArray(value.shape);
}

/** Checks a list of captions, steps or values against the pictures that they belong to. */
export function checkCount(
  where: string,
  what: string,
  list: { readonly length: number },
  count: number,
  each = "picture",
): void {
  if (typeof list !== "object" || list === null)
    throw new TypeError(`${where}: ${what} is ${kind(list)}, expected a list`);
  if (list.length !== count) {
    throw new RangeError(
      `${where}: ${plural(list.length, what.replace(/s$/, ""))} for ${plural(count, each)}; expected the same number`,
    );
  }
}
