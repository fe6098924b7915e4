import { checkOptions } from "../options.ts";
import { PickledTensor } from "../pickle/index.ts";
import { plural } from "../printed.ts";
import { fromArray } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { ADAPTER_OPTIONS, type AdapterOptions, findAdapter } from "./find.ts";
import { kindOf, refusal } from "./lora-kinds.ts";
import { type LoraComponent, type Scales, surroundingsOf } from "./lora-scales.ts";
import { readWeightsFile, type Weights, weightsOf } from "./weights-file.ts";

/** A low-rank change to one layer: its weight W becomes W + scale * up * down. */
export interface LoraLayer {
  /** The part of the pipeline that it belongs to. */
  readonly component: LoraComponent;
  /** The layer as the file names it: a path with dots, or (kohya's files) with `_` in place of each dot. */
  readonly target: string;
  /** `[rank, inputs]`, or `[rank, inputs, height, width]` for a convolution. */
  readonly down: Weights;
  /** `[outputs, rank]`, or `[outputs, rank, 1, 1]`. */
  readonly up: Weights;
  /** Rank of the change: the inner dimension of `up * down`. */
  readonly rank: number;
  /** alpha / rank; 1 where the file names no alpha. */
  readonly scale: number;
}

/** Everything that a file of LoRA weights changes. */
export interface Lora {
  /** The file that it was read from. */
  readonly path: string;
  /** The changes, one for each layer. */
  readonly layers: readonly LoraLayer[];
}

/** What diffusers and PEFT call the file. */
const USUAL = [
  "pytorch_lora_weights.safetensors",
  "pytorch_lora_weights.bin",
  "adapter_model.safetensors",
  "adapter_model.bin",
];

/**
 * Reads a file of LoRA weights, safetensors or pickle: diffusers' layouts old and new, PEFT's (with its `adapter_config.json`)
 * and kohya's.
 *
 * @param given - the file, or a folder or a repository on the hub that holds it
 * @throws Error if the file is missing or damaged, holds something else, or a kind of adapter that is not LoRA
 * @see Hu et al. 2021: https://arxiv.org/abs/2106.09685
 */
export async function readLora(given: string, options: AdapterOptions = {}): Promise<Lora> {
  checkOptions("readLora", options, ADAPTER_OPTIONS);
  const path = await findAdapter(given, options, { usual: USUAL, where: "readLora" });
  const file = await readWeightsFile(path);
  const { scales, more, kindOf: kindByContext } = await surroundingsOf(path, file.metadata);
  const unread = new Map<string, string[]>();
  const passOver = (key: string) => {
    const kind = kindOf(key) ?? kindByContext(key) ?? "an unknown kind";
    unread.set(kind, [...(unread.get(kind) ?? []), key]);
  };
  if (Array.isArray(file.value)) {
    // What lora_diffusion writes as a `.pt`: matrices by turns, without names.
    for (const i of file.value.keys()) passOver(`unet:${i >> 1}:${i % 2 === 0 ? "up" : "down"}`);
    throw refusal(path, { tensors: unread, settings: [], plain: 0 });
  }
  if (!(file.value instanceof Map))
    throw new Error(`${path}: contains no dictionary of tensors; expected LoRA weights`);
  const parts = new Map<string, { place: Place; down?: PickledTensor; up?: PickledTensor; alpha?: number }>();
  let plain = 0;
  for (const [key, tensor] of file.value as Map<unknown, unknown>) {
    if (typeof key !== "string" || !(tensor instanceof PickledTensor)) continue;
    const place = kindOf(key) === undefined ? placeOf(key) : undefined;
    if (!place) {
      passOver(key);
      continue;
    }
    plain++;
    const id = `${place.component}.${place.target}`;
    const part = parts.get(id) ?? { place };
    parts.set(id, part);
    if (place.part === "alpha") part.alpha = weightsOf(tensor).data[0]!;
    else part[place.part] = tensor;
  }
  if (unread.size > 0 || more.length > 0) throw refusal(path, { tensors: unread, settings: more, plain });
  if (parts.size === 0) throw new Error(`${path}: contains no tensors; expected LoRA weights`);
  return { path, layers: [...parts.values()].map(({ place, ...part }) => layerOf(place, part, scales, path)) };
}

interface Place {
  component: LoraComponent;
  target: string;
  part: "down" | "up" | "alpha";
}

/** PEFT calls the two matrices A and B, others down and up. PEFT's own files may name the adapter between. */
const MATRIX =
  /^(?<target>.+?)(?:\.lora_(?<letter>[AB])(?:\.(?!weight$)\w+)?|[._]lora(?:_linear_layer)?[._](?<word>down|up))\.weight$/;
/** The names of diffusers' first attention processors, which had four layers each. */
const PROCESSOR: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  unet: { to_out: "to_out.0" },
  text_encoder: { to_q: "q_proj", to_k: "k_proj", to_v: "v_proj", to_out: "out_proj" },
};

function placeOf(key: string): Place | undefined {
  const alpha = /^(?<target>.+)\.alpha$/.exec(key)?.groups;
  const matrix = MATRIX.exec(key)?.groups;
  const named = alpha?.target ?? matrix?.target;
  if (named === undefined) return undefined;
  const part = alpha ? "alpha" : matrix!.letter === "A" || matrix!.word === "down" ? "down" : "up";
  const kohya = /^lora_(unet|te1?)_(.+)$/.exec(named);
  if (kohya) return { component: kohya[1] === "unet" ? "unet" : "text_encoder", target: kohya[2]!, part };
  const path = named.replace(/^base_model\.model\./, "");
  // What has no prefix is told by its layers; diffusers' first files had nothing but the U-Net's.
  const ofText = /^(text_encoder|text_model|encoder\.layers)\./.test(path);
  const component = ofText ? "text_encoder" : "unet";
  let target = path.replace(/^(unet|text_encoder)\./, "");
  const isOld = target.includes(".processor.") || /_lora\.(down|up)\.weight$/.test(key);
  target = target.replace(".processor.", ".");
  if (isOld) {
    const at = target.lastIndexOf(".") + 1;
    target = target.slice(0, at) + (PROCESSOR[component]![target.slice(at)] ?? target.slice(at));
  }
  return { component, target, part };
}

function layerOf(
  place: Place,
  part: { down?: PickledTensor; up?: PickledTensor; alpha?: number },
  scales: Scales,
  path: string,
): LoraLayer {
  const { component, target } = place;
  const where = `${path}: ${component}, ${target}`;
  if (!part.down || !part.up)
    throw new Error(`${where}: has only the ${part.down ? "down" : "up"} matrix; expected both down and up`);
  const [down, up] = [weightsOf(part.down), weightsOf(part.up)];
  const [rank] = down.shape;
  const fits =
    down.shape.length === up.shape.length && [2, 4].includes(down.shape.length) && up.shape[1] === rank && rank! > 0;
  if (!fits)
    throw new Error(
      `${where}: matrices [${down.shape}] and [${up.shape}] do not match; expected [rank, inputs] and [outputs, rank]`,
    );
  const scale = part.alpha === undefined ? (scales(component, target, rank!) ?? 1) : part.alpha / rank!;
  const finite = Number.isFinite(scale) && down.data.every(Number.isFinite) && up.data.every(Number.isFinite);
  if (!finite) throw new Error(`${where}: contains NaN or infinite numbers`);
  return { component, target, down, up, rank: rank!, scale };
}

/**
 * Finds the model's layers that a LoRA changes. Every layer of the file must be one of the model's, so that a file for another
 * model is noticed, and not half applied.
 *
 * @param modules - paths of the model's layers, such as "down_blocks.0.attentions.0.proj_in"
 * @returns the changes by the model's own paths; empty if the file does not touch this component
 * @throws Error if the file changes layers that the model does not have
 */
export function matchLora(lora: Lora, component: LoraComponent, modules: Iterable<string>): Map<string, LoraLayer> {
  // One rule for all files: without dots, and without the name that wraps CLIP's text encoder in some versions.
  const plain = (path: string) => path.replaceAll(".", "_").replace(/^text_model_/, "");
  const known = new Map<string, string>();
  for (const path of modules) known.set(plain(path), path);
  const found = new Map<string, LoraLayer>();
  const strange: string[] = [];
  for (const layer of lora.layers) {
    if (layer.component !== component) continue;
    const path = known.get(plain(layer.target));
    if (path === undefined) strange.push(layer.target);
    else found.set(path, layer);
  }
  if (strange.length > 0) {
    throw new Error(
      `${lora.path}: changes ${plural(strange.length, "layer")} that this ${component} does not have, such as ${JSON.stringify(strange[0])}. ` +
        "It was trained for a different model.",
    );
  }
  return found;
}

/**
 * What a LoRA adds to a layer's weight, at full strength: scale * up * down. Recorded, not computed yet.
 *
 * @returns `[outputs, inputs]`, or `[outputs, inputs, height, width]` for a convolution
 */
export function loraDelta({ down, up, rank, scale }: LoraLayer, options: { device?: string } = {}): Tensor {
  const outputs = up.shape[0]!;
  // Copies: what a tensor is made of moves away with it, and the layer is asked again when its weight changes.
  const left = fromArray("float32", [outputs, rank], up.data.slice(), options);
  const right = fromArray("float32", [rank, down.data.length / rank], down.data.slice(), options);
  return noGrad(() =>
    left
      .matmul(right)
      .mul(scale)
      .reshape([outputs, ...down.shape.slice(1)]),
  );
}
