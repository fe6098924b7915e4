import {
  type AutoencoderKL,
  cat,
  compile,
  fromArray,
  noGrad,
  type Tensor,
  tensor,
  type WorldDataset,
} from "../index.ts";
import { scaled } from "./world-data.ts";

/**
 * Means and log-variances of the pictures' latents, concatenated along the channels: the parameters of a
 * `DiagonalGaussianDistribution`.
 *
 * @param batchSize - pictures encoded at a time; default 64
 * @returns `[n, 2 * latent channels, h, w]`
 */
export async function momentsOf(vae: AutoencoderKL, pictures: WorldDataset, batchSize = 64): Promise<Tensor> {
  const encode = compile((bytes: Tensor) =>
    noGrad(() => {
      const { mean, logvar } = vae.encode(scaled(bytes)).latentDist;
      return cat([mean, logvar], 1);
    }),
  );
  const parts: Float32Array[] = [];
  let shape: readonly number[] = [];
  for (let from = 0; from < pictures.length; from += batchSize) {
    const part = pictures.slice(from, from + batchSize);
    const moments = await encode(tensor(part.images, part.shape));
    parts.push((await moments.data()) as Float32Array);
    shape = moments.shape.slice(1);
  }
  encode.close();
  const all = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return fromArray("float32", [pictures.length, ...shape], all);
}
