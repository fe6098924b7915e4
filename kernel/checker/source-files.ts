import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseCell } from "../cells/parse.ts";
import { sourcePath } from "../resolution/source-path.ts";

/** What is known of a file as it was when it was last looked at. */
interface SourceFile {
  modified: number;
  /** Files that it imports by a relative path. */
  imports: string[];
  /** It has been checked since it changed, and had no errors. */
  isClean: boolean;
}

/** The user's own files that cells import, and what these import: looked at for changes as each cell is checked. */
export class SourceFiles {
  readonly #files = new Map<string, SourceFile>();
  readonly #aliases: (specifier: string) => string[];
  /** Grows with every change of a file. */
  version = 0;

  /** @param aliases - files that an import means by the `paths` of the user's tsconfig.json */
  constructor(aliases: (specifier: string) => string[] = () => []) {
    this.#aliases = aliases;
  }

  /**
   * Follows the relative imports of a cell.
   *
   * @returns the files that it reaches, and those known that changed since they were last seen
   */
  follow(specifiers: Iterable<string>, folder: string): { reached: string[]; changed: string[] } {
    const changed = [...this.#files].filter(([path, file]) => modified(path) !== file.modified).map(([path]) => path);
    for (const path of changed) this.#files.delete(path);
    if (changed.length > 0) this.version++;
    const reached = new Set(this.#imported(specifiers, folder));
    for (const path of reached) for (const next of this.#read(path).imports) reached.add(next); // a set takes more as it is gone through
    for (const path of changed) this.#read(path);
    return { reached: [...reached], changed };
  }

  /** TypeScript files among these that must be checked (again). */
  unchecked(paths: readonly string[]): string[] {
    return paths.filter((path) => /\.[cm]?tsx?$/.test(path) && this.#files.get(path)?.isClean === false);
  }

  markClean(path: string): void {
    const file = this.#files.get(path);
    if (file) file.isClean = true;
  }

  #read(path: string): SourceFile {
    const known = this.#files.get(path);
    if (known) return known;
    const file: SourceFile = { modified: modified(path), imports: [], isClean: false };
    this.#files.set(path, file);
    if (/\.[cm]?[jt]sx?$/.test(path)) {
      const modules = parseCell(readSource(path))?.modules ?? [];
      file.imports = this.#imported(modules, resolve(path, ".."));
    }
    return file;
  }

  #imported(specifiers: Iterable<string>, folder: string): string[] {
    return [...specifiers].flatMap((name) => {
      const paths = /^\.{0,2}\//.test(name) ? [resolve(folder, name)] : this.#aliases(name);
      return paths.map(sourcePath).find((path) => path !== undefined) ?? [];
    });
  }
}

/** Text of a source file; empty if it cannot be read, which the checker reports. */
export function readSource(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
