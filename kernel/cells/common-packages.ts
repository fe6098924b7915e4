/**
 * What most notebooks import. Checker and evaluator load it while nothing else happens, so that the cell that imports
 * it does not wait.
 */
export const COMMON_PACKAGES = ["@observablehq/plot", "sharp", "difflab"] as const;
