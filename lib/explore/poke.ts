import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { fromArray } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Which number of the latents is changed, and how. */
export interface Poke {
  /** The channel, from 0. */
  readonly channel: number;
  /** The cell's row, from 0 above. */
  readonly row: number;
  /** The cell's column, from 0 on the left. */
  readonly column: number;
  /** What is added; latents have a standard deviation of about 1. Default 3. */
  readonly by?: number;
}

/** What changing one number of the latents does to the picture. */
export interface Poked {
  /** The changed latents, `[1, channels, h, w]`. */
  readonly latents: Tensor;
  /** The picture before, `[3, H, W]` from -1 to 1. */
  readonly before: Tensor;
  /** The picture after, `[3, H, W]`. */
  readonly after: Tensor;
  /** The cell's place in the picture, in pixels. */
  readonly square: { readonly top: number; readonly left: number; readonly size: number };
  /** What was done. */
  readonly poke: Required<Poke>;
}

/**
 * Changes one number of a picture's latents, and decodes it before and after: `showPoke(await pokeLatents(pipe, latents, { channel: 0, row: 3, column: 4 }))`.
 *
 * @param latents - of one picture, `[1, channels, h, w]` or `[channels, h, w]`
 * @throws RangeError if there is no such cell
 */
export async function pokeLatents(pipe: StableDiffusionPipeline, latents: Tensor, poke: Poke): Promise<Poked> {
  const where = "pokeLatents";
  const batch = latents.ndim === 3 ? latents.unsqueeze(0) : latents;
  if (batch.ndim !== 4 || batch.shape[0] !== 1) {
    throw new RangeError(`${where}: got [${latents.shape}], expected latents of one picture, [1, channels, h, w]`);
  }
  const { channel, row, column, by = 3 } = poke;
  const [, channels, h, w] = batch.shape as [number, number, number, number];
  for (const [name, at, count] of [
    ["channel", channel, channels],
    ["row", row, h],
    ["column", column, w],
  ] as const) {
    if (!Number.isInteger(at) || at < 0 || at >= count) {
      throw new RangeError(`${where}: ${name} is ${at}; expected 0 to ${count - 1}`);
    }
  }
  if (!Number.isFinite(by)) throw new RangeError(`${where}: by is ${by}; expected a number`);
  const change = new Float32Array(channels * h * w);
  change[(channel * h + row) * w + column] = by;
  const changed = noGrad(() => batch.detach().add(fromArray("float32", [1, channels, h, w], change)));
  const [before, after] = [await pipe.decode(batch.detach()), await pipe.decode(changed)];
  const size = before.shape[2]! / h;
  return {
    latents: await changed.realize(),
    before: await before.squeeze(0).realize(),
    after: await after.squeeze(0).realize(),
    square: { top: row * size, left: column * size, size },
    poke: { channel, row, column, by },
  };
}
