import { afterAll, describe, expect, it } from "vitest";
import { type DType, type Tensor, tensor } from "../../../lib/index.ts";
import { settings } from "../../../lib/runtime/settings.ts";

/** A number as JSON can hold it. */
export type Written = number | "nan" | "inf" | "-inf";

/** What PyTorch gave for some inputs. */
export interface Recorded {
  inputs: { shape: number[]; dtype: string; data: Written[]; grad: boolean }[];
  shape: number[];
  value: Written[];
  grads?: Written[][];
}

export function numberOf(v: Written): number {
  return v === "nan" ? Number.NaN : v === "inf" ? Infinity : v === "-inf" ? -Infinity : v;
}

export function inputsOf(c: Recorded): Tensor[] {
  return c.inputs.map(({ shape, dtype, data, grad }) => {
    const numbers = data.map(numberOf);
    const x =
      dtype === "float16" ? tensor(numbers, shape).half().detach() : tensor(numbers, shape, { dtype: dtype as DType });
    return grad ? x.requiresGrad_() : x;
  });
}

export const wave = (shape: readonly number[], dtype: DType = "float32"): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.cos(i)),
    shape,
  ).to(dtype);

/** Infinities and NaN must agree; numbers to `limit`, relative to the largest. */
export function expectNumbers(ours: ArrayLike<number>, theirs: readonly Written[], limit: number, what: string): void {
  const expected = theirs.map(numberOf);
  const finite = expected.filter(Number.isFinite).map(Math.abs);
  const scale = Math.max(1e-3, ...finite);
  const agree = expected.every((v, i) =>
    Number.isFinite(v) ? Math.abs(ours[i]! - v) <= limit * scale : Object.is(ours[i], v),
  );
  if (!agree || ours.length !== expected.length) expect(Array.from(ours), what).toEqual(expected);
}

/** A test for each recorded operation in each of its two formulations; and that ours and the recorded ones are the same. */
export function inBothFormulations<C>(
  operations: object,
  recorded: Readonly<Record<string, C>>,
  title: (name: string) => string,
  check: (name: string, c: C) => Promise<void>,
): void {
  it("is in the table that PyTorch recorded, and the other way round", () => {
    expect(Object.keys(operations).sort()).toEqual(Object.keys(recorded).sort());
  });

  for (const tuned of [false, true]) {
    describe(tuned ? "in the formulation tuned for the CPU" : "in standard operators", () => {
      afterAll(() => {
        settings.tuned = true;
      });
      for (const [name, c] of Object.entries(recorded)) {
        it(title(name), async () => {
          settings.tuned = tuned;
          await check(name, c);
        });
      }
    });
  }
}
