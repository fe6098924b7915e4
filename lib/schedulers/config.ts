import { choice, type Fields, orNull, type Settings } from "../config/fields.ts";
import { isNote, keyOf, noticeUnknown, readConfig } from "../config/read.ts";
import { PRINTED } from "../printed.ts";
import { type SchedulerSettings, SETTINGS } from "./settings.ts";

/** The name of a setting. */
type Key = keyof SchedulerSettings;

/** Narrower lists of values than the common ones, where a scheduler takes fewer. */
export type Choices = { readonly [K in Key]?: readonly (SchedulerSettings[K] & (string | number))[] };

/**
 * The key under which a config holds its origin. It is enumerable, so that a copy, `{ ...config, beta_end: 0.01 }`, keeps it;
 * a symbol, so that it is no setting. diffusers has plain keys for the same, which a constructor would refuse here.
 */
const ORIGIN: unique symbol = Symbol("origin of the settings");

/** What a config's own keys do not say. */
class Origin {
  // Private fields, so that equal settings compare as equal, wherever they come from.
  readonly #defaulted: Readonly<Record<string, unknown>>;
  readonly #carried: Readonly<Record<string, unknown>>;

  /**
   * @param defaulted - settings that were not given and taken from the scheduler's own defaults
   * @param carried - settings of other schedulers that the config came with. They have no effect, but go along when one
   * scheduler is made of another's config, and into the file, so that PNDM made of Euler made of PNDM is the first one
   * again, as in diffusers
   */
  constructor(defaulted: Readonly<Record<string, unknown>>, carried: Readonly<Record<string, unknown>>) {
    this.#defaulted = defaulted;
    this.#carried = carried;
  }

  static of(config: object): Origin {
    return (config as { [ORIGIN]?: Origin })[ORIGIN] ?? new Origin({}, {});
  }

  get defaulted(): Readonly<Record<string, unknown>> {
    return this.#defaulted;
  }

  get carried(): Readonly<Record<string, unknown>> {
    return this.#carried;
  }

  /** Whether a value is only a default. One that was replaced in a copy is not. */
  isDefault(key: string, value: unknown): boolean {
    return Object.hasOwn(this.#defaulted, key) && Object.is(this.#defaulted[key], value);
  }
}

/** A frozen config with its origin, which does not print. As JSON it says all that it carries, since JSON knows no symbols. */
function withOrigin<C extends object>(config: C, origin: Origin): Readonly<C> {
  const result = { ...config, [ORIGIN]: origin, [PRINTED]: printed };
  return Object.freeze(
    Object.defineProperty(result, "toJSON", { value: () => settingsToSave(result), enumerable: false }),
  );
}

function printed(this: object): object {
  return Object.fromEntries(Object.entries(this));
}

/** All settings of a config as a file has them: its own and those that it carries for other schedulers. */
export function settingsToSave(config: object): Record<string, unknown> {
  return { ...Origin.of(config).carried, ...Object.fromEntries(Object.entries(config)) };
}

/**
 * Joins settings given by the caller with a scheduler's defaults, and checks each.
 *
 * @param name - the scheduler, for errors
 * @returns the config, frozen, in diffusers' keys
 * @throws TypeError for an unknown setting, RangeError for a value that is not known
 */
export function makeConfig<C extends Partial<SchedulerSettings>>(
  name: string,
  defaults: C,
  given: Settings<C>,
  choices: Choices,
): Readonly<C> {
  const read = readConfig(name, fieldsOf(defaults, choices), given) as Record<string, unknown>;
  const spacings = ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas"].filter(
    (key) => read[key],
  );
  if (spacings.length > 1) throw new RangeError(`${name}: ${spacings.join(" and ")} cannot be combined`);
  const before = Origin.of(given);
  const set = new Set(
    Object.entries(given)
      .filter(([key, value]) => value !== undefined && !before.isDefault(key, value))
      .map(([key]) => keyOf(key)),
  );
  const config = Object.fromEntries(Object.entries(read).filter(([key]) => !isNote(key)));
  const defaulted = Object.fromEntries(Object.entries(config).filter(([key]) => !set.has(key)));
  return withOrigin(config as C, new Origin(defaulted, before.carried));
}

/** A config with some settings changed, own ones or carried ones. */
export function amended<C extends object>(config: C, settings: object): C {
  const { defaulted, carried } = Origin.of(config);
  const changes = Object.entries(settings);
  const own = Object.fromEntries(changes.filter(([key]) => Object.hasOwn(config, key)));
  const others = Object.fromEntries(changes.filter(([key]) => !Object.hasOwn(config, key)));
  const left = Object.fromEntries(Object.entries(defaulted).filter(([key]) => !Object.hasOwn(settings, key)));
  return withOrigin({ ...config, ...own }, new Origin(left, { ...carried, ...others }));
}

/** The settings that a scheduler takes, with its own defaults and choices. */
function fieldsOf(defaults: Partial<SchedulerSettings>, choices: Choices): Fields {
  const entries = (Object.entries(defaults) as [Key, never][]).map(([key, fallback]) => {
    const narrower = choices[key] && choice(choices[key] as readonly (string | number)[], fallback);
    const field = narrower ? (fallback === null ? orNull(narrower) : narrower) : SETTINGS[key];
    return [key, { ...field, fallback }] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * The settings of `config` that a scheduler with these defaults takes; those of other schedulers are carried along. What the
 * config's own scheduler had only taken from its defaults is left out, so that the new one's defaults hold. Keys that belong
 * to no scheduler are told in a notice.
 */
export function pickSettings(name: string, config: object, defaults: object): Record<string, unknown> {
  const origin = Origin.of(config);
  const picked: Record<string, unknown> = {};
  const carried: Record<string, unknown> = {};
  const unknown: string[] = [];
  for (const [spelled, value] of [...Object.entries(origin.carried), ...Object.entries(config)]) {
    const key = keyOf(spelled);
    // In camelCase after the file's own spelling, as in `{ ...config, betaEnd: undefined }`, it must not undo that.
    if (value === undefined) continue;
    if (isNote(key) || origin.isDefault(spelled, value)) continue;
    if (Object.hasOwn(defaults, key)) picked[key] = value;
    else if (Object.hasOwn(SETTINGS, key)) carried[key] = value;
    else if (value !== null) unknown.push(spelled);
  }
  noticeUnknown(name, unknown);
  return { ...picked, [ORIGIN as unknown as string]: new Origin({}, carried) };
}

/**
 * Reads a `scheduler_config.json`. Python writes infinite numbers into it that JSON does not know.
 *
 * @throws Error if the text is no JSON object
 */
export function parseConfig(text: string): Record<string, unknown> {
  const marked = text.replace(/:\s*(-?)Infinity(?=\s*[,}\]])/g, (_, sign) => `: ${sign}1e999`);
  let config: unknown;
  try {
    config = JSON.parse(marked);
  } catch (error) {
    throw new Error(`scheduler config: not JSON (${(error as Error).message})`);
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new Error("scheduler config: expected a JSON object of settings");
  }
  return config as Record<string, unknown>;
}
