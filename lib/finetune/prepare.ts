import type { Image } from "../images/index.ts";
import { notice } from "../page/notice.ts";
import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { trainedSize } from "../pipelines/outdated.ts";
import type { CLIPTokenizer } from "../tokenizer/index.ts";
import { PictureBatches, type PictureGroup, shrunk } from "./batches.ts";
import type { Settings } from "./options.ts";
import { type CaptionedPictures, readPictures } from "./pictures.ts";

/** Pixels of the pictures that a pipeline was trained on, and what their sides have to be divisible by. */
export function placeOf({ unet, vae }: StableDiffusionPipeline): { size: number; divisor: number } {
  const [height, width] = trainedSize(unet) ?? [64, 64];
  return {
    size: Math.min(height, width) * vae.scale,
    divisor: vae.scale * 2 ** (unet.config.block_out_channels.length - 1),
  };
}

/** The pictures to learn from, no larger than needed. */
export function readTrainingPictures(where: string, settings: Settings): Promise<CaptionedPictures> {
  const { data, captionColumn, resolution } = settings;
  return readPictures(data, {
    where,
    prepare: (image: Image) => shrunk(image, resolution),
    ...(captionColumn === undefined ? {} : { captionColumn }),
  });
}

/** Groups of pictures as batches, each picture so often in an epoch that they fill one. */
export function batchesOf(
  where: string,
  groups: readonly PictureGroup[],
  tokenizer: CLIPTokenizer,
  settings: Settings,
): PictureBatches {
  const { resolution, centerCrop, randomFlip, seed = 0, trainBatchSize, gradientAccumulationSteps, quiet } = settings;
  const count = groups[0]!.images.length;
  if (count === 1 && !quiet) {
    notice(
      `${where}: only one picture; everything in it is learned along with the concept, so three to five are better`,
    );
  }
  const repeats = Math.max(
    settings.repeats ?? Math.ceil(100 / count),
    Math.ceil((trainBatchSize * gradientAccumulationSteps) / count),
  );
  return new PictureBatches(groups, tokenizer, { resolution, centerCrop, randomFlip, repeats, seed });
}
