import {
  type AdapterOptions,
  type LearnedConcept,
  loraDelta,
  matchLora,
  readLora,
  readTextualInversion,
} from "../adapters/index.ts";
import type { CLIPTextModel, Model } from "../models/index.ts";
import { plural } from "../printed.ts";
import { cat, fromArray } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import { realize } from "../tensor/state.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CLIPTokenizer } from "../tokenizer/index.ts";

/** What a LoRA did to a pipeline, to be undone by putting the old values back. */
export type Applied = readonly (readonly [weight: Tensor, before: Tensor])[];

/**
 * Adds a LoRA to the weights of a pipeline's networks: `W + scale * up * down`.
 *
 * @param given - safetensors or pickle, in diffusers', PEFT's or kohya's layout; or where that lies
 * @param options.scale - how much of it; default 1
 * @throws Error where the file is damaged, was made for another model, or a matrix does not fit its layer
 */
export async function applyLora(
  given: string,
  parts: { unet: Model; textEncoder: Model },
  options: AdapterOptions & { scale?: number } = {},
): Promise<Applied> {
  const { scale: strength = 1, ...rest } = options;
  if (!Number.isFinite(strength)) throw new RangeError(`loadLoraWeights: scale is ${strength}; expected a number`);
  const lora = await readLora(given, rest);
  const { path } = lora;
  const applied: [Tensor, Tensor, Tensor][] = [];
  for (const [component, model] of [
    ["unet", parts.unet],
    ["text_encoder", parts.textEncoder],
  ] as const) {
    const modules = new Map([...model.namedModules()]);
    for (const [name, layer] of matchLora(lora, component, modules.keys())) {
      const { weight } = modules.get(name) as unknown as { weight?: Tensor };
      const delta = loraDelta(layer, weight ? { device: weight.device } : {});
      if (!weight || weight.numel() !== delta.numel()) {
        throw new Error(
          `${path}: ${component}, ${name}: changes a weight [${delta.shape}], the model's is [${weight?.shape ?? "none"}]; it was trained for another model`,
        );
      }
      const before = noGrad(() => weight.detach());
      const change = delta.mul(strength).reshape(weight.shape);
      applied.push([weight, before, noGrad(() => before.add(change))]);
    }
  }
  // A few at a time: a session for each would take long to open, and one for all much memory.
  for (let i = 0; i < applied.length; i += 16) await realize(...applied.slice(i, i + 16).map(([, , after]) => after));
  // All or nothing: every layer was found to fit before the first is changed.
  noGrad(() => {
    for (const [weight, , after] of applied) weight.assign(after.node);
  });
  return applied.map(([weight, before]) => [weight, before] as const);
}

/** Puts the weights back that a LoRA has changed. */
export function undo(applied: Applied): void {
  noGrad(() => {
    for (const [weight, before] of applied) weight.assign(before.node, { lazy: true });
  });
}

/**
 * Teaches a tokenizer and a text encoder a concept that was learned by textual inversion.
 *
 * @param given - safetensors or `learned_embeds.bin`, or where that lies
 * @returns the word to use in prompts
 * @throws Error where the file is damaged or made for another text encoder, or the word is taken
 */
export async function addConcept(
  given: string,
  tokenizer: CLIPTokenizer,
  model: CLIPTextModel,
  options: AdapterOptions & { token?: string },
): Promise<LearnedConcept> {
  const concept = await readTextualInversion(given, options);
  const table = model.textModel.embeddings.tokenEmbedding;
  const [count, width] = table.weight.shape as [number, number];
  if (concept.width !== width) {
    throw new Error(
      `${given}: the concept is ${concept.width} wide, this text encoder ${width}; it was learned with another model (768 is Stable Diffusion 1.x, 1024 is 2.x)`,
    );
  }
  const first = tokenizer.vocabSize;
  if (first > count) {
    throw new Error(
      `${given}: the tokenizer has ${plural(first, "token")}, the text encoder ${count}; they do not belong together`,
    );
  }
  tokenizer.addConcept(concept.token, concept.vectors);
  const rows = fromArray("float32", [concept.vectors, width], concept.data, { device: table.weight.device });
  // Rows beyond the tokenizer's words belong to no word.
  const known = table.weight.detach();
  table.weight = cat([first === count ? known : known.narrow(0, 0, first), rows])
    .detach()
    .requiresGrad_();
  return concept;
}
