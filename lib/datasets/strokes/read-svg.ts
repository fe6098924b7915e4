import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import svgpath from "svgpath";

/** A cubic Bezier curve from where the last one ended: two handles and the end. */
export type Curve = readonly [x1: number, y1: number, x2: number, y2: number, x: number, y: number];

/** What the pen draws without leaving the paper. */
export interface Stroke {
  readonly start: readonly [x: number, y: number];
  readonly curves: readonly Curve[];
  readonly closed: boolean;
}

/** One `<path>` of a drawing. */
export interface Part {
  readonly strokes: readonly Stroke[];
  /** Ink inside: the path has a `fill`. */
  readonly filled: boolean;
  /** Ink along the path: it has a `stroke`. */
  readonly lined: boolean;
  /** Takes ink away from the parts before: the path is drawn in white. */
  readonly cut: boolean;
}

/** A drawing as its SVG file describes it. */
export interface Drawing {
  /** The file. */
  readonly path: string;
  /** The drawing's own unit: `[x, y, width, height]`. */
  readonly viewBox: readonly [number, number, number, number];
  /** The width of the whole over its height, as a browser shows it. */
  readonly aspect: number;
  readonly parts: readonly Part[];
  /** The `data-*` attributes of the `<svg>` element that are numbers. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** Elements that draw nothing by themselves. Those of other languages, as drawing programs add them, have a prefix. */
const SILENT = /^(svg|g|title|desc|metadata|defs)$|:/;
const WHITE = /^(#fff|#ffffff|white|rgb\(255, ?255, ?255\))$/;

/**
 * Reads a drawing from the text of an SVG file made of paths. Lines become curves, so there is one kind of piece.
 *
 * @param text - the file's content
 * @param path - the file's name, for errors
 * @throws Error if it is no SVG, holds no path or something besides paths, or a path cannot be read
 */
export function readSvg(text: string, path: string): Drawing {
  const root = parseXml(text);
  if (!root || nameOf(root) !== "svg") {
    throw new Error(`${path}: ${root ? `a <${root.tagName}> document` : "not XML"}; expected an SVG file, <svg ...>`);
  }
  if (!/<\/(svg:)?svg\s*>/.test(text)) throw new Error(`${path}: is truncated; expected </svg> at its end`);
  const elements = [root, ...root.querySelectorAll("*")].filter((element) => !isWithin(element, "defs"));
  for (const element of elements) {
    const name = nameOf(element);
    if (name !== "path" && !SILENT.test(name)) {
      throw new Error(`${path}: <${name}>; expected <path> only. Convert objects to paths in the drawing program.`);
    }
    if (element.getAttribute("transform")) {
      throw new Error(
        `${path}: <${name} transform>; expected plain paths. Apply the transform in the drawing program.`,
      );
    }
  }
  const parts = elements.filter((e) => nameOf(e) === "path").map((e, i) => readPart(e, i, path));
  if (parts.length === 0) throw new Error(`${path}: contains no <path>; expected at least one with a d attribute`);
  const viewBox = readBox(root, path);
  return { path, viewBox, aspect: readAspect(root, viewBox, path), parts, numbers: readNumbers(root, path) };
}

function readPart(element: Element, index: number, path: string): Part {
  const d = element.getAttribute("d") ?? "";
  const strokes = readStrokes(d, `${path}: path ${index + 1}`);
  const fill = inherited(element, "fill") ?? "black";
  const filled = fill !== "none";
  const stroke = inherited(element, "stroke") ?? "none";
  const lined = stroke !== "none";
  if (!filled && !lined)
    throw new Error(`${path}: path ${index + 1} has neither fill nor stroke; expected one of them`);
  const colour = filled ? fill : stroke;
  return { strokes, filled, lined, cut: WHITE.test(colour) };
}

function readStrokes(d: string, where: string): Stroke[] {
  const parsed = svgpath(d) as ReturnType<typeof svgpath> & { err: string };
  if (parsed.err) throw new Error(`${where}: ${parsed.err} in d="${excerpt(d)}"`);
  const strokes: { start: [number, number]; curves: Curve[]; closed: boolean }[] = [];
  parsed
    .abs()
    .unshort()
    .unarc()
    .iterate((segment, _, x, y) => {
      if (segment[0] === "M") {
        strokes.push({ start: [segment[1], segment[2]], curves: [], closed: false });
        return;
      }
      let stroke = strokes.at(-1)!;
      if (stroke.closed) {
        stroke = { start: [x, y], curves: [], closed: false };
        strokes.push(stroke);
      }
      if (segment[0] === "Z" || segment[0] === "z") {
        const [sx, sy] = stroke.start;
        if (sx !== x || sy !== y) stroke.curves.push(line(x, y, sx, sy));
        stroke.closed = true;
      } else if (segment[0] === "L") stroke.curves.push(line(x, y, segment[1], segment[2]));
      else if (segment[0] === "H") stroke.curves.push(line(x, y, segment[1], y));
      else if (segment[0] === "V") stroke.curves.push(line(x, y, x, segment[1]));
      else if (segment[0] === "C") stroke.curves.push(segment.slice(1) as unknown as Curve);
      else if (segment[0] === "Q") {
        const [, qx, qy, ex, ey] = segment;
        stroke.curves.push([
          x + ((qx - x) * 2) / 3,
          y + ((qy - y) * 2) / 3,
          ex + ((qx - ex) * 2) / 3,
          ey + ((qy - ey) * 2) / 3,
          ex,
          ey,
        ]);
      }
    });
  const drawn = strokes.filter(({ curves }) => curves.length > 0);
  if (drawn.length === 0) throw new Error(`${where}: draws nothing, d="${excerpt(d)}"; expected a line or curve`);
  if (!drawn.every(({ start, curves }) => [...start, ...curves.flat()].every(Number.isFinite))) {
    throw new Error(`${where}: has a number that is not finite, d="${excerpt(d)}"`);
  }
  return drawn;
}

function line(x0: number, y0: number, x: number, y: number): Curve {
  return [x0 + (x - x0) / 3, y0 + (y - y0) / 3, x - (x - x0) / 3, y - (y - y0) / 3, x, y];
}

function readBox(root: Element, path: string): [number, number, number, number] {
  const text = root.getAttribute("viewBox") ?? "";
  const box = text
    .trim()
    .split(/[\s,]+/)
    .map(Number);
  if (box.length !== 4 || !box.every(Number.isFinite) || box[2]! <= 0 || box[3]! <= 0) {
    throw new Error(`${path}: viewBox="${text}"; expected four numbers with a width and height, such as "0 0 100 100"`);
  }
  return box as [number, number, number, number];
}

/** A picture with `preserveAspectRatio="none"` is stretched to its width and height, any other keeps those of its box. */
function readAspect(root: Element, [, , width, height]: Drawing["viewBox"], path: string): number {
  if (root.getAttribute("preserveAspectRatio") !== "none") return width / height;
  const aspect = Number(root.getAttribute("width")) / Number(root.getAttribute("height"));
  if (Number.isFinite(aspect) && aspect > 0) return aspect;
  throw new Error(`${path}: preserveAspectRatio="none" without a width and a height in numbers; expected both`);
}

function readNumbers(root: Element, path: string): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const { name, value } of root.attributes) {
    if (!name.startsWith("data-")) continue;
    const number = Number(value);
    if (value.trim() === "" || !Number.isFinite(number))
      throw new Error(`${path}: ${name}="${value}"; expected a number`);
    numbers[name.slice("data-".length)] = number;
  }
  return numbers;
}

/** A property of the element or of the nearest one around it that has it; as in a browser, `style` goes before attributes. */
function inherited(element: Element, name: "fill" | "stroke"): string | null {
  for (let e: Element | null = element; e; e = e.parentElement) {
    const styled = e.getAttribute("style")?.match(new RegExp(`(?:^|;)\\s*${name}\\s*:([^;]+)`))?.[1];
    const value = styled ?? e.getAttribute(name);
    if (value !== null) return value.trim().toLowerCase();
  }
  return null;
}

function nameOf(element: Element): string {
  return element.tagName.toLowerCase().replace(/^svg:/, "");
}

function isWithin(element: Element, name: string): boolean {
  for (let e = element.parentElement; e; e = e.parentElement) if (nameOf(e) === name) return true;
  return false;
}

const excerpt = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}...` : text);

interface Element {
  readonly tagName: string;
  readonly parentElement: Element | null;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): Iterable<Element>;
}

/** The document's root. Loaded at the first drawing only: the parser takes 35 ms to load. */
function parseXml(text: string): Element | null {
  const require = createRequire(import.meta.url);
  const { DOMParser } = require(join(dirname(require.resolve("linkedom/package.json")), "worker.js"));
  return new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
}
