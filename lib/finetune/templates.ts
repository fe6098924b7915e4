/** Sentences about a thing, `{}` where its name goes. @see Gal et al. 2022, appendix: https://arxiv.org/abs/2208.01618 */
const object = [
  "a photo of a {}",
  "a picture of a {}",
  "a close-up of a {}",
  "a bright photo of a {}",
  "a dark photo of a {}",
  "a cropped photo of the {}",
  "a photo of the {}",
  "a photo of one {}",
  "a photo of my {}",
  "a photo of a small {}",
  "a photo of a large {}",
  "a drawing of a {}",
  "an image of a {}",
  "this is a {}",
] as const;

/** Sentences about a manner. */
const style = [
  "a painting in the style of {}",
  "a picture in the style of {}",
  "a drawing in the style of {}",
  "a rendering in the style of {}",
  "a bright picture in the style of {}",
  "a dark picture in the style of {}",
  "a close-up in the style of {}",
  "a small picture in the style of {}",
  "a large picture in the style of {}",
] as const;

/** Sentences in which a new word is shown, by what it stands for. */
export const TEMPLATES = { object, style } as const;

/** What a new word stands for. */
export type LearnableProperty = keyof typeof TEMPLATES;
