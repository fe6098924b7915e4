import type { Generator } from "../random/index.ts";
import { randn } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The latents of an image as an autoencoder sees them: independent normal numbers, each with its mean and width. */
export class DiagonalGaussianDistribution {
  /** The mean of each latent, `[B, C, h, w]`. */
  readonly mean: Tensor;
  /** Logarithm of the variance, kept within -30 and 20. */
  readonly logvar: Tensor;

  /** Whether nothing is drawn: the latents are the mean. */
  readonly deterministic: boolean;

  /**
   * @param moments - means and log-variances one below the other, `[B, 2 C, h, w]`
   * @param options.deterministic - take the mean for certain; default false
   */
  constructor(moments: Tensor, options: { deterministic?: boolean } = {}) {
    const [mean, logvar] = moments.chunk(2, 1) as [Tensor, Tensor];
    this.mean = mean;
    this.logvar = logvar.clamp(-30, 20);
    this.deterministic = options.deterministic ?? false;
  }

  /** Standard deviation of each latent, `[B, C, h, w]`. */
  get std(): Tensor {
    return this.deterministic ? this.mean.mul(0) : this.logvar.mul(0.5).exp();
  }

  /** Variance of each latent, `[B, C, h, w]`. */
  get var(): Tensor {
    return this.deterministic ? this.mean.mul(0) : this.logvar.exp();
  }

  /** Latents drawn from it, `[B, C, h, w]`. */
  sample(options: { generator?: Generator } = {}): Tensor {
    if (this.deterministic) return this.mean;
    return this.mean.add(this.std.mul(randn(this.mean.shape, options)));
  }

  /** The most likely latents: the mean. */
  mode(): Tensor {
    return this.mean;
  }

  /** Kullback-Leibler divergence from the standard normal distribution, or from `other`, summed for each image: `[B]`. */
  kl(other?: DiagonalGaussianDistribution): Tensor {
    if (!other) return this.mean.square().add(this.var).sub(1).sub(this.logvar).sum([1, 2, 3]).mul(0.5);
    const apart = this.mean.sub(other.mean).square().div(other.var);
    const ratio = this.var.div(other.var);
    return apart.add(ratio).sub(1).sub(this.logvar).add(other.logvar).sum([1, 2, 3]).mul(0.5);
  }

  /** Negative logarithm of the density at `sample`, summed for each image: `[B]`. */
  nll(sample: Tensor): Tensor {
    const apart = sample.sub(this.mean).square().div(this.var);
    return apart
      .add(this.logvar)
      .add(Math.log(2 * Math.PI))
      .sum([1, 2, 3])
      .mul(0.5);
  }
}
