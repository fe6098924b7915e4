/**
 * What a config may hold, key by key: the default, the values that this library has code for, and those in words.
 */

/** One key. */
export interface Field<T> {
  /** What it is where the config leaves it out. */
  readonly fallback: T;
  /** The known values, in words. */
  readonly expected: string;
  /** Whether a value is one of them. */
  readonly accepts: (value: unknown) => boolean;
}

/** All keys of a config. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The values that a table of fields describes. */
export type ConfigOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** A key in camelCase: `num_train_timesteps` becomes `numTrainTimesteps`. */
type Camel<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;

/** Settings given by hand: any of a config's keys, in the file's spelling or in camelCase. */
export type Settings<C> = { readonly [K in keyof C]?: C[K] } & { readonly [K in keyof C as Camel<K & string>]?: C[K] };

/** A field by its parts, where none of the kinds below is meant. */
export function field<T>(fallback: T, expected: string, accepts: (value: unknown) => boolean): Field<T> {
  return { fallback, expected, accepts };
}

/** A whole number from 1 up. */
export function positiveInteger(fallback: number): Field<number> {
  return field(fallback, "a whole number from 1 up", (value) => Number.isInteger(value) && (value as number) > 0);
}

/** Any whole number, such as a token's id. */
export function integer(fallback: number): Field<number> {
  return field(fallback, "a whole number", Number.isInteger);
}

export function finite(fallback: number): Field<number> {
  return field(fallback, "a number", Number.isFinite);
}

export function flag(fallback: boolean): Field<boolean> {
  return field(fallback, "true or false", (value) => typeof value === "boolean");
}

/** One of a few words or numbers. */
export function choice<const T extends string | number>(options: readonly T[], fallback: NoInfer<T>): Field<T> {
  const words = options.map((option) => JSON.stringify(option));
  const expected = words.length > 1 ? `${words.slice(0, -1).join(", ")} or ${words.at(-1)}` : words.join();
  return field(fallback, expected, (value) => (options as readonly unknown[]).includes(value));
}

/** The only value that this library has code for. */
export function only<T>(value: T): Field<T> {
  const same = (other: unknown) => JSON.stringify(other) === JSON.stringify(value);
  return field(value, `${JSON.stringify(value)}, the only value supported by difflab`, same);
}

/** What nothing here can follow: it has to be left out, and so it is not filled in. */
export function absent(): Field<undefined> {
  return field(undefined, "none: difflab does not support it", (value) => value === null);
}

/** Not looked at: kept for whoever reads the file next. */
export function kept<T>(fallback: T): Field<T> {
  return field(fallback, "anything", () => true);
}

export function listOf<T>(item: Field<T>, fallback: readonly T[]): Field<readonly T[]> {
  const accepts = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(item.accepts);
  return field(fallback, `a list, each item ${item.expected}`, accepts);
}

/** One value for all, or a list with one for each block. */
export function eachOrAll<T>(item: Field<T>): Field<T | readonly T[]> {
  const list = listOf(item, []);
  const accepts = (value: unknown) => item.accepts(value) || list.accepts(value);
  return field<T | readonly T[]>(item.fallback, `${item.expected}, or a list of them`, accepts);
}

export function orNull<T>(value: Field<T>, fallback: T | null = null): Field<T | null> {
  return field<T | null>(fallback, `${value.expected}, or null`, (given) => given === null || value.accepts(given));
}
