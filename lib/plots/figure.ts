import { writeFile } from "node:fs/promises";
import { inspect } from "node:util";
import { DISPLAY } from "../page/display.ts";
import { escapeText, tag } from "./svg.ts";

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** Beyond this a figure goes out as HTML alone: notebooks are read on the web, where two megabytes are the end. */
const SECOND_FORM_BYTES = 200_000;

/** The share of its size that a figure keeps on a narrow page: text of 12 pixels is still 9 pixels high. */
const LEAST_SHARE = 0.75;

/** Pixels between figures that stand side by side. */
export const SIDE_GAP = 24;

/** A finished picture, still without its outermost element. */
export interface Drawing {
  /** Pixels on the page. */
  readonly width: number;
  /** Pixels on the page. */
  readonly height: number;
  /** SVG inside a `<svg>` of that size, drawn with `currentColor`. */
  readonly body: string;
  /** Drawn over the body where a pointer can be: elements with titles. Left out of the SVG file, which is a picture. */
  readonly hover?: string;
  /** What there is to see, in one or a few lines: the text alternative, and what a terminal shows. */
  readonly alt: string;
  /** The drawings that the body consists of, where a page may lay them out by itself, as many in a row as it has room for. */
  readonly parts?: readonly Drawing[];
}

/** Names and pictures that stand for a figure if there is no page. */
export type MimeData = Record<string, string>;

/** What a figure draws: for figures that consist of others. */
export let drawingOf: (figure: Figure) => Promise<Drawing>;

/**
 * A picture that shows itself: as the last expression of a cell, through `display(figure)`, in every Jupyter front end
 * and in Deno's kernel. In a script write it to a file: `await figure.save("loss.svg")`.
 *
 * In a notebook it is SVG in the page, so that its text has the page's colour, light or dark; as a file of its own it
 * asks the system which of the two it is. Values show where the pointer is.
 */
export class Figure {
  readonly #name: string;
  readonly #draw: () => Promise<Drawing>;
  #drawing: Promise<Drawing> | undefined;

  static {
    drawingOf = (figure) => figure.#drawn();
  }

  /**
   * @param name - of the function that made it
   * @param draw - called once, when the figure is first looked at
   */
  constructor(name: string, draw: () => Promise<Drawing>) {
    this.#name = name;
    this.#draw = draw;
  }

  #drawn(): Promise<Drawing> {
    this.#drawing ??= this.#draw();
    return this.#drawing;
  }

  /** The picture as an SVG document. */
  async svg(): Promise<string> {
    return standalone(await this.#drawn());
  }

  /** What is to be seen, in words. */
  async alt(): Promise<string> {
    return (await this.#drawn()).alt;
  }

  /**
   * Writes the picture to a file.
   *
   * @param path - ending in .svg, or in .png for pixels (two for each CSS pixel, on white)
   * @throws RangeError for another ending
   */
  async save(path: string): Promise<void> {
    const svg = await this.svg();
    if (/\.svg$/i.test(path)) return writeFile(path, svg);
    if (!/\.png$/i.test(path))
      throw new RangeError(`${this.#name}: save got "${path}"; expected a name ending in .svg or .png`);
    const { default: sharp } = await import("sharp");
    await sharp(Buffer.from(svg), { density: 144 }).flatten({ background: "white" }).png().toFile(path);
  }

  async [DISPLAY](): Promise<MimeData> {
    return bundleOf(await this.#drawn());
  }

  [inspect.custom](): string {
    return `Figure (${this.#name}): displayed automatically in a notebook; in a script, use: await figure.save("figure.svg")`;
  }
}

/** A drawing in the forms that front ends choose from. */
export function bundleOf(drawing: Drawing): MimeData {
  const bundle: MimeData = { "text/html": inPage(drawing), "text/plain": drawing.alt };
  // Front ends that take no HTML: nbconvert to PDF, Quarto.
  const file = standalone(drawing);
  if (file.length < SECOND_FORM_BYTES / 2) bundle["image/svg+xml"] = file;
  return bundle;
}

/*
 * A notebook that the reader has not run goes through a sanitizer (JupyterLab's untrusted notebooks, GitHub): it takes away <style> with all
 * that is in it, and of <svg> the tags but not the text, which would be spilt over the page. So the drawing is hidden unless the style
 * sheet is there, and an <img>, which sanitizers keep, is shown unless it is there. The image takes the system's theme, and has no hover.
 */
const STYLE = "<style>.difflab-figure{display:block!important}.difflab-still{display:none!important}</style>";

function inPage(drawing: Drawing): string {
  const { alt, parts } = drawing;
  const shown = parts
    ? tag("div", { style: `display:flex;flex-wrap:wrap;gap:${SIDE_GAP}px` }, ...parts.map(svgInPage))
    : svgInPage(drawing);
  const file = standalone(drawing);
  // Of large figures a sanitized page has the words alone.
  const src = `data:image/svg+xml;base64,${Buffer.from(file).toString("base64")}`;
  const still =
    file.length < SECOND_FORM_BYTES / 2
      ? tag("img", { class: "difflab-still", src, alt })
      : tag("p", { class: "difflab-still" }, escapeText(`${alt} (run this cell to see it)`));
  return STYLE + tag("div", { class: "difflab-figure", style: "display:none;overflow-x:auto" }, shown) + still;
}

/** As wide as it is drawn; on a narrower page smaller, but no smaller than its text can be read: then it scrolls. */
function svgInPage({ width, height, body, hover = "", alt }: Drawing): string {
  const least = Math.ceil(LEAST_SHARE * width);
  const style = `font-family:var(--jp-ui-font-family,${FONT});max-width:100%;min-width:${least}px;height:auto;display:block`;
  return tag("svg", { ...size(width, height), ...common(alt), style }, body + hover);
}

function standalone({ width, height, body, alt }: Drawing): string {
  const colours = "svg{color:#1d2430}@media(prefers-color-scheme:dark){svg{color:#dde3ec}}";
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    ...size(width, height),
    ...common(alt),
    "font-family": FONT,
  };
  return tag("svg", attributes, tag("style", {}, colours), body);
}

function size(width: number, height: number) {
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
  };
}

function common(alt: string) {
  return { role: "img", "aria-label": alt, fill: "currentColor", "font-size": 12 };
}
