import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where something that ships with the library is to lie: in the `data` folder beside the library's own. */
export function dataPath(...parts: readonly string[]): string {
  // The compiled library lies one folder deeper than its sources, so the package's own file is looked for.
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return join(folder, "data", ...parts);
    if (folder === dirname(folder)) throw new Error(`difflab: no package.json in the folders above ${import.meta.url}`);
  }
}
