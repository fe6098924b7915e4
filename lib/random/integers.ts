import { endianness } from "node:os";
import { defaultGenerator, type Generator } from "./generator.ts";

const WORD = 2 ** 32;
const LOW = endianness() === "LE" ? 0 : 1;

/** From this width on PyTorch's `randint` draws 64 bits for each element, so that the remainder is not skewed. */
const RANDINT_64BIT_FROM = 2 ** 28;

/** From this length on PyTorch's `randperm` does the same. */
export const RANDPERM_64BIT_FROM = Math.floor((WORD - 1) / 20);

/**
 * Fills with whole numbers spread evenly over [low, high): `torch.randint`.
 *
 * One word each; two if the range is 2^28 or wider.
 *
 * @param out - filled in place and returned
 * @param low - smallest value; beyond 2^53 give a bigint
 * @param high - one more than the largest value
 * @param options.generator - default: the shared generator of `manualSeed`
 * @throws TypeError if a bound is no whole number, RangeError where `low >= high` or a bound does not fit `out`
 */
export function fillRandint<T extends BigInt64Array | Int32Array | Uint8Array | Float32Array>(
  out: T,
  low: number | bigint,
  high: number | bigint,
  options: { generator?: Generator } = {},
): T {
  const { generator = defaultGenerator } = options;
  const first = wholeNumber(low, "low");
  const range = wholeNumber(high, "high") - first;
  if (range <= 0n) throw new RangeError(`randint: got low ${low}, high ${high}; expected low < high`);
  const [smallest, largest] = limits(out);
  if (first < smallest || first + range - 1n > largest) {
    throw new RangeError(
      `randint: [${low}, ${high}) does not fit into ${out.constructor.name}, which holds ${smallest} to ${largest}`,
    );
  }
  if (range >= BigInt(RANDINT_64BIT_FROM)) {
    for (let i = 0; i < out.length; i++) {
      const value = (generator.random64() % range) + first;
      if (out instanceof BigInt64Array) out[i] = value;
      else out[i] = Number(value);
    }
    return out;
  }
  const words = new Uint32Array(out.length);
  generator.fillWords(words);
  const width = Number(range);
  const base = Number(first);
  if (!(out instanceof BigInt64Array)) {
    for (let i = 0; i < out.length; i++) out[i] = (words[i]! % width) + base;
  } else if (Number.isSafeInteger(base) && Number.isSafeInteger(base + width)) {
    // Through the two halves of each element: no bigint is made on the way.
    const halves = new Int32Array(out.buffer, out.byteOffset, 2 * out.length);
    for (let i = 0; i < out.length; i++) {
      const value = (words[i]! % width) + base;
      halves[2 * i + LOW] = value;
      halves[2 * i + 1 - LOW] = Math.floor(value / WORD);
    }
  } else {
    for (let i = 0; i < out.length; i++) out[i] = BigInt(words[i]! % width) + first;
  }
  return out;
}

/**
 * The numbers 0 to n - 1 in random order: `torch.randperm`.
 *
 * @param out - its length is n; filled in place and returned
 * @param options.generator - default: the shared generator of `manualSeed`
 * @see the Fisher-Yates shuffle, forward below 214,748,364 elements, inside out from there on
 */
export function fillRandperm<T extends BigInt64Array | Int32Array>(out: T, options: { generator?: Generator } = {}): T {
  const { generator = defaultGenerator } = options;
  const n = out.length;
  const order = out instanceof Int32Array ? out : new Int32Array(n);
  if (n < RANDPERM_64BIT_FROM) {
    for (let i = 0; i < n; i++) order[i] = i;
    for (let i = 0; i < n - 1; i++) {
      const j = i + (generator.random() % (n - i));
      const swapped = order[i]!;
      order[i] = order[j]!;
      order[j] = swapped;
    }
  } else {
    for (let i = 0; i < n; i++) {
      const j = random64Modulo(generator, i + 1);
      order[i] = order[j]!;
      order[j] = i;
    }
  }
  if (out instanceof BigInt64Array) {
    const halves = new Int32Array(out.buffer, out.byteOffset, 2 * n);
    for (let i = 0; i < n; i++) {
      halves[2 * i + LOW] = order[i]!;
      halves[2 * i + 1 - LOW] = 0;
    }
  }
  return out;
}

/** The next 64 random bits modulo `n < 2^31`, without a bigint: reduced from the top, 16 bits at a time. */
function random64Modulo(generator: Generator, n: number): number {
  const high = generator.random() % n;
  const low = generator.random();
  // (high * 2^32 + low) mod n in two steps, each below 2^53.
  const first = (high * 2 ** 16 + (low >>> 16)) % n;
  return (first * 2 ** 16 + (low & 0xffff)) % n;
}

function wholeNumber(value: number | bigint, name: string): bigint {
  if (typeof value === "bigint") return value;
  if (!Number.isSafeInteger(value)) {
    throw new TypeError(`randint: ${name} ${value} is not a whole number that float64 can represent exactly`);
  }
  return BigInt(value);
}

function limits(out: BigInt64Array | Int32Array | Uint8Array | Float32Array): [bigint, bigint] {
  if (out instanceof BigInt64Array) return [-(1n << 63n), (1n << 63n) - 1n];
  if (out instanceof Int32Array) return [-(1n << 31n), (1n << 31n) - 1n];
  if (out instanceof Uint8Array) return [0n, 255n];
  // Whole numbers that float32 holds exactly.
  return [-(1n << 24n), 1n << 24n];
}
