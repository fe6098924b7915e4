const bits = new Int32Array(1);
const floats = new Float32Array(bits.buffer);

/** All 65,536 values of F16 as float32: one look-up is several times faster than the arithmetic. Made when first used. */
let table: Float32Array | null = null;

function float16Table(): Float32Array {
  if (table) return table;
  table = new Float32Array(1 << 16);
  for (let h = 0; h < table.length; h++) {
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    const sign = h & 0x8000 ? -1 : 1;
    if (exponent === 31) table[h] = fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    else if (exponent === 0) table[h] = sign * fraction * 2 ** -24;
    else table[h] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}

/**
 * F16 bits as float32, exactly.
 *
 * @param out - filled and returned; default a new array
 */
export function float16ToFloat32(half: Uint16Array, out = new Float32Array(half.length)): Float32Array {
  const values = float16Table();
  for (let i = 0; i < half.length; i++) out[i] = values[half[i]!]!;
  return out;
}

/**
 * float32 rounded to the nearest F16, ties to even, as PyTorch rounds: beyond 65,520 becomes infinite.
 *
 * @returns the bits
 */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const word = words[i]!;
    const sign = (word >>> 16) & 0x8000;
    const size = word & 0x7fffffff;
    if (size > 0x7f800000) out[i] = sign | 0x7e00;
    else if (size >= 0x477ff000) out[i] = sign | 0x7c00;
    else if (size >= 0x38800000) {
      // Normal: rebias the exponent (127 to 15), then round the 13 bits that go: half of them, less one where even.
      out[i] = sign | ((size - 0x38000000 + 0xfff + ((size >> 13) & 1)) >> 13);
    } else {
      // Subnormal: adding 0.5 moves the last F16 bit to the last float32 bit, and the addition itself rounds to even.
      bits[0] = size;
      floats[0] = floats[0]! + 0.5;
      out[i] = sign | (bits[0]! - 0x3f000000);
    }
  }
  return out;
}

/** The number of float16 that is nearest to `value`. */
export function roundToFloat16(value: number): number {
  return float16ToFloat32(float32ToFloat16(Float32Array.of(value)))[0]!;
}
