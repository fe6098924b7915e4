import { describe, expect, test } from "vitest";
import { ones, type Tensor, tensor } from "../../../lib/index.ts";
import reference from "../../reference/integers.json" with { type: "json" };

type Dtype = keyof typeof reference.inputs;

/** The same operations as in test/reference/integers.py, by name. */
const operations: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  add: (a, b) => a.add(b),
  mul: (a, b) => a.mul(b),
  maximum: (a, b) => a.maximum(b),
  minimum: (a, b) => a.minimum(b),
  square: (a) => a.square(),
  addNumber: (a) => a.add(1),
  div: (a, b) => a.div(b),
  sum: (a) => a.sum(),
  less: (a, b) => a.lt(b),
  equal: (a, b) => a.eq(b),
  floorDivide: (a, b) => a.floorDivide(b),
  floorDivideByNumber: (a) => a.floorDivide(3),
  remainder: (a, b) => a.remainder(b),
  remainderOfNumber: (a) => a.remainder(3),
  cumsum: (a) => a.narrow(0, 0, 7).cumsum(0),
  argmax: (a) => a.argmax(),
  argmin: (a) => a.narrow(0, 0, 7).argmin(),
  max: (a) => a.max(0).values,
  min: (a) => a.min(0).values,
  sort: (a) => a.sort().values,
  topk: (a) => a.topk(3).values,
  floorDivideByNegative: (a) => a.floorDivide(-3),
  floorDivideByMinusOne: (a) => a.floorDivide(-1),
  remainderOfNegative: (a) => a.remainder(-3),
  remainderOfMinusOne: (a) => a.remainder(-1),
  abs: (a) => a.narrow(0, 0, 7).abs(),
  neg: (a) => a.narrow(0, 0, 7).neg(),
  sign: (a) => a.sign(),
};

function inputs(dtype: Dtype): [Tensor, Tensor] {
  const made = reference.inputs[dtype].map((values) => {
    if (dtype === "bool") return tensor(values.map((value) => value === "true"));
    if (dtype === "int64") return tensor(BigInt64Array.from(values, BigInt), [values.length]);
    return tensor(dtype === "int32" ? Int32Array.from(values, Number) : Uint8Array.from(values, Number), [
      values.length,
    ]);
  });
  return made as [Tensor, Tensor];
}

describe("whole numbers and booleans are PyTorch's to the last digit", () => {
  test.each(reference.cases as [string, Dtype, string, string[]][])("%s of %s", async (name, dtype, type, expected) => {
    const out = operations[name]!(...inputs(dtype));
    expect(out.dtype).toBe(type);
    const data = type === "int64" ? await out.bits() : await out.data();
    const values = Array.from<number | bigint, unknown>(data, (one) => (type === "bool" ? Boolean(one) : one));
    if (type === "float32") {
      const numbers = expected.map((value) => Math.fround(value === "inf" ? Infinity : Number(value)));
      expect(values).toEqual(numbers);
    } else expect(values.map(String)).toEqual(expected);
  });
});

test("two bool tensors are not subtracted, divided with a rest or raised to a power", () => {
  const [a, b] = inputs("bool");
  expect(() => a.sub(b)).toThrow("sub: both tensors are bool; use logicalAnd, logicalOr or logicalXor");
  expect(() => a.remainder(b)).toThrow("remainder: both tensors are bool");
  expect(() => a.floorDivide(b)).toThrow("both tensors are bool");
  expect(() => a.pow(b)).toThrow("pow: both tensors are bool");
});

test("an integer divided by 0 is an error, in whole numbers", async () => {
  const x = tensor(Int32Array.of(1, 2), [2]);
  await expect(x.floorDivide(0).data()).rejects.toThrow(/zero/);
  await expect(x.remainder(tensor(Int32Array.of(1, 0), [2])).data()).rejects.toThrow(/zero/);
});

test("an empty list of dimensions means all of them", async () => {
  const x = ones([2, 3]);
  const reduced = [x.sum([]), x.mean([]), x.var([]), x.std([]), x.amax([]), x.amin([]), x.norm(1, [])];
  expect(reduced.map((one) => one.shape)).toEqual(reduced.map(() => []));
  expect(await Promise.all(reduced.map((one) => one.item()))).toEqual([6, 1, 0, 0, 1, 1, 6]);
});
