import { where } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Each halving adds a bit; more than float32 has. */
const HALVINGS = 32;

/**
 * Dynamic thresholding: each sample is clipped at a quantile of its absolute values, where that exceeds 1, and divided
 * by it, so that saturated pixels move inwards.
 *
 * @param x - predicted clean samples, `[batch, ...]`
 * @param ratio - the quantile, such as 0.995
 * @param largest - the quantile is taken for no more than this
 * @see Saharia et al. 2022, section 2.3: https://arxiv.org/abs/2205.11487
 */
export function dynamicThreshold(x: Tensor, ratio: number, largest: number): Tensor {
  const batch = x.shape[0]!;
  const flat = x.reshape([batch, x.numel() / batch]);
  const s = quantile(flat.abs(), ratio).clamp(1, largest);
  return flat.minimum(s).maximum(s.neg()).div(s).reshape(x.shape);
}

/** The quantile of each row of non-negative numbers, `[rows, 1]`, straight lines between two elements. */
function quantile(x: Tensor, ratio: number): Tensor {
  const place = ratio * (x.shape[1]! - 1);
  const below = Math.floor(place);
  const lower = smallestWith(x, below + 1);
  if (below === place) return lower;
  // The next element above, which is the same where it occurs more than once.
  const repeated = countUpTo(x, lower).ge(below + 2);
  const above = where(x.gt(lower), x, x.amax(1, true)).amin(1, true);
  const upper = where(repeated, lower, above);
  return lower.add(upper.sub(lower).mul(place - below));
}

/** The smallest element of each row that at least `count` elements do not exceed: found by halving, without sorting. */
function smallestWith(x: Tensor, count: number): Tensor {
  let high = x.amax(1, true);
  let low = high.mul(0).sub(1e-6);
  for (let i = 0; i < HALVINGS; i++) {
    const middle = low.add(high).mul(0.5);
    const enough = countUpTo(x, middle).ge(count);
    high = where(enough, middle, high);
    low = where(enough, low, middle);
  }
  return where(x.le(high), x, 0).amax(1, true);
}

function countUpTo(x: Tensor, limit: Tensor): Tensor {
  return x.le(limit).float().sum(1, true);
}
