import type { Tensor } from "../tensor/tensor.ts";
import { pending, tracing } from "../tensor/trace.ts";
import { checkSameShape } from "./same-shape.ts";

/** A tensor and the number it is multiplied by. */
export type Term = readonly [weight: number, tensor: Tensor];

/**
 * The weighted sum of tensors: every step of every scheduler is one, with weights computed here in float64.
 *
 * @param where - names the scheduler and the timestep in errors
 * @throws RangeError if a weight is not finite: the schedule does not suit the prediction type; if shapes differ
 */
export function combine(where: string, ...terms: readonly Term[]): Tensor {
  let sum: Tensor | undefined;
  for (const [weight, tensor] of terms) {
    if (!Number.isFinite(weight)) {
      throw new RangeError(
        `${where}: a weight is ${weight}. A schedule that ends in pure noise needs prediction_type "v_prediction" or "sample".`,
      );
    }
    if (weight === 0) continue;
    const part = weight === 1 ? tensor : tensor.mul(weight);
    if (sum) checkSameShape(where, sum, tensor);
    sum = sum ? sum.add(part) : part;
  }
  if (!sum) return terms[0]![1].mul(0);
  return sum;
}

/**
 * Marks a tensor that a later step needs, so that it is computed along with this step's result and the model is not
 * run again for it.
 */
export function keep(tensor: Tensor): Tensor {
  if (!tensor.node.storage && !tracing.current) pending.add(tensor);
  return tensor;
}
