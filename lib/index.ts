/** difflab: tensors, training and Stable Diffusion in TypeScript. */

export { fashionMnist, ImageDataset, mnist, parseIdx } from "./datasets/index.ts";
export { defaultGenerator, Generator, manualSeed } from "./random/index.ts";
export {
  openSafetensors,
  parseSafetensors,
  SafetensorsFile,
  saveCheckpoint,
  saveSafetensors,
} from "./safetensors/index.ts";
