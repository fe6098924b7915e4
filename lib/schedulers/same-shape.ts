import { show } from "../graph/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Checks that a sample, its noise and a model's output are alike, except that one of them may serve a whole batch. */
export function checkSameShape(where: string, a: Tensor, b: Tensor): void {
  const fits = (i: number) => a.shape[i] === b.shape[i] || (i === 0 && (a.shape[0] === 1 || b.shape[0] === 1));
  if (a.ndim === b.ndim && a.shape.every((_, i) => fits(i))) return;
  throw new RangeError(
    `${where}: got tensors of the shapes ${show(a.shape)} and ${show(b.shape)}; ` +
      "expected one shape for the sample, its noise and what the model says of it",
  );
}
