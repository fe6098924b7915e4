import { expect } from "vitest";
import type { Image } from "../../../lib/images/index.ts";

/** Pictures as the reference scripts write them: `[n, height, width, 3]` in bytes. */
export interface Pictures {
  readonly shape: readonly number[];
  /** base64 */
  readonly data: string;
}

/** Largest difference of pictures from those that diffusers painted, in 1/255. */
export function worst(images: readonly Image[], { shape, data }: Pictures): number {
  const [n, height, width] = shape as [number, number, number];
  expect(images.map((image) => [image.height, image.width])).toEqual(new Array(n).fill([height, width]));
  const expected = Buffer.from(data, "base64");
  const got = Buffer.concat(images.map((image) => image.toRaw().data));
  let off = 0;
  for (const [i, v] of expected.entries()) off = Math.max(off, Math.abs(v - got[i]!));
  return off;
}
