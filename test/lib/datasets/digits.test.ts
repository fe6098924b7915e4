import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { digits, mnist } from "../../../lib/datasets/index.ts";

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const sharedMnist = fileURLToPath(new URL("../../../../shared/data/mnist", import.meta.url));

describe("digits drawn by the library", () => {
  test("are the same for the same seed on every machine, and others for another seed", () => {
    expect(hash(digits({ n: 200, seed: 7 }).images)).toBe(
      "58642fe43a641adb563938ce4fe9e1685c0a8764834ae8f77dca91afb7d9c203",
    );
    expect(hash(digits({ n: 200, seed: 7 }).labels)).toBe(
      "b068feb894d32c45d9f903da290b255688276d07e47615d5e4121b3fe7117732",
    );
    expect(digits({ n: 5, seed: 1 }).images).not.toEqual(digits({ n: 5, seed: 2 }).images);
    expect(digits({ n: 3, seed: 2n ** 63n }).images).toEqual(digits({ n: 3, seed: 2n ** 63n }).images);
  });

  test("begin with the same ones however many are drawn", () => {
    const few = digits({ n: 10, seed: 3 });
    const many = digits({ n: 100, seed: 3 });
    expect(many.slice(0, 10).images).toEqual(few.images);
    expect([...many.slice(0, 10).labels]).toEqual([...few.labels]);
  });

  test("are 28x28 by default, all ten about equally often, no two alike", () => {
    const data = digits({ n: 2000 });
    expect(data.shape).toEqual([2000, 28, 28]);
    for (let label = 0; label < 10; label++) expect(data.indicesOf(label).length).toBeGreaterThan(150);
    expect(new Set([...data].map(({ image }) => hash(image))).size).toBe(2000);
  });

  test("fill a box of 20 of 28 pixels about their centre of mass, as MNIST's do, at every size", () => {
    for (const size of [12, 28, 64, 200]) {
      for (const { image } of digits({ n: 40, size, seed: 5 })) {
        let [mass, mx, my, left, right, top, bottom] = [0, 0, 0, size, 0, size, 0];
        image.forEach((ink, p) => {
          const [x, y] = [p % size, Math.floor(p / size)];
          mass += ink;
          mx += ink * (x + 0.5);
          my += ink * (y + 0.5);
          if (ink > 127)
            [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
        });
        const unit = size / 28;
        expect(Math.abs(mx / mass - 14.5 * unit)).toBeLessThan(1.3 * unit);
        expect(Math.abs(my / mass - 14.5 * unit)).toBeLessThan(1.3 * unit);
        const side = (Math.max(right - left, bottom - top) + 1) / unit;
        expect(side).toBeGreaterThan(15.5);
        expect(side).toBeLessThan(22.5);
      }
    }
  });

  test("can be some of the ten only", () => {
    const data = digits({ n: 50, labels: [3, 8] });
    expect(new Set(data.labels)).toEqual(new Set([3, 8]));
  });

  test("are refused in impossible numbers, sizes and labels", () => {
    expect(() => digits({ n: 0 })).toThrow("digits: n 0; expected a whole number from 1 up");
    expect(() => digits({ n: 1.5 })).toThrow("digits: n 1.5");
    expect(() => digits({ size: 0 })).toThrow("digits: size 0; expected 8 to 512 pixels, 28 as in MNIST");
    expect(() => digits({ size: 10_000 })).toThrow("digits: size 10000; expected 8 to 512");
    expect(() => digits({ n: 100_000, size: 512 })).toThrow("draw fewer at a time");
    expect(() => digits({ labels: [3, 10] })).toThrow("digits: labels [3,10]; expected some of the digits 0 to 9");
    expect(() => digits({ labels: [] })).toThrow("digits: labels []");
    expect(() => digits({ seed: 0.5 })).toThrow("seed 0.5 is not a whole number");
  });

  // The nearest of 3,000 pictures by squared distance is a weak judge, and one that training cannot flatter: drawn
  // digits that looked unlike MNIST's would be near the wrong ones.
  test.skipIf(!existsSync(sharedMnist))(
    "are nearest to MNIST digits of the same label (skipped where ../shared/data/mnist is absent)",
    async () => {
      const ours = digits({ n: 3000, seed: 3 });
      const { images, labels } = ours;
      const real = (await mnist({ folder: sharedMnist, split: "test" })).slice(0, 300);
      let right = 0;
      for (const { image, label } of real) {
        let [nearest, guess] = [Number.POSITIVE_INFINITY, -1];
        for (let k = 0; k < ours.length; k++) {
          let distance = 0;
          for (let p = 0; p < 784 && distance < nearest; p++) distance += (image[p]! - images[k * 784 + p]!) ** 2;
          if (distance < nearest) [nearest, guess] = [distance, labels[k]!];
        }
        if (guess === label) right++;
      }
      expect(right / real.length).toBeGreaterThan(0.75);
    },
  );
});
