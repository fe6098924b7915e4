import type { AutoencoderKL } from "../models/index.ts";
import type { Generator } from "../random/index.ts";
import { randnTensor } from "../schedulers/randn-tensor.ts";
import { cat } from "../tensor/create.ts";
import { realize, type Tensor } from "../tensor/tensor.ts";
import { Runner } from "./runner.ts";

/**
 * Few and large values, a quarter of a gigabyte each at 512x512: a pool of memory would round their sum up and keep it
 * afterwards (1.75 GB instead of 1.44), for a fifth of the time. In 8 bits there are many more values, in smaller parts: there
 * the pool saves a quarter of the time and some memory. Few weights for so much work, too: laying them out anew pays with
 * the first picture.
 */
const sessionOf = ({ precision }: AutoencoderKL) => ({ arena: precision === "int8" });

/** Pictures to latents as the U-Net knows them, and back: the autoencoder, compiled, one picture or tile at a time. */
export class LatentCodec {
  readonly #vae: AutoencoderKL;
  readonly #decoder: Runner<[Tensor], Tensor>;
  readonly #encoder: Runner<[Tensor], readonly Tensor[]>;

  constructor(vae: AutoencoderKL) {
    this.#vae = vae;
    const moments = (x: Tensor) => {
      const { mean, logvar, deterministic } = vae.encode(x).latentDist;
      return deterministic ? [mean] : [mean, logvar];
    };
    this.#decoder = new Runner("decoder", (z: Tensor) => vae.decodeTile(z), { session: sessionOf(vae), model: vae });
    this.#encoder = new Runner("encoder", moments, { session: sessionOf(vae), model: vae });
  }

  /**
   * @param latents - `[B, 4, h, w]`
   * @returns `[B, 3, h * 8, w * 8]`, about -1 to 1
   */
  async decode(latents: Tensor): Promise<Tensor> {
    const { device, config } = this.#vae;
    const z = (await latents.to(device)).div(config.scaling_factor);
    const pictures: Tensor[] = [];
    // One at a time: a picture more takes as long here and no more memory.
    for (const image of z.split(1, 0)) pictures.push(await this.#decodeImage(image));
    const out = cat(pictures);
    await realize(out);
    return out;
  }

  async #decodeImage(z: Tensor): Promise<Tensor> {
    const { useTiling, tiling, scale } = this.#vae;
    if (!useTiling || !tiling.needed(z, scale)) return this.#decoder.call({ calls: 1 }, z);
    const rows: Tensor[][] = [];
    for (const row of tiling.cut(z, scale)) {
      const done: Tensor[] = [];
      for (const tile of row) done.push(await this.#decoder.call({ calls: 1 }, tile));
      rows.push(done);
    }
    return tiling.join(rows, scale);
  }

  /**
   * Latents drawn from the autoencoder's distribution, if it has one.
   *
   * @param images - `[B, 3, H, W]` from -1 to 1
   * @param generators - none, one for all, or one for each image
   */
  async encode(images: Tensor, generators: readonly Generator[] = []): Promise<Tensor> {
    const { device, config } = this.#vae;
    const moments: (readonly Tensor[])[] = [];
    for (const image of images.split(1, 0)) {
      moments.push(await this.#encoder.call({ calls: 1 }, await image.to(device)));
    }
    const [mean, logvar] = moments[0]!.map((_, i) => cat(moments.map((m) => m[i]!))) as [Tensor, Tensor?];
    if (!logvar) return mean.mul(config.scaling_factor).realize();
    const noise = randnTensor(mean.shape, generators, device);
    return mean.add(logvar.mul(0.5).exp().mul(noise)).mul(config.scaling_factor).realize();
  }

  close(): void {
    this.#decoder.close();
    this.#encoder.close();
  }
}
