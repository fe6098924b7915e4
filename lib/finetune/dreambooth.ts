import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { FullModel } from "./full-model.ts";
import { checkPrompt, PRIOR_OPTIONS, type PriorOptions, settingsOf, type TrainingOptions } from "./options.ts";
import { batchesOf, placeOf, readTrainingPictures } from "./prepare.ts";
import { withClass } from "./prior.ts";
import type { FineTuned } from "./result.ts";
import { train } from "./train.ts";

/** How one particular thing is learnt. */
export interface DreamboothOptions extends TrainingOptions, PriorOptions {
  /** A rare word and the class that the thing belongs to: "a photo of sks dog". */
  instancePrompt: string;
  /** Names of the U-Net's weights that are learnt; default all. */
  targets?: RegExp;
  /** Learn the text encoder's weights as well; default false. */
  trainTextEncoder?: boolean;
}

const OWN = { ...PRIOR_OPTIONS, instancePrompt: true, targets: true, trainTextEncoder: true } as const;

/**
 * Teaches a pipeline one particular thing from a few pictures, under a rare word: the U-Net's weights change. With prior
 * preservation it learns from pictures of the thing's class as well, so that not every dog becomes the one.
 *
 * ```ts
 * const learnt = await dreambooth(pipe, {
 *   data: "my-dog", instancePrompt: "a photo of sks dog", withPriorPreservation: true, classPrompt: "a photo of a dog",
 * });
 * ```
 * @param options.maxTrainSteps - default 400
 * @param options.learningRate - default 5e-6
 * @throws Error where there are no pictures, or the loss is no number or rises for good: what was learnt is kept then
 * @see Ruiz et al. 2022: https://arxiv.org/abs/2208.12242
 */
export async function dreambooth(pipe: StableDiffusionPipeline, options: DreamboothOptions): Promise<FineTuned> {
  const where = "dreambooth";
  const defaults = { maxTrainSteps: 400, learningRate: 5e-6, maxGradNorm: 1 };
  const settings = settingsOf(where, options, OWN, defaults, placeOf(pipe));
  const prompt = checkPrompt(where, "instancePrompt", options.instancePrompt, "a photo of sks dog");
  const { images } = await readTrainingPictures(where, settings);
  const { targets, trainTextEncoder = false } = options;
  const learnable = new FullModel(where, pipe, { targets, trainTextEncoder });
  const groups = await withClass(where, { images, caption: () => prompt }, pipe, options, settings);
  const batches = batchesOf(where, groups, pipe.tokenizer, settings);
  return train({ where, pipe, learnable, batches, settings, priorLossWeight: options.priorLossWeight ?? 1 });
}
