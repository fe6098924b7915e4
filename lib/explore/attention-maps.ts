import { Image } from "../images/index.ts";
import { interpolate } from "../nn/functional/index.ts";
import type { AttentionProbs, Module, RemovableHandle } from "../nn/index.ts";
import type { GenerateOptions, StableDiffusionPipeline } from "../pipelines/index.ts";
import { stack } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CLIPTokenizer } from "../tokenizer/index.ts";

/** Options of `crossAttentionMaps`: those of `generate`, for one picture, and these. */
export interface AttentionMapsOptions extends Omit<GenerateOptions, "prompt" | "promptEmbeds" | "numImagesPerPrompt"> {
  /** Which attention layers, by their names in the U-Net, such as `/up_blocks/`; default all that read the text. */
  layers?: RegExp;
}

/** Where the U-Net looked at each word while it painted. */
export interface AttentionMaps {
  /** What was painted. */
  readonly image: Image;
  /** The prompt's words, without punctuation. */
  readonly words: readonly string[];
  /**
   * For each word, how much each place read of it: the mean over its tokens, and over all heads, layers and steps, `[words, h, w]` of
   * the latents' size. A place's shares of all tokens add up to 1.
   */
  readonly maps: Tensor;
  /** The same step by step, `[steps, words, h, w]`. */
  readonly steps: Tensor;
  /** All tokens, as the vocabulary spells them, with those for start, end and padding. */
  readonly tokens: readonly string[];
  /** The maps of single tokens, `[tokens, h, w]`. */
  readonly tokenMaps: Tensor;
}

/**
 * Paints, and tells for each word of the prompt where the U-Net looked at it: the probabilities of its cross-attention, brought to
 * the latents' size and averaged over heads, layers and steps.
 *
 * ```ts
 * const seen = await crossAttentionMaps(pipe, "a red seven in chalk", { numInferenceSteps: 16, seed: 1 });
 * showAttention(seen)
 * ```
 * With guidance only the prompt's own prediction counts, not that of the negative prompt.
 *
 * @throws RangeError if no layer fits `layers`, or the prompt has no word
 * @see Tang et al. 2022, "What the DAAM": https://arxiv.org/abs/2210.04885
 */
export async function crossAttentionMaps(
  pipe: StableDiffusionPipeline,
  prompt: string,
  options: AttentionMapsOptions = {},
): Promise<AttentionMaps> {
  const where = "crossAttentionMaps";
  if (typeof prompt !== "string") throw new TypeError(`${where}: the prompt is a ${typeof prompt}; expected a string`);
  const { layers = /./, ...rest } = options;
  const { tokens, words } = wordsOf(pipe.tokenizer, prompt);
  if (words.length === 0) throw new RangeError(`${where}: the prompt ${JSON.stringify(prompt)} contains no words`);
  const attention = [...pipe.unet.namedModules()].filter(([name]) => name.endsWith("attn2.probs") && layers.test(name));
  if (attention.length === 0) {
    throw new RangeError(
      `${where}: no cross-attention layer matches ${layers}; names look like "up_blocks.0.attentions.1"`,
    );
  }
  const seen = new Map<Module, Tensor>();
  const handles: RemovableHandle[] = [];
  const steps: Tensor[] = [];
  let latents: Tensor | undefined;
  try {
    for (const [, module] of attention) {
      const layer = module as AttentionProbs;
      handles.push(
        layer.registerForwardHook((_, __, probs) => {
          // Guidance by a loss calls the network again.
          if (!seen.has(layer)) seen.set(layer, probs.narrow(0, probs.shape[0]! - 1, 1).mean(1)); // [1, HW, tokens]
        }),
      );
    }
    for await (const step of pipe.steps({ ...rest, prompt })) {
      latents = step.latents;
      const [, , h, w] = latents.shape as [number, number, number, number];
      const maps = [...seen.values()].map((probs) => resized(where, probs, h, w));
      steps.push(await stack(maps).mean(0).realize());
      seen.clear();
    }
  } finally {
    for (const handle of handles) handle.remove();
  }
  const all = stack(steps); // [steps, tokens, h, w]
  const ofWords = (maps: Tensor, dim: number) =>
    stack(
      words.map(({ from, to }) => maps.narrow(dim, from, to - from).mean(dim)),
      dim,
    );
  return {
    image: (await Image.fromBatch(await pipe.decode(latents!)))[0]!,
    words: words.map(({ word }) => word),
    maps: await ofWords(all.mean(0), 0).realize(),
    steps: await ofWords(all, 1).realize(),
    tokens,
    tokenMaps: await all.mean(0).realize(),
  };
}

/** `[1, HW, tokens]` as maps of the latents' size, `[tokens, h, w]`. */
function resized(where: string, probs: Tensor, h: number, w: number): Tensor {
  const [, places, tokens] = probs.shape as [number, number, number];
  for (let factor = 1; factor <= Math.max(h, w); factor *= 2) {
    const [rows, columns] = [Math.ceil(h / factor), Math.ceil(w / factor)];
    if (rows * columns !== places) continue;
    const maps = probs.transpose(1, 2).reshape(1, tokens, rows, columns);
    return noGrad(() => interpolate(maps, { size: [h, w], mode: "bilinear" }).squeeze(0));
  }
  throw new RangeError(`${where}: attention at ${places} positions does not match latents of ${h} x ${w}`);
}

/** The words of a prompt, each with the places of its tokens in the padded row. */
function wordsOf(tokenizer: CLIPTokenizer, prompt: string) {
  const written = tokenizer.maybeConvertPrompt(prompt);
  const length = tokenizer.modelMaxLength;
  const encoded = tokenizer.encode(written);
  const ids = encoded.length > length ? [...encoded.slice(0, length - 1), tokenizer.eosTokenId] : encoded;
  const spelled = (id: number) => tokenizer.idToToken(id) ?? String(id);
  const words: { word: string; from: number; to: number }[] = [];
  let from = 1;
  for (let i = 1; i < ids.length - 1; i++) {
    const isLast = i === ids.length - 2 || /(<\/w>|>)$/.test(spelled(ids[i]!));
    if (!isLast) continue;
    const word = tokenizer.decode(ids.slice(from, i + 1));
    if (/[\p{L}\p{N}]/u.test(word)) words.push({ word, from, to: i + 1 });
    from = i + 1;
  }
  const padded = [...ids, ...new Array<number>(length - ids.length).fill(tokenizer.padTokenId)];
  return { tokens: padded.map(spelled), words };
}
