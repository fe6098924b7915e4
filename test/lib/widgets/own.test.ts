import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as d from "../../../lib/index.ts";
import { FakePage } from "./fake-page.ts";

let page: FakePage;
let remove: () => void;
beforeEach(() => {
  page = new FakePage();
  remove = page.install();
});
afterEach(() => remove());

const bundle = (value: unknown): Promise<Record<string, string>> =>
  (value as { [key: symbol]: () => never })[Symbol.for("Jupyter.display")]!();

describe("the drawing pad", () => {
  it("is empty at first: a sheet of paper", async () => {
    const pad = d.drawingPad({ size: [12, 8], channels: 3, paper: "#ff8000" });
    expect(pad.isEmpty).toBe(true);
    expect(pad.value.shape).toEqual([3, 8, 12]);
    const corner = (await pad.value.tolist()) as number[][][];
    expect(corner.map((channel) => channel[0]![0]!.toFixed(3))).toEqual(["1.000", "0.502", "0.000"]);
  });

  it("takes the pixels that the page sends, and no others", async () => {
    const pad = d.drawingPad({ size: 8 });
    const pixels = new Uint8Array(8 * 8 * 4).fill(255);
    pixels.set([0, 0, 0], 0);
    page.change(pad.modelId, { pixels: null }, [["pixels"]], [pixels]);
    expect(await pad.value.sum().item()).toBe(63);
    expect(pad.isEmpty).toBe(false);
    for (const nonsense of [new Uint8Array(3), "text", null]) page.change(pad.modelId, { pixels: nonsense });
    expect(await pad.value.sum().item()).toBe(63);
    pad.clear();
    expect(pad.isEmpty).toBe(true);
  });

  it("begins with a picture, and takes another", async () => {
    const white = d.Image.fromRaw(new Uint8Array(3 * 4 * 4).fill(255), { width: 4, height: 4 });
    const pad = d.drawingPad({ size: 8, value: white });
    expect(await pad.value.mean().item()).toBe(1);
    expect((await bundle(pad))["text/html"]).toMatch(/^<img src="data:image\/png;base64,/);
  });

  it.each([
    [{ size: 3 }, "drawingPad: size 3; expected 8 to 1024 pixels"],
    [{ channels: 2 as 1 }, "drawingPad: channels 2; expected 1 or 3"],
    [{ pen: 0 }, "drawingPad: pen 0; expected more than 0 pixels"],
    [{ paper: "white" }, 'drawingPad: paper "white"; expected a colour such as "#000000"'],
  ])("refuses %j", (options, message) => {
    expect(() => d.drawingPad(options)).toThrow(message);
  });
});

describe("the film scrubber", () => {
  const frames = d.stack([d.zeros([4, 4]), d.full([4, 4], 0.5), d.ones([4, 4])]);

  it("sends each frame as a file, and tells code of the one that is seen", async () => {
    const film = await d.filmScrubber({ a: frames, b: frames }, { captions: ["t 9", "t 5", "t 0"] });
    const state = page.stateOf(film.modelId);
    expect(state).toMatchObject({ count: 3, frame: 2 });
    expect(page.opened.at(-1)!.buffers.length).toBe(6);
    page.change(film.modelId, { frame: 1 });
    expect(film.frame).toBe(1);
    page.change(film.modelId, { frame: 7 });
    expect(film.frame).toBe(1);
    expect((await bundle(film))["text/plain"]).toBe("a, b: t 5");
  });

  it("refuses films of different lengths, and captions that are not as many", async () => {
    await expect(d.filmScrubber({ a: frames, b: d.zeros([2, 4, 4]) })).rejects.toThrow(
      "filmScrubber: b has 2 frames, a has 3",
    );
    await expect(d.filmScrubber({ a: frames }, { captions: ["x"] })).rejects.toThrow("1 captions for 3 frames");
    await expect(d.filmScrubber({})).rejects.toThrow("filmScrubber: there is no film");
  });
});

describe("the embedding map", () => {
  it("takes 10,000 points, and is a scatter plot where there are no widgets", async () => {
    const points = Array.from({ length: 10_000 }, (_, i) => [i % 100, Math.floor(i / 100)]);
    const map = await d.embeddingMap(points);
    expect(page.stateOf(map.modelId).hovered).toBe(-1);
    remove();
    const { "text/html": html } = await bundle(map);
    expect(html).toContain("<svg");
    // In the page's colours: a style sheet of a file of its own would colour all figures of the page.
    expect(html).not.toContain("prefers-color-scheme");
  });

  it("refuses what cannot be a map", async () => {
    await expect(d.embeddingMap([[1, 2, 3]])).rejects.toThrow("embeddingMap: got [1, 3], expected [n, 2]");
    await expect(d.embeddingMap([[1, Number.NaN]])).rejects.toThrow("embeddingMap: point 0 is NaN or infinite");
    await expect(d.embeddingMap([[1, 2]], { titles: [] })).rejects.toThrow("embeddingMap: 0 titles for 1 points");
  });
});
