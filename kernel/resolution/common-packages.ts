/** The library of this project: its names are proposed if a cell does not know them. */
export const LIBRARY = "difflab";

/**
 * What most notebooks import. Checker and evaluator load it while nothing else happens, so that the cell that imports
 * it does not wait.
 */
export const COMMON_PACKAGES = ["@observablehq/plot", "sharp", LIBRARY] as const;
