/**
 * Element types, their widths and the typed arrays that hold them.
 *
 * float32 is what networks compute in; float16 stores weights; int64 indexes, bool masks.
 * int32 and uint8 exist because files hold them (token ids, image bytes).
 */
export const dtypes = ["float32", "float16", "int64", "int32", "uint8", "bool"] as const;

/** Type of a tensor's elements: "float32", "float16", "int64", "int32", "uint8" or "bool". */
export type DType = (typeof dtypes)[number];

/** What holds the elements of each dtype: float16 as raw bits, bool as 0 and 1. */
export type TypedArray = Float32Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array;

const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Bytes of one element. */
export const byteWidth: Readonly<Record<DType, number>> = {
  float32: 4,
  float16: 2,
  int64: 8,
  int32: 4,
  uint8: 1,
  bool: 1,
};

export function isDType(value: unknown): value is DType {
  return (dtypes as readonly unknown[]).includes(value);
}

export function isFloat(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float16";
}

/** A zeroed array for `size` elements of `dtype`. */
export function allocate(dtype: DType, size: number): TypedArray {
  return new arrays[dtype](size);
}

/** The elements of `dtype` that lie in `buffer`. */
export function viewBytes(dtype: DType, buffer: ArrayBufferLike, byteOffset = 0, size?: number): TypedArray {
  return new arrays[dtype](buffer as ArrayBuffer, byteOffset, size);
}

export function holds(dtype: DType, data: unknown): data is TypedArray {
  return data instanceof arrays[dtype];
}

export function arrayName(dtype: DType): string {
  return arrays[dtype].name;
}

// PyTorch's order of promotion: a result takes the later of its operands' types.
const rank: Readonly<Record<DType, number>> = { bool: 0, uint8: 1, int32: 2, int64: 3, float16: 4, float32: 5 };

/** The dtype of a result that joins `a` and `b`, as in PyTorch. */
export function promote(a: DType, b: DType): DType {
  return rank[a] >= rank[b] ? a : b;
}
