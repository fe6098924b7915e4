import { checkBundle, DISPLAY, type Displayable } from "./bundle.ts";
import { sniff } from "./images.ts";
import { mediaBundle } from "./mime.ts";
import { className } from "./safe.ts";

/** Shows a string as HTML, in the page of the notebook: `html("<b>bold</b>")`. Nothing is escaped. */
export function html(source: string): Displayable {
  return shown({ "text/html": text("html", source), "text/plain": source });
}

/** Shows a string as Markdown with LaTeX between dollar signs: `` markdown("## Loss $L = x^2$") ``. */
export function markdown(source: string): Displayable {
  return shown({ "text/markdown": text("markdown", source), "text/plain": source });
}

/** Shows a string as an SVG picture of its own (in the page itself: `html`). */
export function svg(source: string): Displayable {
  if (!/<svg[\s>]/.test(text("svg", source)))
    throw new TypeError("svg: the text holds no <svg> element. For other markup use html.");
  const spaced = /<svg[^>]*\sxmlns=/.test(source)
    ? source
    : source.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"');
  return shown({ "image/svg+xml": spaced, "text/plain": "SVG image" });
}

/** Shows a value of objects, arrays, strings and numbers as a tree that can be opened and closed. */
export function json(value: unknown): Displayable {
  return shown({ "application/json": value, "text/plain": JSON.stringify(value, null, 2) ?? String(value) });
}

/**
 * Shows a picture that is already a file in memory: PNG, JPEG, GIF, WebP or SVG.
 *
 * @param bytes - the file's bytes, for instance of `sharp(...).png().toBuffer()` or `readFile`
 * @param options.width - width on the page in CSS pixels; default: one for each pixel of the picture
 * @param options.height - the same for the height; give both, or the front end may distort the picture
 * @throws TypeError where `bytes` is no such file
 */
export function image(bytes: Uint8Array, options: { width?: number; height?: number } = {}): Displayable {
  const media = bytes instanceof Uint8Array ? sniff(bytes) : undefined;
  const bundle = media?.mime.startsWith("image/") ? mediaBundle(bytes) : undefined;
  if (!media || !bundle) {
    const got =
      bytes instanceof Uint8Array ? `${bytes.length} bytes of another kind` : `a ${className(bytes) ?? typeof bytes}`;
    throw new TypeError(
      `image: got ${got}, expected the bytes of a PNG, JPEG, GIF, WebP or SVG file. Pixels become one with sharp.`,
    );
  }
  const size = { ...(bundle.metadata[media.mime] as object), ...options };
  return shown({ data: bundle.data, metadata: Object.keys(size).length > 0 ? { [media.mime]: size } : {} });
}

/** A value that shows a given bundle. Checked here, so that the error points at the line that made it. */
function shown(bundle: Record<string, unknown>): Displayable {
  checkBundle(bundle);
  return Object.defineProperty({}, DISPLAY, { value: () => bundle }) as Displayable;
}

function text(name: string, source: unknown): string {
  if (typeof source !== "string") throw new TypeError(`${name}: got a ${typeof source}, expected a string.`);
  return source;
}
