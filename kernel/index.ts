/** The TypeScript kernel's headless client: starts kernels, runs notebooks through them, makes pages of them. */
export * from "./client/index.ts";
