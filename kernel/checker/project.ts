import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, parse, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { RuntimeOptions } from "../cells/compile.ts";
import { readTsconfig, type UserConfig } from "../resolution/tsconfig.ts";
import { packageRoot } from "../spec/package-root.ts";
import { writeDomTypes } from "./dom-types.ts";
import { KeptText } from "./kept-text.ts";
import { libraryPath } from "./language-server.ts";
import { makeScratchFolder } from "./scratch.ts";

/** The package that this kernel belongs to: cells can import it, and what it depends on, from any folder. */
export const PACKAGE_ROOT = packageRoot();

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
  /** The user's own configuration, if there is one in the notebook's folder or above. */
  readonly tsconfig: UserConfig;
  /** The notebook's folder. */
  readonly workingFolder: string;
  /** Names of browsers that are not there: see ./dom-types.ts. */
  readonly browserNames: ReadonlySet<string>;
  readonly #root: string;
  readonly #linked = new Set<string>();
  /** What was written, for when it is removed. */
  readonly #files = new Map<string, KeptText>();
  /** When an entry of the folder was last made or removed, as far as known. */
  #changed = 0;

  /** @param workingFolder - the notebook's folder; imports are resolved from it */
  constructor(workingFolder: string) {
    this.workingFolder = resolve(workingFolder);
    this.#root = makeScratchFolder();
    this.folder = this.#mirror(this.workingFolder);
    this.tsconfig = readTsconfig(this.workingFolder);
    this.browserNames = this.#surround();
    const config = {
      compilerOptions: {
        ...DEFAULTS,
        ...userOptions(this.tsconfig),
        ...REQUIRED,
        rootDirs: this.#rootDirs(),
        ...this.#types(),
      },
      files: ["cell.ts", "session.ts"],
    };
    if (!this.write("tsconfig.json", JSON.stringify(config, null, 2))) {
      throw new Error(`cannot write to ${this.folder}; set TMPDIR to a writable folder.`);
    }
  }

  /** Makes the folder, and what is found from it. @returns names of browsers that cells do not see */
  #surround(): ReadonlySet<string> {
    mkdirSync(this.folder, { recursive: true });
    this.linkPackages();
    // Found last: this package under its name, then what it depends on.
    this.#link(join(PACKAGE_ROOT, "node_modules"), join(this.#root, "node_modules"));
    this.#linkByName(PACKAGE_ROOT);
    const replacement = join(this.#root, "mirror", "node_modules", "@typescript", "lib-dom");
    mkdirSync(replacement, { recursive: true });
    const cache = join(PACKAGE_ROOT, "node_modules/.cache/difflab");
    return writeDomTypes(libraryPath("lib.dom.d.ts"), join(replacement, "index.d.ts"), cache);
  }

  /** Whether the user's tsconfig.json wants a type for every parameter; to try `x => x + 1` out, none is needed. */
  get reportsImplicitAny(): boolean {
    const { noImplicitAny, strict } = this.tsconfig.compilerOptions;
    return Boolean(noImplicitAny ?? strict ?? false);
  }

  /** The user's compiler options that change what code does. */
  get runtimeOptions(): RuntimeOptions {
    const { experimentalDecorators, useDefineForClassFields } = this.tsconfig.compilerOptions;
    return {
      experimentalDecorators: experimentalDecorators === true,
      useDefineForClassFields: useDefineForClassFields !== false,
    };
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

  /** Whether an import path names a file that only the mirror has. */
  isOwnFile(name: string): boolean {
    const isOurs = /^(session|cell|tsconfig\.json|(cell|augment|modules)-[\d-]+(\.d)?|modules\.d)$/.test(name);
    return isOurs && ![name, `${name}.ts`].some((each) => existsSync(join(this.workingFolder, each)));
  }

  /** Whether a package is installed, as seen from the notebook. */
  hasPackage(name: string): boolean {
    return ancestors(this.workingFolder).some((folder) => exists(join(folder, "node_modules", name)));
  }

  /** Writes a file of the session. @returns whether that worked: a disk may be full, a folder gone */
  write(name: string, text: string): boolean {
    this.#files.set(name, new KeptText(text));
    try {
      writeFileSync(join(this.folder, name), text);
      this.#changed = changeOf(this.folder);
      return true;
    } catch {
      return false;
    }
  }

  /** Files of the session that could not be written, and what would stand in them. */
  unwritten(): [name: string, text: string][] {
    const present = new Set(exists(this.folder) ? readdirSync(this.folder) : []);
    const missing = [...this.#files].filter(([name]) => !present.has(name));
    return missing.map(([name, text]) => [name, text.value]);
  }

  /** Writes again what somebody has removed, as systems do with old temporary files. @returns whether there was any */
  repair(): boolean {
    const changed = changeOf(this.folder);
    if (changed === this.#changed && changed !== 0) return false;
    this.#changed = changed;
    if (this.unwritten().length === 0) return false;
    try {
      this.#linked.clear();
      this.#surround();
    } catch {
      // What is not written is told to the language server: see the checker.
    }
    for (const [name, text] of this.unwritten()) this.write(name, text);
    return true;
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
    const own = strings(this.tsconfig.compilerOptions.types)?.filter((name) => name === "*" || this.#hasTypes(name));
    return {
      typeRoots: [...new Set([...folders.filter(exists), withNode ?? ""])].filter(Boolean),
      // Cells run in Node, whatever the user's own files are written for.
      types: [...new Set(["node", ...(own ?? [])])],
    };
  }

  /** Packages whose types the user's tsconfig.json asks for, and which are there. */
  #hasTypes(name: string): boolean {
    const folders = [...ancestors(this.workingFolder), PACKAGE_ROOT].map((folder) => join(folder, "node_modules"));
    return folders.some((folder) => exists(join(folder, "@types", name)) || exists(join(folder, name)));
  }

  #link(target: string, path: string): void {
    if (path === this.folder || this.#linked.has(path) || !exists(target)) return;
    if (isFolder(path)) {
      // The notebook lies below a package: what is beside it on the way is linked one by one.
      for (const name of readdirSync(target)) this.#link(join(target, name), join(path, name));
      return;
    }
    mkdirSync(dirname(path), { recursive: true });
    if (!exists(path)) symlinkSync(target, path, "junction"); // what Windows lets everyone make; ignored elsewhere
    this.#linked.add(path);
  }
}

/** What a cell is checked with where the user's tsconfig.json says nothing else. */
const DEFAULTS = {
  lib: ["es2024", "esnext.disposable", "esnext.collection", "esnext.iterator", "dom", "dom.iterable"],
  strict: true,
};

/** What the kernel needs, whatever the user's tsconfig.json says. */
const REQUIRED = {
  target: "es2024", // what Node.js runs
  module: "preserve",
  moduleResolution: "bundler",
  moduleDetection: "force",
  libReplacement: true,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  esModuleInterop: true,
  skipLibCheck: true,
  noEmit: true,
  // Without it `const list = []` could hold nothing. Its errors are left out unless the user asks for them.
  noImplicitAny: true,
  allowUnreachableCode: true,
  allowUnusedLabels: true,
};

/**
 * Options of the user's that say what is an error. Those that say where files lie, or what is written from them, are
 * of no use to a cell and could keep it from running: `rootDir`, `composite`, `noCheck`, an old `target`.
 */
const SWITCHES = [
  "strict alwaysStrict strictNullChecks strictFunctionTypes strictBindCallApply strictPropertyInitialization",
  "strictBuiltinIteratorReturn noImplicitThis useUnknownInCatchVariables exactOptionalPropertyTypes",
  "noUncheckedIndexedAccess noImplicitOverride noImplicitReturns noFallthroughCasesInSwitch",
  "noPropertyAccessFromIndexSignature noUncheckedSideEffectImports experimentalDecorators emitDecoratorMetadata",
  "useDefineForClassFields allowJs checkJs allowArbitraryExtensions resolvePackageJsonExports resolvePackageJsonImports",
]
  .join(" ")
  .split(" ");
const TEXTS = ["jsx", "jsxFactory", "jsxFragmentFactory", "jsxImportSource"];

function userOptions({ compilerOptions, aliases, resolve: find }: UserConfig): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const name of SWITCHES) if (typeof compilerOptions[name] === "boolean") options[name] = compilerOptions[name];
  for (const name of TEXTS) if (typeof compilerOptions[name] === "string") options[name] = compilerOptions[name];
  const conditions = strings(compilerOptions.customConditions);
  if (conditions) options.customConditions = conditions;
  const lib = strings(compilerOptions.lib)?.filter((name) => existsSync(libraryPath(`lib.${name.toLowerCase()}.d.ts`)));
  if (lib && lib.length > 0) options.lib = lib;
  // As they would be found from the user's own file.
  const paths = aliases.map((alias) => [alias, find(alias.replace("*", STAR)).map((path) => path.replace(STAR, "*"))]);
  if (paths.length > 0) options.paths = Object.fromEntries(paths);
  return options;
}

/** Stands for the star of a path pattern. */
const STAR = "__difflab_star__";

function strings(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : undefined;
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

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** When a folder's entries last changed; 0 if it is gone. */
function changeOf(folder: string): number {
  return statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function packageName(folder: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return typeof name === "string" && /^(@[\w.-]+\/)?[\w.-]+$/.test(name) ? name : undefined;
  } catch {
    return undefined; // no package here
  }
}
