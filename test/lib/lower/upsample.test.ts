import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manualSeed, randn, type Tensor } from "../../../lib/index.ts";
import * as F from "../../../lib/nn/functional/index.ts";
import { bothWays, inFile } from "./both-ways.ts";

let file: Awaited<ReturnType<typeof inFile>>;
let weights: Record<string, Tensor>;

beforeAll(async () => {
  manualSeed(4);
  const [wide, small, five] = [randn([32, 16, 3, 3]), randn([5, 16, 3, 3]), randn([8, 16, 5, 5])];
  file = await inFile({ wide, small, five, half: wide.half(), bias: randn([32]) });
  weights = file.weights;
});
afterAll(() => file.remove());

/** How far apart both formulations are, as a share of the largest number, and whether the fast one enlarged an image. */
async function enlarging(f: () => Tensor) {
  const { worst, scale, operations } = await bothWays(f);
  return { worst: worst / scale, enlarged: operations.has("Resize") };
}

describe("a convolution behind nearest upsampling, with weights in a file, is computed from the small image", () => {
  it.each([
    [[2, 16, 8, 8], "wide"],
    [[1, 16, 5, 3], "wide"],
    [[3, 16, 1, 1], "wide"],
    [[1, 16, 4, 6], "small"],
    [[2, 16, 4, 6], "half"],
  ] as const)("%j, %s", async (shape, name) => {
    const x = randn(shape);
    const bias = name === "small" ? undefined : weights.bias;
    const f = () => F.conv2d(F.upsampleNearest(x, 2), weights[name]!.float(), bias, { padding: 1 });
    expect(await enlarging(f)).toEqual({ worst: expect.closeTo(0, 5), enlarged: false });
  });
});

describe("what is not of that kind is computed as it stands", () => {
  it.each([
    ["another factor", (x: Tensor) => F.conv2d(F.upsampleNearest(x, 3), weights.wide!, weights.bias, { padding: 1 })],
    ["another kernel", (x: Tensor) => F.conv2d(F.upsampleNearest(x, 2), weights.five!, undefined, { padding: 2 })],
    ["no padding", (x: Tensor) => F.conv2d(F.upsampleNearest(x, 2), weights.wide!, weights.bias)],
    ["strides", (x: Tensor) => F.conv2d(F.upsampleNearest(x, 2), weights.wide!, undefined, { padding: 1, stride: 2 })],
  ])("%s", async (_, f) => {
    const x = randn([2, 16, 4, 4]);
    expect(await enlarging(() => f(x))).toEqual({ worst: expect.closeTo(0, 5), enlarged: true });
  });

  it("an enlarged image that is needed itself", async () => {
    const x = randn([2, 16, 4, 4]);
    const { worst } = await enlarging(() => {
      const large = F.upsampleNearest(x, 2);
      return F.conv2d(large, weights.wide!, weights.bias, { padding: 1 }).mean(1, true).add(large);
    });
    expect(worst).toBeCloseTo(0, 5);
  });
});
