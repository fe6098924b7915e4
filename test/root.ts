import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The repository's folder, from the sources of the tests as well as from what the benchmarks are built to. */
export const ROOT = find(import.meta.dirname);

function find(folder: string): string {
  return existsSync(join(folder, "package.json")) ? folder : find(dirname(folder));
}
