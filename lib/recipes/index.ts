import { autoencoder, decoder } from "./autoencoder.ts";
import { clip } from "./clip.ts";
import { fewSteps } from "./few-steps.ts";
import { eye, judge } from "./judge.ts";
import { pixels, pixelsByClass } from "./pixels.ts";
import type { Recipe } from "./run.ts";
import { unet } from "./unet.ts";

/** How each network that ships is trained, by name; each recipe needs only earlier ones. */
export const recipes: Readonly<Record<string, Recipe>> = {
  "world-judge": judge,
  "world-eye": eye,
  autoencoder,
  clip,
  unet,
  "few-steps": fewSteps,
  decoder,
  "tiny-digits": pixels,
  "tiny-digits-by-class": pixelsByClass,
};
