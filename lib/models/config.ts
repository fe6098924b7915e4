/**
 * What a model's `config.json` may hold: each key's default, the values that we know, and an error for all others.
 */

/** One key: what it is where the file leaves it out, and which values are known. */
export interface Field<T> {
  readonly fallback: T;
  /** The known values, in words. */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The values that a table of fields describes. */
export type ConfigOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

type Camel<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;

/** Settings given by hand: any of a config's keys, in the file's spelling or in camelCase. */
export type Settings<C> = { readonly [K in keyof C]?: C[K] } & { readonly [K in keyof C as Camel<K & string>]?: C[K] };

const isWhole = (value: unknown) => Number.isInteger(value) && (value as number) > 0;
const isNumber = (value: unknown) => typeof value === "number" && Number.isFinite(value);

/** A whole number from 1 up. */
export function whole(fallback: number): Field<number> {
  return { fallback, expected: "a whole number from 1 up", accepts: isWhole };
}

export function finite(fallback: number): Field<number> {
  return { fallback, expected: "a number", accepts: isNumber };
}

export function flag(fallback: boolean): Field<boolean> {
  return { fallback, expected: "true or false", accepts: (value) => typeof value === "boolean" };
}

/** One of a few words. */
export function choice<const T extends string>(options: readonly T[], fallback: NoInfer<T>): Field<T> {
  const expected = options.map((option) => JSON.stringify(option)).join(", ");
  return { fallback, expected, accepts: (value) => (options as readonly unknown[]).includes(value) };
}

/** The only value that this library has code for. */
export function only<T>(value: T): Field<T> {
  const same = (other: unknown) => JSON.stringify(other) === JSON.stringify(value);
  return { fallback: value, expected: `${JSON.stringify(value)}, the only value that difflab supports`, accepts: same };
}

/** Any whole number, such as a token's id. */
export function integer(fallback: number): Field<number> {
  return { fallback, expected: "a whole number", accepts: Number.isInteger };
}

/** Not looked at: kept for whoever reads the file next. */
export function kept<T>(fallback: T): Field<T> {
  return { fallback, expected: "anything", accepts: () => true };
}

export function listOf<T>(field: Field<T>, fallback: readonly T[]): Field<readonly T[]> {
  const accepts = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(field.accepts);
  return { fallback, expected: `a list, each item ${field.expected}`, accepts };
}

/** One value for all, or a list with one for each block. */
export function eachOrAll<T>(field: Field<T>): Field<T | readonly T[]> {
  const { accepts } = listOf(field, []);
  const either = (value: unknown) => field.accepts(value) || accepts(value);
  return { fallback: field.fallback, expected: `${field.expected}, or a list of such`, accepts: either };
}

export function orNull<T>(field: Field<T>, fallback: T | null = null): Field<T | null> {
  const accepts = (value: unknown) => value === null || field.accepts(value);
  return { fallback, expected: `${field.expected}, or null`, accepts };
}

/**
 * Reads a config: fills in the defaults and checks every value. Keys that no field describes are kept but have no
 * effect.
 *
 * @param name - the model, for errors
 * @param options.quiet - do not name such keys in a warning: transformers' files hold dozens that concern no network
 * @throws RangeError that lists every value that is not known
 */
export function readConfig<F extends Fields>(
  name: string,
  fields: F,
  given: object,
  options: { quiet?: boolean } = {},
): ConfigOf<F> {
  const config: Record<string, unknown> = {};
  const problems: string[] = [];
  const unknown: string[] = [];
  for (const [spelled, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const snake = spelled.startsWith("_") ? spelled : spelled.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
    const key = Object.hasOwn(fields, spelled) ? spelled : snake;
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    config[field ? key : spelled] = value;
    if (field && !field.accepts(value)) problems.push(`${key} is ${JSON.stringify(value)}; expected ${field.expected}`);
    if (!field && !key.startsWith("_")) unknown.push(spelled);
  }
  if (problems.length > 0) {
    throw new RangeError(`${name}: the config asks for what this model cannot do:\n  ${problems.join("\n  ")}`);
  }
  if (unknown.length > 0 && !options.quiet)
    console.warn(`${name}: the config's ${unknown.join(", ")} is not known here and has no effect`);
  for (const [key, field] of Object.entries(fields)) if (!(key in config)) config[key] = field.fallback;
  return Object.freeze(config) as ConfigOf<F>;
}

/** One value for each of `count` blocks. */
export function perBlock<T>(name: string, key: string, value: T | readonly T[], count: number): readonly T[] {
  if (!Array.isArray(value)) return new Array<T>(count).fill(value as T);
  if (value.length !== count) {
    throw new RangeError(`${name}: ${key} has ${value.length} values; expected ${count}, one for each block`);
  }
  return value;
}

// Keys whose numbers Python's libraries want written as fractions, also where they are whole: JavaScript writes 1 for 1.0.
const fractions = [
  ...["layer_norm_eps", "initializer_factor", "initializer_range", "logit_scale_init_value", "scaling_factor"],
  ...["shift_factor", "norm_eps", "dropout", "attention_dropout", "mid_block_scale_factor", "resnet_out_scale_factor"],
];

/** A config as the text of a `config.json` that diffusers and transformers read. */
export function configText(config: object): string {
  const whole = new RegExp(`("(?:${fractions.join("|")})": -?\\d+)(?=,?\n)`, "g");
  return `${JSON.stringify(config, null, 2).replace(whole, "$1.0")}\n`;
}
