import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Where a file or folder lies that ships with the library: in the nearest folder above the compiled library, or its
 * sources, that holds it.
 *
 * @param path - from the repository's root, such as `"data/strokes"`
 * @param advice - how to get it back, for the error
 * @throws Error where no folder above has it
 */
export function shipped(path: string, advice: string): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const found = join(folder, path);
    if (existsSync(found)) return found;
    if (folder === dirname(folder)) throw new Error(`no ${path} in the folders above the library. ${advice}`);
  }
}
