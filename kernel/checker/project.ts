import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, parse, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { getTsconfig, type TsConfigJsonResolved } from "get-tsconfig";

/** The package that this kernel belongs to: cells can import it, and what it depends on, from any folder. */
export const PACKAGE_ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * Where the checker keeps its files: a folder in the system's temporary one that mirrors the notebook's, so that
 * nothing is ever written beside the student's work.
 *
 * A cell at `TEMP/home/ann/course/cell.ts` imports as one at `/home/ann/course/` would: `rootDirs` lays the mirror and
 * the real tree over each other for relative imports, and links stand in for the `node_modules` folders on the way up.
 */
export class CellProject {
  /** Folder of the cells' files. */
  readonly folder: string;
  /** The user's own configuration, where there is one in the notebook's folder or above. */
  readonly tsconfig: TsConfigJsonResolved | undefined;
  /** The notebook's folder. */
  readonly workingFolder: string;
  readonly #root: string;
  readonly #linked = new Set<string>();

  /** @param workingFolder - the notebook's folder; imports are resolved from it */
  constructor(workingFolder: string) {
    this.workingFolder = resolve(workingFolder);
    this.#root = realpathSync(mkdtempSync(join(tmpdir(), "difflab-")));
    this.folder = this.#mirror(this.workingFolder);
    mkdirSync(this.folder, { recursive: true });
    const found = findTsconfig(this.workingFolder);
    this.tsconfig = found?.config;
    this.linkPackages();
    // Found last: this package under its name, then what it depends on.
    this.#link(join(PACKAGE_ROOT, "node_modules"), join(this.#root, "node_modules"));
    this.#linkByName(PACKAGE_ROOT);
    this.#write("defaults.json", { compilerOptions: DEFAULTS });
    this.#write("tsconfig.json", {
      extends: ["./defaults.json", ...(found ? [found.path] : [])],
      compilerOptions: { ...REQUIRED, rootDirs: this.#rootDirs(), ...this.#types() },
      files: ["cell.ts", "session.ts"],
      include: [],
      references: [],
    });
  }

  /** Whether the user's tsconfig.json wants a type for every parameter; to try `x => x + 1` out, none is needed. */
  get reportsImplicitAny(): boolean {
    const { noImplicitAny, strict } = this.tsconfig?.compilerOptions ?? {};
    return noImplicitAny ?? strict ?? false;
  }

  /** URI of a file of the mirror. */
  uri(name: string): string {
    return pathToFileURL(join(this.folder, name)).href;
  }

  /** Links `node_modules` folders, also those that came since the last call. @returns whether there was a new one */
  linkPackages(): boolean {
    const before = this.#linked.size;
    for (const folder of ancestors(this.workingFolder)) {
      this.#linkByName(folder);
      this.#link(join(folder, "node_modules"), join(this.#mirror(folder), "node_modules"));
    }
    return this.#linked.size > before;
  }

  /** A package can import itself by its name: so can a notebook inside it. */
  #linkByName(folder: string): void {
    const name = packageName(folder);
    if (name !== undefined) this.#link(folder, join(this.#root, "mirror", "node_modules", name));
  }

  /** Whether a package is installed, as seen from the notebook. */
  hasPackage(name: string): boolean {
    return ancestors(this.workingFolder).some((folder) => exists(join(folder, "node_modules", name)));
  }

  dispose(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  #mirror(folder: string): string {
    const { root } = parse(folder);
    return join(this.#root, "mirror", root.replace(/[^a-z]/gi, ""), relative(root, folder));
  }

  #rootDirs(): string[] {
    const { root } = parse(this.workingFolder);
    return [this.#mirror(root), root];
  }

  /** Declarations of Node come from the nearest folder that has them, at the latest from this package. */
  #types(): { typeRoots: string[]; types?: string[] } {
    const folders = [...ancestors(this.workingFolder), PACKAGE_ROOT].map((f) => join(f, "node_modules", "@types"));
    const withNode = folders.find((folder) => exists(join(folder, "node")));
    const own = this.tsconfig?.compilerOptions?.types;
    return {
      typeRoots: [...new Set([...folders.filter(exists), withNode ?? ""])].filter(Boolean),
      types: own ?? ["node"],
    };
  }

  #link(target: string, path: string): void {
    if (this.#linked.has(path) || !exists(target)) return;
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path, "junction"); // what Windows lets everyone make; ignored elsewhere
    this.#linked.add(path);
  }

  #write(name: string, value: object): void {
    writeFileSync(join(this.folder, name), JSON.stringify(value, null, 2));
  }
}

/** What a cell is checked with where the user's tsconfig.json says nothing else. */
const DEFAULTS = {
  target: "es2022",
  lib: ["es2024", "esnext.disposable", "esnext.collection", "esnext.iterator", "dom", "dom.iterable"],
  strict: true,
};

/** What the kernel needs whatever the user's tsconfig.json says. */
const REQUIRED = {
  module: "preserve",
  moduleResolution: "bundler",
  moduleDetection: "force",
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  esModuleInterop: true,
  skipLibCheck: true,
  noEmit: true,
  // Without it `const list = []` could hold nothing. Its errors are left out unless the user asks for them.
  noImplicitAny: true,
  allowUnreachableCode: true,
  allowUnusedLabels: true,
  noUnusedLocals: false,
  noUnusedParameters: false,
  erasableSyntaxOnly: false,
  verbatimModuleSyntax: false,
  isolatedModules: false,
  isolatedDeclarations: false,
  rewriteRelativeImportExtensions: false,
  composite: false,
  incremental: false,
  declaration: false,
};

function findTsconfig(folder: string): { path: string; config: TsConfigJsonResolved } | undefined {
  try {
    return getTsconfig(folder) ?? undefined;
  } catch {
    return undefined; // not JSON, or it extends what is not there: the checker reports it when it reads the file
  }
}

function ancestors(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}

function exists(path: string): boolean {
  try {
    realpathSync(path);
    return true;
  } catch {
    return false;
  }
}

function packageName(folder: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return typeof name === "string" && /^(@[\w.-]+\/)?[\w.-]+$/.test(name) ? name : undefined;
  } catch {
    return undefined; // no package here
  }
}
