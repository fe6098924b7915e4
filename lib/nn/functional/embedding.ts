import * as g from "../../graph/ops/index.ts";
import { checkInteger, checkOptions } from "../../options.ts";
import { oneHot as floatOneHot, where } from "../../tensor/create.ts";
import { inRange } from "../../tensor/operands.ts";
import { Tensor } from "../../tensor/tensor.ts";

/**
 * Rows of `weight` `[n, d]` at the int64 indices `index` (any shape): `[...index, d]`.
 *
 * @param options.paddingIdx - the row of this index gets no gradient; a negative one counts from the end
 * @throws TypeError if the indices are not int64; RangeError if one is below 0 or not below n
 */
export function embedding(index: Tensor, weight: Tensor, options: { paddingIdx?: number } = {}): Tensor {
  checkOptions("embedding", options, { paddingIdx: true });
  if (index.dtype !== "int64") {
    throw new TypeError(
      `embedding: the indices have dtype ${index.dtype}, expected int64: make them with tensor([3, 7], { dtype: "int64" }), or index.long()`,
    );
  }
  const size = weight.shape[0]!;
  const rows = new Tensor(g.indexSelect(weight.node, 0, inRange("embedding", index, size).node));
  const { paddingIdx } = options;
  if (paddingIdx === undefined) return rows;
  const padding = paddingRow("embedding", paddingIdx, size);
  return where(index.eq(padding).unsqueeze(-1), rows.detach(), rows);
}

/** The row that an index names, which may count from the end. */
export function paddingRow(name: string, index: number, size: number): number {
  checkInteger(name, "paddingIdx", [index], -size);
  if (index >= size) throw new RangeError(`${name}: paddingIdx is ${index}, expected below ${size}`);
  return index < 0 ? index + size : index;
}

/**
 * Rows of zeros with a 1 at each index: int64 `[..]` to int64 `[.., numClasses]`, as PyTorch's. The library's own
 * `oneHot` gives float32.
 */
export function oneHot(index: Tensor, numClasses: number): Tensor {
  return floatOneHot(index, numClasses).long();
}
