import { PickledTensor } from "../pickle/index.ts";
import { fromArray } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type AdapterOptions, findAdapter } from "./find.ts";
import { readWeightsFile, type Weights, type WeightsFile, weightsOf } from "./weights-file.ts";

/** The models of a pipeline that can be adapted. */
export const LORA_COMPONENTS = ["unet", "text_encoder"] as const;
/** The part of a pipeline that a LoRA changes. */
export type LoraComponent = (typeof LORA_COMPONENTS)[number];

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

/** What diffusers calls the file. */
const USUAL = ["pytorch_lora_weights.safetensors", "pytorch_lora_weights.bin"];

/**
 * Reads a file of LoRA weights, safetensors or pickle: diffusers' layouts old and new, PEFT's and kohya's.
 *
 * @param given - the file, or a folder or a repository on the hub that holds it
 * @throws Error where the file is missing or damaged, holds something else, or a kind of adapter that is not LoRA
 * @see Hu et al. 2021: https://arxiv.org/abs/2106.09685
 */
export async function readLora(given: string, options: AdapterOptions = {}): Promise<Lora> {
  const path = await findAdapter(given, options, { usual: USUAL, where: "readLora" });
  const file = await readWeightsFile(path);
  if (!(file.value instanceof Map)) throw new Error(`${path}: holds no dictionary of tensors; expected LoRA weights`);
  const parts = new Map<string, { place: Place; down?: PickledTensor; up?: PickledTensor; alpha?: number }>();
  for (const [key, tensor] of file.value as Map<unknown, unknown>) {
    if (typeof key !== "string" || !(tensor instanceof PickledTensor)) continue;
    checkKind(key, path);
    const place = placeOf(key);
    if (!place)
      throw new Error(
        `${path}: ${JSON.stringify(key)} is no LoRA weight that is known; expected names such as "unet.LAYER.lora_A.weight"`,
      );
    const id = `${place.component}.${place.target}`;
    const part = parts.get(id) ?? { place };
    parts.set(id, part);
    if (place.part === "alpha") part.alpha = weightsOf(tensor).data[0]!;
    else part[place.part] = tensor;
  }
  if (parts.size === 0) throw new Error(`${path}: holds no tensors; expected LoRA weights`);
  const alphas = alphasIn(file);
  return { path, layers: [...parts.values()].map(({ place, ...part }) => layerOf(place, part, alphas, path)) };
}

interface Place {
  component: LoraComponent;
  target: string;
  part: "down" | "up" | "alpha";
}

/** Adapters that are changes of another form, by a piece of their names. */
const OTHER_KINDS: readonly [RegExp, string][] = [
  [/dora_scale|lora_magnitude_vector/, "DoRA"],
  [/hada_w|hada_t/, "LoHa"],
  [/lokr_/, "LoKr"],
  [/lora_mid/, "LoCon with a middle matrix"],
  [/oft_|boft_/, "OFT"],
  [/lora_te2_|text_encoder_2\./, "LoRA for Stable Diffusion XL"],
  [/^transformer\.|lora_transformer_/, "LoRA for a diffusion transformer"],
];

function checkKind(key: string, path: string): void {
  const other = OTHER_KINDS.find(([pattern]) => pattern.test(key));
  if (other)
    throw new Error(
      `${path}: ${JSON.stringify(key)} belongs to an adapter of the kind ${other[1]}; LoRA for Stable Diffusion 1.x and 2.x is read`,
    );
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
  // What has no prefix is the U-Net's: diffusers' first files had nothing else.
  const component = path.startsWith("text_encoder.") ? "text_encoder" : "unet";
  let target = path.replace(/^(unet|text_encoder)\./, "");
  const isOld = target.includes(".processor.") || /_lora\.(down|up)\.weight$/.test(key);
  target = target.replace(".processor.", ".");
  if (isOld) {
    const at = target.lastIndexOf(".") + 1;
    target = target.slice(0, at) + (PROCESSOR[component]![target.slice(at)] ?? target.slice(at));
  }
  return { component, target, part };
}

/** Alphas in the header of diffusers' files: for all layers of a component, and for some by name. */
function alphasIn({ metadata }: WeightsFile): (place: Place) => number | undefined {
  let settings: Record<string, unknown> = {};
  try {
    settings = JSON.parse(metadata.lora_adapter_metadata ?? "{}");
  } catch {
    // Written by another program for its own use.
  }
  return ({ component, target }) => {
    const patterns = settings[`${component}.alpha_pattern`];
    const special = Object.entries(typeof patterns === "object" && patterns ? patterns : {}).find(
      ([name]) => target === name || target.endsWith(`.${name}`),
    );
    const alpha: unknown = special?.[1] ?? settings[`${component}.lora_alpha`];
    return typeof alpha === "number" ? alpha : undefined;
  };
}

function layerOf(
  place: Place,
  part: { down?: PickledTensor; up?: PickledTensor; alpha?: number },
  alphas: (place: Place) => number | undefined,
  path: string,
): LoraLayer {
  const { component, target } = place;
  const where = `${path}: ${component}, ${target}`;
  if (!part.down || !part.up)
    throw new Error(`${where}: has the matrix ${part.down ? "down" : "up"} and not the other`);
  const [down, up] = [weightsOf(part.down), weightsOf(part.up)];
  const [rank] = down.shape;
  const fits =
    down.shape.length === up.shape.length && [2, 4].includes(down.shape.length) && up.shape[1] === rank && rank! > 0;
  if (!fits)
    throw new Error(
      `${where}: matrices [${down.shape}] and [${up.shape}] do not fit; expected [rank, inputs] and [outputs, rank]`,
    );
  const alpha = part.alpha ?? alphas(place) ?? rank!;
  const finite = Number.isFinite(alpha) && down.data.every(Number.isFinite) && up.data.every(Number.isFinite);
  if (!finite) throw new Error(`${where}: holds NaN or infinite numbers`);
  return { component, target, down, up, rank: rank!, scale: alpha / rank! };
}

/**
 * Finds the model's layers that a LoRA changes. Every layer of the file must be one of the model's, so that a file for another
 * model is noticed, and not half applied.
 *
 * @param modules - paths of the model's layers, such as "down_blocks.0.attentions.0.proj_in"
 * @returns the changes by the model's own paths; empty where the file does not touch this component
 * @throws Error where the file changes layers that the model does not have
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
      `${lora.path}: changes ${strange.length} layers that this ${component} does not have, such as ${JSON.stringify(strange[0])}. ` +
        "It was trained for another model.",
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
  const left = fromArray("float32", [outputs, rank], up.data, options);
  const right = fromArray("float32", [rank, down.data.length / rank], down.data, options);
  return noGrad(() =>
    left
      .matmul(right)
      .mul(scale)
      .reshape([outputs, ...down.shape.slice(1)]),
  );
}
