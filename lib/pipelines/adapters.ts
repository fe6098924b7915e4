import { createHash } from "node:crypto";
import {
  ADAPTER_OPTIONS,
  type AdapterOptions,
  type LearnedConcept,
  type Lora,
  type LoraLayer,
  matchLora,
  readLora,
  readTextualInversion,
} from "../adapters/index.ts";
import type { CLIPTextModel, Model } from "../models/index.ts";
import { checkNumber, checkOptions, type Names, shown } from "../options.ts";
import { plural } from "../printed.ts";
import { cat, fromArray } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CLIPTokenizer } from "../tokenizer/index.ts";
import { ledgerOf } from "./lora-ledger.ts";
import { revise } from "./revisions.ts";

/** How a LoRA is loaded. */
export interface LoraOptions extends AdapterOptions {
  /** How much of it; default 1. */
  scale?: number;
  /** Its name, for `setAdapters` and `deleteAdapters`; default "default_0", "default_1" and so on. */
  adapterName?: string;
}

const LORA_OPTIONS: Names<LoraOptions> = { ...ADAPTER_OPTIONS, scale: true, adapterName: true };

/** The networks that a LoRA may change. */
export interface LoraParts {
  readonly unet: Model;
  readonly textEncoder: Model;
}

// One change of weights after the other: two that ran side by side would each begin from the weights before both.
let queue: Promise<unknown> = Promise.resolve();

function inTurn<T>(task: () => Promise<T>): Promise<T> {
  const result = queue.then(task);
  queue = result.catch(() => {});
  return result;
}

// What has been loaded, to know it again: names by content.
const contents = new WeakMap<Model, Map<string, string>>();

/**
 * Adds a LoRA to the weights of a pipeline's networks: `W + scale * up * down`. The same one loaded again counts once, with the
 * scale given last.
 *
 * @param given - safetensors or pickle, in diffusers', PEFT's or kohya's layout; or where that lies
 * @returns its name
 * @throws Error where the file is damaged, was made for another model, a matrix does not fit its layer, or the name is taken
 */
export function applyLora(given: string, parts: LoraParts, options: LoraOptions = {}): Promise<string> {
  return inTurn(async () => {
    checkOptions("loadLoraWeights", options, LORA_OPTIONS);
    const { scale = 1, adapterName, ...rest } = options;
    checkNumber("loadLoraWeights", "scale", scale);
    if (adapterName !== undefined && typeof adapterName !== "string") {
      throw new TypeError(`loadLoraWeights: adapterName is ${shown(adapterName)}, expected a string`);
    }
    if (!Number.isFinite(scale)) throw new RangeError(`loadLoraWeights: scale is ${scale}; expected a number`);
    const known = contents.get(parts.unet) ?? new Map<string, string>();
    contents.set(parts.unet, known);
    const names = adapterNames(parts);
    const lora = await readLora(given, rest);
    const digest = digestOf(lora);
    const before = [...known].find(([name, content]) => content === digest && names.includes(name))?.[0];
    const name = adapterName ?? before ?? freeName(names);
    if (adapterName !== undefined && names.includes(adapterName) && adapterName !== before) {
      throw new Error(
        `loadLoraWeights: the name ${JSON.stringify(adapterName)} is already in use; choose another adapterName`,
      );
    }
    // All or nothing: every layer is found to fit before the first is changed.
    const found = [
      [parts.unet, layersIn(lora, "unet", parts.unet)],
      [parts.textEncoder, layersIn(lora, "text_encoder", parts.textEncoder)],
    ] as const;
    if (before !== undefined && before !== name) removeLoras(parts, [before]);
    for (const [model, layers] of found) await ledgerOf(model).add(name, layers, scale);
    known.set(name, digest);
    return name;
  });
}

/**
 * Puts a LoRA that was just trained on a pipeline's networks, in place of one of the same name.
 *
 * @returns its name
 */
export function putLora(lora: Lora, parts: LoraParts, name = freeName(adapterNames(parts))): Promise<string> {
  return inTurn(async () => {
    const found = [
      [parts.unet, layersIn(lora, "unet", parts.unet)],
      [parts.textEncoder, layersIn(lora, "text_encoder", parts.textEncoder)],
    ] as const;
    for (const [model, layers] of found) await ledgerOf(model).add(name, layers, 1);
    return name;
  });
}

/** Names of the LoRAs on a pipeline's networks, in the order of loading. */
export function adapterNames({ unet, textEncoder }: LoraParts): string[] {
  return [...new Set([...ledgerOf(unet).names, ...ledgerOf(textEncoder).names])];
}

/** How much of each LoRA there is; 0 for those that are off. */
export function adapterWeights({ unet, textEncoder }: LoraParts): Map<string, number> {
  return new Map([...ledgerOf(textEncoder).weights, ...ledgerOf(unet).weights]);
}

/** Takes some LoRAs away, or all that are not fused. */
export function removeLoras({ unet, textEncoder }: LoraParts, names?: readonly string[]): void {
  for (const model of [unet, textEncoder]) ledgerOf(model).remove(names);
}

function freeName(names: readonly string[]): string {
  let count = 0;
  while (names.includes(`default_${count}`)) count++;
  return `default_${count}`;
}

function digestOf({ layers }: Lora): string {
  const hash = createHash("sha256");
  for (const { component, target, down, up, scale } of layers) {
    hash.update(`${component} ${target} ${scale} ${down.shape} ${up.shape}\n`);
    for (const { data } of [down, up]) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

function layersIn(lora: Lora, component: "unet" | "text_encoder", model: Model): Map<Tensor, LoraLayer> {
  const modules = new Map([...model.namedModules()]);
  const found = new Map<Tensor, LoraLayer>();
  for (const [name, layer] of matchLora(lora, component, modules.keys())) {
    const { weight } = modules.get(name) as unknown as { weight?: Tensor };
    const { down, up } = layer;
    const shape = [up.shape[0]!, ...down.shape.slice(1)];
    if (!weight || weight.numel() !== shape.reduce((a, b) => a * b)) {
      throw new Error(
        `${lora.path}: ${component}, ${name}: changes a weight [${shape}], but the model's is [${weight?.shape ?? "none"}]; it was trained for a different model`,
      );
    }
    found.set(weight, layer);
  }
  return found;
}

// Which tokenizer's words stand in a text encoder's rows beyond its own.
const learnedBy = new WeakMap<CLIPTextModel, CLIPTokenizer>();

/**
 * Teaches a tokenizer and a text encoder a concept that was learned by textual inversion.
 *
 * @param given - safetensors or `learned_embeds.bin`, or where that lies
 * @returns the word to use in prompts
 * @throws Error where the file is damaged or made for another text encoder, or the word is taken
 */
export function addConcept(
  given: string,
  tokenizer: CLIPTokenizer,
  model: CLIPTextModel,
  options: AdapterOptions & { token?: string },
): Promise<LearnedConcept> {
  return inTurn(async () => {
    checkOptions("loadTextualInversion", options, { ...ADAPTER_OPTIONS, token: true });
    const concept = await readTextualInversion(given, options);
    const { width } = concept;
    const own = model.config.hidden_size;
    if (width !== own) {
      throw new Error(
        `${given}: the concept has width ${width}, this text encoder ${own}; it was learned with a different model (768 is Stable Diffusion 1.x, 1024 is 2.x)`,
      );
    }
    const rows = fromArray("float32", [concept.vectors, width], concept.data.slice(), { device: model.device });
    learnRows(concept.token, rows, tokenizer, model, given);
    return concept;
  });
}

/**
 * Gives a tokenizer a word and a text encoder the rows for it.
 *
 * @param rows - `[vectors, width]`
 * @param where - what wants it, for errors
 * @throws Error where the word is taken, or tokenizer and text encoder do not belong together; nothing is changed then
 */
export function learnRows(
  token: string,
  rows: Tensor,
  tokenizer: CLIPTokenizer,
  model: CLIPTextModel,
  where: string,
): void {
  const table = model.textModel.embeddings.tokenEmbedding;
  const count = table.weight.shape[0]!;
  const first = tokenizer.vocabSize;
  if (first > count) {
    throw new Error(
      `${where}: the tokenizer has ${plural(first, "token")}, the text encoder ${count}; they do not match`,
    );
  }
  const teacher = learnedBy.get(model);
  if (first < count && teacher && teacher !== tokenizer) {
    throw new Error(
      `${where}: this text encoder already holds another tokenizer's words; create both pipelines with fromPipe, which shares the tokenizer`,
    );
  }
  tokenizer.addConcept(token, rows.shape[0]!);
  // Rows beyond the tokenizer's words belong to no word.
  const known = table.weight.detach();
  table.weight = cat([first === count ? known : known.narrow(0, 0, first), rows])
    .detach()
    .requiresGrad_();
  learnedBy.set(model, tokenizer);
  revise(model);
}
