import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { LoraComponent } from "./lora.ts";
import { PEFT_KINDS } from "./lora-kinds.ts";

/** What multiplies `up * down` of a layer of this rank; undefined where nothing says so. */
export type Scales = (component: LoraComponent, target: string, rank: number) => number | undefined;

/** The settings of PEFT's `LoraConfig` that change what a file's matrices mean. */
interface PeftSettings {
  lora_alpha?: unknown;
  alpha_pattern?: unknown;
  use_rslora?: unknown;
}

/** Settings that mean more than plain LoRA, the values that do not, and what they are. */
const MORE: readonly (readonly [key: string, plain: readonly unknown[], kind: string])[] = [
  ["use_dora", [false], "DoRA"],
  ["bias", ["none"], "LoRA with biases"],
  ["lora_bias", [false], "LoRA with biases"],
  ["modules_to_save", [], "whole layers beside LoRA (modules_to_save)"],
  ["fan_in_fan_out", [false], "LoRA of transposed layers (fan_in_fan_out)"],
  ["layer_replication", [], "LoRA of replicated layers"],
  ["target_parameters", [], "LoRA of single parameters (target_parameters)"],
  ["trainable_token_indices", [], "LoRA with trained tokens"],
  ["use_qalora", [false], "QALoRA"],
];

/** Ways to begin that change the model's own weights as well, so that the file alone is not enough. */
const CHANGED_BASE = /^(pissa|olora|corda|loftq|lora_ga)/i;

/**
 * The scales that a file's surroundings give: PEFT's `adapter_config.json` beside it, or the settings in the header of
 * diffusers' own files.
 *
 * @throws Error where they describe another kind of adapter than LoRA
 */
export async function scalesOf(path: string, metadata: Readonly<Record<string, string>>): Promise<Scales> {
  const header = settingsIn(metadata.lora_adapter_metadata);
  const config = await adapterConfig(path);
  const settings = (component: LoraComponent): PeftSettings | undefined => {
    const own = Object.entries(header).filter(([key]) => key.startsWith(`${component}.`));
    if (own.length > 0) return Object.fromEntries(own.map(([key, value]) => [key.slice(component.length + 1), value]));
    return config;
  };
  for (const component of ["unet", "text_encoder"] as const) checkPlain(path, settings(component) ?? {});
  return (component, target, rank) => {
    const { lora_alpha: all, alpha_pattern: patterns, use_rslora: rs } = settings(component) ?? {};
    const alpha = matching(path, patterns, target) ?? all;
    if (typeof alpha !== "number") return undefined;
    return alpha / (rs === true ? Math.sqrt(rank) : rank);
  };
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
    throw new Error(`${path}: its settings are missing, ${file}: ${(error as Error).message}`, { cause: error });
  }
  let config: Record<string, unknown>;
  try {
    config = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`${file}: not JSON (${(error as Error).message})`, { cause: error });
  }
  const kind = String(config.peft_type ?? "LORA");
  if (kind !== "LORA") {
    throw new Error(
      `${file}: an adapter of the kind ${PEFT_KINDS[kind] ?? kind}; LoRA for Stable Diffusion 1.x and 2.x is read`,
    );
  }
  return config;
}

function checkPlain(path: string, settings: object): void {
  const found: string[] = [];
  for (const [key, plain, kind] of MORE) {
    const value: unknown = Reflect.get(settings, key);
    const empty = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
    if (!empty && !plain.includes(value)) found.push(`${kind} (${key} is ${JSON.stringify(value)})`);
  }
  const begun: unknown = Reflect.get(settings, "init_lora_weights");
  if (typeof begun === "string" && CHANGED_BASE.test(begun)) {
    found.push(`LoRA that changed the model's own weights as well (init_lora_weights is ${JSON.stringify(begun)})`);
  }
  if (found.length > 0) {
    throw new Error(`${path}: an adapter of the kind ${found.join(", ")}; plain LoRA is read`);
  }
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
