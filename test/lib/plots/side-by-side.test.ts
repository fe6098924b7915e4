import sharp from "sharp";
import { expect, it } from "vitest";
import * as d from "../../../lib/index.ts";
import { attributes, show } from "./reading.ts";

const chart = (title: string, width: number, height: number) => d.barChart([1, 2], { title, width, height });

/** Where the drawings of a file stand: x, y, width and height of each. */
function places(file: string): number[][] {
  const all = file.matchAll(/<svg x="[\d.]+" y="[\d.]+" width="[\d.]+" height="[\d.]+">/g);
  return [...all].map(([open]) => ["x", "y", "width", "height"].map((name) => Number(attributes(open).get(name))));
}

it("puts figures next to each other, and begins a new row where the column ends", async () => {
  const bundle = await show(
    d.sideBySide(chart("a", 360, 100), chart("b", 360, 150), chart("c", 360, 100), chart("d", 700, 100)),
  );
  const file = bundle["image/svg+xml"]!;
  const [a, b, c, last] = places(file) as [number[], number[], number[], number[]];
  expect([a[0], a[1], b[0], b[1]]).toEqual([0, 0, 384, 0]);
  expect([c[0], c[1]]).toEqual([0, b[3]! + 24]);
  expect([last[0], last[1]]).toEqual([0, c[1]! + c[3]! + 24]);
  const { width, height } = await sharp(Buffer.from(file)).metadata();
  expect([width, height]).toEqual([744, Math.ceil(last[1]! + last[3]!)]);
  expect(bundle["text/plain"]!.split("\n").map((line) => line[0])).toEqual(["a", "b", "c", "d"]);
});

it("leaves the rows to the page, where each figure keeps its own size, words and hover", async () => {
  const bundle = await show(d.sideBySide(chart("a", 360, 100), d.showPixels([[1, 2]])));
  const page = bundle["text/html"]!;
  expect(page).toMatch(
    /^<style>[^<]*<\/style><div class="difflab-figure"[^>]*><div style="display:flex;flex-wrap:wrap;/,
  );
  const shown = [...page.matchAll(/<svg [^>]*role="img"[^>]*>/g)].map(([open]) => attributes(open));
  expect(shown.map((each) => each.get("aria-label")!.length > 5)).toEqual([true, true]);
  expect(shown[0]!.get("width")).toBe("360");
  expect(shown[0]!.get("style")).toMatch(/max-width:100%;min-width:270px/);
  expect(page).toContain("<title>row 0, column 1: 2</title>");
});

it("says what it was given in place of figures", () => {
  expect(() => d.sideBySide()).toThrow("sideBySide: got no figures");
  expect(() => d.sideBySide([chart("a", 300, 100)] as never)).toThrow(
    /argument 1 is no figure.*sideBySide\(\.\.\.figures\)/,
  );
  expect(() => d.sideBySide(chart("a", 300, 100), "b" as never)).toThrow(/argument 2 is no figure/);
});
