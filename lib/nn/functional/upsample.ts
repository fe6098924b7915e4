import * as g from "../../graph/ops/index.ts";
import { show } from "../../graph/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { integerPair, type Pair } from "./conv.ts";

/** Images `scale` times as large (a whole number), each pixel repeated. */
export function upsampleNearest(x: Tensor, scale: Pair): Tensor {
  const [h, w] = integerPair("upsample", "scale", scale, 1);
  if (x.ndim !== 4) throw new RangeError(`upsample: got ${show(x.shape)}, expected [B, C, H, W]`);
  const [b, c, height, width] = x.shape as [number, number, number, number];
  const attrs = { kernel: [h, w], stride: [h, w], padding: [0, 0, 0, 0] } as const;
  return new Tensor(g.sumPoolBackward(x.node, attrs, [b, c, height * h, width * w]));
}
