import { writeFile } from "node:fs/promises";
import { inspect } from "node:util";
import { DISPLAY } from "../page/display.ts";
import { escapeText, tag } from "./svg.ts";

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** Beyond this a figure goes out as HTML alone: notebooks are read on the web, where two megabytes are the end. */
const SECOND_FORM_BYTES = 200_000;

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
}

/** Names and pictures that stand for a figure if there is no page. */
export type MimeData = Record<string, string>;

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
  const { width, height, body, hover = "", alt } = drawing;
  const style = `font-family:var(--jp-ui-font-family,${FONT});max-width:100%;height:auto;display:block`;
  const svg = tag("svg", { ...size(width, height), ...common(alt), style }, body + hover);
  const file = standalone(drawing);
  // Of large figures a sanitized page has the words alone.
  const src = `data:image/svg+xml;base64,${Buffer.from(file).toString("base64")}`;
  const still =
    file.length < SECOND_FORM_BYTES / 2
      ? tag("img", { class: "difflab-still", src, alt })
      : tag("p", { class: "difflab-still" }, escapeText(`${alt} (run this cell to see it)`));
  return STYLE + tag("div", { class: "difflab-figure", style: "display:none" }, svg) + still;
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
