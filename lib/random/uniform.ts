import { defaultGenerator, type Generator } from "./generator.ts";

const FLOAT32_STEP = 2 ** -24;
const FLOAT64_STEP = 2 ** -53;

/**
 * Fills with numbers spread evenly over [from, to): `torch.rand` and `Tensor.uniform_`.
 *
 * Float32 takes the low 24 bits of one word each; float64 the low 53 bits of two words, the first of them the high one.
 *
 * @param out - filled in place and returned
 * @param options.from - smallest value; default 0
 * @param options.to - upper end; default 1
 * @param options.generator - default: the shared generator of `manualSeed`
 * @throws RangeError if `from` or `to` is not finite or `from > to`
 */
export function fillUniform<T extends Float32Array | Float64Array>(
  out: T,
  options: { from?: number; to?: number; generator?: Generator } = {},
): T {
  const { from = 0, to = 1, generator = defaultGenerator } = options;
  if (!(Number.isFinite(from) && Number.isFinite(to) && from <= to)) {
    throw new RangeError(`rand: got from ${from}, to ${to}; expected finite numbers with from <= to`);
  }
  const words = new Int32Array(out.length * (out instanceof Float32Array ? 1 : 2));
  generator.fillWords(words);
  if (out instanceof Float32Array) {
    const low = Math.fround(from);
    const width = Math.fround(Math.fround(to) - low);
    for (let i = 0; i < out.length; i++) out[i] = (words[i]! & 0xffffff) * FLOAT32_STEP * width + low;
  } else {
    for (let i = 0; i < out.length; i++) out[i] = uniform53(words[2 * i]!, words[2 * i + 1]!) * (to - from) + from;
  }
  return out;
}

/** A float64 in [0, 1) from the 53 low bits of the 64-bit number `high, low`. */
export function uniform53(high: number, low: number): number {
  return ((high & 0x1fffff) * 2 ** 32 + (low >>> 0)) * FLOAT64_STEP;
}
