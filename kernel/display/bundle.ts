import { types } from "node:util";
import { readDataUrl } from "./data-url.ts";
import { encodeMedia } from "./images.ts";
import { className, isObject, wellFormed } from "./safe.ts";
import { describeContent } from "./text/stand-in.ts";
import { plainText } from "./text/text.ts";

/** What a front end is given to choose from: the same thing as several MIME types, and remarks on each. */
export interface MimeBundle {
  /** MIME type to content: text, base64 for binary types, plain data for JSON types. */
  data: Record<string, unknown>;
  /** MIME type to remarks, as `{ "image/png": { width: 640, height: 480 } }`. */
  metadata: Record<string, unknown>;
}

/**
 * The method by which a value describes its own display: it returns an object of MIME types, or a promise of one. An empty object
 * shows nothing. Bytes (`Uint8Array`) are written as base64. `{ data, metadata }` is taken too. Deno's kernel honours the same symbol.
 */
export const DISPLAY = Symbol.for("Jupyter.display");

/** A value that describes its own display. */
export interface Displayable {
  [DISPLAY](): Record<string, unknown> | Promise<Record<string, unknown>>;
}

/**
 * Checks a MIME bundle that somebody else made, and makes it fit for JSON.
 *
 * @returns the bundle, `undefined` if it is empty
 * @throws TypeError that names the entry at fault
 */
export function checkBundle(bundle: unknown): MimeBundle | undefined {
  if (!isObject(bundle) || Array.isArray(bundle))
    throw new TypeError(`got ${brief(bundle)}, expected an object of MIME types`);
  const given = bundle as Record<string, unknown>;
  const nested = isObject(given.data) && Object.keys(given).every((key) => key === "data" || key === "metadata");
  const entries = Object.entries(nested ? (given.data as object) : given).filter(
    ([, content]) => content !== undefined,
  );
  if (entries.length === 0) return undefined;
  const data: Record<string, unknown> = {};
  for (const [mime, content] of entries) {
    // What browsers take as a picture's address is no picture to a front end.
    const url = typeof content === "string" && isBinary(mime) ? readDataUrl(content) : undefined;
    if (url) data[url.mime] = encodeMedia(url.bytes, url.mime);
    else data[mime] = checkContent(mime, content);
  }
  addText(data);
  const metadata = nested && isObject(given.metadata) ? (jsonValue(given.metadata) as Record<string, unknown>) : {};
  return { data, metadata };
}

function isBinary(mime: string): boolean {
  return /^(image|audio|video)\/|^application\/pdf/.test(mime);
}

/** A terminal has nothing else to show. */
function addText(data: Record<string, unknown>): void {
  const types = Object.keys(data);
  if (types.some((type) => type.startsWith("text/") || type === "image/svg+xml")) return;
  data["text/plain"] = types.map((type) => describeContent(type, data[type])).join("\n");
}

function checkContent(mime: string, content: unknown): unknown {
  if (!/^[\w.+-]+\/[\w.+-]+(?:;.*)?$/.test(mime)) {
    throw new TypeError(`got the key ${JSON.stringify(mime)}, expected a MIME type such as "text/html" or "image/png"`);
  }
  if (types.isUint8Array(content)) return encodeMedia(content, mime);
  if (typeof content === "string") return wellFormed(content);
  if (/[/+]json(?:;|$)/.test(mime)) return jsonValue(content);
  if (Array.isArray(content) && content.every((line) => typeof line === "string")) return wellFormed(content.join(""));
  throw new TypeError(
    `got ${brief(content)} for "${mime}", expected a string${mime.startsWith("text/") ? "" : " of base64, or bytes"}`,
  );
}

/** The value as JSON would carry it, with well-formed text. Throws where JSON.stringify throws: circular, bigint, a throwing getter. */
function jsonValue(value: unknown): unknown {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`got ${brief(value)}, expected a value that JSON can hold`);
  const repair = (item: unknown): unknown => {
    if (typeof item === "string") return wellFormed(item);
    if (Array.isArray(item)) return item.map(repair);
    if (typeof item !== "object" || item === null) return item;
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [wellFormed(key), repair(inner)]));
  };
  return repair(JSON.parse(text));
}

function brief(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (!isObject(value)) return `the ${typeof value} ${plainText(value).slice(0, 60)}`;
  const name = className(value) ?? typeof value;
  return `${/^[aeiou]/i.test(name) ? "an" : "a"} ${name}`;
}
