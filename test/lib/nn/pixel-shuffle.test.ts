import { describe, expect, it } from "vitest";
import { arange, grad, nn, randn, type Tensor, zeros } from "../../../lib/index.ts";

const { pixelShuffle, pixelUnshuffle } = nn.functional;

describe("pixels in squares", () => {
  it("become channels in PyTorch's order: channel, row, column", async () => {
    const [b, c, h, w, r] = [2, 3, 4, 6, 2];
    const x = arange(b * c * h * w).reshape(b, c, h, w);
    const out = pixelUnshuffle(x, r);
    expect(out.shape).toEqual([b, c * r * r, h / r, w / r]);
    const values = await out.data();
    let at = 0;
    for (let n = 0; n < b; n++)
      for (let k = 0; k < c * r * r; k++)
        for (let y = 0; y < h / r; y++)
          for (let z = 0; z < w / r; z++) {
            const [channel, row, column] = [Math.floor(k / (r * r)), Math.floor(k / r) % r, k % r];
            expect(values[at++]).toBe(((n * c + channel) * h + y * r + row) * w + z * r + column);
          }
  });

  it("come back as they were, and so do their gradients", async () => {
    const x = randn([2, 2, 6, 9]);
    expect(await pixelShuffle(pixelUnshuffle(x, 3), 3).data()).toEqual(await x.data());
    const f = (y: Tensor) => pixelUnshuffle(y, 3).square().sum();
    expect(await grad(f)(x).data()).toEqual(await x.mul(2).data());
  });

  it("must divide the picture", () => {
    expect(() => pixelUnshuffle(zeros([1, 1, 4, 5]), 2)).toThrow(
      "pixelUnshuffle: [1, 1, 4, 5] cannot be divided into squares of 2 x 2 pixels",
    );
    expect(() => pixelShuffle(zeros([1, 6, 4, 4]), 2)).toThrow("has 6 channels, expected a multiple of 4");
    expect(() => pixelShuffle(zeros([6, 4, 4]), 2)).toThrow("got [6, 4, 4], expected [B, C, H, W]");
    expect(() => pixelUnshuffle(zeros([1, 1, 4, 4]), 1.5)).toThrow("r is 1.5, expected a whole number");
  });
});
