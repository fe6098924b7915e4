import { describe, expect, test } from "vitest";
import * as d from "../../../lib/index.ts";
import { textWidth } from "../../../lib/plots/svg.ts";
import { parts, show } from "./reading.ts";

const title = "A title so long that a figure of one small picture is far too narrow for it in one line";
const unit = "how much the probability of a seven changes for each unit of brightness at this pixel";
const tiny = d.eye(4);
const image = d.rand([3, 16, 16]);
const painted = d.Image.fromRaw(new Uint8Array(16 * 16), { width: 16, height: 16, mode: "L" });
const one = { image: painted, words: ["seven"], maps: d.rand([1, 4, 4]) };
const poked = {
  ...{ before: image, after: image.mul(0.5), square: { top: 0, left: 0, size: 8 } },
  poke: { channel: 0, row: 0, column: 0, by: 3 },
};

/** What is written in a figure and lies beyond one of its sides. */
async function cutOff(figure: unknown): Promise<string[]> {
  const bundle = await show(figure);
  const [, width] = /<svg width="(\d+)"/.exec(bundle["text/html"]!)!;
  return parts(bundle, "text").flatMap((text) => {
    const words = text.get("text")!;
    const wide = textWidth(words, Number(text.get("font-size") ?? 12));
    const x = Number(text.get("x") ?? 0);
    const anchor = text.get("text-anchor");
    const left = anchor === "end" ? x - wide : anchor === "middle" ? x - wide / 2 : x;
    return left < -1 || left + wide > Number(width) + 1 ? [words] : [];
  });
}

describe("no text is cut off at the side of a figure that is narrow:", () => {
  test.each<[string, () => unknown]>([
    ["attention to a single word", () => d.showAttention(one, { title })],
    ["attention on one scale", () => d.showAttention(one, { scale: "all" })],
    ["one map", () => d.showHeatmap(tiny, { title, unit, scale: 2 })],
    ["maps with a scale each", () => d.showHeatmap({ a: tiny, b: tiny.mul(2) }, { limit: "each", unit, scale: 2 })],
    ["two that are compared", () => d.showHeatmap({ a: tiny, b: tiny.mul(0) }, { scale: 2 })],
    ["latents of one channel", () => d.showLatents(d.randn([1, 4, 4]), { title })],
    ["a latent poked", () => d.showPoke(poked, { title })],
    ["pixels", () => d.showPixels(tiny, { title })],
    ["one picture", () => d.showImages(tiny, { title, captions: ["a caption of several words"] })],
    ["rows", () => d.showRows({ "a row with quite a long name": tiny }, { title })],
    ["layers", () => d.drawNetwork(new d.nn.Sequential(new d.nn.Linear(2, 2)), { input: [2], title })],
  ])("%s", async (_, make) => {
    expect(await cutOff(make())).toEqual([]);
  });

  test("numbers that are none are counted below the plane, and a size that is none is refused", async () => {
    const field = {
      at: [
        [0, 0],
        [1, 1],
      ],
      arrows: [
        [1, 0],
        [Number.NaN, 1],
      ],
    };
    expect(await d.showField(field).alt()).toBe("plane with 2 arrows. 1 value NaN");
    await expect(d.showField({ ...field, width: 0 }).alt()).rejects.toThrow(
      "width is 0; expected CSS pixels, such as 640",
    );
    await expect(d.linePlot([1, 2], { height: Number.NaN }).alt()).rejects.toThrow("height is NaN");
  });

  test("a legend takes more lines, and a long name does", async () => {
    const curves = { [unit]: [1, 2, 3], [`${unit}, again`]: [3, 2, 1], short: [1, 1, 1] };
    const figure = d.linePlot(curves, { width: 300, title });
    const said = parts(await show(figure), "text").map((text) => text.get("text"));
    expect(said).toContain("short");
    expect((await cutOff(figure)).filter((words) => /probability|again|short|title/.test(words))).toEqual([]);
  });
});
