import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  fillNormal,
  fillRandint,
  fillRandperm,
  fillUniform,
  Generator,
  manualSeed,
} from "../../../lib/random/index.ts";
import { RANDPERM_64BIT_FROM } from "../../../lib/random/integers.ts";

type Call = {
  op: "randn" | "rand" | "randint" | "randperm";
  n: number;
  dtype: "float32" | "float64" | "int64" | "int32";
  low?: string;
  high?: string;
  mean?: number;
  std?: number;
  from?: number;
  to?: number;
  places?: number[];
  values: (number | string)[];
  sum?: number;
  sumOfSquares?: number;
};
type Case = { seed: string; initialSeed: string; calls: Call[]; stateHash: string };
type Reference = {
  cases: Case[];
  exchange: { state: string; then: [number[], number[]]; seed: string };
  defaultSeed: string;
};

const reference: Reference = JSON.parse(
  readFileSync(new URL("../../reference/torch-random.json", import.meta.url), "utf8"),
);

function run(call: Call, generator: Generator): ArrayLike<number | bigint> {
  const floats = () => (call.dtype === "float32" ? new Float32Array(call.n) : new Float64Array(call.n));
  const integers = () => (call.dtype === "int64" ? new BigInt64Array(call.n) : new Int32Array(call.n));
  switch (call.op) {
    case "randn":
      return fillNormal(floats(), { ...call, generator });
    case "rand":
      return fillUniform(floats(), { ...call, generator });
    case "randint":
      return fillRandint(integers(), BigInt(call.low!), BigInt(call.high!), { generator });
    case "randperm":
      return fillRandperm(integers(), { generator });
  }
}

function check(call: Call, got: ArrayLike<number | bigint>): void {
  const label = `${call.op} of ${call.n} ${call.dtype}`;
  expect(got.length, label).toBe(call.n);
  call.values.forEach((expected, i) => {
    const place = call.places?.[i] ?? i;
    if (typeof expected === "string") expect(String(got[place]), `${label} at ${place}`).toBe(expected);
    // Uniform numbers are exact; normals pass through logarithm and sine, which differ between C libraries.
    else if (call.op === "rand") expect(got[place], `${label} at ${place}`).toBe(expected);
    else expect(Math.abs(Number(got[place]) - expected), `${label} at ${place}`).toBeLessThan(2e-6);
  });
  if (call.sum === undefined || call.sumOfSquares === undefined) return;
  const numbers = Array.from(got, Number);
  const sum = numbers.reduce((a, b) => a + b, 0);
  const sumOfSquares = numbers.reduce((a, b) => a + b * b, 0);
  expect(Math.abs(sum - call.sum), `sum of ${label}`).toBeLessThan(1e-3);
  expect(Math.abs(sumOfSquares / call.sumOfSquares - 1), `sum of squares of ${label}`).toBeLessThan(1e-6);
}

describe("random numbers equal PyTorch's on CPU", () => {
  for (const recorded of reference.cases) {
    const title = recorded.calls
      .map((c) => `${c.op} ${c.n} ${c.dtype}${c.low ? ` [${c.low}, ${c.high})` : ""}`)
      .join(", ");
    test(`from seed ${recorded.seed}: ${title}`, () => {
      const generator = new Generator(BigInt(recorded.seed));
      expect(String(generator.initialSeed())).toBe(recorded.initialSeed);
      for (const call of recorded.calls) check(call, run(call, generator));
      const state = generator.getState().subarray(0, 5024);
      expect(createHash("sha256").update(state).digest("hex")).toBe(recorded.stateHash);
    });
  }

  test("a generator without a seed starts where PyTorch's does", () => {
    expect(String(new Generator().initialSeed())).toBe(reference.defaultSeed);
  });

  test("a state saved by PyTorch goes on with PyTorch's numbers, the cached normal included", () => {
    const { state, then, seed } = reference.exchange;
    const generator = new Generator().setState(new Uint8Array(Buffer.from(state, "base64")));
    expect(String(generator.initialSeed())).toBe(seed);
    expect(Buffer.from(generator.getState()).toString("base64")).toBe(state);
    const normals = fillNormal(new Float32Array(4), { generator });
    then[0].forEach((expected, i) => {
      expect(Math.abs(normals[i]! - expected)).toBeLessThan(2e-6);
    });
    expect(Array.from(fillUniform(new Float32Array(4), { generator }))).toEqual(then[1]);
  });
});

describe("generators", () => {
  test("a restored state repeats the numbers, and a clone goes on independently", () => {
    const generator = new Generator(5);
    fillNormal(new Float32Array(3), { generator });
    const state = generator.getState();
    const clone = generator.clone();
    const first = fillNormal(new Float32Array(5), { generator });
    expect(fillNormal(new Float32Array(5), { generator: clone })).toEqual(first);
    generator.setState(state);
    expect(fillNormal(new Float32Array(5), { generator })).toEqual(first);
  });

  test("manualSeed steers every call that names no generator, and forgets a cached normal", () => {
    manualSeed(3);
    fillNormal(new Float32Array(1));
    const named = fillNormal(new Float32Array(5), { generator: manualSeed(3) });
    manualSeed(3);
    expect(fillNormal(new Float32Array(5))).toEqual(named);
  });

  test("seed draws a new seed that repeats the stream", () => {
    const generator = new Generator(0);
    const seed = generator.seed();
    const numbers = fillUniform(new Float32Array(4), { generator });
    expect(fillUniform(new Float32Array(4), { generator: new Generator(seed) })).toEqual(numbers);
    expect(new Generator().seed()).not.toBe(seed);
  });

  test("words drawn in one go or one by one are the same, wherever the block of 624 ends", () => {
    for (const lengths of [
      [1, 623, 1, 700],
      [624, 624],
      [600, 1300, 3],
    ]) {
      const one = new Generator(9);
      const many = new Generator(9);
      for (const length of lengths) {
        const words = new Uint32Array(length);
        many.fillWords(words);
        expect(Array.from(words)).toEqual(Array.from({ length }, () => one.random()));
      }
      expect(many.getState()).toEqual(one.getState());
    }
  });

  test("a seed that is no whole number, is inexact or exceeds 64 bits is refused and the stream stays", () => {
    const generator = new Generator(1);
    const state = generator.getState();
    expect(() => generator.manualSeed(1.5)).toThrow("manualSeed: seed 1.5 is not a whole number");
    expect(() => generator.manualSeed(Number.NaN)).toThrow("seed NaN is not a whole number");
    expect(() => generator.manualSeed(2 ** 60)).toThrow("use a bigint");
    expect(() => generator.manualSeed("7" as unknown as number)).toThrow('seed is "7", expected a whole number');
    expect(() => generator.manualSeed(1n << 64n)).toThrow("does not fit into 64 bits; expected -2^63 to 2^64 - 1");
    expect(generator.getState()).toEqual(state);
  });

  test("a state of the wrong length or with impossible counters is refused and the generator stays as it was", () => {
    const generator = new Generator(1);
    const state = generator.getState();
    expect(() => generator.setState(new Uint8Array(10))).toThrow("got 10 bytes, expected the 5056 bytes");
    const broken = state.slice();
    broken[16] = 255;
    broken[17] = 255;
    expect(() => generator.setState(broken)).toThrow("not a generator state (seeded 1, left 1, next 65535)");
    expect(generator.getState()).toEqual(state);
  });
});

describe("filling", () => {
  test("bounds that make no range are refused", () => {
    expect(() => fillUniform(new Float32Array(2), { from: 1, to: 0 })).toThrow("rand: got from 1, to 0");
    expect(() => fillUniform(new Float32Array(2), { to: Number.NaN })).toThrow("expected finite numbers");
    expect(() => fillNormal(new Float32Array(2), { std: -1 })).toThrow("randn: got mean 0, std -1");
    expect(() => fillRandint(new BigInt64Array(2), 5, 5)).toThrow("randint: got low 5, high 5; expected low < high");
    expect(() => fillRandint(new BigInt64Array(2), 0.5, 5)).toThrow("low 0.5 is not a whole number");
    expect(() => fillRandint(new Int32Array(2), 0, 2 ** 40)).toThrow("does not fit into Int32Array");
    expect(() => fillRandint(new Uint8Array(2), -1, 4)).toThrow("does not fit into Uint8Array");
  });

  test("int64 values keep their sign across both halves", () => {
    const values = fillRandint(new BigInt64Array(2000), -3, 3, { generator: new Generator(4) });
    expect([...new Set(values)].sort((a, b) => Number(a - b))).toEqual([-3n, -2n, -1n, 0n, 1n, 2n]);
    const wide = fillRandint(new BigInt64Array(50), -(2 ** 40), -(2 ** 40) + 2, { generator: new Generator(4) });
    expect([...new Set(wide)].sort((a, b) => Number(a - b))).toEqual([-(1n << 40n), 1n - (1n << 40n)]);
  });

  test("an empty array draws nothing", () => {
    const generator = new Generator(1);
    const state = generator.getState();
    fillNormal(new Float32Array(0), { generator });
    fillUniform(new Float64Array(0), { generator });
    fillRandperm(new BigInt64Array(0), { generator });
    expect(generator.getState()).toEqual(state);
  });

  test("randperm changes its method at PyTorch's length", () => {
    expect(RANDPERM_64BIT_FROM).toBe(214_748_364);
  });
});
