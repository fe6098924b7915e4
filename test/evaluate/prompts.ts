import type { Scene } from "../../lib/datasets/index.ts";
import { world } from "../../lib/index.ts";

/** What is asked for, and in which words. */
export interface Request {
  readonly scene: Scene;
  readonly prompt: string;
}

const MANNERS: Readonly<Record<Scene["manner"], string>> = {
  pen: "in pen",
  chalk: "in chalk",
  neon: "in neon",
  watercolour: "in watercolour",
  mosaic: "as a mosaic",
  woodcut: "as a woodcut",
  shadow: "with a shadow",
};
const BACKGROUNDS: Readonly<Record<Scene["background"], string>> = {
  paper: "on paper",
  mint: "on mint",
  sky: "in the sky",
  sunset: "at sunset",
  slate: "on slate",
  forest: "in the forest",
  night: "at night",
};

/** A caption that leaves out nothing that the judge reads: "a red seven in chalk, at night". */
export function promptOf({ thing, ink, manner, background }: Scene): string {
  return `${ink === "orange" ? "an" : "a"} ${ink} ${thing} ${MANNERS[manner]}, ${BACKGROUNDS[background]}`;
}

/** Scenes and their prompts, the same for a seed. */
export function requests(n: number, seed: number, split: "train" | "heldOut"): Request[] {
  // Small pictures: only what is in them counts here.
  const { scenes } = world({ n, seed, split, size: 16 });
  return scenes.map((scene) => ({ scene, prompt: promptOf(scene) }));
}
