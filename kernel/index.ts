/** The TypeScript kernel's headless client: starts kernels, runs notebooks in them, and turns notebooks into web pages. */
export * from "./client/index.ts";
