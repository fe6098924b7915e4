import { autoencoder } from "./autoencoder.ts";
import { eye, judge } from "./judge.ts";
import { pixels, pixelsByClass } from "./pixels.ts";
import type { Recipe } from "./run.ts";

/** How each of the networks that ship is trained, in the order in which they need each other. */
export const recipes: Readonly<Record<string, Recipe>> = {
  "world-judge": judge,
  "world-eye": eye,
  autoencoder,
  "tiny-digits": pixels,
  "tiny-digits-by-class": pixelsByClass,
};
