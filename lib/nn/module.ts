import { show } from "../graph/shape.ts";
import { DISPLAY } from "../page/display.ts";
import { counted, PRINTED } from "../printed.ts";
import { exact } from "../tensor/exact.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";
import { addHook, type ForwardHook, type ForwardPreHook, type HookOptions, type RemovableHandle } from "./hooks.ts";

/** Tensors by name, as checkpoints hold them. */
export type StateDict = Readonly<Record<string, Tensor>>;

/** A layer that turns one tensor into one. */
export interface Layer {
  /** The layer's output for the input `x`. */
  forward(x: Tensor): Tensor;
}

/** A tensor that is trained if it is a module's field: `weight = new nn.Parameter(randn([3, 3]))`. */
export class Parameter extends Tensor {
  /**
   * @param data - its first values
   * @param requiresGrad - false for one that is frozen from the start; default true
   */
  constructor(data: Tensor, requiresGrad = true) {
    super(noGrad(() => data.detach().node));
    this.markParameter();
    this.requiresGrad = requiresGrad;
  }
}

/**
 * A part of a network. Fields that are tensors with `requiresGrad` are its parameters, also while they are frozen; other
 * tensors are its buffers (running means, masks and their like), which are saved and not trained. Fields that are
 * modules, or lists of modules, are its parts. What two parts share (a weight, a layer) is one parameter; a part may
 * refer to the module that it belongs to.
 *
 * Names in a checkpoint follow from the fields by one rule: a capital letter becomes an underscore and a small one
 * (`runningMean` is `running_mean`), parts are joined by dots, members of lists are numbered.
 */
export abstract class Module {
  /** Whether dropout drops and normalisations learn; change it with `train()` and `eval()`. */
  training = true;

  /** This module and all parts below it, with their names: "" for itself. */
  *namedModules(prefix = ""): Generator<[string, Module]> {
    const seen = new Set<Module>();
    for (const [name, module] of this.#paths(prefix, new Set())) {
      if (seen.has(module)) continue;
      seen.add(module);
      yield [name, module];
    }
  }

  /** All ways that lead to a part, but for those in a circle: what is shared has several. */
  *#paths(prefix: string, above: Set<Module>): Generator<[string, Module]> {
    yield [prefix, this];
    above.add(this);
    for (const [name, part] of this.#parts()) if (!above.has(part)) yield* part.#paths(join(prefix, name), above);
    above.delete(this);
  }

  *#parts(): Generator<[string, Module]> {
    for (const [name, value] of this.#fields()) {
      if (value instanceof Module) yield [name, value];
      else if (Array.isArray(value)) {
        for (const [i, item] of value.entries()) if (item instanceof Module) yield [`${name}.${i}`, item];
      }
    }
  }

  /** Fields with parts or tensors, by their names in a checkpoint. */
  #fields(): Map<string, unknown> {
    const fields = new Map<string, unknown>();
    for (const field of Object.keys(this)) {
      const value = (this as Record<string, unknown>)[field];
      const holds = value instanceof Module || value instanceof Tensor;
      if (!holds && !(Array.isArray(value) && value.some((item) => item instanceof Module))) continue;
      const name = keyOf(field);
      if (fields.has(name)) {
        const twins = Object.keys(this).filter((other) => keyOf(other) === name);
        throw new Error(
          `${this.constructor.name}: the fields ${twins.join(" and ")} would have the same name in a checkpoint, "${name}"; rename one of them`,
        );
      }
      fields.set(name, value);
    }
    return fields;
  }

  #tensors(kind: "parameters" | "buffers"): [string, Tensor][] {
    const isBuffer = new Set([...this.bufferNames().map(keyOf), ...this.#buffers.keys()]);
    const own: [string, Tensor][] = [];
    for (const [name, value] of this.#fields()) {
      if (!(value instanceof Tensor)) continue;
      // The result of a computation with gradients is neither.
      const isKept = isBuffer.has(name) || !(value.isParameter || value.requiresGrad);
      if (kind === "buffers" ? isKept : value.isParameter && !isBuffer.has(name)) own.push([name, value]);
    }
    return own;
  }

  // Names of registered buffers, and whether they are saved.
  readonly #buffers = new Map<string, boolean>();

  /**
   * Makes `tensor` the field `name`, which is never trained.
   *
   * @param options.persistent - whether it is part of the checkpoint; default true
   */
  registerBuffer(name: string, tensor: Tensor | null, options: { persistent?: boolean } = {}): void {
    this.#buffers.set(keyOf(name), options.persistent ?? true);
    Object.assign(this, { [name]: tensor });
  }

  /** Fields that hold tensors which are saved but not trained, where they might be taken for parameters. */
  protected bufferNames(): readonly string[] {
    return [];
  }

  /** All parameters with their names in a checkpoint: `for (const [name, p] of model.namedParameters())`. */
  *namedParameters(): Generator<[string, Tensor]> {
    const seen = new Set<Tensor>();
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, value] of module.#tensors("parameters")) {
        if (seen.has(value)) continue;
        seen.add(value);
        yield [join(prefix, name), value];
      }
    }
  }

  /** All tensors that are kept but not trained, with their names. */
  *namedBuffers(): Generator<[string, Tensor]> {
    const seen = new Set<Tensor>();
    for (const [prefix, module] of this.namedModules()) {
      for (const [name, value] of module.#tensors("buffers")) {
        if (seen.has(value)) continue;
        seen.add(value);
        yield [join(prefix, name), value];
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
    for (const [prefix, module] of this.#paths("", new Set())) {
      // Parameters before buffers, as PyTorch orders them. A frozen parameter keeps its place among them.
      for (const [name, value] of module.#tensors("parameters")) state[join(prefix, name)] = value;
      for (const [name, value] of module.#tensors("buffers")) {
        if (module.#buffers.get(name) !== false) state[join(prefix, name)] = value;
      }
    }
    return state;
  }

  /**
   * Takes over the values in `state`; all of them or, if anything does not fit, none.
   *
   * @param options.strict - names must agree exactly; default true. Otherwise only common names are loaded.
   * @returns the names that were missing and unexpected: both empty where strict
   * @throws Error that lists every missing and unexpected name and every shape that differs
   */
  loadStateDict(state: StateDict, options: { strict?: boolean } = {}): { missing: string[]; unexpected: string[] } {
    return this.checkStateDict(state, options)();
  }

  /**
   * Checks a state, and returns what loads it.
   * @throws as `loadStateDict` does
   */
  checkStateDict(
    state: StateDict,
    options: { strict?: boolean } = {},
  ): () => { missing: string[]; unexpected: string[] } {
    const own = this.stateDict();
    const missing = Object.keys(own).filter((name) => !Object.hasOwn(state, name));
    const unexpected = Object.keys(state).filter((name) => !Object.hasOwn(own, name));
    const common = Object.keys(own).filter((name) => Object.hasOwn(state, name));
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
    return () => {
      noGrad(() => {
        // Taken before the first is changed: they may be this module's own.
        const values = common.map((name) => exact(state[name]!).to(own[name]!.dtype).detach().node);
        for (const [i, name] of common.entries()) own[name]!.assign(values[i]!, { lazy: true });
      });
      return { missing, unexpected };
    };
  }

  /**
   * Calls `hook` after each `forward` of this module, with what went in and came out: to record it, or to replace it by
   * returning something else. In compiled functions and pipelines, too, and what it keeps of it can be read afterwards:
   *
   * ```ts
   * const seen: Tensor[] = [];
   * const handle = unet.midBlock.registerForwardHook((_, args, output) => { seen.push(output.detach()); });
   * await pipe.generate({ prompt: "a red seven" });
   * handle.remove();
   * ```
   * Where an optimizer has to put its parameters in another order first, a compiled training step is written down again, and its
   * hooks are called again.
   *
   * @param hook - synchronous; with tensors whose values may not be computed yet
   * @throws TypeError if the module has no `forward`
   */
  registerForwardHook<M extends Module>(
    this: M,
    hook: ForwardHook<NoInfer<M>>,
    options: HookOptions = {},
  ): RemovableHandle {
    return addHook(`${this.constructor.name}.registerForwardHook`, this, "after", hook, options);
  }

  /**
   * Calls `hook` before each `forward` of this module, with its arguments: to record them, or to replace them by returning
   * others: `layer.registerForwardPreHook((_, [x]) => [x.mul(0.5)])`.
   *
   * @param hook - synchronous
   * @throws TypeError if the module has no `forward`
   */
  registerForwardPreHook<M extends Module>(
    this: M,
    hook: ForwardPreHook<NoInfer<M>>,
    options: HookOptions = {},
  ): RemovableHandle {
    return addHook(`${this.constructor.name}.registerForwardPreHook`, this, "before", hook, options);
  }

  /** Moves parameters and buffers to a device. */
  async to(device: string): Promise<this> {
    const buffers = Array.from(this.namedBuffers(), ([, buffer]) => buffer);
    for (const tensor of [...this.parameters(), ...buffers]) {
      const moved = await tensor.to(device);
      tensor.assign(moved.node, { lazy: true });
    }
    return this;
  }

  /** The module's parts as an indented tree, one line each, with their settings. */
  toString(): string {
    if (printing.has(this)) return `${this.constructor.name}(as above)`;
    printing.add(this);
    try {
      return this.#print();
    } finally {
      printing.delete(this);
    }
  }

  #print(): string {
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
  [DISPLAY](): Record<string, string> {
    return { "text/plain": this[PRINTED]() };
  }
}

/** Lines of a tree that a page has room for. */
const MOST_LINES = 40;

// Modules whose parts are being printed: a part may lead back to them.
const printing = new Set<Module>();

/** A field's name in a checkpoint. */
export function keyOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function join(prefix: string, name: string): string {
  return prefix === "" ? name : `${prefix}.${name}`;
}
