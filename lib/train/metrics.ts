import { show } from "../graph/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Part of the rows of scores `[B, C]` whose largest score is that of the class in `labels` `[B]`. */
export function accuracy(scores: Tensor, labels: Tensor): Tensor {
  if (scores.ndim !== 2 || labels.ndim !== 1 || scores.shape[0] !== labels.shape[0]) {
    throw new RangeError(
      `accuracy: scores ${show(scores.shape)} and labels ${show(labels.shape)}; expected [B, C] and [B]`,
    );
  }
  return scores.argmax(1).eq(labels).float().mean();
}
