import { type LoraLayer, LoraLayers, saveLoraWeights } from "../adapters/index.ts";
import type { Module } from "../nn/module.ts";
import { adapterNames, putLora, removeLoras } from "../pipelines/adapters.ts";
import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { counted, plural } from "../printed.ts";
import { manualSeed } from "../random/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Learnable, Together } from "./learnable.ts";
import { PRIOR_OPTIONS, type PriorOptions, settingsOf, type TrainingOptions } from "./options.ts";
import { requireCaptions } from "./pictures.ts";
import { batchesOf, placeOf, readTrainingPictures } from "./prepare.ts";
import { withClass } from "./prior.ts";
import type { FineTuned } from "./result.ts";
import { train } from "./train.ts";

/** How low-rank changes are learnt. */
export interface LoraFinetuneOptions extends TrainingOptions, PriorOptions {
  /** One caption for all pictures, in place of their own: a rare word and a class, for one particular thing. */
  prompt?: string;
  /** Width of the bottleneck; default 4. */
  rank?: number;
  /** Which of the U-Net's layers; default the four of each attention. */
  targets?: RegExp;
  /** Change the text encoder's attention as well; default false. */
  trainTextEncoder?: boolean;
  /** What the pipeline calls it, for `setAdapters` and `deleteAdapters`; one of the same name is taken away first. Default "lora". */
  adapterName?: string;
}

const OWN = {
  ...PRIOR_OPTIONS,
  prompt: true,
  rank: true,
  targets: true,
  trainTextEncoder: true,
  adapterName: true,
} as const;
/** The four layers of each attention, as in diffusers' scripts. */
export const UNET_TARGETS = /\.to_(q|k|v|out\.0)$/;
const TEXT_TARGETS = /\.(q|k|v|out)_proj$/;

/** Low-rank changes beside weights that rest. */
export class LowRankChanges implements Learnable {
  readonly model: Module;
  readonly #unet: LoraLayers;
  readonly #text: LoraLayers | null;
  readonly #pipe: StableDiffusionPipeline;
  readonly #name: string;

  constructor(pipe: StableDiffusionPipeline, name: string, unet: LoraLayers, text: LoraLayers | null) {
    this.model = text ? new Together(unet, text) : unet;
    this.#unet = unet;
    this.#text = text;
    this.#pipe = pipe;
    this.#name = name;
  }

  get learnt(): readonly Tensor[] {
    return this.model.parameters();
  }

  apply<T>(f: () => T): T {
    return this.#unet.apply(() => (this.#text ? this.#text.apply(f) : f()));
  }

  async install(): Promise<void> {
    const layers: LoraLayer[] = await this.#unet.layers("unet");
    if (this.#text) layers.push(...(await this.#text.layers("text_encoder")));
    await putLora({ path: "loraFinetune", layers }, this.#pipe, this.#name);
  }

  uninstall(): void {
    removeLoras(this.#pipe, [this.#name]);
  }

  describe(): string {
    const of = (lora: LoraLayers, name: string) =>
      `${plural(2 * lora.names.length, "LoRA matrix").replace("matrixs", "matrices")} of rank ${lora.changes[0]!.down.shape[0]} beside ${plural(lora.names.length, "layer")} of the ${name}`;
    const all = [of(this.#unet, "U-Net"), ...(this.#text ? [of(this.#text, "text encoder")] : [])];
    return `${all.join(" and ")} (${counted(this.model.numParameters())} numbers)`;
  }

  save(folder: string): Promise<string> {
    const matrices = { ...this.#unet.namedMatrices("unet"), ...this.#text?.namedMatrices("text_encoder") };
    return saveLoraWeights(folder, matrices);
  }
}

/**
 * Learns low-rank changes (LoRA) of a pipeline's U-Net from captioned pictures, while all its weights rest. Afterwards the pipeline
 * has them as an adapter, and `pytorch_lora_weights.safetensors` gives them to others.
 *
 * ```ts
 * const learnt = await loraFinetune(pipe, { data: "woodcuts", rank: 4 });
 * pipe.setAdapters("lora", 0.5);
 * ```
 * @param options.maxTrainSteps - default 500
 * @param options.learningRate - default 1e-4
 * @throws Error where pictures or captions are missing, the rank is larger than a layer, or the loss is no number: what was learnt is kept then
 * @see Hu et al. 2021: https://arxiv.org/abs/2106.09685
 */
export async function loraFinetune(pipe: StableDiffusionPipeline, options: LoraFinetuneOptions): Promise<FineTuned> {
  const where = "loraFinetune";
  const defaults = { maxTrainSteps: 500, learningRate: 1e-4, maxGradNorm: 1 };
  const settings = settingsOf(where, options, OWN, defaults, placeOf(pipe));
  const { rank = 4, targets = UNET_TARGETS, trainTextEncoder = false, adapterName = "lora", prompt } = options;
  const pictures = await readTrainingPictures(where, settings);
  const captions = prompt === undefined ? requireCaptions(where, pictures) : pictures.images.map(() => prompt);
  if (settings.seed !== undefined) manualSeed(settings.seed);
  const initLoraWeights = "gaussian";
  const unet = new LoraLayers(pipe.unet, { rank, targets, initLoraWeights });
  const text = trainTextEncoder
    ? new LoraLayers(pipe.textEncoder, { rank, targets: TEXT_TARGETS, initLoraWeights })
    : null;
  if (adapterNames(pipe).includes(adapterName)) removeLoras(pipe, [adapterName]);
  const own = { images: pictures.images, caption: (i: number) => captions[i]! };
  const groups = await withClass(where, own, pipe, options, settings);
  const learnable = new LowRankChanges(pipe, adapterName, unet, text);
  const batches = batchesOf(where, groups, pipe.tokenizer, settings);
  return train({ where, pipe, learnable, batches, settings, priorLossWeight: options.priorLossWeight ?? 1 });
}
