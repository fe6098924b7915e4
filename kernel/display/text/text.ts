import { inspect, types } from "node:util";
import { byteSize, className, count, describeError, isObject, ownValue, shorten, wellFormed } from "../safe.ts";

/** Entries (array elements, properties, each 40 characters of a string) that one plain text may show. */
const ENTRY_BUDGET = 2000;
const MAX_STRING = 10_000;
const MAX_PROPERTIES = 200;
/** Levels and elements of each array, richest first: the first pair that keeps the value within the budget is taken. */
const SETTINGS = [
  [4, 100],
  [4, 24],
  [4, 6],
  [2, 24],
  [2, 6],
  [1, 24],
  [1, 6],
  [0, 100],
] as const;
/** Last resort against a custom `util.inspect` method that returns no end of text. */
const MAX_TEXT = 500_000;

type Numbers = ArrayLike<number | bigint> & { readonly BYTES_PER_ELEMENT: number; readonly byteLength: number };

/**
 * A value as plain text, the way Node's prompt writes it but without colour codes: `6`, `'text'`, `10n`, `[ 1, 2 ]`,
 * `Point { x: 1 }`. Getters are not called and the traps of a Proxy are not run.
 *
 * Bounded whatever the value: at most 100 elements of an array, {@link MAX_STRING} characters of a string, and as many levels and
 * elements as fit into {@link ENTRY_BUDGET} entries. Long typed arrays are followed by their smallest and largest value and their mean.
 *
 * @returns well-formed Unicode; never throws
 */
export function plainText(value: unknown): string {
  let text: string;
  try {
    text = describe(value);
  } catch (error) {
    text = describeHostile(value, error);
  }
  return wellFormed(shorten(text, MAX_TEXT));
}

function describe(value: unknown): string {
  if (!isObject(value)) return show(value);
  // inspect() looks through a Proxy to its target without running a trap, but the size of that target cannot be asked for.
  if (types.isProxy(value)) return show(value, 2, 24);
  if (types.isPromise(value)) return describePromise(value);
  if (Array.isArray(value) && types.isPromise(ownValue(value, 0))) return describePromises(value);
  if (types.isTypedArray(value)) return describeNumbers(value as unknown as Numbers);
  const text = bounded(value);
  // From Node 22 on, inspect() gives up on an error whose name or message throws; up to Node 20 it threw.
  return types.isNativeError(value) && text === "[object Error]" ? describeError(value) : text;
}

function show(value: unknown, depth: number = SETTINGS[0][0], elements: number = SETTINGS[0][1]): string {
  return inspect(value, {
    depth,
    colors: false,
    maxArrayLength: elements,
    maxStringLength: MAX_STRING,
    breakLength: 88,
    compact: 3,
  });
}

/** Shows as much as the budget allows; inspect() itself limits elements and characters, but not properties, nor levels times width. */
function bounded(value: object): string {
  // Listing a million keys takes a third of a second: once is enough.
  const listed = new Map<object, string[]>();
  const keysOf = (object: object): string[] => {
    const known = listed.get(object);
    if (known) return known;
    const keys = Object.keys(object);
    listed.set(object, keys);
    return keys;
  };
  for (const [depth, elements] of SETTINGS) {
    if (fits(value, depth, elements, keysOf)) return show(value, depth, elements);
  }
  if (Array.isArray(value) || types.isMap(value) || types.isSet(value)) return show(value, 0);
  const keys = keysOf(value);
  const few: object = Object.create(Object.getPrototypeOf(value));
  for (const key of keys.slice(0, MAX_PROPERTIES)) {
    const descriptor = Object.getOwnPropertyDescriptor(value, key);
    if (descriptor) Object.defineProperty(few, key, { ...descriptor, configurable: true });
  }
  const text = show(few, 0);
  if (keys.length <= MAX_PROPERTIES) return text;
  return text.replace(/\s*\}$/, `,\n  ... ${count(keys.length - MAX_PROPERTIES)} more properties\n}`);
}

/** Whether `value`, shown with these settings, stays within the budget. Stops counting as soon as it does not. */
function fits(value: object, depth: number, elements: number, keysOf: (object: object) => string[]): boolean {
  let left = ENTRY_BUDGET;
  const walk = (item: unknown, levels: number): void => {
    left -= 1;
    if (typeof item === "string") left -= Math.min(item.length, MAX_STRING) / 40;
    if (!isObject(item) || levels < 0 || left < 0) return;
    if (types.isProxy(item) || types.isTypedArray(item) || types.isAnyArrayBuffer(item)) {
      left -= elements;
    } else if (Array.isArray(item)) {
      const length = Math.min(item.length, elements);
      for (let i = 0; i < length && left >= 0; i++) walk(ownValue(item, i), levels - 1);
    } else if (types.isMap(item) || types.isSet(item)) {
      let rest = elements;
      for (const entry of types.isMap(item) ? Map.prototype.entries.call(item) : Set.prototype.values.call(item)) {
        if (rest-- === 0 || left < 0) break;
        // A Map's entry is an array of our own making: go through it without spending a level.
        walk(entry, types.isMap(item) ? levels : levels - 1);
      }
    } else {
      for (const key of keysOf(item)) {
        if (left < 0) break;
        walk(ownValue(item, key), levels - 1);
      }
    }
  };
  walk(value, depth);
  return left >= 0;
}

function describePromise(value: Promise<unknown>): string {
  const text = withoutTraces(show(value, 2));
  return text.includes("<pending>") && !text.includes("write await")
    ? `${text}\nThis is a promise, not its value yet: write await in front of it.`
    : text;
}

/** Forgetting await is the commonest slip with asynchronous code, and the text alone does not say what to do about it. */
function describePromises(values: readonly unknown[]): string {
  const text = withoutTraces(show(values, 2, 24));
  return text.includes("<pending>") && !text.includes("write await")
    ? `${text}\nThese are promises, not their values yet: write await Promise.all(...) around them.`
    : text;
}

/**
 * Node and the kernel write onto promises where they were made; inspect() shows that as if it were the program's.
 * Up to Node 22 it puts brackets around a key that is a symbol, later it does not.
 */
export function withoutTraces(text: string): string {
  return text.replace(
    /,\s*\[?Symbol\((?:run|kResourceStore|async_id_symbol|trigger_async_id_symbol)\)\]?: (?:\d+|undefined)/g,
    "",
  );
}

/** Elements of a typed array that are shown before its summary. */
const FIRST_ELEMENTS = 24;
/** Up to so many elements the summary looks at each one (about 5 ms); of more at an even sample: every one may be a page of memory. */
const SUMMARY_ELEMENTS = 4_000_000;
const SAMPLE_ELEMENTS = 20_000;

function describeNumbers(values: Numbers): string {
  if (values.length <= SETTINGS[0][1]) return show(values, 1);
  const text = show(values, 1, FIRST_ELEMENTS);
  const stride = values.length <= SUMMARY_ELEMENTS ? 1 : Math.ceil(values.length / SAMPLE_ELEMENTS);
  let min = values[0] as number | bigint;
  let max = min;
  let sum = 0;
  let seen = 0;
  let missing = 0;
  for (let i = 0; i < values.length; i += stride) {
    const x = values[i] as number | bigint;
    if (Number.isNaN(x)) {
      missing++;
      continue;
    }
    // `min` is NaN until a number is seen, and no comparison with NaN holds.
    if (!(min <= x)) min = x;
    if (!(max >= x)) max = x;
    sum += Number(x);
    seen++;
  }
  const figures = seen === 0 ? "" : `min ${figure(min)}, max ${figure(max)}, mean ${figure(sum / seen)}; `;
  const nan = missing === 0 ? "" : `NaN ${count(missing)} times; `;
  const sample = stride === 1 ? "" : ` (from every ${count(stride)}th value)`;
  return `${text}\n${figures}${nan}${byteSize(values.byteLength)}${sample}`;
}

function figure(x: number | bigint): string {
  return typeof x === "bigint" || Number.isInteger(x) ? String(x) : String(Number(x.toPrecision(6)));
}

/** Text for a value that inspect() cannot show: each property on its own, so that one bad one does not hide the others. */
function describeHostile(value: unknown, error: unknown): string {
  try {
    // Most often it is the value's own util.inspect method that throws.
    const text = inspect(value, {
      customInspect: false,
      depth: 1,
      maxArrayLength: 24,
      maxStringLength: MAX_STRING,
    });
    return `${text}\nIts own text could not be displayed: ${describeError(error)}`;
  } catch {
    const name = types.isNativeError(value) ? describeError(value) : (className(value) ?? typeof value);
    const lines = [`${name} (cannot be displayed in full: ${describeError(error)})`];
    try {
      for (const key of Object.keys(value as object).slice(0, 20)) {
        let shown: string;
        try {
          shown = inspect(ownValue(value as object, key), { customInspect: false, depth: 0, maxStringLength: 200 });
        } catch {
          shown = "[cannot be displayed]";
        }
        lines.push(`  ${key}: ${shown}`);
      }
    } catch {
      // A Proxy that does not even list its keys: the first line has said all there is.
    }
    return lines.join("\n");
  }
}
