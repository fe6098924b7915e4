import { types } from "node:util";

/**
 * Looking at values that may fight back: a getter that throws, a Proxy whose traps throw, a revoked Proxy, text that is not
 * valid Unicode. Nothing in this file throws, whatever it is given.
 */

// The ES2024 methods of strings, which Node 20 has and the es2023 library types have not.
interface UnicodeString {
  isWellFormed(): boolean;
  toWellFormed(): string;
}

/** Whether `value` can have properties. */
export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** `value[key]`, or `undefined` if there is no such property or reading it throws. */
export function read(value: unknown, key: PropertyKey): unknown {
  try {
    return (value as Record<PropertyKey, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** The value of an own data property. Getters are not called and count as `undefined`; never use it on a Proxy. */
export function ownValue(object: object, key: PropertyKey): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value;
}

/** The text with each lone surrogate replaced by U+FFFD, so that it can be written as UTF-8. */
export function wellFormed(text: string): string {
  const unicode = text as unknown as UnicodeString;
  return unicode.isWellFormed() ? text : unicode.toWellFormed();
}

/** Cuts `text` after `limit` UTF-16 units and says how many more there are. */
export function shorten(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}... ${count(text.length - limit)} more characters`;
}

/** A whole number as people write it: `1,234,567`. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A size in bytes as people write it: `312 B`, `4.2 kB`, `100 MB` (powers of 1000). */
export function byteSize(bytes: number): string {
  let size = bytes;
  let unit = "B";
  for (const next of ["kB", "MB", "GB", "TB"]) {
    if (size < 1000) break;
    size /= 1000;
    unit = next;
  }
  return `${unit === "B" || size >= 100 ? Math.round(size) : size.toFixed(1)} ${unit}`;
}

/** The name of the class of `value`, or `undefined` if it has none that can be read. */
export function className(value: unknown): string | undefined {
  const name = read(read(value, "constructor"), "name");
  return typeof name === "string" && name !== "" ? wellFormed(shorten(name, 80)) : undefined;
}

/** One line about anything that was thrown: `RangeError: x is 3`. */
export function describeError(error: unknown): string {
  try {
    if (isObject(error)) {
      const message = read(error, "message");
      const name = read(error, "name");
      if (typeof message === "string") return wellFormed(`${typeof name === "string" ? name : "Error"}: ${message}`);
      return types.isNativeError(error)
        ? "an Error that cannot be read"
        : `a thrown ${className(error) ?? typeof error}`;
    }
    return wellFormed(shorten(String(error), 200));
  } catch {
    return "an error that cannot be read";
  }
}

/** Text that is safe between HTML tags and inside a quoted attribute. */
export function escapeHtml(text: string): string {
  return wellFormed(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
