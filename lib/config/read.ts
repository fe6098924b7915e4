import { notice } from "../page/notice.ts";
import { within } from "../scope.ts";
import type { ConfigOf, Fields } from "./fields.ts";

/**
 * Reading a config, for every model and every scheduler alike:
 * - a value that this library has no code for is an error, whoever gives it;
 * - a key that no field describes is an error if it is written by hand (`new UNet2DModel({ ... })`), as a wrong
 *   argument is in Python, and a notice where it stands in a file (`fromConfig`, `fromPretrained`), which may be newer
 *   than this library or carry notes of its makers';
 * - keys that begin with "_" are the file's own notes.
 */
export interface ReadOptions {
  /** Keys that other programs write, which concern no computation: kept as they are. */
  readonly harmless?: ReadonlySet<string>;
}

let readingFile = false;

/** Makes something of a file's config: keys that are not known in it are told in a notice. `make` is synchronous. */
export function fromFile<T>(make: () => T): T {
  const before = readingFile;
  const leave = () => {
    readingFile = before;
  };
  return within(leave, () => {
    readingFile = true;
    return make();
  });
}

/**
 * Reads a config: fills in the defaults and checks every value.
 *
 * @param name - the model or scheduler, for errors
 * @param given - a file's content, or settings in camelCase
 * @returns the config in the file's keys, frozen
 * @throws RangeError that lists every value that is not known, TypeError for a key that is not
 */
export function readConfig<F extends Fields>(
  name: string,
  fields: F,
  given: object,
  { harmless }: ReadOptions = {},
): ConfigOf<F> {
  const config: Record<string, unknown> = {};
  const problems: string[] = [];
  const unknown: string[] = [];
  for (const [spelled, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const key = keyOf(spelled);
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field && !field.accepts(value)) problems.push(`${key} is ${shown(value)}; expected ${field.expected}`);
    if (field || isNote(key) || harmless?.has(key)) config[key] = value;
    // What is set to nothing asks for nothing.
    else if (value !== null || !readingFile) unknown.push(spelled);
  }
  if (unknown.length > 0 && !readingFile) {
    const expected = Object.keys(fields).join(", ");
    throw new TypeError(`${name}: unknown setting ${unknown.join(", ")}; expected one of ${expected}`);
  }
  if (problems.length === 1) throw new RangeError(`${name}: ${problems[0]}`);
  if (problems.length > 1) {
    throw new RangeError(`${name}: the config has unsupported values:\n  ${problems.join("\n  ")}`);
  }
  noticeUnknown(name, unknown);
  for (const [key, { fallback }] of Object.entries(fields)) {
    if (!(key in config) && fallback !== undefined) config[key] = fallback;
  }
  return Object.freeze(config) as ConfigOf<F>;
}

/** One line that names the keys of a file that have no effect. */
export function noticeUnknown(name: string, keys: readonly string[]): void {
  if (keys.length === 0) return;
  notice(`${name}: the config's ${keys.join(", ")} ${keys.length === 1 ? "is" : "are"} unknown and ignored`);
}

/** A key as files spell it. */
export function keyOf(spelled: string): string {
  return isNote(spelled) ? spelled : spelled.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Whether a key is the file's own note, such as "_class_name". */
export function isNote(key: string): boolean {
  return key.startsWith("_");
}

/** A value in an error: JSON knows neither NaN nor infinity. */
function shown(value: unknown): string {
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
}
