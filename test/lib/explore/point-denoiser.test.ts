import { describe, expect, it } from "vitest";
import * as d from "../../../lib/index.ts";

const ring = (n: number) => {
  const angle = d.rand([n]).mul(2 * Math.PI);
  return d.stack([angle.cos(), angle.sin()], 1);
};
const distances = async (x: d.Tensor) => [...(await x.square().sum(1).sqrt().sub(1).abs().data())];
const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

describe("PointDenoiser", () => {
  it("learns a ring in seconds; sixteen steps lead onto it, one leads to its middle", async () => {
    d.manualSeed(1);
    const toy = new d.PointDenoiser({ width: 48 });
    const losses: number[] = [];
    await toy.fit(ring(500), { steps: 500, batchSize: 256, callback: (_, loss) => losses.push(loss) });
    expect(losses.length).toBe(500);
    const many = await toy.sample(200, { steps: 16 });
    expect(many.shape).toEqual([17, 200, 2]);
    expect(median(await distances(many.select(0, 16)))).toBeLessThan(0.25);
    const one = await toy.sample(200, { steps: 1 });
    expect(median(await distances(one.select(0, 1)))).toBeGreaterThan(0.5);
    // From far outside everything points inwards.
    const { at, arrows } = await toy.field(4);
    expect(at.shape).toEqual([225, 2]);
    const inwards = [...(await at.mul(arrows).sum(1).data())].filter((dot) => dot < 0).length;
    expect(inwards).toBeGreaterThan(190);
    // The same again from the same seed.
    expect(await (await toy.sample(3, { steps: 2 })).tolist()).toEqual(
      await (await toy.sample(3, { steps: 2 })).tolist(),
    );
  });

  it("stops where it is told to, and refuses what are no points", async () => {
    const toy = new d.PointDenoiser({ width: 8 });
    const stop = new AbortController();
    const training = toy.fit(ring(20), { steps: 1000, signal: stop.signal, callback: () => stop.abort() });
    await expect(training).rejects.toThrow("abort");
    await expect(toy.fit(d.zeros([3]))).rejects.toThrow("PointDenoiser.fit: got [3], expected points [n, 2]");
    expect(() => new d.PointDenoiser({ sigmas: [1, 0.5] })).toThrow("expected the lowest above 0");
    await expect(toy.field(0)).rejects.toThrow("sigma is 0");
  });
});

describe("pointsOf", () => {
  it("puts points where there is ink, up being up", async () => {
    const drawing = d.zeros([1, 20, 10]).add(0);
    const ink = new Float32Array(200);
    ink[2 * 10 + 9] = 1; // near the upper right corner
    const points = (await (await d.pointsOf(d.tensor(ink, [1, 20, 10]), 50)).tolist()) as number[][];
    for (const [x, y] of points) {
      expect(x).toBeGreaterThan(0.79);
      expect(x).toBeLessThan(1.01);
      expect(y).toBeGreaterThan(1.39);
      expect(y).toBeLessThan(1.61);
    }
    await expect(d.pointsOf(drawing)).rejects.toThrow("pointsOf: the drawing is empty; draw something first");
    await expect(d.pointsOf(d.ones([3, 4, 4]))).rejects.toThrow("expected a drawing in one channel");
  });
});
