/** Labelled pictures: digits and a small world drawn by this library, MNIST and Fashion-MNIST. */
export { Dice } from "./dice.ts";
export { digits } from "./digits/index.ts";
export { type IdxArray, parseIdx } from "./idx.ts";
export { ImageDataset, type LabelledImage } from "./image-dataset.ts";
export { fashionMnist, type MnistOptions, mnist, type Split } from "./mnist.ts";
export {
  captionOf,
  drawScene,
  type Scene,
  showWorld,
  WORLD,
  WorldDataset,
  type WorldOptions,
  world,
} from "./world/index.ts";
