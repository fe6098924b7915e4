import { show } from "../../graph/shape.ts";
import { plural } from "../../printed.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/**
 * Squares of `r` x `r` pixels laid into channels: `[B, C, H, W]` to `[B, C r r, H / r, W / r]`. Nothing is lost, and
 * what comes after works on a picture `r` times smaller each way.
 *
 * @throws RangeError if the sides are not multiples of `r`
 * @see https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pixel_unshuffle.html
 */
export function pixelUnshuffle(x: Tensor, r: number): Tensor {
  const [b, c, h, w] = images("pixelUnshuffle", x, r);
  if (h % r !== 0 || w % r !== 0) {
    throw new RangeError(`pixelUnshuffle: ${show(x.shape)} cannot be divided into squares of ${r} x ${r} pixels`);
  }
  const squares = x.reshape(b, c, h / r, r, w / r, r); // [B, C, H / r, row, W / r, column]
  return squares.permute(0, 1, 3, 5, 2, 4).reshape(b, c * r * r, h / r, w / r);
}

/**
 * The way back: `[B, C r r, H, W]` to `[B, C, H r, W r]`.
 *
 * @throws RangeError if the channels are no multiple of `r * r`
 * @see https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pixel_shuffle.html
 */
export function pixelShuffle(x: Tensor, r: number): Tensor {
  const [b, c, h, w] = images("pixelShuffle", x, r);
  if (c % (r * r) !== 0) {
    throw new RangeError(`pixelShuffle: ${show(x.shape)} has ${plural(c, "channel")}, expected a multiple of ${r * r}`);
  }
  const squares = x.reshape(b, c / (r * r), r, r, h, w); // [B, C, row, column, H, W]
  return squares.permute(0, 1, 4, 2, 5, 3).reshape(b, c / (r * r), h * r, w * r);
}

function images(name: string, x: Tensor, r: number): [b: number, c: number, h: number, w: number] {
  if (x.ndim !== 4) throw new RangeError(`${name}: got ${show(x.shape)}, expected [B, C, H, W]`);
  if (!Number.isInteger(r) || r < 1) throw new RangeError(`${name}: r is ${r}, expected a whole number from 1`);
  return x.shape as unknown as [number, number, number, number];
}
