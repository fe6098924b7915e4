import { choice, type Fields, orNull, type Settings } from "../config/fields.ts";
import { isNote, keyOf, noticeUnknown, readConfig } from "../config/read.ts";
import { type SchedulerSettings, SETTINGS } from "./settings.ts";

/** The name of a setting. */
type Key = keyof SchedulerSettings;

/** Narrower lists of values than the common ones, where a scheduler takes fewer. */
export type Choices = { readonly [K in Key]?: readonly (SchedulerSettings[K] & (string | number))[] };

/** The settings that a scheduler was not given and took from its own defaults, kept beside its config. */
export const DEFAULTED: unique symbol = Symbol("settings taken from the defaults");

/**
 * Settings of other schedulers that a config came with. They have no effect, but go along when one scheduler is made of
 * another's config, and into the file, so that PNDM made of Euler made of PNDM is the first one again, as in diffusers.
 */
export const CARRIED: unique symbol = Symbol("settings of other schedulers");

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
  const set = new Set(Object.entries(given).map(([key, value]) => (value === undefined ? "" : keyOf(key))));
  const config = Object.fromEntries(Object.entries(read).filter(([key]) => !isNote(key)));
  const defaulted = Object.keys(defaults).filter((key) => !set.has(key));
  Object.defineProperty(config, DEFAULTED, { value: defaulted, enumerable: false });
  const carried = (given as { [CARRIED]?: object })[CARRIED] ?? {};
  Object.defineProperty(config, CARRIED, { value: carried, enumerable: false });
  return Object.freeze(config) as Readonly<C>;
}

/** A config with some settings changed, own ones or carried ones. */
export function amended<C extends object>(config: C, settings: object): C {
  const { [DEFAULTED]: defaulted, [CARRIED]: carried } = config as {
    [DEFAULTED]?: readonly string[];
    [CARRIED]?: object;
  };
  const of = (own: boolean) =>
    Object.fromEntries(Object.entries(settings).filter(([key]) => Object.hasOwn(config, key) === own));
  const changed = { ...config, ...of(true) };
  const left = defaulted?.filter((key) => !Object.hasOwn(settings, key));
  Object.defineProperty(changed, DEFAULTED, { value: left, enumerable: false });
  Object.defineProperty(changed, CARRIED, { value: { ...carried, ...of(false) }, enumerable: false });
  return Object.freeze(changed);
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
 * The settings of `config` that a scheduler with these defaults takes, and under `CARRIED` those of other schedulers. What
 * the config's own scheduler had only taken from its defaults is left out, so that the new one's defaults hold. Keys that
 * belong to no scheduler are told in a notice.
 */
export function pickSettings(name: string, config: object, defaults: object): Record<string, unknown> {
  const { [DEFAULTED]: defaulted = [], [CARRIED]: before = {} } = config as {
    [DEFAULTED]?: readonly string[];
    [CARRIED]?: object;
  };
  const picked: Record<string, unknown> = {};
  const carried: Record<string, unknown> = {};
  const unknown: string[] = [];
  for (const [spelled, value] of Object.entries({ ...before, ...config })) {
    const key = keyOf(spelled);
    if (isNote(key) || defaulted.includes(key)) continue;
    if (Object.hasOwn(defaults, key)) picked[key] = value;
    else if (Object.hasOwn(SETTINGS, key)) carried[key] = value;
    else if (value !== null) unknown.push(spelled);
  }
  noticeUnknown(name, unknown);
  return { ...picked, [CARRIED as unknown as string]: carried };
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
