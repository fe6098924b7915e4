import { plural } from "../printed.ts";

/** What figures are made of: tensors, or numbers in arrays. */

/** A tensor of this library, or whatever else has a shape and gives its elements. */
export interface TensorLike {
  /** Size of each dimension. */
  readonly shape: readonly number[];
  /** Type of the elements. */
  readonly dtype?: string;
  /** The elements, row by row. */
  data(): Promise<ArrayLike<number | bigint>>;
  /** The same values under a name of their own, so that a later change in place does not reach the figure. */
  detach?(): TensorLike;
}

export type Nested = number | bigint | boolean | readonly Nested[];

/** Anything that holds numbers in a shape. A flat array of n x n numbers is taken for a square picture where pictures are asked for. */
export type NumbersInput =
  | TensorLike
  | ArrayLike<number | bigint>
  | readonly Nested[]
  | {
      /** The elements, row by row. */
      readonly data: ArrayLike<number | bigint>;
      /** Size of each dimension. */
      readonly shape: readonly number[];
    };

/** Numbers in a shape. */
export interface Values {
  readonly shape: readonly number[];
  /** Row by row. */
  readonly data: ArrayLike<number>;
  /** What the type of the numbers says about their range: 0 to 255 for bytes, 0 to 1 for booleans, nothing for floats. */
  readonly range: readonly [number, number] | undefined;
}

/** A shape that is known at once, and values that may have to be computed first. */
export interface Pending {
  readonly shape: readonly number[];
  read(): Promise<Values>;
}

/** More than this no figure can show, and no laptop wants to hold in two copies. */
const MOST_VALUES = 2 ** 26;

/**
 * Looks at an argument: finds its shape, and takes down its values as they are now.
 *
 * @param where - the function and what the argument is for errors: `showImages: images`
 * @throws TypeError if it holds no numbers; RangeError if it is empty, ragged or too large
 */
export function valuesOf(where: string, input: unknown): Pending {
  const found = look(where, input);
  const count = found.shape.reduce((n, d) => n * d, 1);
  if (count === 0) throw new RangeError(`${where}: [${found.shape.join(", ")}] is empty; there is nothing to show.`);
  if (count > MOST_VALUES) {
    throw new RangeError(
      `${where}: [${found.shape.join(", ")}] is ${plural(count, "number")}, but a figure takes at most ${MOST_VALUES}. Show a part of it.`,
    );
  }
  return {
    shape: found.shape,
    async read() {
      const { data, range } = await found.read();
      if (data.length !== count) {
        throw new RangeError(
          `${where}: ${plural(data.length, "number")} do not fill the shape [${found.shape.join(", ")}]`,
        );
      }
      return { shape: found.shape, data: plain(data), range };
    },
  };
}

interface Found {
  shape: readonly number[];
  read(): Promise<{ data: ArrayLike<number | bigint>; range: readonly [number, number] | undefined }>;
}

function look(where: string, input: unknown): Found {
  if (isTensor(input)) {
    const now = typeof input.detach === "function" ? input.detach() : input;
    const read = async () => {
      const data = await now.data();
      return { data, range: input.dtype === "bool" ? ([0, 1] as const) : rangeOf(data) };
    };
    return { shape: [...input.shape], read };
  }
  if (isNumbers(input)) return known(input, [input.length]);
  if (Array.isArray(input)) {
    const shape = nestedShape(where, input);
    const flat = (input as readonly unknown[]).flat(Number.POSITIVE_INFINITY) as (number | bigint | boolean)[];
    const wrong = flat.findIndex((v) => typeof v !== "number" && typeof v !== "bigint" && typeof v !== "boolean");
    if (wrong >= 0) throw new TypeError(`${where}: element ${wrong} is ${kind(flat[wrong])}, expected a number`);
    const range = flat.every((v) => typeof v === "boolean") ? ([0, 1] as const) : undefined;
    const data = Float64Array.from(flat, Number);
    return { shape, read: async () => ({ data, range }) };
  }
  if (isObject(input) && isNumbers(input.data) && isShape(input.shape)) {
    const { data, shape } = input;
    const count = shape.reduce((n, d) => n * d, 1);
    if (count !== data.length) {
      throw new RangeError(
        `${where}: ${plural(data.length, "number")} do not fill the shape [${shape.join(", ")}] (${count})`,
      );
    }
    return known(data, shape);
  }
  throw new TypeError(`${where}: got ${kind(input)}, expected a tensor, a typed array or nested arrays of numbers`);
}

function known(numbers: ArrayLike<number | bigint>, shape: readonly number[]): Found {
  const data = copy(numbers);
  return { shape: [...shape], read: async () => ({ data, range: rangeOf(data) }) };
}

/** Bytes stay bytes: their type tells the range. */
function copy(numbers: ArrayLike<number | bigint>): ArrayLike<number | bigint> {
  return ArrayBuffer.isView(numbers) ? (numbers as Uint8Array).slice() : Array.from(numbers);
}

function plain(data: ArrayLike<number | bigint>): ArrayLike<number> {
  return typeof data[0] === "bigint" ? Float64Array.from(data, Number) : (data as ArrayLike<number>);
}

function rangeOf(data: unknown): readonly [number, number] | undefined {
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray ? [0, 255] : undefined;
}

function nestedShape(where: string, list: readonly unknown[]): number[] {
  const shape: number[] = [];
  for (let level: unknown = list; Array.isArray(level); level = level[0]) shape.push(level.length);
  const check = (part: unknown, dim: number, path: string): void => {
    const length = Array.isArray(part) ? part.length : -1;
    if (dim === shape.length ? length < 0 : length === shape[dim]) {
      if (length >= 0) for (const [i, each] of (part as unknown[]).entries()) check(each, dim + 1, `${path}[${i}]`);
      return;
    }
    const got = length < 0 ? kind(part) : plural(length, "element");
    const expected = dim === shape.length ? "a number" : plural(shape[dim], "element");
    throw new RangeError(`${where}: ${path || "the list"} contains ${got}, expected ${expected} like those before it`);
  };
  check(list, 0, "");
  return shape;
}

export function isTensor(value: unknown): value is TensorLike {
  return isObject(value) && isShape(value.shape) && typeof value.data === "function";
}

/** A typed array of numbers. */
export function isNumbers(value: unknown): value is ArrayLike<number | bigint> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((d) => Number.isInteger(d) && d >= 0);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** What a wrong argument is, for errors. */
export function kind(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") return `the text ${JSON.stringify(value.slice(0, 40))}`;
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return `a ${typeof value}`;
  const name = value.constructor?.name;
  return name && name !== "Object" ? `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}` : "an object";
}

/** A list of numbers of one dimension, for plots. */
export function listOf(where: string, input: unknown): Pending {
  const values = valuesOf(where, input);
  const long = values.shape.filter((d) => d !== 1);
  if (long.length > 1) {
    throw new RangeError(`${where}: got [${values.shape.join(", ")}], expected one dimension`);
  }
  return values;
}
