import { checkBundle, DISPLAY, type Displayable } from "./bundle.ts";
import { readDataUrl } from "./data-url.ts";
import { sniff } from "./images.ts";
import { mediaBundle } from "./mime.ts";
import { className, escapeHtml } from "./safe.ts";

/** A text, or with its name in front of a template, the template's strings; values go in between. */
type Source = [source: string] | [strings: TemplateStringsArray, ...values: unknown[]];

/** The source of values that such a function has made: inside another template they stand as they are. */
const SOURCE = Symbol("source");

/**
 * Shows HTML, in the page of the notebook: `html("<b>bold</b>")`, where nothing is escaped, or `` html`<b>${name}</b>` ``,
 * where text that goes in is, and lists are joined. What `html` and `svg` give goes in as it is.
 */
export function html(...source: Source): Displayable {
  const text = join("html", source, escaped);
  return shown({ "text/html": text, "text/plain": text }, text);
}

/** Shows Markdown with LaTeX between dollar signs: `` markdown`## Loss $\frac{1}{2} x^2$ is ${loss}` ``, or of a string. */
export function markdown(...source: Source): Displayable {
  const text = join("markdown", source, (value) => String(value));
  return shown({ "text/markdown": text, "text/plain": text }, text);
}

/** Shows a string, or a template as `html` takes it, as an SVG picture of its own (in the page itself: `html`). */
export function svg(...source: Source): Displayable {
  const text = join("svg", source, escaped);
  if (!/<svg[\s>]/.test(text)) {
    throw new TypeError("svg: the text contains no <svg> element. For other markup, use html.");
  }
  const spaced = /<svg[^>]*\sxmlns=/.test(text)
    ? text
    : text.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"');
  return shown({ "image/svg+xml": spaced, "text/plain": "SVG image" }, text);
}

function join(name: string, [first, ...values]: Source, toText: (value: unknown) => string): string {
  if (typeof first === "string") return first;
  if (!Array.isArray(first) || !Array.isArray((first as TemplateStringsArray).raw)) {
    throw new TypeError(`${name}: got a ${typeof first}, expected a string.`);
  }
  // Markdown is full of backslashes (LaTeX), which are meant as they stand.
  const strings = name === "markdown" ? first.raw.map((part) => part.replace(/\\(?=`|\$\{)/g, "")) : first;
  const insert = (value: unknown): string => {
    if (Array.isArray(value)) return value.map(insert).join("");
    if (value === null || value === undefined || value === false) return "";
    const own = typeof value === "object" ? (value as { [SOURCE]?: string })[SOURCE] : undefined;
    return own ?? toText(value);
  };
  return strings.map((part, i) => (i === 0 ? part : insert(values[i - 1]) + part)).join("");
}

function escaped(value: unknown): string {
  return escapeHtml(String(value));
}

/** Shows a value of objects, arrays, strings and numbers as a tree that can be opened and closed. */
export function json(value: unknown): Displayable {
  return shown({ "application/json": value, "text/plain": JSON.stringify(value, null, 2) ?? String(value) });
}

/**
 * Shows a picture that is already a file in memory: PNG, JPEG, GIF, WebP or SVG.
 *
 * @param source - the file's bytes, for instance of `sharp(...).png().toBuffer()` or `readFile`, or a `data:` address of them
 * @param options.width - width on the page in CSS pixels; default: one for each pixel of the picture
 * @param options.height - the same for the height; give both, or the front end may distort the picture
 * @throws TypeError if it is no such file
 */
export function image(source: Uint8Array | string, options: { width?: number; height?: number } = {}): Displayable {
  const bytes = typeof source === "string" ? readDataUrl(source)?.bytes : source;
  const media = bytes instanceof Uint8Array ? sniff(bytes) : undefined;
  const bundle = bytes && media?.mime.startsWith("image/") ? mediaBundle(bytes) : undefined;
  if (!media || !bundle) {
    const got =
      bytes instanceof Uint8Array
        ? `${bytes.length} bytes in another format`
        : `a ${className(source) ?? typeof source}`;
    throw new TypeError(
      `image: got ${got}, expected the bytes of a PNG, JPEG, GIF, WebP or SVG file. To encode raw pixels, use sharp.`,
    );
  }
  const size = { ...(bundle.metadata[media.mime] as object), ...options };
  return shown({ data: bundle.data, metadata: Object.keys(size).length > 0 ? { [media.mime]: size } : {} });
}

/** A value that shows a given bundle. Checked here, so that the error points at the line that made it. */
function shown(bundle: Record<string, unknown>, source?: string): Displayable {
  checkBundle(bundle);
  const methods = { [DISPLAY]: { value: () => bundle }, [SOURCE]: { value: source } };
  return Object.defineProperties({}, methods) as unknown as Displayable;
}
