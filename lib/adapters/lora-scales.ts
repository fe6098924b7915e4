import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** The models of a pipeline that can be adapted. */
export const LORA_COMPONENTS = ["unet", "text_encoder"] as const;
/** The part of a pipeline that a LoRA changes. */
export type LoraComponent = (typeof LORA_COMPONENTS)[number];

/** What multiplies `up * down` of a layer of this rank; undefined if nothing says so. */
export type Scales = (component: LoraComponent, target: string, rank: number) => number | undefined;

/** What a file's surroundings say about its tensors. */
export interface Surroundings {
  readonly scales: Scales;
  /** What is more than plain LoRA: the kind, and the setting that says so. */
  readonly more: readonly (readonly [kind: string, setting: string])[];
  /** The kind of a tensor whose name betrays none. */
  kindOf(key: string): string | undefined;
}

/** The settings of PEFT's `LoraConfig` that change what a file's matrices mean. */
interface PeftSettings {
  peft_type?: unknown;
  lora_alpha?: unknown;
  alpha_pattern?: unknown;
  use_rslora?: unknown;
  bias?: unknown;
  modules_to_save?: unknown;
}

/** PEFT's other methods, as `adapter_config.json` names them, if that is not their usual name. */
const PEFT_KINDS: Readonly<Record<string, string>> = { LOHA: "LoHa", LOKR: "LoKr", ADALORA: "AdaLoRA", VERA: "VeRA" };
const FULL_LAYERS = "full layers in addition to LoRA (modules_to_save)";
const BIASES = "LoRA with biases";

/** Settings that mean more than plain LoRA, the values that do not, and what they are. */
const MORE: readonly (readonly [key: string, plain: readonly unknown[], kind: string])[] = [
  ["use_dora", [false], "DoRA"],
  ["bias", ["none"], BIASES],
  ["lora_bias", [false], BIASES],
  ["modules_to_save", [], FULL_LAYERS],
  ["fan_in_fan_out", [false], "LoRA of transposed layers"],
  ["layer_replication", [], "LoRA of replicated layers"],
  ["target_parameters", [], "LoRA of single parameters"],
  ["trainable_token_indices", [], "LoRA with trained tokens"],
  ["use_qalora", [false], "QALoRA"],
  ["use_bdlora", [false], "BD-LoRA"],
  ["alora_invocation_tokens", [], "aLoRA"],
  ["arrow_config", [], "Arrow"],
  ["kasa_config", [], "KaSA"],
  ["monteclora_config", [], "MonteCLoRA"],
];

/** Ways to begin that change the model's own weights as well, so that the file alone is not enough. */
const CHANGED_BASE = /^(pissa|olora|corda|loftq|lora_ga)/i;

/**
 * What a file's surroundings say: PEFT's `adapter_config.json` beside it, or the settings in the header of diffusers' own files.
 *
 * @throws Error if `adapter_config.json` is missing or damaged
 */
export async function surroundingsOf(path: string, metadata: Readonly<Record<string, string>>): Promise<Surroundings> {
  const header = settingsIn(metadata.lora_adapter_metadata);
  const config = await adapterConfig(path);
  const settingsOf = (component: LoraComponent): PeftSettings => {
    const own = Object.entries(header).filter(([key]) => key.startsWith(`${component}.`));
    if (own.length > 0) return Object.fromEntries(own.map(([key, value]) => [key.slice(component.length + 1), value]));
    return config ?? {};
  };
  const settings = { unet: settingsOf("unet"), text_encoder: settingsOf("text_encoder") };
  const all = Object.values(settings);
  return {
    scales(component, target, rank) {
      const { lora_alpha: common, alpha_pattern: patterns, use_rslora: rs } = settings[component];
      const alpha = matching(path, patterns, target) ?? common;
      if (typeof alpha !== "number") return undefined;
      return alpha / (rs === true ? Math.sqrt(rank) : rank);
    },
    more: [...new Map(all.flatMap(moreThanPlain))],
    kindOf(key) {
      if (metadata[key] === "<embed>") return "textual inversion bundled with a LoRA (lora_diffusion's)";
      const ofKey = all.find(({ peft_type: type }) => otherMethod(type) !== undefined);
      if (ofKey) return otherMethod(ofKey.peft_type);
      const saved = all.flatMap(({ modules_to_save: names }) => (Array.isArray(names) ? names : []));
      if (saved.some((name) => `.${key}`.includes(`.${name}.`))) return FULL_LAYERS;
      return key.endsWith(".bias") && all.some(({ bias = "none" }) => bias !== "none") ? BIASES : undefined;
    },
  };
}

function otherMethod(type: unknown): string | undefined {
  return typeof type === "string" && type !== "LORA" ? (PEFT_KINDS[type] ?? type) : undefined;
}

function settingsIn(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // written by another program for its own use
  }
}

/** `adapter_config.json` beside PEFT's file. Files of other names are not described by it. */
async function adapterConfig(path: string): Promise<PeftSettings | undefined> {
  if (!/(^|[\\/])adapter_model\.\w+$/.test(path)) return undefined;
  const file = join(dirname(path), "adapter_config.json");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new Error(`${path}: cannot read its settings, ${file}: ${(error as Error).message}`, { cause: error });
  }
  try {
    return JSON.parse(text) as PeftSettings;
  } catch (error) {
    throw new Error(`${file}: not JSON (${(error as Error).message})`, { cause: error });
  }
}

function moreThanPlain(settings: PeftSettings): [kind: string, setting: string][] {
  const found: [string, string][] = [];
  const add = (kind: string, key: string) =>
    found.push([kind, `${key} is ${JSON.stringify(Reflect.get(settings, key))}`]);
  const other = otherMethod(settings.peft_type);
  if (other !== undefined) add(other, "peft_type");
  for (const [key, plain, kind] of MORE) {
    const value: unknown = Reflect.get(settings, key);
    const empty = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
    if (!empty && !plain.includes(value)) add(kind, key);
  }
  const begun: unknown = Reflect.get(settings, "init_lora_weights");
  if (typeof begun === "string" && CHANGED_BASE.test(begun)) {
    add("LoRA that changed the model's own weights as well", "init_lora_weights");
  }
  return found;
}

/** The value of the first pattern that matches the end of a layer's path, as PEFT matches them: regular expressions. */
function matching(path: string, patterns: unknown, target: string): unknown {
  if (typeof patterns !== "object" || patterns === null) return undefined;
  for (const [pattern, value] of Object.entries(patterns)) {
    let expression: RegExp;
    try {
      // Python's named groups are spelt otherwise.
      expression = new RegExp(`^(?:.*\\.)?(?:${pattern.replaceAll("(?P<", "(?<")})$`);
    } catch (error) {
      throw new Error(`${path}: alpha_pattern ${JSON.stringify(pattern)}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    if (expression.test(target)) return value;
  }
  return undefined;
}
