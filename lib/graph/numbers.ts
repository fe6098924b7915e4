import type { TypedArray } from "./dtype.ts";

/**
 * The elements of a tensor as numbers: a Float32Array, Float64Array, Int32Array or Uint8Array, by what these have in
 * common, so that `Array.from`, `Math.max(...data)`, `data.map`, `data.reduce` and `for ... of` need no cast.
 */
export interface NumberArray extends Iterable<number> {
  readonly [index: number]: number;
  readonly length: number;
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
  at(index: number): number | undefined;
  entries(): ArrayIterator<[number, number]>;
  keys(): ArrayIterator<number>;
  values(): ArrayIterator<number>;
  every(test: (value: number, index: number) => boolean): boolean;
  some(test: (value: number, index: number) => boolean): boolean;
  find(test: (value: number, index: number) => boolean): number | undefined;
  findIndex(test: (value: number, index: number) => boolean): number;
  forEach(each: (value: number, index: number) => void): void;
  includes(value: number, from?: number): boolean;
  indexOf(value: number, from?: number): number;
  join(separator?: string): string;
  /** The new array has the type of this one: of whole numbers it holds no fractions. `Array.from(data, f)` does. */
  map(change: (value: number, index: number) => number): NumberArray;
  filter(test: (value: number, index: number) => boolean): NumberArray;
  slice(start?: number, end?: number): NumberArray;
  subarray(start?: number, end?: number): NumberArray;
  toSorted(compare?: (a: number, b: number) => number): NumberArray;
  toReversed(): NumberArray;
  reduce(join: (sum: number, value: number, index: number) => number): number;
  reduce<T>(join: (sum: T, value: number, index: number) => T, start: T): T;
}

/**
 * Elements as numbers: int64 as a Float64Array, which holds whole numbers up to 2^53, all others as they are.
 *
 * @throws RangeError where an integer is larger than that: as a number it would be another one
 */
export function asNumbers(data: TypedArray): NumberArray {
  if (!(data instanceof BigInt64Array)) return data;
  return Float64Array.from({ length: data.length }, (_, i) => {
    const value = Number(data[i]);
    if (Number.isSafeInteger(value)) return value;
    throw new RangeError(
      `data: element ${i} is ${data[i]}, more than a number holds exactly (2^53 - 1); x.bits() gives the BigInt64Array.`,
    );
  });
}
