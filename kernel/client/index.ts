/** The headless client: talks to kernels, runs notebooks, makes pages of them. */
export * from "./client.ts";
export * from "./launch.ts";
export * from "./notebook.ts";
export * from "./outputs.ts";
export * from "./run.ts";
