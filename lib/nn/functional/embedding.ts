import * as g from "../../graph/ops/index.ts";
import { inRange } from "../../tensor/operands.ts";
import { Tensor } from "../../tensor/tensor.ts";

/** Rows of `weight` `[n, d]` at the int64 indices `index` (any shape): `[...index, d]`. */
export function embedding(index: Tensor, weight: Tensor): Tensor {
  const at = inRange("embedding", index, weight.shape[0]!);
  return new Tensor(g.indexSelect(weight.node, 0, at.node));
}
