import { createRequire, Module } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { RUNTIME } from "../../cells/runtime.ts";
import type { Command } from "../protocol/messages.ts";
import { CellModules, pick, requireFor } from "./modules.ts";
import { registerCell } from "./stack.ts";

/** How a cell ended: with a value, which may be undefined, or by throwing. */
export type Outcome = { ok: true; value: unknown; hasValue: boolean } | { ok: false; thrown: unknown };

type Execute = Extract<Command, { type: "execute" }>;

/** The parts of tslab's executor that are used here. */
interface TslabExecutor {
  execute(source: string): Promise<boolean>;
}

/**
 * tslab's executor runs the cells: as functions, through one place.
 *
 * Its converter is replaced (see ../cells and ../checker): it is tied to a TypeScript 5.0 of its own, which resolves
 * packages as Node 10 did, refuses `using` and `for await`, knows no current library types, takes 1.3 s to start and 13 ms
 * for a cell. The module that loads this TypeScript to look for tslab's `@module` comments is given a stand-in, or
 * starting the evaluator would take four times as long.
 */
function loadTslab(): (root: string, converters: object, console: object) => TslabExecutor {
  const require = createRequire(import.meta.url);
  const metadata = require.resolve("tslab/dist/metadata.js");
  require.cache[metadata] = { id: metadata, loaded: true, exports: { getCodeMetadata: () => ({}) } } as NodeJS.Module;
  return require("tslab/dist/executor.js").createExecutor;
}

/** Runs compiled cells, and holds what they declared. */
export class CellRunner {
  /** Values of the session's names. A cell's code reads and writes its properties. */
  readonly scope: Record<string, unknown> = {};
  readonly #modules: CellModules;
  readonly #executor: TslabExecutor;
  #converted: object = {};
  /** What cells threw whose end has not been told yet, in the order in which it will be. */
  readonly #thrown: unknown[] = [];

  /**
   * @param folder - of the notebook
   * @param check - called in each turn of a loop that awaits; throws if the cell was interrupted
   */
  constructor(folder: string, check: () => void) {
    this.#modules = new CellModules(folder);
    const convert = () => this.#converted;
    const console = { log: () => {}, error: (value: unknown) => void this.#thrown.push(value) };
    this.#executor = loadTslab()(folder, { node: { convert, close: () => {} }, close: () => {} }, console);
    const meta = {
      url: pathToFileURL(join(folder, "cell.ts")).href,
      dirname: folder,
      filename: join(folder, "cell.ts"),
      resolve: (name: string) => pathToFileURL(require.resolve(name)).href,
    };
    // What a script asks to know whether it is imported, `require.main === module`, says of a cell that it is not.
    const module = new Module(meta.filename);
    const require = requireFor(folder, module);
    const load = this.#modules.load.bind(this.#modules);
    this.#environment = { scope: this.scope, load, pick, meta, check, require, module };
    const hidden = { configurable: true, value: this.#environment };
    Object.defineProperty(globalThis, ENVIRONMENT, hidden);
    for (const [name, value] of Object.entries({ require, __dirname: folder, __filename: meta.filename })) {
      Object.defineProperty(globalThis, name, { configurable: true, writable: true, value });
    }
  }
  readonly #environment: Record<string, unknown>;

  /** Runs a cell. A cell that is stopped from outside never comes back: the promise stays open. */
  async run({ run, code, isAsync, cell, sourceVersion }: Execute): Promise<Outcome> {
    this.#modules.setSourceVersion(sourceVersion);
    let last: { value: unknown } | undefined;
    this.#environment.last = (value: unknown) => {
      last = { value };
      return value;
    };
    // On the code's first line, where the rewritten cell has its own prefix: lines below keep their numbers.
    const names = Object.entries(RUNTIME).map(([key, name]) => `${key}: ${name}`);
    const head = `"use strict"; const { ${names.join(", ")} } = globalThis.${ENVIRONMENT}; require = globalThis.${ENVIRONMENT}.require;`;
    this.#converted = {
      diagnostics: [],
      output: `${head}\n${code}\n${registerCell(run, code, cell)}\n`,
      declOutput: "",
      hasToplevelAwait: isAsync,
    };
    const ok = await this.#executor.execute("");
    if (!ok) return { ok: false, thrown: this.#thrown.shift() };
    return { ok: true, value: last?.value, hasValue: last !== undefined };
  }

  /** Loads a package ahead of its first use. */
  preload(name: string): Promise<void> {
    return this.#modules.preload(name);
  }
}

/** Global that hands a cell its surroundings. */
const ENVIRONMENT = "__difflab_cells";
