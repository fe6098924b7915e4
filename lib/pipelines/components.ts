import { cp, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { configText } from "../config/write.ts";
import { writeWhole } from "../files/write-whole.ts";
import { HUB_OPTIONS, type HubOptions, type ResolvedFiles, resolveFiles, saveFolder, writeJson } from "../hub/index.ts";
import { AutoencoderKL, AutoencoderTiny, CLIPTextModel, UNet2DConditionModel } from "../models/index.ts";
import { choosePrecision, type Precision } from "../models/precision.ts";
import { checkOptions, type Names } from "../options.ts";
import { plural } from "../printed.ts";
import { parseConfig, type Scheduler, schedulerFromConfig } from "../schedulers/index.ts";
import { CLIPTokenizer } from "../tokenizer/index.ts";
import { type GenerationDefaults, readDefaults, writeDefaults } from "./defaults.ts";

/** The parts of Stable Diffusion. */
export interface Components {
  /** Turns prompts into token ids. */
  tokenizer: CLIPTokenizer;
  /** Turns token ids into hidden states `[B, 77, width]`. */
  textEncoder: CLIPTextModel;
  /** Predicts the noise in latents. */
  unet: UNet2DConditionModel;
  /** Turns images into latents and back; `AutoencoderTiny` does it faster, and not as well. */
  vae: AutoencoderKL | AutoencoderTiny;
  /** Owns the noise levels and the step from one to the next. */
  scheduler: Scheduler;
  /** What to paint with if a call does not say; none by default. */
  defaults?: GenerationDefaults;
}

/** How a pipeline is loaded. */
export interface PipelineOptions extends HubOptions {
  /** Which of several sets of weights, such as "fp16"; a part that does not have it is loaded plain. */
  readonly variant?: string;
  /** Parts to use in place of the checkpoint's, such as another scheduler. */
  readonly components?: Partial<Components>;
  /**
   * What the U-Net and the autoencoder compute in: "float32" (default), "int8", which is faster on processors with VNNI and gives nearly
   * the same picture, or "auto": 8 bits there, else float32. The text encoder takes little of the time and stays in float32.
   */
  readonly precision?: Precision;
}

const PIPELINE_OPTIONS: Names<PipelineOptions> = { ...HUB_OPTIONS, variant: true, components: true, precision: true };
const COMPONENTS: Names<Components> = {
  ...{ tokenizer: true, textEncoder: true, unet: true, vae: true, scheduler: true, defaults: true },
};

// The classes that each part may have in a `model_index.json`; other names of transformers' tokenizer are the same.
const known: Readonly<Record<string, readonly string[]>> = {
  tokenizer: ["CLIPTokenizer", "CLIPTokenizerFast", "TokenizersBackend"],
  text_encoder: ["CLIPTextModel"],
  unet: ["UNet2DConditionModel"],
  vae: ["AutoencoderKL", "AutoencoderTiny"],
};

// Parts that change nothing of the picture.
const passedOver = ["safety_checker", "feature_extractor", "requires_safety_checker", "image_encoder"];

/**
 * Refuses parts of which one is missing, or is called as in Python, where it would have no effect.
 *
 * @throws TypeError that names it
 */
export function checkParts(name: string, parts: Components): void {
  const names = Object.keys(COMPONENTS) as (keyof Components)[];
  for (const key of Object.keys(parts)) {
    const meant = names.find((part) => part !== key && snake(part) === key);
    if (meant) throw new TypeError(`${name}: unknown part ${key}; it is called ${meant} here`);
  }
  const missing = names.filter((part) => part !== "defaults" && !parts[part]);
  if (missing.length > 0) {
    throw new TypeError(
      `${name}: there is no ${missing.join(" and no ")}; those of another pipeline are { ...pipe.components }`,
    );
  }
}

/** Refuses parts that were not made for each other. */
export function checkTogether(name: string, { unet, vae, textEncoder }: Components): void {
  const wide = unet.config.cross_attention_dim;
  const width = textEncoder.config.hidden_size;
  if (![wide].flat().includes(width)) {
    throw new RangeError(
      `${name}: the text encoder's hidden_size is ${width}, the U-Net's cross_attention_dim ${wide}; are both from the same checkpoint?`,
    );
  }
  const [made, expected] = [unet.config.out_channels, vae.config.latent_channels];
  if (made !== expected) {
    throw new RangeError(
      `${name}: the U-Net outputs ${plural(made, "channel")}, but the autoencoder's latents have ${expected}`,
    );
  }
}

/**
 * Loads the parts that a checkpoint's `model_index.json` names. Weights are mapped, not read.
 *
 * @throws Error if it is no Stable Diffusion 1.x or 2.x checkpoint, or a part is missing
 */
export async function loadComponents(
  idOrFolder: string,
  options: PipelineOptions,
  name = "StableDiffusionPipeline",
): Promise<Components & { folder: string; index: Record<string, unknown> }> {
  checkOptions(`${name}.fromPretrained`, options, PIPELINE_OPTIONS);
  const { components = {}, precision: wanted = "float32", ...rest } = options;
  checkOptions(`${name}.fromPretrained: components`, components, COMPONENTS);
  // A part that is undefined is the checkpoint's, which has to be fetched then.
  const given: Partial<Components> = Object.fromEntries(
    Object.entries(components).filter(([, part]) => part !== undefined),
  );
  const exclude = [...passedOver, ...Object.keys(given).map(snake)];
  const precision = await choosePrecision(name, wanted);
  const files = await resolveFiles(idOrFolder, { ...rest, exclude, where: name });
  const index = await readIndex(files, idOrFolder);
  checkIndex(index, idOrFolder, given);
  const at = (name: string) => join(files.folder, name);
  const variant = options.variant === undefined ? {} : { variant: options.variant };
  const [tokenizer, textEncoder, unet, vae, scheduler] = await Promise.all([
    given.tokenizer ?? CLIPTokenizer.fromPretrained(at("tokenizer")),
    given.textEncoder ?? withVariant(variant, (v) => CLIPTextModel.fromPretrained(at("text_encoder"), v)),
    given.unet ?? withVariant(variant, (v) => UNet2DConditionModel.fromPretrained(at("unet"), v)),
    given.vae ?? withVariant(variant, (v) => loadAutoencoder(index, at("vae"), v)),
    given.scheduler ?? readScheduler(at("scheduler")),
  ]);
  if (precision === "int8" && !given.unet) unet.roundToEightBit();
  if (precision === "int8" && !given.vae) vae.roundToEightBit();
  const defaults = given.defaults ?? (await readDefaults(files));
  return { tokenizer, textEncoder, unet, vae, scheduler, defaults, folder: files.folder, index };
}

/** The kind of autoencoder that the checkpoint names. */
function loadAutoencoder(
  index: Record<string, unknown>,
  folder: string,
  options: { variant?: string },
): Promise<Components["vae"]> {
  const isTiny = (index.vae as string[])[1] === "AutoencoderTiny";
  return isTiny ? AutoencoderTiny.fromPretrained(folder, options) : AutoencoderKL.fromPretrained(folder, options);
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The variant where a part has it, else its plain weights: the pipeline as a whole was found to have it. */
async function withVariant<T>(
  variant: { variant?: string },
  load: (options: { variant?: string }) => Promise<T>,
): Promise<T> {
  if (variant.variant === undefined) return load({});
  try {
    return await load(variant);
  } catch (error) {
    if (/no weights of the variant/.test((error as Error).message)) return load({});
    throw error;
  }
}

async function readIndex(files: ResolvedFiles, given: string): Promise<Record<string, unknown>> {
  if (files.files.has("model_index.json")) return files.json("model_index.json");
  const single = [...files.files.keys()].find((name) => name.endsWith(".safetensors"));
  const hint = files.files.has("config.json")
    ? "It contains a single model: load it with that model's class."
    : single
      ? `It has ${single}: a checkpoint in one file has to be converted to diffusers' layout first.`
      : "Expected a folder written by diffusers' save_pretrained.";
  throw new Error(`StableDiffusionPipeline: ${given} has no model_index.json. ${hint}`);
}

function checkIndex(index: Record<string, unknown>, where: string, given: Partial<Components>): void {
  const problems: string[] = [];
  const has = (name: string) => Object.keys(given).some((key) => snake(key) === name);
  for (const [part, classes] of Object.entries(known)) {
    if (has(part)) continue;
    const entry = index[part];
    const name = Array.isArray(entry) ? entry[1] : undefined;
    if (typeof name !== "string") problems.push(`has no ${part}`);
    else if (!classes.includes(name)) problems.push(`${part} is a ${name}; expected ${classes[0]}`);
  }
  if (!has("scheduler") && !Array.isArray(index.scheduler)) problems.push("has no scheduler");
  const more = Object.keys(index).filter((part) => {
    const entry = index[part];
    return Array.isArray(entry) && entry[1] && !known[part] && part !== "scheduler" && !passedOver.includes(part);
  });
  for (const part of more) problems.push(`has a ${part}`);
  if (problems.length > 0) {
    throw new Error(
      `StableDiffusionPipeline: ${where} (${String(index._class_name)}) is not a Stable Diffusion 1.x or 2.x checkpoint: it ${problems.join(", ")}`,
    );
  }
}

async function readScheduler(folder: string): Promise<Scheduler> {
  const path = join(folder, "scheduler_config.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new Error(`StableDiffusionPipeline: cannot read ${path}: ${(error as Error).message}`);
  }
  try {
    return schedulerFromConfig(parseConfig(text));
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Writes all parts in diffusers' layout: the folder is there whole, or what was there before stays.
 *
 * @throws HubError where the folder holds other things than a saved model
 */
export async function saveComponents(
  folder: string,
  kind: string,
  parts: Components,
  options: { dtype?: "float32" | "float16" },
): Promise<void> {
  checkOptions(`${kind}.savePretrained`, options, ["dtype"]);
  await saveFolder(folder, async (fresh) => {
    await keepOthers(folder, fresh);
    await writeComponents(fresh, kind, parts, options);
  });
}

/** Files and folders of a pipeline's folder that are not its parts, such as a README, go along into the one that takes its place. */
async function keepOthers(folder: string, fresh: string): Promise<void> {
  const parts = ["model_index.json", "generation_config.json", "scheduler", "text_encoder", "tokenizer", "unet", "vae"];
  for (const name of await readdir(folder).catch(() => [])) {
    if (!parts.includes(name)) await cp(join(folder, name), join(fresh, name), { recursive: true });
  }
}

async function writeComponents(
  folder: string,
  kind: string,
  parts: Components,
  options: { dtype?: "float32" | "float16" },
): Promise<void> {
  const { tokenizer, textEncoder, unet, vae, scheduler } = parts;
  await mkdir(join(folder, "scheduler"), { recursive: true });
  await writeDefaults(folder, parts.defaults ?? {});
  await unet.savePretrained(join(folder, "unet"), options);
  await vae.savePretrained(join(folder, "vae"), options);
  await textEncoder.savePretrained(join(folder, "text_encoder"), options);
  await tokenizer.savePretrained(join(folder, "tokenizer"));
  const settings = Buffer.from(configText(scheduler.toJSON()));
  await writeWhole(join(folder, "scheduler", "scheduler_config.json"), (write) => write(settings));
  await writeJson(join(folder, "model_index.json"), {
    _class_name: kind,
    scheduler: ["diffusers", scheduler.constructor.name],
    text_encoder: ["transformers", "CLIPTextModel"],
    tokenizer: ["transformers", "CLIPTokenizer"],
    unet: ["diffusers", "UNet2DConditionModel"],
    vae: ["diffusers", vae.constructor.name],
  });
}
