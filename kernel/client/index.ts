/** The headless client: talks to kernels, runs notebooks, and turns them into pages. */
export * from "./client.ts";
export * from "./launch.ts";
export * from "./notebook.ts";
export * from "./outputs.ts";
export * from "./run.ts";
