import * as g from "../../graph/ops/index.ts";
import { show } from "../../graph/shape.ts";
import { Tensor } from "../../tensor/tensor.ts";

/**
 * Normalisation over `groups` groups of channels of `x` `[B, C, ...]`, then `weight` and `bias` `[C]` where there are.
 * @see Wu and He 2018: https://arxiv.org/abs/1803.08494
 */
export function groupNorm(x: Tensor, groups: number, weight?: Tensor | null, bias?: Tensor | null, eps = 1e-5): Tensor {
  const [w, b] = affine(x.shape[1] ?? 0, weight, bias);
  return new Tensor(g.groupNorm(x.node, w, b, groups, eps));
}

/**
 * Normalisation over the last dimension, then `weight` and `bias` of its size where there are.
 * @see Ba et al. 2016: https://arxiv.org/abs/1607.06450
 */
export function layerNorm(x: Tensor, weight?: Tensor | null, bias?: Tensor | null, eps = 1e-5): Tensor {
  const [w, b] = affine(x.shape.at(-1) ?? 0, weight, bias);
  return new Tensor(g.layerNorm(x.node, w, b, eps));
}

function affine(size: number, weight: Tensor | null | undefined, bias: Tensor | null | undefined) {
  const filled = (value: number) => g.expand(g.constant(value), [size]);
  return [weight?.node ?? filled(1), bias?.node ?? filled(0)] as const;
}

/**
 * `x` divided by the root of its mean square over the last dimension, times `weight` of its size.
 *
 * @param eps - added to the mean square; default the smallest step above 1 in float32, as in PyTorch
 * @see Zhang and Sennrich 2019: https://arxiv.org/abs/1910.07467
 */
export function rmsNorm(x: Tensor, weight?: Tensor | null, eps = 2 ** -23): Tensor {
  if (weight && (weight.ndim !== 1 || weight.shape[0] !== x.shape.at(-1))) {
    throw new RangeError(
      `rmsNorm: the last dimension of ${show(x.shape)} is ${x.shape.at(-1)}, weight ${show(weight.shape)} must match it`,
    );
  }
  const wide = x.float();
  const h = wide.mul(wide.square().mean(-1, { keepdim: true }).add(eps).rsqrt());
  return (weight ? h.mul(weight.float()) : h).to(x.dtype);
}

/**
 * Normalisation of each channel of `x` `[B, C, ...]` over the batch and the image.
 *
 * @returns the output, and the batch's mean and variance (not corrected), `[C]` both
 * @see Ioffe and Szegedy 2015: https://arxiv.org/abs/1502.03167
 */
export function batchNorm(
  x: Tensor,
  weight?: Tensor | null,
  bias?: Tensor | null,
  eps = 1e-5,
): { output: Tensor; mean: Tensor; variance: Tensor } {
  if (x.ndim < 2) throw new RangeError(`batchNorm: got ${show(x.shape)}, expected [B, C, ...]`);
  const dims = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const wide = [-1, ...x.shape.slice(2).map(() => 1)];
  const input = x.float();
  const mean = input.mean(dims, { keepdim: true });
  const centred = input.sub(mean);
  const variance = centred.square().mean(dims, { keepdim: true });
  const inv = variance.add(eps).rsqrt();
  const scaled = centred.mul(weight ? inv.mul(weight.float().reshape(wide)) : inv);
  const output = bias ? scaled.add(bias.float().reshape(wide)) : scaled;
  return { output: output.to(x.dtype), mean: mean.flatten(), variance: variance.flatten() };
}
