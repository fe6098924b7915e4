/** The names that an object of options may have; a record, so that the compiler notices which one is missing. */
export type Names<O extends object> = Readonly<Record<keyof O, true>>;

/**
 * Refuses an option that is not known: it would have no effect, and nobody would notice. Says what is meant where only
 * the spelling differs (`weight_decay` from a notebook in Python, say).
 *
 * @param where - the function or class that was given the options
 * @param known - the names of all options
 * @throws TypeError that names the option
 */
export function checkOptions<O extends object>(where: string, options: O, known: Names<O> | readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${where}: got ${shown(options)}, expected an object of options`);
  }
  const names = Array.isArray(known) ? (known as readonly string[]) : Object.keys(known);
  const plain = (key: string) => key.replaceAll("_", "").toLowerCase();
  for (const key of Object.keys(options)) {
    if (names.includes(key)) continue;
    const meant = names.find((candidate) => plain(candidate) === plain(key));
    throw new TypeError(
      `${where}: unknown option ${key}; ${meant ? `it is called ${meant} here` : names.length > 0 ? `expected one of ${names.join(", ")}` : "there are no options"}`,
    );
  }
}

/**
 * Refuses what is no number if one is expected: "0.1" from a form or a command line would be compared, added and
 * multiplied in JavaScript's own way.
 *
 * @param least - the smallest value allowed; default any
 * @throws TypeError for what is no number; RangeError for NaN and numbers below `least`
 */
export function checkNumber(where: string, name: string, value: unknown, least = -Infinity): void {
  if (typeof value !== "number") throw new TypeError(`${where}: ${name} is ${shown(value)}, expected a number`);
  if (!(value >= least)) {
    const wanted = least === -Infinity ? "a number" : `${least} or more`;
    throw new RangeError(`${where}: ${name} is ${value}, expected ${wanted}`);
  }
}

/** Throws where a number is no integer of at least `least`. */
export function checkInteger(where: string, name: string, values: readonly unknown[], least: number): void {
  for (const v of values) {
    if (typeof v !== "number") throw new TypeError(`${where}: ${name} is ${shown(v)}, expected an integer`);
    if (!Number.isInteger(v) || v < least) {
      throw new RangeError(`${where}: ${name} is ${v}, expected an integer of at least ${least}`);
    }
  }
}

/** Throws if `value` is none of `choices`. */
export function checkChoice(where: string, name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  const list = choices.map((choice) => `"${choice}"`);
  throw new RangeError(
    `${where}: unknown ${name} ${shown(value)}; expected ${list.slice(0, -1).join(", ")}${list.length > 1 ? " or " : ""}${list.at(-1)}`,
  );
}

/** A value in an error, texts in quotes. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return value.length > 10 ? `a list of ${value.length}` : `[${value.map(shown).join(", ")}]`;
  const isPlain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  if (isPlain) return Object.keys(value).length > 0 ? `{ ${Object.keys(value).join(", ")} }` : "{}";
  return typeof value === "function" ? `the function ${value.name || "() => ..."}` : String(value);
}
