import { createRequire, register } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import { missingModule } from "../../resolution/missing-module.ts";
import { readTsconfig } from "../../resolution/tsconfig.ts";

/** Imports as if from a file in a folder; the code of cells itself has no place on disk. */
function importerAt(folder: string): (specifier: string, options?: ImportCallOptions) => Promise<object> {
  return vm.runInThisContext("(specifier, options) => import(specifier, options)", {
    filename: pathToFileURL(join(folder, "cell.js")).href,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

/** Loads modules for cells: from the notebook's folder, or where that has no such package, from the kernel's own. */
export class CellModules {
  readonly #folder: string;
  readonly #fromHere: ReturnType<typeof importerAt>;
  readonly #fromKernel = importerAt(import.meta.dirname);
  readonly #aliases: readonly string[];
  #hooksInstalled = false;
  #version = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#fromHere = importerAt(folder);
    this.#aliases = readTsconfig(folder).aliases;
  }

  /** Files of the user's changed: from now on they are loaded anew. */
  setSourceVersion(version: number): void {
    this.#version = version;
  }

  /**
   * What `import(specifier)` in a cell does. CommonJS, ESM, TypeScript files, JSON, and modules that await.
   *
   * @param typeOrOptions - `type` of a static import's attributes, or the options of a dynamic import
   * @throws what the module throws as it loads; Error with what to install if there is none
   */
  async load(specifier: unknown, typeOrOptions?: string | ImportCallOptions): Promise<object> {
    const name = String(specifier);
    const type = typeof typeOrOptions === "string" ? typeOrOptions : name.endsWith(".json") ? "json" : undefined;
    const options = typeof typeOrOptions === "object" ? typeOrOptions : type ? { with: { type } } : undefined;
    const isSource = /^(\.{1,2}\/|\/|#|file:)/.test(name) || this.#aliases.some((alias) => matches(alias, name));
    if (isSource) this.#installHooks();
    // The query makes Node take a changed file for another module.
    const query = isSource && this.#version > 0 && !name.startsWith("file:") ? `?v=${this.#version}` : "";
    try {
      return await this.#fromHere(name + query, options);
    } catch (error) {
      if (!isMissing(error, name, this.#folder)) throw error;
      if (isSource || /^[a-z]+:/i.test(name)) throw new Error(missingModule(name));
      try {
        return await this.#fromKernel(name, options);
      } catch (second) {
        if (!isMissing(second, name, import.meta.dirname)) throw second;
        throw new Error(missingModule(name));
      }
    }
  }

  /** Loads a package ahead of its first use; it is no matter if there is none. */
  async preload(name: string): Promise<void> {
    await this.load(name).catch(() => {});
  }

  /** TypeScript files are translated by a loader in a thread of its own, which costs nothing until the first is imported. */
  #installHooks(): void {
    if (this.#hooksInstalled) return;
    this.#hooksInstalled = true;
    process.setSourceMapsEnabled(true);
    register("./typescript-loader.js", import.meta.url, { data: { folder: this.#folder } });
  }
}

function matches(alias: string, name: string): boolean {
  const star = alias.indexOf("*");
  return star < 0 ? alias === name : name.startsWith(alias.slice(0, star)) && name.endsWith(alias.slice(star + 1));
}

/** Whether it is this import that failed, not one inside the module that it found. */
function isMissing(error: unknown, name: string, folder: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof message !== "string") return false;
  switch (code) {
    case "ERR_MODULE_NOT_FOUND":
      return (
        message.includes(`imported from ${join(folder, "cell.js")}`) || message.includes(pathToFileURL(folder).href)
      );
    case "ERR_UNSUPPORTED_ESM_URL_SCHEME":
      return /^[a-z]+:/i.test(name) && !/^(file|data|node):/.test(name);
    case "ERR_UNKNOWN_BUILTIN_MODULE":
      return name.startsWith("node:") && message.includes(name);
    case "ERR_PACKAGE_IMPORT_NOT_DEFINED":
    case "ERR_INVALID_MODULE_SPECIFIER":
      return message.includes(`"${name}"`) || message.includes(`"${name.split("?")[0]}`);
    case "ERR_UNSUPPORTED_DIR_IMPORT":
      return message.includes(`imported from ${join(folder, "cell.js")}`);
    default:
      return false;
  }
}

/**
 * A named import from what was loaded; "default" and "*" are names too.
 *
 * CommonJS packages show their names to an ESM import only as far as Node can guess them: the rest are properties of
 * the default export. Packages compiled from ESM to CommonJS say so with `__esModule`.
 */
export function pick(module: Record<string, unknown>, name: string): unknown {
  const inner = module.default as Record<string, unknown> | undefined;
  const isCompiled = module.__esModule === true && typeof inner === "object" && inner?.__esModule === true;
  if (name === "default") return isCompiled && "default" in inner ? inner.default : inner;
  if (name === "*") return isCompiled ? inner : isPartial(module, inner) ? { ...inner, default: inner } : module;
  if (name in module) return module[name];
  return inner === null || inner === undefined ? undefined : inner[name];
}

/** Whether Node made this module from CommonJS and could not guess all its names. */
function isPartial(module: Record<string, unknown>, inner: Record<string, unknown> | undefined): boolean {
  if (typeof inner !== "object" || inner === null) return false;
  const names = Object.keys(module).filter((name) => name !== "default" && name !== "module.exports");
  return names.every((name) => module[name] === inner[name]) && Object.keys(inner).some((name) => !(name in module));
}

/** `require` as a file in the notebook's folder has it, with the kernel's packages as a second place to look. */
export function requireFor(folder: string, main?: NodeJS.Module): NodeJS.Require {
  const here = createRequire(join(folder, "cell.js"));
  const own = createRequire(import.meta.url);
  const lookIn = <T>(name: string, first: (name: string) => T, second: (name: string) => T): T => {
    const other = /^[./#]|^[a-z]+:/i.test(name) ? () => missing(name) : second;
    try {
      return first(name);
    } catch (error) {
      if (!isRequireOf(error, name)) throw error;
    }
    try {
      return other(name);
    } catch (error) {
      throw isRequireOf(error, name) ? new Error(missingModule(name)) : error;
    }
  };
  const load = (name: string) => lookIn(name, here, own);
  const find = (name: string, options?: { paths?: string[] }) =>
    lookIn(name, (each) => here.resolve(each, options), own.resolve);
  return Object.assign(load, here, { main, resolve: Object.assign(find, { paths: here.resolve.paths }) });
}

function missing(name: string): never {
  throw new Error(missingModule(name));
}

/** Whether it is this `require` that failed, not one inside the module that it found. */
function isRequireOf(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  const isMissing = /^(MODULE_NOT_FOUND|ERR_UNKNOWN_BUILTIN_MODULE|ERR_PACKAGE_IMPORT_NOT_DEFINED)$/.test(code ?? "");
  return isMissing && message.split("\n")[0]!.includes(name);
}
