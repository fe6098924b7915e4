/** Captioned pictures of a small world, drawn by the library. */
export { captionOf } from "./captions.ts";
export { drawScene } from "./draw.ts";
export { type Background, type Ink, type Manner, type Scene, type Thing, WORLD } from "./names.ts";
export { showWorld } from "./show-world.ts";
export { WorldDataset, type WorldOptions, world } from "./world.ts";
