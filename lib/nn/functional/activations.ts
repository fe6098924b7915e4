import * as g from "../../graph/ops/index.ts";
import { checkNumber, checkOptions } from "../../options.ts";
import { where } from "../../tensor/create.ts";
import type { KeepDim } from "../../tensor/operands.ts";
import { Tensor } from "../../tensor/tensor.ts";

/** max(x, 0). Any shape. */
export function relu(x: Tensor): Tensor {
  return x.relu();
}

/** x sigmoid(x), also called swish. Any shape. */
export function silu(x: Tensor): Tensor {
  return x.silu();
}

/** x Phi(x), with the normal distribution's Phi. Any shape. */
export function gelu(x: Tensor): Tensor {
  return x.gelu();
}

/** 1 / (1 + exp(-x)). Any shape. */
export function sigmoid(x: Tensor): Tensor {
  return x.sigmoid();
}

/** The hyperbolic tangent. Any shape. */
export function tanh(x: Tensor): Tensor {
  return x.tanh();
}

/** Along `dim`, numbers above 0 that add up to 1, in proportion to exp(x). */
export function softmax(x: Tensor, dim: number): Tensor {
  return x.softmax(dim);
}

/** The logarithm of `softmax`, which cannot overflow. */
export function logSoftmax(x: Tensor, dim: number): Tensor {
  return x.logSoftmax(dim);
}

/**
 * x above 0, alpha (exp(x) - 1) below: smooth, and never below -alpha. Any shape.
 * @see Clevert et al. 2015: https://arxiv.org/abs/1511.07289
 */
export function elu(x: Tensor, alpha = 1): Tensor {
  checkNumber("elu", "alpha", alpha);
  // Where x is large, the side that is not taken must not be infinite.
  const below = new Tensor(g.expm1(where(x.gt(0), 0, x).node)).mul(alpha);
  return where(x.gt(0), x, below);
}

/** x above 0, `negativeSlope` x (0.01 by default) below: no unit is ever without a gradient. Any shape. */
export function leakyRelu(x: Tensor, negativeSlope = 0.01): Tensor {
  checkNumber("leakyRelu", "negativeSlope", negativeSlope);
  return where(x.gt(0), x, x.mul(negativeSlope));
}

/** log(1 + exp(beta x)) / beta: a smooth ReLU. Where beta x is above `threshold` (20), x itself. Any shape. */
export function softplus(x: Tensor, beta = 1, threshold = 20): Tensor {
  checkNumber("softplus", "beta", beta);
  checkNumber("softplus", "threshold", threshold);
  const scaled = x.mul(beta);
  const large = scaled.gt(threshold);
  const smooth = where(large, 0, scaled).exp().log1p().div(beta);
  return where(large, x, smooth);
}

/** x tanh(softplus(x)). Any shape. @see Misra 2019: https://arxiv.org/abs/1908.08681 */
export function mish(x: Tensor): Tensor {
  return x.mul(softplus(x).tanh());
}

/**
 * Vectors along `dim` scaled to length 1: `normalize(x)` of `[n, d]`.
 *
 * @param options.p - of the norm; default 2
 * @param options.dim - default 1
 * @param options.eps - lengths below this count as it; default 1e-12
 */
export function normalize(x: Tensor, options: { p?: number; dim?: number; eps?: number } = {}): Tensor {
  checkOptions("normalize", options, { p: true, dim: true, eps: true });
  const { p = 2, dim = 1, eps = 1e-12 } = options;
  checkNumber("normalize", "eps", eps, 0);
  return x.div(x.norm(p, dim, { keepdim: true }).maximum(eps));
}

/** The cosine of the angle between vectors along `dim` (1 by default), from -1 to 1: `[n, d]` and `[n, d]` to `[n]`. */
export function cosineSimilarity(a: Tensor, b: Tensor, options: { dim?: number; eps?: number } = {}): Tensor {
  return a.cosineSimilarity(b, options);
}

/** log(sum(exp(x))) along `dim`, without overflow. */
export function logsumexp(x: Tensor, dim: number | readonly number[], options: KeepDim = false): Tensor {
  return x.logsumexp(dim, options);
}
