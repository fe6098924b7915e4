import { defaultGenerator, type Generator } from "./generator.ts";
import { fillUniform, uniform53 } from "./uniform.ts";

const BLOCK = 16;
const HALF = BLOCK / 2;

/**
 * Fills with normally distributed numbers: `torch.randn` and `Tensor.normal_` on CPU, to 2e-6 in float32.
 *
 * PyTorch has two ways, and so has this function. Below 16 elements it makes float64 pairs one by one and keeps the
 * second of a pair for the next call. From 16 up it fills the array with uniform numbers and turns each block of 16
 * into 8 pairs; if the length is no multiple of 16, the last 16 elements are drawn anew as one more block.
 *
 * @param out - filled in place and returned
 * @param options.mean - default 0
 * @param options.std - standard deviation, at least 0; default 1
 * @param options.generator - default: the shared generator of `manualSeed`
 * @throws RangeError if `mean` or `std` is not finite or `std < 0`
 * @see Box and Muller 1958: https://doi.org/10.1214/aoms/1177706645
 */
export function fillNormal<T extends Float32Array | Float64Array>(
  out: T,
  options: { mean?: number; std?: number; generator?: Generator } = {},
): T {
  const { mean = 0, std = 1, generator = defaultGenerator } = options;
  if (!(Number.isFinite(mean) && Number.isFinite(std) && std >= 0)) {
    throw new RangeError(`randn: got mean ${mean}, std ${std}; expected finite numbers with std >= 0`);
  }
  if (out.length < BLOCK) {
    for (let i = 0; i < out.length; i++) out[i] = nextNormal(generator) * std + mean;
    return out;
  }
  const toNormal = out instanceof Float32Array ? blocksToNormal32 : blocksToNormal64;
  fillUniform(out, { generator });
  toNormal(out, mean, std);
  if (out.length % BLOCK !== 0) {
    const tail = out.subarray(out.length - BLOCK);
    fillUniform(tail, { generator });
    toNormal(tail, mean, std);
  }
  return out;
}

/** One number of the standard normal distribution, in float64: the cached second of a pair, or the first of a new one. */
function nextNormal(generator: Generator): number {
  if (generator.nextNormal !== null) {
    const cached = generator.nextNormal;
    generator.nextNormal = null;
    return cached;
  }
  const u1 = uniform53(generator.random(), generator.random());
  const u2 = uniform53(generator.random(), generator.random());
  const radius = Math.sqrt(-2 * Math.log1p(-u2));
  const theta = 2 * Math.PI * u1;
  generator.nextNormal = radius * Math.sin(theta);
  return radius * Math.cos(theta);
}

function blocksToNormal64(data: Float32Array | Float64Array, mean: number, std: number): void {
  for (let start = 0; start + BLOCK <= data.length; start += BLOCK) {
    for (let i = start; i < start + HALF; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - data[i]!));
      const theta = 2 * Math.PI * data[i + HALF]!;
      data[i] = radius * Math.cos(theta) * std + mean;
      data[i + HALF] = radius * Math.sin(theta) * std + mean;
    }
  }
}

/**
 * The same in float32. The angle is rounded to float32 as PyTorch's is (half a unit there is 2e-7 of angle, times a
 * radius up to 5.8); the rest is float64, rounded once. Sine and cosine come from short series about the nearest
 * quarter turn (error below 1e-9), which takes half the time of Math.sin and Math.cos.
 */
function blocksToNormal32(data: Float32Array | Float64Array, mean: number, std: number): void {
  for (let start = 0; start + BLOCK <= data.length; start += BLOCK) {
    for (let i = start; i < start + HALF; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - data[i]!)) * std;
      const turn = data[i + HALF]!;
      const quarter = (4 * turn + 0.5) | 0;
      const x = Math.fround(2 * Math.PI * turn) - quarter * (Math.PI / 2);
      const xx = x * x;
      const sin = x * (1 + xx * (-1 / 6 + xx * (1 / 120 + xx * (-1 / 5040 + xx * (1 / 362880 - xx / 39916800)))));
      const cos = 1 + xx * (-1 / 2 + xx * (1 / 24 + xx * (-1 / 720 + xx * (1 / 40320 - xx / 3628800))));
      // Each quarter turn maps (cos, sin) to (-sin, cos).
      const c = quarter & 1 ? -sin : cos;
      const s = quarter & 1 ? cos : sin;
      const sign = quarter & 2 ? -radius : radius;
      data[i] = sign * c + mean;
      data[i + HALF] = sign * s + mean;
    }
  }
}
