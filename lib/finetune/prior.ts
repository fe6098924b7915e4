import { existsSync } from "node:fs";
import { join } from "node:path";
import { Image } from "../images/index.ts";
import { checkInteger, checkNumber } from "../options.ts";
import { notice } from "../page/notice.ts";
import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { Generator } from "../random/index.ts";
import { type PictureGroup, shrunk } from "./batches.ts";
import { checkPrompt, type PriorOptions, type Settings } from "./options.ts";
import { readPictures } from "./pictures.ts";
import { samplingOf } from "./validation.ts";

/** Pictures painted at once. */
const AT_ONCE = 4;

/**
 * Pictures of the class with its prompt, where prior preservation is asked for: those that are given, or as many as are wanted,
 * painted by the pipeline before it learns anything. Painted ones are kept in `outputDir/class`, so that a training that goes
 * on sees the same.
 *
 * @param own - pictures to learn
 * @returns the group of the class after the other, or that alone
 */
export async function withClass(
  where: string,
  own: PictureGroup,
  pipe: StableDiffusionPipeline,
  options: PriorOptions,
  settings: Settings,
): Promise<PictureGroup[]> {
  const { withPriorPreservation = false, numClassImages = 100, classData, priorLossWeight = 1 } = options;
  checkNumber(where, "priorLossWeight", priorLossWeight, 0);
  if (!withPriorPreservation) {
    if (options.classPrompt === undefined && classData === undefined) return [own];
    throw new RangeError(
      `${where}: classPrompt and classData are only used for prior preservation; add withPriorPreservation: true`,
    );
  }
  const prompt = checkPrompt(where, "classPrompt", options.classPrompt, "a photo of a dog");
  checkInteger(where, "numClassImages", [numClassImages], 1);
  const images = classData
    ? (await readPictures(classData, { where, prepare: (image) => shrunk(image, settings.resolution) })).images
    : await paint(where, prompt, numClassImages, pipe, settings);
  return [own, { images, caption: () => prompt }];
}

async function paint(
  where: string,
  prompt: string,
  count: number,
  pipe: StableDiffusionPipeline,
  { sampling, resolution, outputDir, quiet }: Settings,
): Promise<Image[]> {
  const { seed, ...how } = samplingOf(sampling);
  const pathOf = (i: number) =>
    outputDir === undefined ? undefined : join(outputDir, "class", `${String(i).padStart(4, "0")}.png`);
  const images: Image[] = [];
  for (let i = 0; i < count; i++) {
    const path = pathOf(i);
    if (path === undefined || !existsSync(path)) break;
    images.push(await Image.open(path));
  }
  const missing = count - images.length;
  if (missing > 0 && !quiet)
    notice(`${where}: generating ${missing} pictures of ${JSON.stringify(prompt)} for prior preservation`);
  while (images.length < count) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - images.length) }, (_, k) => images.length + k);
    const painted = await pipe.generate({
      ...{ prompt: numbers.map(() => prompt), width: resolution, height: resolution, ...how, progress: false },
      generator: numbers.map((i) => new Generator(seed + i)),
    });
    for (const [k, image] of painted.images.entries()) {
      const path = pathOf(numbers[k]!);
      if (path !== undefined) await image.save(path);
      images.push(image);
    }
  }
  return images;
}
