import { describe, expect, it } from "vitest";
import {
  coverage,
  frechetDistance,
  Generator,
  kernelDistance,
  randn,
  type Tensor,
  tensor,
  zeros,
} from "../../../lib/index.ts";

const normal = (n: number, d: number, seed: number) => randn([n, d], { generator: new Generator(seed) });

describe("the distance of two sets", () => {
  it("by Fréchet: 0 for the same, and the formula's for moved and stretched ones", async () => {
    const a = normal(4000, 6, 1);
    expect(await frechetDistance(a, a)).toBeCloseTo(0, 5);
    // Means 1 apart in each of 6 numbers, standard deviations 1 and 2: 6 * (1 + 1).
    const distance = await frechetDistance(a, a.mul(2).add(1));
    expect(distance).toBeGreaterThan(11.4);
    expect(distance).toBeLessThan(12.6);
    expect(await frechetDistance(a, normal(4000, 6, 2))).toBeLessThan(0.05);
  });

  it("by Fréchet: numbers that go together are told from those that do not", async () => {
    const [x, y] = normal(4000, 2, 3).chunk(2, 1) as [Tensor, Tensor];
    const together = x.mul(await tensor([[1, 1]]).realize());
    const apart = x.mul(tensor([[1, 0]])).add(y.mul(tensor([[0, 1]])));
    // Covariances [[1, 1], [1, 1]] and 1: 2 + 2 - 2 * sqrt(2).
    expect(await frechetDistance(together, apart)).toBeCloseTo(4 - 2 * Math.SQRT2, 1);
  });

  it("by the kernel: the formula's, and about 0 for two sets of one source however few there are", async () => {
    expect(await kernelDistance(tensor([[0], [1]]), tensor([[1], [2]]))).toBeCloseTo(9.5, 6);
    const pairs = await Promise.all(
      Array.from({ length: 40 }, (_, i) => kernelDistance(normal(10, 4, 2 * i), normal(10, 4, 2 * i + 1))),
    );
    expect(Math.abs(pairs.reduce((a, b) => a + b) / pairs.length)).toBeLessThan(0.2);
    expect(pairs.some((value) => value < 0)).toBe(true);
    expect(await kernelDistance(normal(40, 4, 1), normal(40, 4, 2).add(1))).toBeGreaterThan(1);
  });
});

describe("coverage", () => {
  it("is 1 for the same, 0 for what is far away, and the share where some kinds are missing", async () => {
    const real = normal(100, 3, 1);
    expect(await coverage(real, real)).toBe(1);
    expect(await coverage(real.add(100), real)).toBe(0);
    const half = tensor([[0], [1], [2], [50], [51], [52]]);
    expect(await coverage(tensor([[0.5], [1.5]]), half, { k: 1 })).toBe(0.5);
  });
});

it.each<[string, () => Promise<unknown>, RegExp]>([
  [
    "no list of features",
    () => frechetDistance(zeros([4]), zeros([4, 2])),
    /frechetDistance: features \[4\]; expected \[/,
  ],
  [
    "one picture",
    () => kernelDistance(zeros([1, 2]), zeros([4, 2])),
    /of one picture \[1, 2\]; expected of two or more/,
  ],
  ["other features", () => coverage(zeros([4, 3]), zeros([4, 2])), /\[4, 3\] and \[4, 2\]; expected as many/],
  [
    "too few real ones",
    () => coverage(zeros([9, 2]), zeros([5, 2])),
    /5 real pictures; expected more than k, which is 5/,
  ],
])("what is refused: %s", async (_, run, message) => {
  await expect(run()).rejects.toThrow(message);
});
