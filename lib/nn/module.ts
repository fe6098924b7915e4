import { show } from "../graph/shape.ts";
import { counted, PRINTED } from "../printed.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Tensors by name, as checkpoints hold them. */
export type StateDict = Readonly<Record<string, Tensor>>;

/** A layer that turns one tensor into one. */
export interface Layer {
  /** The layer's output for the input `x`. */
  forward(x: Tensor): Tensor;
}

/**
 * A part of a network. Fields that are tensors with `requiresGrad` are its parameters, other tensors its buffers
 * (running means and their like), and fields that are modules, or lists of modules, its parts.
 *
 * Names in a checkpoint follow from the fields by one rule: a capital letter becomes an underscore and a small one
 * (`runningMean` is `running_mean`), parts are joined by dots, members of lists are numbered.
 */
export abstract class Module {
  /** Whether dropout drops and normalisations learn; change it with `train()` and `eval()`. */
  training = true;

  /** This module and all parts below it, with their names: "" for itself. */
  *namedModules(prefix = ""): Generator<[string, Module]> {
    yield [prefix, this];
    for (const [name, part] of this.#parts()) yield* part.namedModules(prefix === "" ? name : `${prefix}.${name}`);
  }

  *#parts(): Generator<[string, Module]> {
    for (const [field, value] of Object.entries(this)) {
      if (value instanceof Module) yield [keyOf(field), value];
      else if (Array.isArray(value)) {
        for (const [i, item] of value.entries()) if (item instanceof Module) yield [`${keyOf(field)}.${i}`, item];
      }
    }
  }

  *#tensors(): Generator<[string, Tensor]> {
    const own = Object.entries(this).filter((entry): entry is [string, Tensor] => entry[1] instanceof Tensor);
    // Parameters before buffers, as PyTorch orders them. A frozen parameter keeps its place among them.
    const buffers = this.bufferNames();
    for (const [field, value] of own) if (!buffers.includes(field)) yield [field, value];
    for (const [field, value] of own) if (buffers.includes(field)) yield [field, value];
  }

  /** Fields that hold tensors which are saved but not trained. */
  protected bufferNames(): readonly string[] {
    return [];
  }

  /** All parameters with their names in a checkpoint: `for (const [name, p] of model.namedParameters())`. */
  *namedParameters(): Generator<[string, Tensor]> {
    for (const [prefix, module] of this.namedModules()) {
      const buffers = module.bufferNames();
      for (const [field, value] of module.#tensors()) {
        if (!buffers.includes(field)) yield [join(prefix, field), value];
      }
    }
  }

  /**
   * All tensors that are trained, of this module and its parts: what an optimizer takes,
   * `new optim.AdamW(model.parameters(), { lr: 1e-3 })`.
   */
  parameters(): Tensor[] {
    return Array.from(this.namedParameters(), ([, parameter]) => parameter);
  }

  /** Number of elements in all parameters. */
  numParameters(): number {
    return this.parameters().reduce((n, p) => n + p.numel(), 0);
  }

  /** Sets whether this module and its parts are trained, and returns it. */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.training = mode;
    return this;
  }

  /** Turns dropout off and lets normalisations use their running statistics: `train(false)`. Returns the module. */
  eval(): this {
    return this.train(false);
  }

  /** Sets whether the parameters get gradients. */
  requiresGrad_(value = true): this {
    for (const p of this.parameters()) p.requiresGrad = value;
    return this;
  }

  /** Forgets the gradients of all parameters. */
  zeroGrad(): void {
    for (const p of this.parameters()) p.grad = null;
  }

  /** All parameters and buffers by name. They are the module's own tensors: changing them changes the module. */
  stateDict(): Record<string, Tensor> {
    const state: Record<string, Tensor> = {};
    for (const [prefix, module] of this.namedModules()) {
      for (const [field, value] of module.#tensors()) state[join(prefix, field)] = value;
    }
    return state;
  }

  /**
   * Takes over the values in `state`; all of them or, where anything does not fit, none.
   *
   * @param options.strict - names must agree exactly; default true. Otherwise only common names are loaded.
   * @returns the names that were missing and unexpected: both empty where strict
   * @throws Error that lists every missing and unexpected name and every shape that differs
   */
  loadStateDict(state: StateDict, options: { strict?: boolean } = {}): { missing: string[]; unexpected: string[] } {
    const own = this.stateDict();
    const missing = Object.keys(own).filter((name) => !(name in state));
    const unexpected = Object.keys(state).filter((name) => !(name in own));
    const common = Object.keys(own).filter((name) => name in state);
    const problems = common
      .filter((name) => show(own[name]!.shape) !== show(state[name]!.shape))
      .map((name) => `${name} is ${show(state[name]!.shape)}, expected ${show(own[name]!.shape)}`);
    if (options.strict ?? true) {
      problems.push(...missing.map((name) => `${name} is missing`));
      problems.push(...unexpected.map((name) => `${name} is unexpected`));
    }
    if (problems.length > 0) {
      const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
      throw new Error(`${this.constructor.name}.loadStateDict: nothing loaded, ${count}:\n  ${problems.join("\n  ")}`);
    }
    noGrad(() => {
      for (const name of common) own[name]!.assign(state[name]!.to(own[name]!.dtype).detach().node, { lazy: true });
    });
    return { missing, unexpected };
  }

  /** Moves parameters and buffers to a device. */
  async to(device: string): Promise<this> {
    for (const tensor of Object.values(this.stateDict())) {
      const moved = await tensor.to(device);
      tensor.assign(moved.node, { lazy: true });
    }
    return this;
  }

  /** The module's parts as an indented tree, one line each, with their settings. */
  toString(): string {
    const parts = [...this.#parts()].map(([name, part]) => `  (${name}): ${String(part).replaceAll("\n", "\n  ")}`);
    const head = `${this.constructor.name}(${this.describe()}`;
    return parts.length === 0 ? `${head})` : `${head}\n${parts.join("\n")}\n)`;
  }

  /** The layer's settings, shown when it is printed. */
  protected describe(): string {
    return "";
  }

  /** As many levels of the tree as a page has room for, with the number of weights of each part. */
  [PRINTED](): string {
    const levels = [1, 2, 3, 4, 5, 6].map((depth) => this.#tree(depth));
    return levels.findLast((lines) => lines.length <= MOST_LINES)?.join("\n") ?? levels[0]!.join("\n");
  }

  #tree(depth: number, name = ""): string[] {
    const parts = [...this.#parts()];
    const weights = this.numParameters();
    const own = parts.length > 0 ? this.constructor.name : `${this.constructor.name}(${this.describe()})`;
    const more = depth === 0 && parts.length > 0 ? ` of ${parts.length} parts` : "";
    const head = `${name && `${name}: `}${own}${more}${weights > 0 ? `  ${counted(weights)} weights` : ""}`;
    if (depth === 0) return [head];
    return [head, ...parts.flatMap(([part, module]) => module.#tree(depth - 1, part).map((line) => `  ${line}`))];
  }

  /** In a notebook: the same. */
  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this[PRINTED]() };
  }
}

/** Lines of a tree that a page has room for. */
const MOST_LINES = 40;

/** A field's name in a checkpoint. */
export function keyOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function join(prefix: string, field: string): string {
  return prefix === "" ? keyOf(field) : `${prefix}.${keyOf(field)}`;
}
