import type { TypedArray } from "./dtype.ts";

/**
 * The elements of a tensor as numbers: a Float32Array, Float64Array, Int32Array or Uint8Array, by what these have in
 * common, so that `Array.from`, `Math.max(...data)`, `data.map`, `data.reduce` and `for ... of` need no cast.
 */
export interface NumberArray extends Iterable<number> {
  readonly [index: number]: number;
  /** Number of elements. */
  readonly length: number;
  /** The memory that holds the elements. */
  readonly buffer: ArrayBufferLike;
  /** Where the elements begin in `buffer`, in bytes. */
  readonly byteOffset: number;
  /** Size of the elements in bytes. */
  readonly byteLength: number;
  /** The element at `index`, counted from the end where negative: `data.at(-1)` is the last. */
  at(index: number): number | undefined;
  /** Index and element, one pair after the other. */
  entries(): ArrayIterator<[number, number]>;
  /** The indices from 0 on. */
  keys(): ArrayIterator<number>;
  /** The elements, one after the other. */
  values(): ArrayIterator<number>;
  /** Whether `test` is true of all elements. */
  every(test: (value: number, index: number) => boolean): boolean;
  /** Whether `test` is true of at least one element. */
  some(test: (value: number, index: number) => boolean): boolean;
  /** The first element of which `test` is true; undefined if there is none. */
  find(test: (value: number, index: number) => boolean): number | undefined;
  /** The index of the first element of which `test` is true; -1 if there is none. */
  findIndex(test: (value: number, index: number) => boolean): number;
  /** Calls `each` with every element and its index. */
  forEach(each: (value: number, index: number) => void): void;
  /** Whether an element equals `value`, searched from `from` on. */
  includes(value: number, from?: number): boolean;
  /** The first index of `value`, searched from `from` on; -1 if there is none. */
  indexOf(value: number, from?: number): number;
  /** The elements as one text, `separator` (default ",") between them. */
  join(separator?: string): string;
  /** The new array has the type of this one: of whole numbers it holds no fractions. `Array.from(data, f)` does. */
  map(change: (value: number, index: number) => number): NumberArray;
  /** The elements of which `test` is true, as a new array. */
  filter(test: (value: number, index: number) => boolean): NumberArray;
  /** A copy of the elements from `start` up to `end` (not included). */
  slice(start?: number, end?: number): NumberArray;
  /** The elements from `start` up to `end` (not included), in the same memory. */
  subarray(start?: number, end?: number): NumberArray;
  /** A sorted copy, smallest first unless `compare` says otherwise. */
  toSorted(compare?: (a: number, b: number) => number): NumberArray;
  /** A copy in reverse order. */
  toReversed(): NumberArray;
  /** One value from all elements: `data.reduce((sum, value) => sum + value)`. */
  reduce(join: (sum: number, value: number, index: number) => number): number;
  reduce<T>(join: (sum: T, value: number, index: number) => T, start: T): T;
}

/**
 * Elements as numbers: int64 as a Float64Array, which holds whole numbers up to 2^53, all others as they are.
 *
 * @throws RangeError if an integer is larger than that: as a number it would be another one
 */
export function asNumbers(data: TypedArray): NumberArray {
  if (!(data instanceof BigInt64Array)) return data;
  return Float64Array.from({ length: data.length }, (_, i) => {
    const value = Number(data[i]);
    if (Number.isSafeInteger(value)) return value;
    throw new RangeError(
      `data: element ${i} is ${data[i]}, more than a number can represent exactly (2^53 - 1). Use x.bits() for a BigInt64Array.`,
    );
  });
}
