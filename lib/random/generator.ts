import { getRandomValues } from "node:crypto";
import { Mt19937, STATE_WORDS } from "./mt19937.ts";

const UINT64 = 1n << 64n;

/** The seed of a `new Generator()` that was given none: PyTorch's own default. */
export const DEFAULT_SEED = 67280421310721n;

// Where PyTorch's CPU state (`torch.get_rng_state()`) keeps each field: the C struct, little endian.
const STATE = {
  seed: 0,
  left: 8,
  seeded: 12,
  next: 16,
  words: 24,
  normal: 5024,
  hasNormal: 5040,
  bytes: 5056,
} as const;

/**
 * A stream of random numbers, equal to that of `torch.Generator("cpu")` with the same seed.
 *
 * Every random function takes one as its `generator` option and uses the shared default otherwise.
 */
export class Generator {
  /** Always "cpu": the numbers are those of PyTorch's CPU generator on every device. */
  readonly device = "cpu";
  #seed: bigint;
  #engine: Mt19937;

  /**
   * The second half of the last pair of normals that `randn` made one by one, in float64; null where none waits.
   * @internal
   */
  nextNormal: number | null = null;

  /** @param seed - as for `manualSeed`; default 67280421310721, as in PyTorch */
  constructor(seed: number | bigint = DEFAULT_SEED) {
    this.#seed = seedToUint64(seed, "Generator");
    this.#engine = new Mt19937(Number(this.#seed & 0xffffffffn));
  }

  /**
   * Starts the stream again from `seed`. Only the low 32 bits steer the numbers, as in PyTorch's CPU generator.
   *
   * @param seed - a whole number in [-2^63, 2^64); beyond 2^53 give a bigint
   * @returns this generator
   * @throws TypeError if the seed is no whole number, RangeError if it does not fit 64 bits
   */
  manualSeed(seed: number | bigint): this {
    this.#seed = seedToUint64(seed, "manualSeed");
    this.#engine = new Mt19937(Number(this.#seed & 0xffffffffn));
    this.nextNormal = null;
    return this;
  }

  /** Seeds from the operating system's randomness and returns the seed, so that a run can be repeated. */
  seed(): bigint {
    const seed = randomSeed();
    this.manualSeed(seed);
    return seed;
  }

  /** The seed in use, as the unsigned 64-bit number that PyTorch reports. */
  initialSeed(): bigint {
    return this.#seed;
  }

  /** The next 32 random bits, as an unsigned number. */
  random(): number {
    return this.#engine.random();
  }

  /** Fills `out` with words, each of 32 random bits. */
  fillWords(out: Uint32Array | Int32Array): void {
    this.#engine.fill(out);
  }

  /** The next 64 random bits, as an unsigned bigint: the first word drawn is the high half. */
  random64(): bigint {
    const high = this.#engine.random();
    return (BigInt(high) << 32n) | BigInt(this.#engine.random());
  }

  /** A generator that goes on from the same point, independent of this one from then on. */
  clone(): Generator {
    return new Generator().setState(this.getState());
  }

  /** The whole state: the 5,056 bytes that `torch.Generator.get_state()` returns at this point. */
  getState(): Uint8Array {
    const bytes = new Uint8Array(STATE.bytes);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(STATE.seed, this.#seed, true);
    view.setInt32(STATE.left, this.#engine.left, true);
    view.setInt32(STATE.seeded, 1, true);
    view.setUint32(STATE.next, this.#engine.next, true);
    this.#engine.words.forEach((word, i) => {
      view.setInt32(STATE.words + 8 * i, word, true);
    });
    if (this.nextNormal !== null) {
      view.setFloat64(STATE.normal, this.nextNormal, true);
      view.setInt32(STATE.hasNormal, 1, true);
    }
    return bytes;
  }

  /**
   * Continues from a state of `getState` or of `torch.Generator.get_state()`.
   *
   * @param state - 5,056 bytes
   * @returns this generator
   * @throws RangeError if the bytes are no such state; the generator is then unchanged
   */
  setState(state: Uint8Array): this {
    if (!(state instanceof Uint8Array) || state.length !== STATE.bytes) {
      const got = state instanceof Uint8Array ? `${state.length} bytes` : typeof state;
      throw new RangeError(`Generator.setState: got ${got}, expected the ${STATE.bytes} bytes of getState()`);
    }
    const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
    const left = view.getInt32(STATE.left, true);
    const next = view.getUint32(STATE.next, true);
    const seeded = view.getInt32(STATE.seeded, true);
    if (seeded !== 1 || left < 1 || left > STATE_WORDS || next > STATE_WORDS) {
      throw new RangeError(
        `Generator.setState: not a generator state (seeded ${seeded}, left ${left}, next ${next}); expected seeded 1, left 1-${STATE_WORDS}, next 0-${STATE_WORDS}`,
      );
    }
    const engine = new Mt19937(0);
    engine.left = left;
    engine.next = next;
    for (let i = 0; i < STATE_WORDS; i++) engine.words[i] = view.getInt32(STATE.words + 8 * i, true);
    this.#engine = engine;
    this.#seed = view.getBigUint64(STATE.seed, true);
    this.nextNormal = view.getInt32(STATE.hasNormal, true) !== 0 ? view.getFloat64(STATE.normal, true) : null;
    return this;
  }
}

/** The generator used if a random function is given none; seeded by the operating system until `manualSeed`. */
export const defaultGenerator: Generator = new Generator(randomSeed());

/**
 * Seeds the default generator, so that all that follows can be repeated. The numbers are PyTorch's on CPU.
 * `manualSeed(42)` at the top of a cell makes its results repeatable.
 *
 * @param seed - a whole number in [-2^63, 2^64); beyond 2^53 give a bigint
 * @returns the default generator
 * @throws TypeError if the seed is no whole number, RangeError if it does not fit 64 bits
 */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator.manualSeed(seed);
}

/** A seed of 53 bits, as PyTorch draws: it passes through a JavaScript number without loss. */
function randomSeed(): bigint {
  return getRandomValues(new BigUint64Array(1))[0]! & ((1n << 53n) - 1n);
}

function seedToUint64(seed: number | bigint, where: string): bigint {
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
    const hint = Number.isInteger(seed) ? "Beyond 2^53, use a bigint such as 12345678901234567890n." : "";
    throw new TypeError(
      `${where}: seed ${seed} is not a whole number that float64 can represent exactly. ${hint}`.trim(),
    );
  }
  if (typeof seed !== "number" && typeof seed !== "bigint") {
    const text = typeof seed === "string" || Array.isArray(seed) ? JSON.stringify(seed) : String(seed);
    throw new TypeError(`${where}: seed is ${text}, expected a whole number`);
  }
  const value = BigInt(seed);
  if (value < -(UINT64 / 2n) || value >= UINT64) {
    throw new RangeError(`${where}: seed ${value} does not fit into 64 bits; expected -2^63 to 2^64 - 1`);
  }
  return BigInt.asUintN(64, value);
}
