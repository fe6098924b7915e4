/** difflab: tensors, training and Stable Diffusion in TypeScript. */
export { defaultGenerator, Generator, manualSeed } from "./random/index.ts";
