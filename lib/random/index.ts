/** PyTorch's CPU random numbers: the generator, and functions that fill typed arrays from it. */
export { defaultGenerator, Generator, manualSeed } from "./generator.ts";
export { fillRandint, fillRandperm } from "./integers.ts";
export { fillNormal } from "./normal.ts";
export { fillUniform } from "./uniform.ts";
