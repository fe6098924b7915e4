import { Module } from "./module.ts";

/**
 * A list of modules that is a part of a network: `this.blocks = new nn.ModuleList([new Block(), new Block()])`. Their names
 * in a checkpoint are their numbers. A plain array of modules is a part as well; this one has methods, and PyTorch's name.
 */
export class ModuleList<M extends Module = Module> extends Module {
  readonly #modules: M[] = [];

  /** @param modules - in their order; default none */
  constructor(modules: Iterable<M> = []) {
    super();
    this.extend(modules);
  }

  /** How many there are. */
  get length(): number {
    return this.#modules.length;
  }

  /**
   * The module at `index`; negative counts from the end.
   * @throws RangeError if there is none
   */
  at(index: number): M {
    const module = this.#modules.at(index);
    if (!module) throw new RangeError(`ModuleList: at(${index}) of ${this.length} modules`);
    return module;
  }

  /** Adds a module at the end, and returns the list. */
  append(module: M): this {
    if (!(module instanceof Module)) {
      throw new TypeError(`ModuleList: got ${module === null ? "null" : typeof module}, expected an nn.Module`);
    }
    // Numbered fields are the parts.
    Object.assign(this, { [this.length]: module });
    this.#modules.push(module);
    return this;
  }

  /** Adds modules at the end, and returns the list. */
  extend(modules: Iterable<M>): this {
    for (const module of modules) this.append(module);
    return this;
  }

  /** What `f` gives for each module, in their order. */
  map<T>(f: (module: M, index: number) => T): T[] {
    return this.#modules.map(f);
  }

  *[Symbol.iterator](): Generator<M> {
    yield* this.#modules;
  }
}
