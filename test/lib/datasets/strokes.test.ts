import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readDrawings } from "../../../lib/datasets/strokes/drawings.ts";
import { readSvg } from "../../../lib/datasets/strokes/read-svg.ts";
import { styleOf } from "../../../lib/datasets/strokes/style.ts";
import { WORLD } from "../../../lib/datasets/world/names.ts";
import { ROOT } from "../../root.ts";

const STROKES = join(ROOT, "data", "strokes");
const scratch = mkdtempSync(join(tmpdir(), "strokes-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const svg = (inside: string, attributes = 'viewBox="0 0 100 100"') =>
  `<svg xmlns="http://www.w3.org/2000/svg" ${attributes} fill="none" stroke="#123">${inside}</svg>`;
const path = (d: string, attributes = "") => `<path d="${d}" ${attributes}/>`;

describe("a drawing in SVG", () => {
  test("is read as strokes of curves, whatever commands it is written in", () => {
    const forms = [
      "M10 10 C10 10 40 10 40 10 L40 30 Z",
      "m10 10 c0 0 30 0 30 0 l0 20 z",
      "M10,10C10,10,40,10,40,10V30Z",
      "M10 10 C10 10 40 10 40 10 v20 L10 10 z",
    ].map((d) => readSvg(svg(path(d)), "x.svg").parts[0]!.strokes);
    for (const strokes of forms) {
      expect(strokes).toHaveLength(1);
      expect(strokes[0]!.start).toEqual([10, 10]);
      expect(strokes[0]!.curves.map((curve) => curve.slice(4))).toEqual([
        [40, 10],
        [40, 30],
        [10, 10],
      ]);
      expect(strokes[0]!.closed).toBe(true);
    }
    const [quadratic] = readSvg(svg(path("M0 0 Q30 60 60 0")), "x.svg").parts[0]!.strokes;
    expect(quadratic!.curves[0]).toEqual([20, 40, 40, 40, 60, 0]);
    const [smooth] = readSvg(svg(path("M0 0 C0 10 20 10 20 0 S40 -10 40 0")), "x.svg").parts[0]!.strokes;
    expect(smooth!.curves[1]).toEqual([20, -10, 40, -10, 40, 0]);
    expect(readSvg(svg(path("M0 0 h9 M20 0 h9")), "x.svg").parts[0]!.strokes.map(({ start }) => start)).toEqual([
      [0, 0],
      [20, 0],
    ]);
  });

  test("says what is filled, lined and cut out, in attributes or in style, its own or its group's", () => {
    const inside = [
      path("M0 0 h9"),
      path("M0 0 h9 v9 Z", 'fill="#123"'),
      path("M0 0 h9", 'stroke="white"'),
      `<g stroke="none" style="fill: #FFF">${path("M0 0 h9 v9 Z")}</g>`,
      path("M0 0 h9 v9 Z", 'fill="red" style="stroke-width:2;fill:none;stroke:rgb(255, 255, 255)"'),
    ].join("");
    expect(readSvg(svg(inside), "x.svg").parts.map(({ filled, lined, cut }) => [filled, lined, cut])).toEqual([
      [false, true, false],
      [true, true, false],
      [false, true, true],
      [true, false, true],
      [false, true, true],
    ]);
  });

  test("may carry what drawing programs add", () => {
    const text = `<?xml version="1.0"?>\n<!DOCTYPE svg>\n<!-- Inkscape -->${svg(
      `<title>t</title><defs><linearGradient id="a"/>${path("M0 0 h1")}</defs><sodipodi:namedview id="n"/><metadata><rdf:RDF/></metadata><g>${path("M0 0 h9")}</g>`,
      'viewBox="0,0,50,100" width="10mm" xmlns:sodipodi="s" xmlns:rdf="r"',
    )}`;
    const drawing = readSvg(text, "x.svg");
    expect(drawing.parts).toHaveLength(1);
    expect(drawing.aspect).toBe(0.5);
  });

  const refused: [string, string, string][] = [
    ["an empty file", "", "x.svg: not XML; expected an SVG file, <svg ...>"],
    ["a PNG", "\u0089PNG\r\n\u001a\n\0", "x.svg: not XML; expected an SVG file"],
    ["a page", "<html><body/></html>", "x.svg: a <html> document; expected an SVG file"],
    ["no path", svg(""), "x.svg: contains no <path>; expected at least one with a d attribute"],
    ["a file that was cut off", svg(path("M0 0 h9")).slice(0, -3), "x.svg: is truncated; expected </svg> at its end"],
    ["a path without d", svg("<path/>"), 'x.svg: path 1: draws nothing, d=""; expected a line or curve'],
    ["a path that only moves", svg(path("M0 0 h9") + path("M3 4")), 'x.svg: path 2: draws nothing, d="M3 4"'],
    ["a number that is none", svg(path("M0 0 L NaN 3")), "x.svg: path 1: SvgPath: param should start with 0..9"],
    ["a number too large", svg(path("M0 0 L 1e999 3")), "x.svg: path 1: has a number that is not finite"],
    ["another element", svg('<circle r="3"/>'), "x.svg: <circle>; expected <path> only. Convert objects to paths"],
    ["a style sheet", svg(`<style>path{fill:red}</style>${path("M0 0 h9")}`), "x.svg: <style>; expected <path> only"],
    [
      "a transform",
      svg(`<g transform="scale(2)">${path("M0 0 h9")}</g>`),
      "x.svg: <g transform>; expected plain paths",
    ],
    ["no box", svg(path("M0 0 h9"), ""), 'x.svg: viewBox=""; expected four numbers'],
    [
      "a box without width",
      svg(path("M0 0 h9"), 'viewBox="0 0 0 9"'),
      'x.svg: viewBox="0 0 0 9"; expected four numbers',
    ],
    ["neither fill nor stroke", svg(path("M0 0 h9", 'stroke="none"')), "x.svg: path 1 has neither fill nor stroke"],
    [
      "a weight in letters",
      svg(path("M0 0 h9"), 'viewBox="0 0 9 9" data-weight="x"'),
      'data-weight="x"; expected a number',
    ],
    [
      "stretching without a size",
      svg(path("M0 0 h9"), 'viewBox="0 0 9 9" preserveAspectRatio="none"'),
      "without a width and a height",
    ],
  ];
  test.each(refused)("is refused with its name: %s", (_, text, message) => {
    expect(() => readSvg(text, "x.svg")).toThrow(message);
  });

  test("is one of a folder's, numbered from 1 without a gap", () => {
    const folder = (name: string, files: Record<string, string>) => {
      mkdirSync(join(scratch, name));
      for (const [file, text] of Object.entries(files)) writeFileSync(join(scratch, name, file), text);
      return join(scratch, name);
    };
    const good = svg(path("M0 0 h9"));
    expect(readDrawings(folder("good", { "1.svg": good, "2.svg": good, "notes.txt": "" }))).toHaveLength(2);
    expect(() => readDrawings(join(scratch, "absent"))).toThrow(
      /absent: cannot be read .*expected 1\.svg.*git checkout/s,
    );
    expect(() => readDrawings(folder("empty", {}))).toThrow("empty: contains no drawing; expected 1.svg, 2.svg ...");
    expect(() => readDrawings(folder("gap", { "1.svg": good, "3.svg": good }))).toThrow(
      "gap: has 1.svg, 3.svg, but no 2.svg; number",
    );
    expect(() => readDrawings(folder("bad", { "1.svg": good, "2.svg": "hello" }))).toThrow(
      join("bad", "2.svg: not XML"),
    );
    mkdirSync(join(folder("folder", {}), "1.svg"));
    expect(() => readDrawings(join(scratch, "folder"))).toThrow(/1\.svg: cannot be read .*expected an SVG file/);
  });
});

describe("a digit in SVG", () => {
  test("is a style of writing: hundredths to the bit, corners where the path turns", () => {
    const { weight, aspect, strokes } = styleOf(
      readSvg(
        svg(
          path("M55 7 C50 7 30 20 29 28 S31 50 58 58 C58 60 60 100 57 100"),
          'width="158" height="200" viewBox="-10 -10 120 120" preserveAspectRatio="none" data-weight="0.7"',
        ),
        "x.svg",
      ),
    );
    expect([weight, aspect]).toEqual([0.7, 0.79]);
    expect(strokes).toEqual([
      [
        [0.55, 0.07],
        [0.29, 0.28],
        [0.58, 0.58, 1],
        [0.57, 1],
      ],
    ]);
  });

  test("has neither areas nor a weight of nothing", () => {
    expect(() => styleOf(readSvg(svg(path("M0 0 h9 v9 Z", 'fill="#123"')), "x.svg"))).toThrow(
      "x.svg: has a filled or white path; digits are drawn",
    );
    expect(() => styleOf(readSvg(svg(path("M0 0 h9"), 'viewBox="0 0 9 9" data-weight="0"'), "x.svg"))).toThrow(
      'x.svg: data-weight="0"; expected a number above 0',
    );
  });
});

describe("the drawings that ship", () => {
  const folders = readdirSync(STROKES, { withFileTypes: true }).filter((entry) => entry.isDirectory());

  test("are those of the world, three and more of each thing", () => {
    const digits = WORLD.things.slice(0, 10).map((_, digit) => String(digit));
    expect(folders.map(({ name }) => name).sort()).toEqual([...digits, ...WORLD.things.slice(10)].sort());
    for (const { name } of folders) expect(readDrawings(join(STROKES, name)).length).toBeGreaterThanOrEqual(3);
  });

  test("stay in their box, have a title, and no arcs, whose sines would differ between machines", () => {
    for (const { name } of folders) {
      for (const { path: file, parts } of readDrawings(join(STROKES, name))) {
        const text = readFileSync(file, "utf8");
        expect(text, file).toMatch(/<title>.+<\/title>/);
        expect([...text.matchAll(/ d="([^"]+)"/g)].map(([, d]) => d).join(" "), file).not.toMatch(/a/i);
        for (const { strokes } of parts) {
          for (const { start, curves } of strokes) {
            for (const [x, y] of [start, ...curves.map((curve) => [curve[4], curve[5]] as const)]) {
              expect(Math.min(x, y), file).toBeGreaterThanOrEqual(0);
              expect(Math.max(x, y), file).toBeLessThanOrEqual(100);
            }
          }
        }
      }
    }
  });
});
