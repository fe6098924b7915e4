import type { MimeBundle } from "../bundle.ts";
import { escapeHtml, read, wellFormed } from "../safe.ts";
import { flushFrames } from "./animation-frames.ts";

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const ELEMENT = 1;
const FRAGMENT = 11;

/**
 * The MIME bundle of a DOM element or fragment, of whatever DOM: linkedom, jsdom, happy-dom.
 *
 * As text/html, which JupyterLab, VS Code and nbconvert's HTML prefer, each `<svg>` is written as an `<img>` that puts the SVG itself in
 * its place once it is loaded. In the page the picture takes the reader's theme: `currentColor` is light on dark. The `<img>`, black on
 * white, is what is left where scripts do not run and where SVG is taken out: JupyterLab shows the saved outputs of a notebook that
 * the reader has not run yet without SVG tags, and of a plot written plainly nothing but the numbers of its axes remained.
 *
 * An `<svg>` on its own goes out as image/svg+xml too, for those that take no HTML: nbconvert to LaTeX and PDF, Quarto.
 *
 * @returns `undefined` if the value is no element, or one that cannot be written out
 */
export function elementBundle(value: object): MimeBundle | undefined {
  const type = read(value, "nodeType");
  if (type !== ELEMENT && type !== FRAGMENT) return undefined;
  flushFrames();
  const markup = type === ELEMENT ? read(value, "outerHTML") : fragmentMarkup(value);
  if (typeof markup !== "string") return undefined;
  const own = distinctIds(withoutControls(markup));
  const data: Record<string, unknown> = { "text/html": embed(forPage(own)), "text/plain": summary(value, own) };
  if (type === ELEMENT && read(value, "localName") === "svg" && read(value, "namespaceURI") === SVG_NAMESPACE) {
    data["image/svg+xml"] = standalone(own);
  }
  return { data, metadata: {} };
}

function fragmentMarkup(fragment: object): string | undefined {
  try {
    const { childNodes } = fragment as { childNodes: Iterable<{ outerHTML?: string; textContent?: string }> };
    return [...childNodes].map((node) => node.outerHTML ?? escapeHtml(node.textContent ?? "")).join("");
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
  // Here and in ./canvas.ts and ./display.ts: what only some cells need must not take time when the kernel starts.
  const { createHash } = process.getBuiltinModule("node:crypto");
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

/** A start tag; a ">" in a quoted attribute does not end it. */
const START = /^<[\w:-]+(?:[^>"']|"[^"]*"|'[^']*')*>/;
const SVG_TAGS = /<\/svg>|<svg\b(?:[^>"']|"[^"]*"|'[^']*')*>/g;

/** Replaces the outermost `<svg>` elements by images of themselves. */
function embed(markup: string): string {
  let html = "";
  let written = 0;
  let depth = 0;
  let start = 0;
  for (const { 0: tag, index } of markup.matchAll(SVG_TAGS)) {
    const opens = tag !== "</svg>";
    const closes = !opens || tag.endsWith("/>");
    if (opens && depth++ === 0) start = index;
    if (closes && --depth === 0) {
      html += markup.slice(written, start) + toImage(markup.slice(start, index + tag.length));
      written = index + tag.length;
    }
    if (depth < 0) return markup; // not what a DOM writes: leave it alone
  }
  return html + markup.slice(written);
}

const DATA = "data:image/svg+xml,";
// "%" comes first: the others bring more of them.
const ENCODED = [...'%#"&<>\n\r\t'].map((character) => [character, encodeURIComponent(character)] as const);
/** Runs with the image as `this`; the URL is all it needs. */
const UNFOLD = `this.outerHTML=decodeURIComponent(this.src.slice(${DATA.length}))`;

function toImage(svg: string): string {
  const attribute = attributeReader(svg);
  const size = ["width", "height"].map((key) => (attribute(key) ? ` ${key}="${attribute(key)}"` : "")).join("");
  // Readable in a diff: only what a URL or a quoted attribute cannot hold is encoded.
  let url = asFile(svg);
  for (const [character, code] of ENCODED) url = url.replaceAll(character, code);
  const style = "max-width:100%;height:auto;background:white;";
  return `<img alt="${attribute("aria-label")}"${size} style="${style}" onload="${UNFOLD}" src="${DATA}${url}">`;
}

/** The SVG as a file of its own: namespaces declared, no entity that only HTML has. */
function asFile(svg: string): string {
  let start = START.exec(svg)?.[0] ?? "";
  const rest = svg.slice(start.length);
  if (!/\sxmlns=/.test(start)) start = start.replace("<svg", `<svg xmlns="${SVG_NAMESPACE}"`);
  if (svg.includes("xlink:") && !start.includes("xmlns:xlink=")) {
    start = start.replace("<svg", '<svg xmlns:xlink="http://www.w3.org/1999/xlink"');
  }
  return (start + rest).replaceAll("&nbsp;", "&#160;");
}

/** For programs that make PDF or PNG of it: they know no CSS variables, and would fill Plot's tips with black. */
function standalone(svg: string): string {
  return asFile(svg).replaceAll("var(--plot-background)", "white");
}

/** Reads attributes of the first tag, as they are written; "" if there is none. */
function attributeReader(markup: string): (name: string) => string {
  const start = START.exec(markup)?.[0] ?? "";
  return (name) => new RegExp(`\\s${name}="([^"]*)"`).exec(start)?.[1] ?? "";
}

/** `<svg 640 × 400>`, `<figure> Rainfall`: what there is to see, for front ends that show text only. */
function summary(value: object, markup: string): string {
  const name = read(value, "localName");
  if (typeof name !== "string") return `document fragment, ${markup.length} characters of HTML`;
  const attribute = attributeReader(markup);
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
