import { float16ToFloat32 } from "../graph/half.ts";
import type { SafetensorsDtype, TensorData } from "./dtypes.ts";

/**
 * BF16 bits as float32, exactly: they are a float32's upper half.
 *
 * @param out - filled and returned; default a new array
 */
export function bfloat16ToFloat32(half: Uint16Array, out = new Float32Array(half.length)): Float32Array {
  const words = new Int32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < half.length; i++) words[i] = half[i]! << 16;
  return out;
}

/**
 * float32 rounded to the nearest BF16, ties to even.
 *
 * @returns the bits
 */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const word = words[i]!;
    const notNumber = (word & 0x7fffffff) > 0x7f800000;
    out[i] = notNumber ? 0x7fc0 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

/**
 * A tensor's numbers as float32.
 *
 * @param dtype - F32 comes back as it is, without a copy; F16 and BF16 exactly; F64 and integers rounded
 * @throws TypeError for the complex, 8-bit and smaller floats
 */
export function toFloat32(dtype: SafetensorsDtype, data: TensorData): Float32Array {
  if (dtype === "F16") return float16ToFloat32(data as Uint16Array);
  if (dtype === "BF16") return bfloat16ToFloat32(data as Uint16Array);
  if (dtype === "F32") return data as Float32Array;
  if (/^(F4|F6_|F8_|C64)/.test(dtype)) {
    throw new TypeError(`safetensors: no conversion from ${dtype} to float32; read its bits with read()`);
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float32Array.from(data, Number);
  return Float32Array.from(data);
}
