/** The library of this project: its names are proposed if a cell does not know them. */
export const LIBRARY = "difflab";

/**
 * What most notebooks import. Checker and evaluator load it while nothing else happens, so that the cell that imports
 * it does not wait. With `DIFFLAB_PRELOAD=off` in a kernel's environment they do not: where many kernels share a processor
 * and nobody waits for a cell, as in grading, a second of it for each is too much.
 */
export const COMMON_PACKAGES = process.env.DIFFLAB_PRELOAD === "off" ? [] : ["@observablehq/plot", "sharp", LIBRARY];
