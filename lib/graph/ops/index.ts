/** Every operation of the graph: each function checks its shapes and returns the node. */
export * from "./elementwise.ts";
export * from "./image.ts";
export * from "./indexing.ts";
export * from "./linear.ts";
export * from "./movement.ts";
export * from "./reduce.ts";
export * from "./scans.ts";
export * from "./smooth.ts";
