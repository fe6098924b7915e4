import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { FullModel } from "./full-model.ts";
import { settingsOf, type TrainingOptions } from "./options.ts";
import { requireCaptions } from "./pictures.ts";
import { batchesOf, placeOf, readTrainingPictures } from "./prepare.ts";
import type { FineTuned } from "./result.ts";
import { train } from "./train.ts";

/** How a pipeline is trained on. */
export interface FinetuneOptions extends TrainingOptions {
  /** One caption for all pictures, in place of their own. */
  prompt?: string;
  /** Names of the U-Net's weights that are learnt; default all. */
  targets?: RegExp;
  /** Learn the text encoder's weights as well; default false. */
  trainTextEncoder?: boolean;
}

const OWN = { prompt: true, targets: true, trainTextEncoder: true } as const;

/**
 * Trains a pipeline's U-Net on with captioned pictures.
 *
 * ```ts
 * const learnt = await finetune(pipe, { data: "captioned", maxTrainSteps: 1000, useEma: true });
 * await learnt.save("my-model");  // StableDiffusionPipeline.fromPretrained("my-model/pipeline")
 * ```
 * @param options.maxTrainSteps - default 1,000
 * @param options.learningRate - default 1e-5
 * @throws Error where pictures or captions are missing, or the loss is no number or rises for good: what was learnt is kept then
 */
export async function finetune(pipe: StableDiffusionPipeline, options: FinetuneOptions): Promise<FineTuned> {
  const where = "finetune";
  const defaults = { maxTrainSteps: 1000, learningRate: 1e-5, maxGradNorm: 1 };
  const settings = settingsOf(where, options, OWN, defaults, placeOf(pipe));
  const { prompt, targets, trainTextEncoder = false } = options;
  const pictures = await readTrainingPictures(where, settings);
  const captions = prompt === undefined ? requireCaptions(where, pictures) : pictures.images.map(() => prompt);
  const learnable = new FullModel(where, pipe, { targets, trainTextEncoder });
  const group = { images: pictures.images, caption: (i: number) => captions[i]! };
  return train({ where, pipe, learnable, batches: batchesOf(where, [group], pipe.tokenizer, settings), settings });
}
