/** difflab: tensors, training and Stable Diffusion in TypeScript. */
export {};
