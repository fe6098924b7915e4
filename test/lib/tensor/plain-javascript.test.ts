import { describe, expect, it } from "vitest";
import * as d from "../../../lib/index.ts";

const { tensor, nn } = d;
const x = tensor([
  [1, 2],
  [3, 4],
]);
// biome-ignore lint/suspicious/noExplicitAny: what a script without types may pass
const wrong = (value: unknown) => value as any;

describe("a script without types is told what a call got, and what it expects", () => {
  it.each<[string, () => unknown, string]>([
    [
      "sum({ dim })",
      () => x.sum(wrong({ dim: 0 })),
      "sum: dims are { dim }; expected a number or a list of numbers, such as sum(0)",
    ],
    ["mean('0')", () => x.mean(wrong("0")), 'mean: dims are "0"'],
    ["std({ correction })", () => x.std(wrong({ correction: 0 })), ": dims are { correction }"],
    ["add(list)", () => x.add(wrong([1, 2])), "expected a tensor or a number; tensor(numbers) makes one of numbers"],
    ["add(text)", () => x.add(wrong("1")), 'add: got "1", expected a tensor or a number'],
    ["add(promise)", () => x.add(wrong(Promise.resolve(1))), "write await in front of it"],
    ["gt()", () => x.gt(wrong(undefined)), ": got undefined, expected a tensor or a number"],
    ["matmul(2)", () => x.matmul(wrong(2)), "matmul: got 2, expected a tensor; tensor(numbers)"],
    ["bmm()", () => x.bmm(wrong(undefined)), "bmm: got undefined, expected a tensor"],
    ["gather(list)", () => x.gather(0, wrong([0])), "gather: got"],
    ["maskedFill(true)", () => x.maskedFill(wrong(true), 0), "maskedFill: got true, expected a tensor"],
    ["where()", () => d.where(x.gt(1), 1, wrong(undefined)), "where: got undefined"],
    ["at('0')", () => x.at(wrong("0")), 'at: got "0", expected a number, null, [start, end] or a tensor of indices'],
    ["at(mask)", () => x.at(x.gt(1)), "Write await x.maskedSelect(mask)"],
    [
      "at(float)",
      () => x.at(tensor([0, 1])),
      'at: the index has dtype float32, expected int64: write index.to("int64")',
    ],
    ["set(0, 1)", () => x.set(wrong(0), 1), "set: the index is 0, expected a list"],
    ["set([0], text)", () => x.set([0], wrong("a")), 'set: got "a", expected a tensor or a number'],
    ["slice(0, 0.5)", () => x.slice(0, 0.5), "slice: start or end is 0.5, expected an integer"],
    ["split(0)", () => x.split(0), "split: size is 0, expected an integer of at least 1"],
    ["split('a')", () => x.split(wrong("a")), 'split: size is "a", expected an integer'],
    ["chunk(1.5)", () => x.chunk(1.5), "chunk: count is 1.5, expected an integer of at least 1"],
    ["Sequential(list)", () => new nn.Sequential(wrong([new nn.ReLU()])), "new Sequential(a, b)"],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe("numbers that a dtype does not hold", () => {
  it("are refused, as in PyTorch, where they would silently be other ones", () => {
    for (const [value, dtype] of [
      [300, "uint8"],
      [3e9, "int32"],
      [Number.NaN, "int32"],
      [Number.NaN, "uint8"],
      [1e300, "int64"],
    ] as const) {
      expect(() => tensor([value], { dtype }), `${value}`).toThrow(`tensor: ${value} does not fit into ${dtype}`);
    }
    expect(() => d.full([2], 300, { dtype: "uint8" })).toThrow("does not fit into uint8");
    expect(() => tensor(Float32Array.of(256), { dtype: "uint8" })).toThrow("does not fit into uint8");
    expect(() => tensor([2], { dtype: "int64" }).pow(-1)).toThrow("write x.float().pow(-1)");
  });

  it("and the others are taken", async () => {
    expect(await tensor([-1, 255, 1.7], { dtype: "uint8" }).tolist()).toEqual([255, 255, 1]);
    expect(await tensor([2 ** 31 - 1, -(2 ** 31)], { dtype: "int32" }).tolist()).toEqual([2147483647, -2147483648]);
    expect(await tensor([2 ** 53, -(2 ** 53)], { dtype: "int64" }).tolist()).toEqual([2 ** 53, -(2 ** 53)]);
  });
});

describe("what onnxruntime has no kernel for", () => {
  it("is computed in another dtype, with PyTorch's results", async () => {
    const bytes = tensor([1, 2, 3], { dtype: "uint8" });
    expect([bytes.neg().dtype, await bytes.neg().tolist()]).toEqual(["uint8", [255, 254, 253]]);
    expect([bytes.pow(2).dtype, await bytes.pow(2).tolist()]).toEqual(["uint8", [1, 4, 9]]);
    expect(await bytes.pow(bytes).tolist()).toEqual([1, 4, 27]);
    const mask = tensor([true, false, true]);
    expect([mask.maskedFill(mask, 0).dtype, await mask.maskedFill(mask, 0).tolist()]).toEqual([
      "bool",
      [false, false, false],
    ]);
    expect(await d.where(mask, mask.logicalNot(), mask).tolist()).toEqual([false, false, false]);
  });
});

it("unique takes each NaN as a value of its own, as PyTorch does", async () => {
  const { values, inverse, counts } = await tensor([Number.NaN, Number.NaN, 1]).unique();
  expect(await values.tolist()).toEqual([1, Number.NaN, Number.NaN]);
  expect(await inverse.tolist()).toEqual([1, 2, 0]);
  expect(await counts.tolist()).toEqual([1, 1, 1]);
});
