import { describe, expect, it } from "vitest";
import {
  allclose,
  arange,
  bernoulli,
  compile,
  equal,
  full,
  manualSeed,
  multinomial,
  nonzero,
  ones,
  rand,
  randn,
  type Tensor,
  tensor,
  unique,
  zeros,
} from "../../../lib/index.ts";

const int64 = { dtype: "int64" } as const;

describe("what has a shape that depends on the values", () => {
  it("finds what is not 0, row by row", async () => {
    const x = tensor([
      [0, 2, 0],
      [-1, 0, Number.NaN],
    ]);
    const places = await nonzero(x);
    expect([places.dtype, await places.tolist()]).toEqual([
      "int64",
      [
        [0, 1],
        [1, 0],
        [1, 2],
      ],
    ]);
    expect((await nonzero(zeros([2, 2]))).shape).toEqual([0, 2]);
  });

  it("selects by a mask, with gradients that go back", async () => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    const chosen = await x.maskedSelect(x.gt(1));
    expect(await chosen.tolist()).toEqual([2, 3]);
    chosen.square().sum().backward();
    expect(await x.grad!.tolist()).toEqual([0, 4, 6]);
  });

  it("finds different values, in order, with their counts", async () => {
    const { values, inverse, counts } = await unique(
      tensor(
        [
          [3, 1],
          [3, -2],
        ],
        int64,
      ),
    );
    expect([values.dtype, await values.tolist()]).toEqual(["int64", [-2, 1, 3]]);
    expect(await inverse.tolist()).toEqual([
      [2, 1],
      [2, 0],
    ]);
    expect(await counts.tolist()).toEqual([1, 1, 2]);
  });

  it("tells whether tensors are equal, or close", async () => {
    const [a, b] = [tensor([1, Infinity, Number.NaN]), tensor([1 + 1e-7, Infinity, Number.NaN])];
    expect(await equal(a, a)).toBe(false);
    expect(await equal(tensor([1, 2]), tensor([1, 2]))).toBe(true);
    expect(await equal(tensor([1, 2]), tensor([[1, 2]]))).toBe(false);
    expect(await allclose(a, b)).toBe(false);
    expect(await allclose(a, b, { equalNan: true })).toBe(true);
    expect(await allclose(tensor([1]), tensor([1.1]), { rtol: 0.2 })).toBe(true);
  });
});

describe("decompositions", () => {
  const product = async (a: Tensor, b: Tensor) => (await a.matmul(b).data()) as Float32Array;
  for (const [n, m] of [
    [5, 3],
    [3, 5],
    [4, 4],
    [1, 3],
  ] as const) {
    it(`of a ${n} x ${m} matrix multiply to it, with orthogonal columns`, async () => {
      manualSeed(n * m);
      const x = randn([n, m]);
      const { u, s, v } = await x.svd();
      const k = Math.min(n, m);
      expect([u.shape, s.shape, v.shape]).toEqual([[n, k], [k], [m, k]]);
      expect(await x.allclose(u.mul(s).matmul(v.T), { atol: 1e-5 })).toBe(true);
      for (const t of [u, v]) {
        const identity = await product(t.T, t);
        for (const [i, value] of identity.entries()) expect(value).toBeCloseTo(i % (k + 1) === 0 ? 1 : 0, 5);
      }
      const values = [...(await s.data())];
      expect(values).toEqual(values.toSorted((a, b) => b - a));
    });
  }

  it("of a matrix of less than full rank have directions for nothing as well", async () => {
    const { u, s } = await tensor([
      [1, 2],
      [2, 4],
      [3, 6],
    ]).svd();
    expect((await s.data())[1]).toBeCloseTo(0, 5);
    expect(
      await u.T.matmul(u).allclose(
        tensor([
          [1, 0],
          [0, 1],
        ]),
        { atol: 1e-5 },
      ),
    ).toBe(true);
  });

  it("of a symmetric matrix give its eigenvectors, the smallest value first", async () => {
    const a = randn([6, 6]);
    const x = a.add(a.T);
    const { values, vectors } = await x.eigh();
    expect(await x.matmul(vectors).allclose(vectors.mul(values), { atol: 1e-4 })).toBe(true);
    const list = [...(await values.data())];
    expect(list).toEqual(list.toSorted((p, q) => p - q));
    await expect(
      tensor([
        [1, 2],
        [3, 4],
      ]).eigh(),
    ).rejects.toThrow("expected a symmetric matrix");
  });

  it("find the direction in which points differ", async () => {
    manualSeed(1);
    const along = randn([200, 1]).mul(5);
    const points = along
      .mul(tensor([[3, 4]]))
      .div(5)
      .add(randn([200, 2]).mul(0.1))
      .add(10);
    const { projected, directions, mean, explained } = await points.pca(1);
    expect(projected.shape).toEqual([200, 1]);
    const [p, q] = (await directions.data()) as Float32Array;
    expect(p).toBeCloseTo(0.6, 2);
    expect(q).toBeCloseTo(0.8, 2);
    expect((await explained.data())[0]).toBeGreaterThan(0.99);
    expect(await mean.allclose(points.mean(0))).toBe(true);
    await expect(points.pca(3)).rejects.toThrow("pca: 3 components of [200, 2]; expected 2 at most");
  });
});

describe("random choices", () => {
  it("of bernoulli are rand's below p", async () => {
    manualSeed(5);
    const below = await rand([100]).lt(0.3).float().tolist();
    manualSeed(5);
    expect(await bernoulli(full([100], 0.3)).tolist()).toEqual(below);
  });

  it("follow the weights, and never take one of 0", async () => {
    manualSeed(2);
    const drawn = await multinomial(tensor([0, 1, 3, 0]), 4000, { replacement: true }).data();
    const counts = [0, 0, 0, 0];
    for (const i of drawn) counts[i]!++;
    expect([counts[0], counts[3]]).toEqual([0, 0]);
    expect(counts[2]! / 4000).toBeGreaterThan(0.71);
    expect(counts[2]! / 4000).toBeLessThan(0.79);
    const rows = tensor([
      [0, 0.5, 0.5],
      [1, 1, 0],
    ]);
    for (let i = 0; i < 20; i++) {
      const [a, b] = (await multinomial(rows, 2).tolist()) as number[][];
      expect([a!.toSorted(), b!.toSorted()]).toEqual([
        [1, 2],
        [0, 1],
      ]);
    }
    expect(() => multinomial(tensor([1, 1]), 3)).toThrow("3 of 2 without replacement");
  });

  it("are drawn anew at each call of a compiled function", async () => {
    const draw = compile((w: Tensor) => multinomial(w, 8, { replacement: true }));
    const w = ones([1000]);
    expect(await (await draw(w)).tolist()).not.toEqual(await (await draw(w)).tolist());
  });
});

describe("set", () => {
  it("puts numbers and tensors where at() looks", async () => {
    const x = arange(12).reshape(3, 4).float();
    x.set([1], 0).set([null, [0, 4, 3]], -1);
    expect(await x.tolist()).toEqual([
      [-1, 1, 2, -1],
      [-1, 0, 0, -1],
      [-1, 9, 10, -1],
    ]);
    x.set([0], tensor([1, 2, 3, 4]));
    x.set([tensor([2, 1], int64), 0], tensor([7, 8]));
    expect(await x.at(null, 0).tolist()).toEqual([1, 8, 7]);
    x.set([x.gt(5)], 0);
    expect(await x.at(2).tolist()).toEqual([0, 0, 0, -1]);
    expect(() => x.set([5], 1)).toThrow("index 5 is out of range");
    expect(() => x.set([0], tensor([1, 2]))).toThrow("[2] cannot be expanded to [4]");
  });

  it("keeps gradients, of what stays and of what comes", async () => {
    const w = tensor([1, 2, 3], { requiresGrad: true });
    const v = tensor([5], { requiresGrad: true });
    const y = w.mul(2);
    y.set([[1, 2]], v);
    y.square().sum().backward();
    expect(await y.tolist()).toEqual([2, 5, 6]);
    expect(await w.grad!.tolist()).toEqual([8, 0, 24]);
    expect(await v.grad!.tolist()).toEqual([10]);
  });

  it("does not reach a clone", async () => {
    const x = tensor([1, 2]);
    const y = x.clone();
    x.set([0], 9);
    expect([await x.tolist(), await y.tolist()]).toEqual([
      [9, 2],
      [1, 2],
    ]);
  });
});

describe("order", () => {
  it("puts NaN last, and finds it as the largest and the median", async () => {
    const x = tensor([3, Number.NaN, 1]);
    expect(await x.sort().values.tolist()).toEqual([1, 3, Number.NaN]);
    expect(await x.topk(1).values.tolist()).toEqual([Number.NaN]);
    expect(await x.median().item()).toBeNaN();
    expect(await x.quantile(0.1).item()).toBeNaN();
  });

  it("takes integers and float16 as they are", async () => {
    expect(await tensor([3, 1, 2], int64).sort().values.tolist()).toEqual([1, 2, 3]);
    expect(tensor([3, 1, 2], int64).sort().values.dtype).toBe("int64");
    expect(await tensor([true, false]).sort().values.tolist()).toEqual([false, true]);
    const half = tensor([3, 1, 2]).half();
    expect([half.topk(2).values.dtype, await half.topk(2).values.tolist()]).toEqual(["float16", [3, 2]]);
    expect(() => half.topk(4)).toThrow("topk: k is 4; dim -1 of [3] has 3 elements");
  });
});
