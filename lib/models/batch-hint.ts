import type { Tensor } from "../tensor/tensor.ts";

/** What to do about an image, or latents, without the dimension of the batch; nothing if that is not what is wrong. */
export const batchHint = (x: Tensor): string =>
  x.ndim === 3 ? ", a batch: x.unsqueeze(0) makes one of a single x" : "";
