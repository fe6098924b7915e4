import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseCell } from "../cells/parse.ts";
import { sourcePath } from "../cells/source-path.ts";

/** The user's own files that cells import, and what these import: looked at for changes as each cell is checked. */
export class SourceFiles {
  readonly #times = new Map<string, number>();
  /** Grows with every change of a file. */
  version = 0;

  /**
   * Follows the relative imports of a cell.
   *
   * @returns files that changed since they were last seen
   */
  follow(specifiers: Iterable<string>, folder: string): string[] {
    this.#add(specifiers, folder);
    const changed = [...this.#times].filter(([path, time]) => modified(path) !== time).map(([path]) => path);
    for (const path of changed) this.#read(path);
    if (changed.length > 0) this.version++;
    return changed;
  }

  #add(specifiers: Iterable<string>, folder: string): void {
    for (const specifier of specifiers) {
      const path = /^\.{1,2}\//.test(specifier) ? sourcePath(resolve(folder, specifier)) : undefined;
      if (path !== undefined && !this.#times.has(path)) this.#read(path);
    }
  }

  #read(path: string): void {
    this.#times.set(path, modified(path));
    if (!/\.[cm]?[jt]sx?$/.test(path)) return;
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch {
      return; // gone: the checker says so
    }
    this.#add(parseCell(text)?.modules ?? [], resolve(path, ".."));
  }
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
