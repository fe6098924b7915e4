/** Every typed array that a tensor's numbers come in. */
export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

type ArrayType = {
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): TensorData;
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
};

/**
 * The element types of the format: bits of one element, and the typed array that holds them. What JavaScript has no
 * type for comes as its raw bits: F16 and BF16 as Uint16Array (see `toFloat32`), the 8-bit and smaller floats as
 * Uint8Array, complex numbers as pairs in a Float32Array.
 *
 * The order is that of the reference implementation, which writes later ones first.
 */
export const DTYPES = {
  BOOL: { bits: 8, array: Uint8Array },
  F4: { bits: 4, array: Uint8Array },
  F6_E2M3: { bits: 6, array: Uint8Array },
  F6_E3M2: { bits: 6, array: Uint8Array },
  U8: { bits: 8, array: Uint8Array },
  I8: { bits: 8, array: Int8Array },
  F8_E5M2: { bits: 8, array: Uint8Array },
  F8_E4M3: { bits: 8, array: Uint8Array },
  F8_E8M0: { bits: 8, array: Uint8Array },
  F8_E4M3FNUZ: { bits: 8, array: Uint8Array },
  F8_E5M2FNUZ: { bits: 8, array: Uint8Array },
  I16: { bits: 16, array: Int16Array },
  U16: { bits: 16, array: Uint16Array },
  F16: { bits: 16, array: Uint16Array },
  BF16: { bits: 16, array: Uint16Array },
  I32: { bits: 32, array: Int32Array },
  U32: { bits: 32, array: Uint32Array },
  F32: { bits: 32, array: Float32Array },
  C64: { bits: 64, array: Float32Array },
  F64: { bits: 64, array: Float64Array },
  I64: { bits: 64, array: BigInt64Array },
  U64: { bits: 64, array: BigUint64Array },
} as const satisfies Record<string, { bits: number; array: ArrayType }>;

/** The name of an element type, as the header spells it. */
export type SafetensorsDtype = keyof typeof DTYPES;

/** The names in the reference implementation's order. */
export const DTYPE_NAMES: readonly SafetensorsDtype[] = Object.keys(DTYPES) as SafetensorsDtype[];

/** Whether `name` is an element type of the format. */
export function isDtype(name: unknown): name is SafetensorsDtype {
  return typeof name === "string" && Object.hasOwn(DTYPES, name);
}

/**
 * Bytes that a tensor of this type and shape takes.
 *
 * @throws RangeError if the shape is no list of whole numbers, holds more than 2^53 bits or ends within a byte;
 *   the message starts at the fault, the caller says where it is
 */
export function byteLengthOf(dtype: SafetensorsDtype, shape: readonly number[]): number {
  let bits: number = DTYPES[dtype].bits;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new RangeError(`shape [${shape}] holds ${size}; expected whole numbers, 0 or more`);
    }
    bits *= size;
    if (!Number.isSafeInteger(bits))
      throw new RangeError(`shape [${shape}] of ${dtype} is too large: beyond 2^53 bits`);
  }
  if (bits % 8 !== 0)
    throw new RangeError(`shape [${shape}] of ${dtype} is ${bits} bits, which is not a whole number of bytes`);
  return bits / 8;
}

/** The typed array of `dtype` over bytes that lie at the start of `buffer`. */
export function arrayOver(dtype: SafetensorsDtype, buffer: ArrayBuffer): TensorData {
  return new DTYPES[dtype].array(buffer);
}
