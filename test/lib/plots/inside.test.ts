import { describe, expect, it } from "vitest";
import * as d from "../../../lib/index.ts";

const STABLE_DIFFUSION = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" } as const;

describe("plotNoiseSchedule", () => {
  it("draws a level for each timestep, and a dot for each step of the run", async () => {
    const scheduler = new d.DDIMScheduler(STABLE_DIFFUSION);
    scheduler.setTimesteps(10);
    const svg = await d.plotNoiseSchedule(scheduler).svg();
    expect(svg).toContain("sigma (noise beside a picture of size 1)");
    expect(svg.match(/<circle/g)).toHaveLength(10);
    expect(svg).toContain("dots: 10 steps");
    expect(svg).not.toContain("NaN");
  });

  it.each(["beta", "alphaBar", "sigma", "snr"] as const)("draws %s", async (quantity) => {
    const svg = await d.plotNoiseSchedule({ a: new d.DDPMScheduler() }, { quantity }).svg();
    expect(svg).toMatch(/<path[^>]*d="M/);
  });

  it("refuses what it does not know", () => {
    expect(() => d.plotNoiseSchedule(new d.DDPMScheduler(), { quantity: "noise" as never })).toThrow(
      'plotNoiseSchedule: unknown quantity "noise"; expected beta, alphaBar, sigma, snr',
    );
    expect(() => d.plotNoiseSchedule({ a: {} as never })).toThrow("plotNoiseSchedule: a is not a scheduler");
  });
});

describe("plotTimesteps", () => {
  it("draws a row for each scheduler and a dot for each step", async () => {
    const [ddim, euler] = [new d.DDIMScheduler(STABLE_DIFFUSION), new d.EulerDiscreteScheduler(STABLE_DIFFUSION)];
    ddim.setTimesteps(5);
    euler.setTimesteps(8);
    for (const quantity of ["t", "sigma"] as const) {
      const svg = await d.plotTimesteps({ ddim, euler }, { quantity }).svg();
      expect(svg.match(/<circle/g)).toHaveLength(13);
    }
  });
});

describe("showSimilarity", () => {
  it("frames the largest of each row, counts the diagonal and names both sides", async () => {
    const figure = d.showSimilarity(
      [
        [0.9, 0.1],
        [0.7, 0.2],
      ],
      { rows: ["a red seven", "two"] },
    );
    const svg = await figure.svg();
    expect(svg).toContain("largest of its row on the diagonal: 1 of 2");
    expect(svg.match(/a red seven/g)!.length).toBeGreaterThan(2);
    expect(svg).toContain(">0.90<");
    // On cells that are white as well as dark red, and on pages of either theme, one of two frames is seen.
    for (const stroke of ["currentColor", "#111"]) {
      const [, frames = ""] = new RegExp(`<g [^>]*stroke="${stroke}" fill="none"[^>]*>(.*?)</g>`).exec(svg) ?? [];
      expect(frames.match(/<rect/g)).toHaveLength(2);
    }
  });

  it("refuses another shape, and texts that are not as many", () => {
    expect(() => d.showSimilarity([1, 2])).toThrow("showSimilarity: got [2], expected [rows, columns]");
    expect(() => d.showSimilarity([[1, 2]], { rows: ["a", "b"] })).toThrow("2 rows' texts for 1 rows");
  });
});

describe("showField", () => {
  it("draws points, arrows and ways", async () => {
    const paths = [d.zeros([5, 3, 2]), d.zeros([4, 2])];
    const figure = d.showField({ points: [[0, 0]], at: [[0, 1]], arrows: [[1, 0]], paths: paths[0]! });
    expect(await figure.alt()).toBe("plane with 1 point, 1 arrow, 3 paths");
    expect(await d.showField({ paths: [paths[1]!] }).alt()).toBe("plane with 1 path");
  });

  it("refuses arrows without a place", () => {
    expect(() => d.showField({ arrows: [[1, 0]] })).toThrow(
      "showField: got arrows without at, expected both or neither",
    );
    expect(() => d.showField({ at: [[0, 0]], arrows: d.zeros([2, 2]) })).toThrow("2 arrows at 1 places");
    expect(() => d.showField({ points: [[0, 0]], range: [3, -3] })).toThrow(
      "showField: range [3, -3]; expected [low, high]",
    );
    expect(() => d.showField({ points: [1] })).toThrow("showField: points: got [1], expected [n, 2]");
  });
});
