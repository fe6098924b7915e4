import { describe, expect, it } from "vitest";
import * as d from "../../../lib/index.ts";

describe("walks", () => {
  it("slerp keeps to the arc: both ends, and a length between theirs", async () => {
    const a = d.tensor([1, 0, 0]);
    const b = d.tensor([0, 2, 0]);
    const places = await Promise.all([0, 0.5, 1].map(async (t) => (await d.slerp(a, b, t)).tolist()));
    expect(places[0]).toEqual([1, 0, 0]);
    const half = places[1] as number[];
    expect(half[0]).toBeCloseTo(Math.SQRT1_2, 6);
    expect(half[1]).toBeCloseTo(2 * Math.SQRT1_2, 6);
    expect((places[2] as number[])[1]).toBeCloseTo(2, 6);
  });

  it("slerp of what points the same way, and of zeros, is the straight line's place and no NaN", async () => {
    const a = d.tensor([1, 1]);
    expect(await (await d.slerp(a, a.mul(3), 0.5)).tolist()).toEqual([2, 2]);
    expect(await (await d.slerp(d.zeros([2]), a, 0.5)).tolist()).toEqual([expect.any(Number), expect.any(Number)]);
    expect(await (await d.slerp(a, a.neg(), 0.25)).tolist()).toEqual([0.5, 0.5]);
  });

  it("noise keeps its size halfway along the arc, and loses it halfway along the line", async () => {
    d.manualSeed(0);
    const [a, b] = [d.randn([4, 32, 32]), d.randn([4, 32, 32])];
    const size = async (kind: d.WalkKind) => (await d.walk(a, b, 3, { kind }))[1]!.std().item();
    expect(await size("spherical")).toBeCloseTo(1, 1);
    expect(await size("straight")).toBeCloseTo(Math.SQRT1_2, 1);
  });

  it("a circle of noise closes, and has the size of noise all round", async () => {
    d.manualSeed(1);
    const circle = d.noiseCircle([4, 16, 16], 8);
    expect(circle.shape).toEqual([8, 4, 16, 16]);
    const stds = (await circle.flatten(1).std(1).tolist()) as number[];
    for (const std of stds) expect(std).toBeCloseTo(1, 1);
  });

  it("refuses what cannot be walked", async () => {
    const [a, b] = [d.zeros([2]), d.zeros([3])];
    await expect(d.slerp(a, b, 0.5)).rejects.toThrow("slerp: from [2] to [3]; expected two tensors of the same shape");
    await expect(d.walk(a, a, 1)).rejects.toThrow("walk: 1 places; expected a whole number from 2 up");
    await expect(d.walk(a, a, 3, { kind: "curly" as never })).rejects.toThrow('walk: unknown kind "curly"');
    await expect(d.slerp(a, a.add(Number.NaN), 0.5)).rejects.toThrow("NaN or infinite");
  });
});

describe("maps in two dimensions", () => {
  /** Three clouds in ten dimensions, well apart. */
  const clouds = () => {
    d.manualSeed(2);
    const centres = d.randn([3, 10]).mul(8);
    const labels = Array.from({ length: 60 }, (_, i) => i % 3);
    return { labels, points: centres.indexSelect(0, d.tensor(labels, { dtype: "int64" })).add(d.randn([60, 10])) };
  };
  /** The share of points whose nearest neighbour on the map is of their own cloud. */
  const together = (map: number[][], labels: number[]) => {
    const distance = (a: number[], b: number[]) => (a[0]! - b[0]!) ** 2 + (a[1]! - b[1]!) ** 2;
    const same = map.filter((each, i) => {
      const others = map.map((_, j) => j).filter((j) => j !== i);
      const nearest = others.reduce((a, b) => (distance(each, map[b]!) < distance(each, map[a]!) ? b : a));
      return labels[nearest] === labels[i];
    });
    return same.length / map.length;
  };

  it.each(["umap", "tsne"] as const)("%s keeps clouds apart, the same for a seed", async (name) => {
    const { points, labels } = clouds();
    const map = (await (await d[name](points)).tolist()) as number[][];
    expect(together(map, labels)).toBe(1);
    expect(await (await d[name](points)).tolist()).toEqual(map);
  });

  it("refuse what they cannot map", async () => {
    await expect(d.umap(d.zeros([2, 3]))).rejects.toThrow("umap: 2 points; expected 3 to 20000");
    await expect(d.tsne(d.zeros([4]))).rejects.toThrow("tsne: got [4], expected [n, d]");
    await expect(d.tsne(d.zeros([5, 2]).add(Number.NaN))).rejects.toThrow("tsne: point 0 has a value that is NaN");
    await expect(d.tsne(d.zeros([5, 2]), { perplexity: 9 })).rejects.toThrow("tsne: perplexity 9 of 5 points");
  });
});
