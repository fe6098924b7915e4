import { isWide } from "../text/width.ts";

/** An element of an SVG tree, as far as measuring needs it. */
interface Node {
  readonly nodeType: number;
  readonly localName?: string;
  readonly textContent: string | null;
  readonly childNodes: Iterable<Node>;
  readonly parentNode: Node | null;
  getAttribute?(name: string): string | null;
}

/** Widths in em, of a common sans-serif font, rounded: no font is at hand, and the reader's is not known anyway. */
const NARROW = /[ijlI.,:;'|!()[\]{}ftr \u00a0-]/;
const BROAD = /[mwMWQ@%#&]/;

/**
 * About the box that the text inside an SVG element takes up, in pixels, from (0, 0): lines from their `dy` in em, letters from
 * typical widths. Enough for Observable Plot to size the frame of a static tip; no layout.
 */
export function textBox(element: Node): { x: number; y: number; width: number; height: number } {
  const size = fontSize(element);
  let width = 0;
  let height = 0;
  const measureLine = (node: Node): void => {
    width = Math.max(width, emWidth(visibleText(node)) * size);
    height += (Number.parseFloat(node.getAttribute?.("dy") ?? "") || 1) * size;
  };
  const walk = (node: Node): void => {
    if (node.localName === "tspan") {
      measureLine(node);
    } else if (node.localName === "text" && ![...node.childNodes].some((child) => child.localName === "tspan")) {
      measureLine(node);
    } else {
      for (const child of node.childNodes) walk(child);
    }
  };
  walk(element);
  return { x: 0, y: -height, width, height };
}

/** The text of a line without that of its `<title>`, which is a tooltip. */
function visibleText(node: Node): string {
  if (node.nodeType === 3) return node.textContent ?? "";
  if (node.localName === "title") return "";
  return [...node.childNodes].map(visibleText).join("");
}

function fontSize(element: Node): number {
  for (let node: Node | null = element; node; node = node.parentNode) {
    const size = Number.parseFloat(node.getAttribute?.("font-size") ?? "");
    if (size > 0) return size;
  }
  return 10; // Observable Plot's
}

function emWidth(text: string): number {
  let width = 0;
  for (const letter of text) {
    if (letter === "\u200b" || letter < " ") continue;
    width += isWide(letter)
      ? 1
      : NARROW.test(letter)
        ? 0.31
        : BROAD.test(letter)
          ? 0.87
          : /\p{Lu}/u.test(letter)
            ? 0.68
            : 0.57;
  }
  return width;
}
