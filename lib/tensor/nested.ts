import type { DType } from "../graph/dtype.ts";
import type { Shape } from "../graph/shape.ts";

/** Tensors, numbers or booleans in nested lists. */
export type Nested = number | boolean | readonly Nested[];

/** Elements in nested arrays: numbers, or booleans. */
export function nested(data: ArrayLike<number | bigint>, shape: Shape, dtype: DType): Nested {
  let at = 0;
  const build = (dim: number): Nested => {
    if (dim === shape.length) {
      const value = data[at++]!;
      return dtype === "bool" ? value !== 0 : Number(value);
    }
    return Array.from({ length: shape[dim]! }, () => build(dim + 1));
  };
  return build(0);
}
