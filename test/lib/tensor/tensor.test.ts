import { inspect } from "node:util";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  arange,
  cat,
  einsum,
  eye,
  full,
  grad,
  linspace,
  manualSeed,
  type NumberArray,
  noGrad,
  oneHot,
  ones,
  rand,
  randint,
  randn,
  randperm,
  stack,
  Tensor,
  tensor,
  tril,
  valueAndGrad,
  where,
  zeros,
} from "../../../lib/index.ts";
import { DISPLAY } from "../../../lib/page/display.ts";
import recorded from "../../reference/torch-random.json" with { type: "json" };

describe("creating tensors", () => {
  it("takes nested lists, typed arrays with a shape, and single numbers", async () => {
    expect(
      await tensor([
        [1, 2],
        [3, 4],
      ]).tolist(),
    ).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await tensor(Float32Array.of(1, 2, 3, 4), [2, 2]).tolist()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await tensor(5).item()).toBe(5);
    expect(tensor([true, false]).dtype).toBe("bool");
    expect(tensor([1, 2]).dtype).toBe("float32");
    expect(tensor(BigInt64Array.of(1n)).dtype).toBe("int64");
  });

  it("gives its elements as numbers, whatever its dtype", async () => {
    expect(await tensor([0.5, 2]).data()).toEqual(Float32Array.of(0.5, 2));
    expect(await tensor([0.5, 2]).half().data()).toEqual(Float32Array.of(0.5, 2));
    expect(await tensor([1, 2], { dtype: "int64" }).data()).toEqual(Float64Array.of(1, 2));
    expect(await tensor([1, 2], { dtype: "int32" }).data()).toEqual(Int32Array.of(1, 2));
    expect(await tensor([true, false]).data()).toEqual(Uint8Array.of(1, 0));
  });

  it("gives them to whatever takes numbers, with no cast", async () => {
    const data = await tensor([3, 1, 2], { dtype: "int64" }).data();
    expectTypeOf(data[0]! * 2).toEqualTypeOf<number>();
    expectTypeOf(Array.from(data)).toEqualTypeOf<number[]>();
    expectTypeOf(data.map((v) => v / 2)).toEqualTypeOf<NumberArray>();
    expect(Array.from(data, (v, i) => v * i)).toEqual([0, 1, 4]);
    expect(Math.max(...data)).toBe(3);
    expect(data.reduce((sum, v) => sum + v)).toBe(6);
    expect(data.reduce((text, v) => text + v.toFixed(0), "")).toBe("312");
    expect([...data.entries()]).toEqual([
      [0, 3],
      [1, 1],
      [2, 2],
    ]);
    expect(await tensor(data, [3, 1]).tolist()).toEqual([[3], [1], [2]]);
    let sum = 0;
    for (const value of data) sum += value;
    expect(sum).toBe(6);
  });

  it("gives integers beyond a number's reach as they are stored, and says so", async () => {
    const large = tensor(BigInt64Array.of(1n, (1n << 53n) + 1n));
    await expect(large.data()).rejects.toThrow(/^data: element 1 is 9007199254740993.*x\.bits\(\)/);
    expect(await large.bits()).toEqual(BigInt64Array.of(1n, (1n << 53n) + 1n));
    expect(await large.tolist()).toEqual([1, 2 ** 53]);
    expect(await tensor([-1, 2 ** 53 - 1], { dtype: "int64" }).data()).toEqual(Float64Array.of(-1, 2 ** 53 - 1));
  });

  it("does not change with the array it was made of", async () => {
    const data = Float32Array.of(1, 2);
    const x = tensor(data);
    data[0] = 9;
    expect(await x.tolist()).toEqual([1, 2]);
  });

  it("fills shapes", async () => {
    expect(await zeros([2]).tolist()).toEqual([0, 0]);
    expect(await ones([1, 2]).tolist()).toEqual([[1, 1]]);
    expect(await full([2], 7, { dtype: "int64" }).tolist()).toEqual([7, 7]);
    expect(await arange(2, 8, 3).tolist()).toEqual([2, 5]);
    expect(arange(3).dtype).toBe("int64");
    expect(arange(0, 1, 0.25).dtype).toBe("float32");
    expect(await linspace(0, 1, 5).tolist()).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(await eye(2).tolist()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(await tril(ones([2, 2])).tolist()).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect(await oneHot(tensor([1, 0], { dtype: "int64" }), 3).tolist()).toEqual([
      [0, 1, 0],
      [1, 0, 0],
    ]);
  });

  it("draws PyTorch's numbers for a seed", async () => {
    manualSeed(42);
    const x = (await randn([4]).data()) as Float32Array;
    for (const [i, v] of [0.3366904, 0.1288094, 0.2344624, 0.230333].entries()) expect(x[i]).toBeCloseTo(v, 5);
    manualSeed(0);
    const first = [await rand([3]).tolist(), await randint(0, 10, [5]).tolist(), await randperm(4).tolist()];
    manualSeed(0);
    expect([await rand([3]).tolist(), await randint(0, 10, [5]).tolist(), await randperm(4).tolist()]).toEqual(first);
    expect(Object.keys(recorded).length).toBeGreaterThan(0);
  });
});

describe("indexing", () => {
  const x = arange(24).reshape(2, 3, 4);

  it("reads numbers, ranges, everything and lists of places", async () => {
    expect(await x.at(1, 2, 3).item()).toBe(23);
    expect(await x.at(0, [0, 2], [1, 4, 2]).tolist()).toEqual([
      [1, 3],
      [5, 7],
    ]);
    expect(await x.at(null, null, -1).tolist()).toEqual([
      [3, 7, 11],
      [15, 19, 23],
    ]);
    expect(await x.at(0, tensor([2, 0], { dtype: "int64" }), [0, 1]).tolist()).toEqual([[8], [0]]);
    expect(await x.indexSelect(2, [3, 0]).at(0, 0).tolist()).toEqual([3, 0]);
    expect((await x.max(2).indices.tolist()) as number[][]).toEqual([
      [3, 3, 3],
      [3, 3, 3],
    ]);
  });

  it("refuses places outside, where the line is written", () => {
    expect(() => x.at(2)).toThrow("select: index 2 is out of range; dim 0 of [2, 3, 4] takes -2 to 1");
    expect(() => x.indexSelect(1, [0, 3])).toThrow(
      "index 3 is out of range; the indexed dimension has 3 elements, 0 to 2",
    );
    expect(() => x.narrow(0, 1, 2)).toThrow("narrow: 1 to 3 is beyond the end of dim 0");
    expect(() => x.at(0, 0, 0, 0)).toThrow("at: 4 indices for a tensor of shape [2, 3, 4]");
    expect(() => x.sum(3)).toThrow("sum: dim 3 is out of range; a tensor of 3 dimensions takes -3 to 2");
  });
});

describe("dtypes", () => {
  it("promote as PyTorch's do", async () => {
    const [i, b] = [tensor([1, 2], { dtype: "int64" }), tensor([true, false])];
    expect(i.add(1).dtype).toBe("int64");
    expect(i.add(0.5).dtype).toBe("float32");
    expect(i.div(2).dtype).toBe("float32");
    expect(i.add(tensor([0.5, 1])).dtype).toBe("float32");
    expect(b.sum().dtype).toBe("int64");
    expect(i.gt(1).dtype).toBe("bool");
    expect(i.exp().dtype).toBe("float32");
    expect(await b.logicalNot().tolist()).toEqual([false, true]);
    expect(await tensor([1.5, -1.5]).long().tolist()).toEqual([1, -1]);
    expect(await tensor([0.1]).half().float().item()).toBeCloseTo(0.1, 4);
  });

  it("that do not fit are refused with the way out", () => {
    expect(() => tensor([1], { dtype: "int64" }).mean()).toThrow(
      "mean: got dtype int64, expected float32; convert with x.float()",
    );
    expect(() => tensor([1.5]).indexSelect(0, tensor([0]))).toThrow("the index has dtype float32, expected int64");
    expect(() => tensor([1], { dtype: "int64", requiresGrad: true })).toThrow("only float tensors have gradients");
    expect(() => tensor([1], { dtype: "float99" as never })).toThrow('unknown dtype "float99"');
  });
});

describe("shapes that do not fit", () => {
  const [a, b] = [zeros([2, 3]), zeros([4, 5])];
  const cases: [string, () => unknown, RegExp][] = [
    ["add", () => a.add(b), /add: shapes \[2, 3\] and \[4, 5\] do not match/],
    ["matmul", () => a.matmul(b), /\[2, 3\] has 3 columns and \[4, 5\] has 4 rows/],
    ["reshape", () => a.reshape(4, 2), /\[2, 3\] has 6 elements, which cannot be reshaped to \[4, 2\]/],
    ["cat", () => cat([a, b]), /\[2, 3\] and \[4, 5\] differ in more than dim 0/],
    ["stack", () => stack([a, b]), /^stack: \[2, 3\] and \[4, 5\] differ; expected tensors of one shape/],
    [
      "stack of numbers",
      () => stack([[2, 3], [3]] as never),
      /^stack: the list holds \[2, 3\], expected tensors; tensor/,
    ],
    ["stack of a tensor", () => stack(a as never), /^stack: got a tensor \[2, 3\]; expected a list of tensors/],
    ["stack of nothing", () => stack([undefined] as never), /^stack: the list holds undefined, expected tensors/],
    ["stack beyond", () => stack([a], 5), /^stack: dim 5 is out of range/],
    [
      "cat of promises",
      () => cat([a.data()] as never),
      /^cat: the list holds a promise, .*; write await in front of it/,
    ],
    [
      "backward",
      () => a.backward(),
      /requiresGrad\. Make one before computing with it: tensor\(\[1, 2\], \{ requiresGrad/,
    ],
    ["expand", () => a.expand(2, 4), /\[2, 3\] cannot be expanded to \[2, 4\]/],
    ["permute", () => a.permute(0, 0), /must name each of the 2 dimensions once/],
    ["split", () => a.split([1, 3]), /do not add up to 2/],
    ["einsum", () => einsum("ij,jk->ik", a, b), /"j" is 3 in one operand and 4 in another/],
    ["nested lists", () => tensor([[1, 2], [3]]), /in dimension 1 got a list of 1, expected a list of 2/],
    ["typed array", () => tensor(new Float32Array(3), [2, 2]), /3 elements do not fit the shape \[2, 2\]/],
  ];
  for (const [name, f, message] of cases) it(`are refused at once: ${name}`, () => expect(f).toThrow(message));
});

it("a tensor of several elements is no single number, which is said with what to do", async () => {
  await expect(zeros([2, 3]).item()).rejects.toThrow(
    "item: [2, 3] has 6 elements, expected 1; tolist() and data() give all, mean() and sum() make one of them",
  );
});

describe("gradients", () => {
  it("of slices meet again in their places, in whatever order they are used", async () => {
    const slices = (x: Tensor, order: readonly (readonly [number, number])[]) =>
      order
        .map(([from, to], i) =>
          x
            .slice(1, from, to)
            .square()
            .mul(i + 1)
            .sum(),
        )
        .reduce((a, b) => a.add(b));
    const orders = [
      [
        [0, 2],
        [2, 4],
        [4, 6],
      ], // a chunk in three
      [
        [4, 6],
        [0, 2],
        [2, 4],
      ],
      [
        [0, 3],
        [4, 6],
      ], // a gap
      [
        [0, 4],
        [2, 6],
      ], // one over the other
      [
        [1, 3],
        [3, 5],
      ], // none at the edges
    ] as const;
    for (const order of orders) {
      const x = randn([2, 6]).requiresGrad_();
      slices(x, order).backward();
      const factor = (c: number) => order.reduce((f, [from, to], i) => f + (c >= from && c < to ? 2 * (i + 1) : 0), 0);
      const expected = ((await x.tolist()) as number[][]).map((row) => row.map((v, c) => v * factor(c)));
      const got = (await x.grad!.tolist()) as number[][];
      for (const [r, row] of expected.entries())
        for (const [c, v] of row.entries()) expect(got[r]![c]).toBeCloseTo(v, 5);
    }
    const twice = grad((x: Tensor) =>
      grad((y: Tensor) => slices(y, orders[0]))(x)
        .square()
        .sum(),
    );
    expect(await twice(tensor([[1, 1, 1, 1, 1, 1]])).tolist()).toEqual([[8, 8, 32, 32, 72, 72]]);
  });

  it("are left on tensors by backward, and add up", async () => {
    const w = tensor([1, 2], { requiresGrad: true });
    w.mul(w).sum().backward();
    expect(await w.grad!.tolist()).toEqual([2, 4]);
    w.sum().backward();
    expect(await w.grad!.tolist()).toEqual([3, 5]);
  });

  it("do not pass detach and noGrad", async () => {
    const w = tensor([3], { requiresGrad: true });
    w.mul(w.detach()).sum().backward();
    expect(await w.grad!.item()).toBe(3);
    expect(noGrad(() => w.mul(2)).requiresGrad).toBe(false);
    expect(w.mul(2).requiresGrad).toBe(true);
  });

  it("come from functions, with several arguments and of gradients", async () => {
    const f = (x: Tensor, y: Tensor) => x.mul(x).mul(y).sum();
    const { value, grad: both } = valueAndGrad(f)(tensor([2]), tensor([5]));
    expect(await value.item()).toBe(20);
    expect(await Promise.all(both.map((g) => g.item()))).toEqual([20, 4]);
    const cube = (x: Tensor) => x.pow(3).sum();
    const third = grad((x: Tensor) => grad((y: Tensor) => grad(cube)(y).sum())(x).sum());
    expect(await third(tensor([2])).item()).toBe(6);
  });

  it("go through in-place changes only from then on", async () => {
    const w = tensor([2], { requiresGrad: true });
    noGrad(() => w.mul_(3));
    w.square().sum().backward();
    expect(await w.grad!.item()).toBe(12);
  });

  it("take a gradient for tensors that are no scalars", async () => {
    const w = tensor([1, 2], { requiresGrad: true });
    w.mul(3).backward(tensor([10, 100]));
    expect(await w.grad!.tolist()).toEqual([30, 300]);
    expect(() => w.mul(3).backward()).toThrow("backward: got [2], expected a scalar; call sum() or mean() first");
    expect(() => tensor([1]).sum().backward()).toThrow("does not depend on any tensor with requiresGrad");
  });

  it("are right for where values are repeated and picked", async () => {
    const w = tensor([1, 2, 3], { requiresGrad: true });
    where(w.gt(1), w.mul(2), 0)
      .add(w.slice(0, 0, 1).expand(3))
      .sum()
      .backward();
    expect(await w.grad!.tolist()).toEqual([3, 2, 2]);
  });
});

describe("showing a tensor", () => {
  it("prints values, shape and dtype in columns", async () => {
    const x = tensor([
      [1, -2.5],
      [100, 0.125],
    ]);
    await x.realize();
    expect(String(x)).toBe(
      "tensor([[  1.0000,  -2.5000],\n        [100.0000,   0.1250]], shape=[2, 2], dtype=float32)",
    );
    expect(inspect(tensor([true, false]))).toBe("tensor([ true, false], shape=[2], dtype=bool)");
    expect(inspect(tensor(3, { requiresGrad: true }))).toBe("tensor(3., shape=[], dtype=float32, requiresGrad=true)");
  });

  it("says float16 where it is, and prints its values too", async () => {
    const half = tensor([1.5, -2], { dtype: "float16" });
    expect(inspect(half)).toBe("tensor([ 1.5000, -2.0000], shape=[2], dtype=float16)");
    expect((await half[DISPLAY]())["text/plain"]).toBe(inspect(half));
  });

  it("goes on in the next line where a row is long, and shows that there is nothing", () => {
    const lines = String(arange(40)).split("\n");
    expect(lines[0]).toBe("tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,");
    expect(lines[2]).toBe("        36, 37, 38, 39], shape=[40], dtype=int64)");
    expect(String(zeros([2, 0]))).toBe("tensor([[],\n        []], shape=[2, 0], dtype=float32)");
  });

  it("computes small ones for it, and says how to see large ones", () => {
    expect(String(tensor([1, 2]).mul(2))).toBe("tensor([2., 4.], shape=[2], dtype=float32)");
    const x = zeros([2000, 1000]).add(1);
    expect(String(x)).toBe("tensor(<not computed>, shape=[2000, 1000], dtype=float32) // await x.data() computes it");
  });

  it("shortens long ones", () => {
    const x = arange(5000).reshape(50, 100);
    expect(String(x)).toMatch(/^tensor\(\[\[ {3}0, {4}1, {4}2, \.\.\., {3}97, {3}98, {3}99\],\n/);
    expect(String(x).split("\n")).toHaveLength(7);
  });

  it("gives a notebook text and HTML", async () => {
    const x = tensor([
      [1, 2],
      [3, Number.NaN],
    ]);
    const bundle = await (x as unknown as Record<symbol, () => Promise<Record<string, string>>>)[
      Symbol.for("Jupyter.display")
    ]!();
    expect(bundle["text/plain"]).toContain("shape=[2, 2]");
    expect(bundle["text/html"]).toContain("<table");
    expect(bundle["text/html"]).toContain("nan");
  });
});

describe("large and odd tensors", () => {
  it("come back from the engine's thread as they went", async () => {
    const x = randn([300, 300]);
    const before = ((await x.data()) as Float32Array).slice();
    await x.add(1).sum().item();
    expect(await x.data()).toEqual(before);
    expect(await x.sub(x).abs().max().item()).toBe(0);
  });

  it("may be empty", async () => {
    expect(await zeros([0, 3]).tolist()).toEqual([]);
    expect(await cat([zeros([0, 2]), ones([1, 2])]).tolist()).toEqual([[1, 1]]);
    expect(new Tensor(zeros([0]).node).numel()).toBe(0);
  });
});
