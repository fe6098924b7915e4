import { createHash } from "node:crypto";
import type { MimeBundle } from "./bundle.ts";
import { flushFrames } from "./frames.ts";
import { read, wellFormed } from "./safe.ts";

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const ELEMENT = 1;
const FRAGMENT = 11;

/**
 * The MIME bundle of a DOM element or fragment, of whatever DOM: linkedom, jsdom, happy-dom.
 *
 * An `<svg>` goes out twice. JupyterLab, VS Code and nbconvert's HTML prefer text/html, put it into the page, and so the picture takes the
 * reader's theme: `currentColor` is light on dark. As image/svg+xml alone JupyterLab shows it in an `<img>`, black on a dark page. The
 * image/svg+xml is for those that take no HTML: nbconvert to LaTeX and PDF, Quarto, GitHub. Anything else (Plot wraps a plot that has
 * a title or a legend into a `<figure>`) is text/html.
 *
 * @returns `undefined` where the value is no element, or one that cannot be written out
 */
export function elementBundle(value: object): MimeBundle | undefined {
  const type = read(value, "nodeType");
  if (type !== ELEMENT && type !== FRAGMENT) return undefined;
  flushFrames();
  const markup = type === ELEMENT ? read(value, "outerHTML") : fragmentMarkup(value);
  if (typeof markup !== "string") return undefined;
  const own = distinctIds(withoutControls(markup));
  const data: Record<string, unknown> = { "text/html": forPage(own), "text/plain": summary(value, own) };
  if (type === ELEMENT && read(value, "localName") === "svg" && read(value, "namespaceURI") === SVG_NAMESPACE) {
    data["image/svg+xml"] = standalone(own);
  }
  return { data, metadata: {} };
}

function fragmentMarkup(fragment: object): string | undefined {
  try {
    const { childNodes } = fragment as { childNodes: Iterable<{ outerHTML?: string; textContent?: string }> };
    return [...childNodes].map((node) => node.outerHTML ?? node.textContent ?? "").join("");
  } catch {
    return undefined;
  }
}

/** Control characters are an error in XML and invisible in HTML. */
function withoutControls(markup: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be removed
  return wellFormed(markup).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");
}

/**
 * Plot numbers its clip paths, markers and patterns from 1 in each process, and a notebook's page holds the output of many: the
 * second plot-clip-1 would be cut by the first one's path. The hash of the picture makes them distinct, and the same picture the same text.
 */
function distinctIds(markup: string): string {
  if (!/id="plot-(?:clip|marker|pattern)-\d/.test(markup)) return markup;
  const mark = createHash("sha1").update(markup).digest("hex").slice(0, 8);
  return markup.replace(/(["#])(plot-(?:clip|marker|pattern)-\d+)(?=[")])/g, `$1$2-${mark}`);
}

/** Plot lays tips and halos on white; on a dark page that makes light text on white. JupyterLab and VS Code name their background. */
function forPage(markup: string): string {
  return markup.replaceAll(
    "--plot-background: white",
    "--plot-background: var(--jp-layout-color0, var(--vscode-editor-background, white))",
  );
}

/** HTML's way of writing an SVG as a file of its own: namespaces declared, no entity that only HTML has. */
function standalone(markup: string): string {
  const end = markup.indexOf(">");
  let start = markup.slice(0, end);
  if (!/\sxmlns=/.test(start)) start = start.replace("<svg", `<svg xmlns="${SVG_NAMESPACE}"`);
  if (markup.includes("xlink:") && !start.includes("xmlns:xlink=")) {
    start = start.replace("<svg", '<svg xmlns:xlink="http://www.w3.org/1999/xlink"');
  }
  // What turns SVG into PDF or PNG knows no CSS variables, and fills Plot's tips with black.
  return (start + markup.slice(end)).replaceAll("&nbsp;", "&#160;").replaceAll("var(--plot-background)", "white");
}

/** `<svg 640 × 400>`, `<figure> Rainfall`: what there is to see, for front ends that show text only. */
function summary(value: object, markup: string): string {
  const name = read(value, "localName");
  if (typeof name !== "string") return `document fragment, ${markup.length} characters of HTML`;
  const attribute = (key: string): string => new RegExp(`^<[^>]*\\s${key}="([^"]*)"`).exec(markup)?.[1] ?? "";
  const size = attribute("width") && attribute("height") ? ` ${attribute("width")} × ${attribute("height")}` : "";
  const heading = /<(?:h[1-6]|figcaption|title)[^>]*>([^<]*)/.exec(markup)?.[1] ?? attribute("aria-label");
  return `<${name}${size}>${heading ? ` ${unescapeHtml(heading.trim())}` : ""}`;
}

function unescapeHtml(text: string): string {
  const entities: Record<string, string> = {
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&nbsp;": " ",
    "&#39;": "'",
    "&amp;": "&",
  };
  return text.replace(/&(?:lt|gt|quot|nbsp|#39|amp);/g, (entity) => entities[entity]!);
}
