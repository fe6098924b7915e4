import { inspect } from "node:util";
import { expect, test } from "vitest";
import { arange, eye, linspace, ones, rand, randn, randperm, tensor, zeros } from "../../../lib/index.ts";

/** What a student writes who knows Python, as the type checker lets it pass in a script. */
// biome-ignore lint/suspicious/noExplicitAny: the point is what happens at run time
const any = (value: unknown): any => value;

test.each<[string, (x: number, y: number) => unknown]>([
  ["x + y", (x, y) => x + y],
  ["x - y", (x, y) => x - y],
  ["x * 2", (x) => x * 2],
  ["-x", (x) => -x],
  ["x > y", (x, y) => x > y],
  ["x <= 1", (x) => x <= 1],
  // biome-ignore lint/suspicious/noDoubleEquals: it is what students write
  ["x == 1", (x) => any(x) == 1],
])("%s says what to write in its place", (_, compute) => {
  const [x, y] = [any(tensor([1, 2])), any(tensor([3, 4]))];
  expect(() => compute(x, y)).toThrow(/x\.add\(y\) for x \+ y.*x\.gt\(y\) for x > y.*await x\.item\(\)/);
});

test("a tensor in a template is written as text", () => {
  expect(`${tensor([1, 2])}`).toContain("tensor([1., 2.]");
});

test.each([0, 1, -1])("x[%i] says how a tensor is indexed, and x[%i] = 5 that elements are not set", (i) => {
  const x = any(tensor([[1, 2]]));
  expect(() => x[i]).toThrow(`x.at(${i})`);
  expect(() => {
    x[i] = 5;
  }).toThrow(/where\(condition/);
});

test("whatever else is asked of a tensor is answered as of any object", async () => {
  const x = any(tensor([1, 2]));
  expect(x.nothing).toBeUndefined();
  expect(await x).toBe(x);
  expect("hasOwnProperty" in x).toBe(true);
  expect(Object.hasOwn(x, "grad")).toBe(true);
  x.note = "mine";
  expect(x.note).toBe("mine");
  expect(inspect(x)).toContain("tensor([1., 2.]");
});

test("randn(2, 3) is randn([2, 3]), and so for rand, zeros and ones", async () => {
  for (const make of [randn, rand, zeros, ones]) {
    expect(make(2, 3).shape).toEqual([2, 3]);
    expect(make([2, 3], { requiresGrad: true }).requiresGrad).toBe(true);
    expect(make().shape).toEqual([]);
    expect(() => any(make)(2, 3, { requiresGrad: true })).toThrow("got 2, 3 and options, expected [2, 3], options");
  }
});

test("JSON.stringify writes the elements", () => {
  expect(JSON.stringify({ x: tensor([[1, 2.5]]), flags: tensor([true, false]), n: arange(2) })).toBe(
    '{"x":[[1,2.5]],"flags":[true,false],"n":[0,1]}',
  );
});

test("what no computer can hold says how large it is", () => {
  for (const make of [randn, zeros]) {
    expect(() => make([1_000_000, 1_000_000])).toThrow(
      /\[1000000, 1000000\] is 1,000,000,000,000 numbers, 3,700 GiB in float32; this computer has [\d.,]+ GiB/,
    );
  }
});

test.each<[string, () => unknown]>([
  ["eye", () => eye(1_000_000)],
  ["arange", () => arange(1e12)],
  ["linspace", () => linspace(0, 1, 1e12)],
  ["randperm", () => randperm(1e12)],
])("so does %s", (_, make) => {
  expect(make).toThrow(/is 1,000,000,000,000 numbers, 3,700 GiB/);
});

test("one element is one element", () => {
  expect(() => tensor([1]).reshape(2)).toThrow("[1] has 1 element, which cannot be reshaped to [2]");
});
