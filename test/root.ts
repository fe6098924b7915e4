import { packageRoot } from "../kernel/spec/package-root.ts";

/** The repository's folder, from the sources of the tests as well as from what the benchmarks are built to. */
export const ROOT = packageRoot();
