import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as d from "../../../lib/index.ts";
import { smoothed } from "../../../lib/plots/loss-curve.ts";
import { parts, show } from "./reading.ts";

/** Heights of a curve's points in pixels, from its path. */
function path(bundle: Record<string, string>, colour: string): [number, number][] {
  const group = new RegExp(`<g[^>]*stroke="${colour}"[^>]*>\\s*<path d="([^"]*)"`).exec(bundle["text/html"]!)!;
  return [...group[1]!.matchAll(/[ML]([-\d.]+),([-\d.]+)/g)].map((match) => [Number(match[1]), Number(match[2])]);
}

describe("linePlot", () => {
  it("draws heights in proportion, and writes labels on both axes", async () => {
    const bundle = await show(d.linePlot([0, 1, 4], { xLabel: "step", yLabel: "loss" }));
    const points = path(bundle, "#2f7fd6");
    expect(points.length).toBe(3);
    const [a, b, c] = points as [[number, number], [number, number], [number, number]];
    expect((a[1] - c[1]) / (a[1] - b[1])).toBeCloseTo(4, 2);
    expect((c[0] - a[0]) / (b[0] - a[0])).toBeCloseTo(2, 2);
    const texts = parts(bundle, "text").map((text) => text.get("text"));
    expect(texts).toEqual(expect.arrayContaining(["step →", "↑ loss"]));
    expect(bundle["text/plain"]).toBe("loss over step: 3 values, first 0, last 4, min 0, max 4");
  });

  it("draws powers of ten at equal distances where the axis is logarithmic", async () => {
    const [a, b, c] = path(await show(d.linePlot([1, 10, 100], { logY: true })), "#2f7fd6") as [
      [number, number],
      [number, number],
      [number, number],
    ];
    expect(a[1] - b[1]).toBeCloseTo(b[1] - c[1], 1);
  });

  it("names several curves in a legend, each in its colour", async () => {
    const bundle = await show(d.linePlot({ beta: [1, 2], "alpha-bar": { x: [0, 1], y: [2, 1] } }));
    const legend = parts(bundle, "path").filter((each) => each.get("stroke-width") === "3");
    expect(legend.map((each) => each.get("stroke"))).toEqual(["#2f7fd6", "#d9660f"]);
    expect(
      parts(bundle, "text")
        .slice(0, 2)
        .map((text) => text.get("text")),
    ).toEqual(["beta", "alpha-bar"]);
  });

  it("leaves a gap for what is no number, marks the place and counts", async () => {
    const bundle = await show(d.linePlot([1, Number.NaN, 3, Number.POSITIVE_INFINITY, 5]));
    expect(bundle["text/plain"]).toContain("2 values NaN or infinite (first at 1: NaN), left out and marked ×");
    expect(bundle["text/html"]!.match(/stroke="#e000e0"/g)).toHaveLength(1);
    expect(bundle["text/html"]).not.toContain("NaN,");
    expect((await show(d.linePlot([1, 0, 10], { logY: true })))["text/plain"]).toContain(
      "1 value not above 0, left out of the logarithmic axis",
    );
  });

  it("keeps the peaks of a curve of 100,000 points in a few kilobytes", async () => {
    const values = new Float32Array(100_000);
    values[54_321] = 9;
    const bundle = await show(d.linePlot(values));
    expect(bundle["text/html"]!.length).toBeLessThan(20_000);
    const heights = path(bundle, "#2f7fd6").map((point) => point[1]);
    expect(Math.min(...heights)).toBeLessThan(Math.max(...heights) - 150);
  });

  it("of one name say it at the axis, with the unit", async () => {
    const axis = async (options: Parameters<typeof d.linePlot>[1]) =>
      parts(await show(d.linePlot({ blue: [1, 2] }, options)), "text").map((text) => text.get("text"));
    expect(await axis({})).toContain("↑ blue");
    expect(await axis({ yLabel: "percent" })).toContain("↑ blue (percent)");
    expect(await axis({ yLabel: "blue" })).toContain("↑ blue");
  });

  it.each([
    [() => d.linePlot([]), "linePlot: [0] is empty; there is nothing to show."],
    [() => d.linePlot({}), "linePlot: got no curves, expected at least one: { loss: values }"],
    [
      () => d.linePlot({ a: [1, 2, 3] }, { x: [1, 2] }),
      'linePlot: "a": 3 values for 2 places on the x axis; expected the same number',
    ],
    [() => d.linePlot(d.zeros([2, 3])), "linePlot: got [2, 3], expected one dimension"],
    [() => d.linePlot("x" as never), "linePlot: got the text"],
  ])("refuses what it cannot show: %#", (make, message) => {
    expect(make).toThrow(message);
  });
});

describe("bars and histograms", () => {
  it("draw bars as high as their values, the highest standing out", async () => {
    const bundle = await show(d.showProbabilities(d.tensor([0.2, 0.8]), { labels: ["three", "eight"] }));
    const bars = parts(bundle, "rect");
    expect(bars.length).toBe(2);
    expect(Number(bars[1]!.get("height")) / Number(bars[0]!.get("height"))).toBeCloseTo(4, 1);
    expect(bars.map((bar) => bar.get("fill"))).toEqual(["#6f7d8c", "#2f7fd6"]);
    const texts = parts(bundle, "text").map((text) => text.get("text"));
    expect(texts).toEqual(expect.arrayContaining(["three", "eight", "0.20", "0.80"]));
    expect(bundle["text/plain"]).toBe("bars: three 0.2, eight 0.8");
  });

  it("have names that do not run into one another", async () => {
    const turned = async (name: string) => {
      const bundle = await show(
        d.barChart(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`${name}${i}`, i]))),
      );
      return bundle["text/html"]!.includes("rotate(-30)");
    };
    expect(await turned("UniPC ")).toBe(false);
    expect(await turned("DDIM 16, g = ")).toBe(true);
  });

  it("have one colour, unless one is to stand out or each has its own", async () => {
    const fills = async (options: Parameters<typeof d.barChart>[1]) =>
      parts(await show(d.barChart([1, 3, 2], options)), "rect").map((bar) => bar.get("fill"));
    expect(new Set(await fills({}))).toEqual(new Set(["#2f7fd6"]));
    expect(await fills({ highlight: 0 })).toEqual(["#2f7fd6", "#6f7d8c", "#6f7d8c"]);
    expect(await fills({ colors: ["red", "yellow", "#00f"] })).toEqual(["red", "yellow", "#00f"]);
  });

  it("count values into bins that add up to all of them", async () => {
    const bundle = await show(d.histogram([0, 0, 0, 1], { bins: 2 }));
    const titles = [...bundle["text/html"]!.matchAll(/<title>([^<]*)<\/title>/g)].map((match) => match[1]);
    expect(titles).toEqual(["0 to 0.5: 3 values", "0.5 to 1: 1 value"]);
    expect(bundle["text/plain"]).toBe("histogram of 4 values, mean 0.25, standard deviation 0.433");
    expect((await show(d.histogram([0, 5, Number.NaN], { range: [0, 1] })))["text/plain"]).toContain(
      "1 value outside 0 to 1; 1 value NaN",
    );
  });

  it.each([
    [() => d.barChart(d.zeros([61])), "barChart: 61 values, expected at most 60. For many values, use histogram."],
    [() => d.barChart([1, 2], { labels: ["a"] }), "barChart: 1 label for 2 values; expected the same number"],
    [() => d.barChart([1, 2], { colors: ["red"] }), "barChart: 1 colour for 2 values; expected the same number"],
    [() => d.barChart([1, 2], { highlight: 2 }), "barChart: highlight 2, expected a bar from 0 to 1"],
    [() => d.histogram([1], { bins: 0 }), "histogram: bins is 0, expected a whole number from 1 up"],
    [() => d.scatterPlot(d.zeros([2, 3])), "scatterPlot: got [2, 3], expected [n, 2]: x and y of each point"],
    [
      () => d.scatterPlot(d.zeros([2, 2]), { labels: [1] }),
      "scatterPlot: 1 label for 2 points; expected the same number",
    ],
    [
      () => d.scatterPlot(d.zeros([401, 2]), { images: d.zeros([401, 4, 4]) }),
      "scatterPlot: 401 points, expected at most 400. Show a subset.",
    ],
  ])("refuse what they cannot show: %#", (make, message) => {
    expect(make).toThrow(message);
  });
});

describe("scatterPlot", () => {
  it("draws pictures at their points, upwards where y grows", async () => {
    const bundle = await show(
      d.scatterPlot(
        [
          [0, 0],
          [1, 1],
        ],
        { images: d.digits({ n: 2 }), size: 20 },
      ),
    );
    const images = parts(bundle, "image");
    expect(images.length).toBe(2);
    expect(Number(images[1]!.get("x"))).toBeGreaterThan(Number(images[0]!.get("x")));
    expect(Number(images[1]!.get("y"))).toBeLessThan(Number(images[0]!.get("y")));
    expect(images[0]!.get("width")).toBe("20");
  });
});

describe("lossCurve", () => {
  const shown: { value: unknown; updates: unknown[] }[] = [];
  beforeEach(() => {
    shown.length = 0;
    (globalThis as { display?: unknown }).display = (value: unknown) => {
      const output = { value, updates: [] as unknown[], update: (next: unknown) => output.updates.push(next) };
      shown.push(output);
      return output;
    };
  });
  afterEach(() => {
    delete (globalThis as { display?: unknown }).display;
    vi.restoreAllMocks();
  });

  it("opens one output, updates it a few times a second, and draws the rest as the last line of a cell", async () => {
    const curve = d.lossCurve();
    for (let step = 0; step < 1000; step++) curve.add(step, 1 / (step + 1));
    expect(shown.length).toBe(1);
    expect(shown[0]!.updates.length).toBeLessThan(5);
    expect(await show(curve)).toEqual({});
    const last = await show(shown[0]!.updates.at(-1));
    expect(last["text/plain"]).toContain("loss over step: 1,000 values, first 1, last 0.001,");
    // Shown on its own in a later cell it is the whole picture again; more losses open an output there.
    expect((await show(curve))["text/plain"]).toBe(last["text/plain"]);
    curve.add(1000, 0.5);
    expect(shown.length).toBe(2);
  });

  it("shows itself anew in the next cell where the one before was interrupted", async () => {
    const display = (globalThis as { display?: { cell?: number } }).display!;
    display.cell = 1;
    const curve = d.lossCurve().add(0, 1).add(1, 0.5);
    display.cell = 2;
    curve.add(2, 0.25);
    expect(shown.length).toBe(2);
    expect(await show(curve)).toEqual({});
    expect((await show(shown[1]!.updates.at(-1) ?? shown[1]!.value))["text/plain"]).toContain("3 values");
    curve.add(3, 0.2);
    display.cell = 3;
    expect((await show(curve))["text/plain"]).toContain("4 values");
  });

  it("draws the held-out curve beside the smoothed one and the single losses", async () => {
    const curve = d.lossCurve({ title: "Training" });
    for (let step = 0; step < 50; step++) curve.add(step, step % 2);
    curve.addHeldOut(25, 0.3).addHeldOut(49, 0.2);
    const bundle = await show(curve.figure());
    expect(path(bundle, "#d9660f").length).toBe(2);
    expect(parts(bundle, "circle").filter((dot) => dot.get("fill") === "#d9660f" || dot.get("r") === "3").length).toBe(
      2,
    );
    expect(bundle["text/plain"]).toContain("held out over step: 2 values, first 0.3, last 0.2");
    expect(curve.smoothed).toBeGreaterThan(0.4);
    expect(curve.smoothed).toBeLessThan(0.6);
  });

  it("goes on where a loss is NaN, and marks it", async () => {
    const curve = d.lossCurve();
    for (const [step, loss] of [1, Number.NaN, 0.5].entries()) curve.add(step, loss);
    expect((await show(curve.figure()))["text/plain"]).toContain("1 value NaN or infinite (first at 1: NaN)");
  });

  it("ends the smoothed curve where the losses end to be numbers", async () => {
    const curve = d.lossCurve();
    for (let step = 0; step < 60; step++) curve.add(step, step < 30 ? 1 / (step + 1) : Number.NaN);
    const bundle = await show(curve.figure());
    expect(bundle["text/plain"]).toContain("loss, smoothed over step: 30 values");
  });

  it("lets the training go on where the page takes no update", async () => {
    (globalThis as { display?: unknown }).display = () => ({
      update() {
        throw new Error("the output is gone");
      },
    });
    const curve = d.lossCurve();
    for (let step = 0; step < 3; step++) {
      curve.add(step, 1);
      await new Promise((resolve) => setTimeout(resolve, 450));
    }
    expect(curve.losses).toEqual([1, 1, 1]);
  });

  it("prints lines where there is no page", async () => {
    delete (globalThis as { display?: unknown }).display;
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    const curve = d.lossCurve();
    curve.add(0, 1).add(1, 0.5);
    await curve.end();
    expect(printed.mock.calls.at(-1)![0]).toMatch(/^step 1 {2}loss 0\.7\d+$/);
  });

  it("refuses a tensor and says how to get its number", () => {
    expect(() => d.lossCurve().add(0, d.ones([]) as never)).toThrow(
      "lossCurve: add got a number and a Tensor, expected two numbers. For a tensor, pass its number: await loss.item().",
    );
    expect(() => d.lossCurve({ smooth: 1 })).toThrow("lossCurve: smooth is 1, expected 0 or more and below 1");
  });

  it("smooths by a weighted mean without the pull of zero", () => {
    const points = [4, 4, 8].map((y, x) => ({ x, y }));
    const [a, b, c] = smoothed(points, 0.5).map((point) => point.y);
    // (4 / 8 + 4 / 4 + 8 / 2) / (1 - 1 / 8)
    expect([a, b, c]).toEqual([4, 4, 5.5 / 0.875]);
  });
});
