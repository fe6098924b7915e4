import { types } from "node:util";
import { checkBundle, DISPLAY, type MimeBundle } from "./bundle.ts";
import { elementBundle } from "./dom/element.ts";
import { describeMedia, encodeMedia, sniff } from "./images.ts";
import { className, describeError, isObject, read, wellFormed } from "./safe.ts";
import { tableBundle } from "./text/table.ts";
import { plainText } from "./text/text.ts";

/**
 * What a notebook shows for a value. In this order: the value's own `[Symbol.for("Jupyter.display")]()`; bytes of a PNG, JPEG, GIF,
 * WebP, SVG or PDF file; DOM elements; arrays of plain objects, Maps and Sets as tables; everything else as plain text, the way
 * Node's prompt writes it, without colour codes.
 *
 * Never rejects: whatever a value does when it is looked at, there is a text for it.
 *
 * @returns `undefined`, for nothing to show, for `undefined` alone and for a value whose own display is empty. `null` shows as `null`.
 */
export async function toMimeBundle(value: unknown): Promise<MimeBundle | undefined> {
  return mimeBundle(value);
}

/** {@link toMimeBundle}, at once wherever the value does not make it wait: so the value is shown as it is now, not as it will be. */
export function mimeBundle(value: unknown): MimeBundle | undefined | Promise<MimeBundle | undefined> {
  if (value === undefined) return undefined;
  try {
    if (!isObject(value)) return textBundle(value);
    const method = read(value, DISPLAY);
    if (typeof method === "function") return ownBundle(value, method as () => unknown);
    return builtInBundle(value) ?? textBundle(value);
  } catch {
    // None of the above throws as far as we know; a cell must not die of what we do not know.
    return textBundle(value);
  }
}

function builtInBundle(value: object): MimeBundle | undefined {
  // Looking further into a Proxy would run its traps, one after the other; the plain text needs none.
  if (types.isProxy(value)) return undefined;
  if (types.isUint8Array(value)) return mediaBundle(value);
  return elementBundle(value) ?? tableBundle(value);
}

/** Bytes of a picture or document as a bundle; `undefined` if their kind is not known. */
export function mediaBundle(bytes: Uint8Array): MimeBundle | undefined {
  const media = sniff(bytes);
  if (!media) return undefined;
  const { mime, width, height } = media;
  const data = { [mime]: encodeMedia(bytes, mime), "text/plain": describeMedia(media, bytes.byteLength) };
  return { data, metadata: width && height ? { [mime]: { width, height } } : {} };
}

function textBundle(value: unknown): MimeBundle {
  return { data: { "text/plain": plainText(value) }, metadata: {} };
}

function ownBundle(value: object, method: () => unknown): MimeBundle | undefined | Promise<MimeBundle | undefined> {
  const failed = (error: unknown): MimeBundle => {
    const stack = read(error, "stack");
    const place = typeof stack === "string" ? (/\n\s+at .*/.exec(stack)?.[0] ?? "") : "";
    return noteBundle(value, `failed: ${describeError(error)}${place}`);
  };
  const finish = (result: unknown): MimeBundle | undefined => {
    let bundle: MimeBundle | undefined;
    try {
      bundle = checkBundle(result);
    } catch (error) {
      return noteBundle(value, `cannot be used: ${describeError(error).replace(/^TypeError: /, "")}`);
    }
    // Terminals and diffs have nothing else to go by.
    if (bundle && !("text/plain" in bundle.data)) {
      bundle.data["text/plain"] = `${className(value) ?? "value"} (${Object.keys(bundle.data).join(", ")})`;
    }
    return bundle;
  };
  try {
    const result = Reflect.apply(method, value, []);
    return typeof read(result, "then") === "function" ? Promise.resolve(result).then(finish, failed) : finish(result);
  } catch (error) {
    return failed(error);
  }
}

/** Says what is wrong with the value's own display, above the value as plain text: a cell must not die of it. */
function noteBundle(value: object, problem: string): MimeBundle {
  const note = `[Symbol.for("Jupyter.display")]() of ${className(value) ?? "a value"} ${problem}\nShown as plain text instead:`;
  return { data: { "text/plain": `${wellFormed(note)}\n${plainText(value)}` }, metadata: {} };
}
