import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The folder of this package: the nearest one above this file whose `package.json` is difflab's.
 * The result is the same whether this runs from the sources or from `dist/`.
 */
export function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file) && JSON.parse(readFileSync(file, "utf8")).name === "difflab") return folder;
    if (folder === dirname(folder)) {
      throw new Error(`difflab: no package.json named "difflab" above ${fileURLToPath(import.meta.url)}.`);
    }
  }
}
