import { isFloat } from "../graph/dtype.ts";
import type { Node } from "../graph/node.ts";
import { show } from "../graph/shape.ts";
import { checkNumber, checkOptions } from "../options.ts";
import { counted, PRINTED } from "../printed.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";
import { live, onUndo, Retrace, tracing } from "../tensor/trace.ts";
import { countStep, Rows } from "./flat.ts";
import { loadInto, type OptimizerState, stateOf } from "./state.ts";

export type { OptimizerState } from "./state.ts";

/** Settings that every optimizer has for each group of parameters. */
export interface GroupSettings {
  /** Learning rate: how far one step goes. */
  lr: number;
  /** How strongly weights are pulled to 0. */
  weightDecay: number;
}

/**
 * The settings of an optimizer: what it was given, and defaults for the rest.
 * @throws TypeError for an option that it does not have
 */
export function settingsOf<S extends GroupSettings>(name: string, defaults: S, options: Partial<S>): S {
  checkOptions(name, options, Object.keys(defaults));
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) };
}

/** Parameters that are trained with the same settings. */
export type Group<S extends GroupSettings> = S & {
  /** The parameters of this group. */
  readonly params: readonly Tensor[];
};

/** Parameters, or several groups of them with settings of their own. */
export type Parameters<S> =
  | Iterable<Tensor>
  | Iterable<
      {
        /** The parameters of a group. */
        readonly params: Iterable<Tensor>;
      } & Partial<S>
    >;

/**
 * Changes parameters along their gradients. `step()` only writes down the change, as all operations do; it is computed
 * together with whatever is read next (the loss), or at once by `await realize()`.
 *
 * Parameters may be frozen and unfrozen at any time (`requiresGrad`): one without a gradient is left alone, with all
 * that the optimizer keeps of it.
 */
export abstract class Optimizer<S extends GroupSettings = GroupSettings> {
  /** The parameters, group by group, with their settings: `optimizer.groups[0].weightDecay`. */
  readonly groups: readonly Group<S>[];
  /** Steps taken so far. */
  steps = 0;
  readonly #rows: readonly Rows[];

  /** @throws TypeError or Error if something is no parameter, or belongs to two groups */
  constructor(params: Parameters<S>, settings: S) {
    const name = this.constructor.name;
    const list = [...(params as Iterable<Tensor | ({ params: Iterable<Tensor> } & Partial<S>)>)];
    if (list.length === 0) throw new RangeError(`${name}: got no parameters to train`);
    const plain = list[0] instanceof Tensor;
    const given = plain ? [{ params: list as Tensor[] }] : (list as ({ params: Iterable<Tensor> } & Partial<S>)[]);
    const seen = new Set<Tensor>();
    this.groups = given.map((group) => {
      // Weights that two layers share are one parameter.
      const own = [...new Set(group.params)];
      for (const p of own) {
        checkParameter(name, p);
        if (seen.has(p))
          throw new Error(`${name}: a parameter ${show(p.shape)} is in two groups; expected in one only`);
        seen.add(p);
      }
      checkOptions(name, group, [...Object.keys(settings), "params"]);
      return { ...settings, ...group, params: own } as Group<S>;
    });
    for (const group of this.groups) this.check(group);
    this.#rows = this.groups.map((group) => new Rows(group.params));
  }

  /** PyTorch's name for `groups`. */
  get paramGroups(): readonly Group<S>[] {
    return this.groups;
  }

  /** Learning rate of the first group; setting it sets all groups. */
  get lr(): number {
    return this.groups[0]!.lr;
  }

  set lr(value: number) {
    for (const group of this.groups) group.lr = value;
  }

  [PRINTED](): string {
    const groups = this.groups.map((group) => {
      const { params, ...settings } = group;
      const weights = params.reduce((n, p) => n + p.numel(), 0);
      const text = Object.entries(settings).map(
        ([key, value]) => `${key} ${Array.isArray(value) ? `[${value}]` : value}`,
      );
      return `${counted(weights)} weights in ${counted(params.length)} tensors, ${text.join(", ")}`;
    });
    const head = `${this.constructor.name} after ${counted(this.steps)} ${this.steps === 1 ? "step" : "steps"}`;
    return groups.length === 1 ? `${head}: ${groups[0]}` : `${head}:\n  ${groups.join("\n  ")}`;
  }

  /** Forgets the gradients. */
  zeroGrad(): void {
    for (const group of this.groups) for (const p of group.params) p.grad = null;
  }

  /** Writes down one step along the gradients that `backward()` left. */
  step(): void {
    if (this.groups.every((group) => group.params.every((p) => p.grad === null))) {
      throw new Error(
        `${this.constructor.name}.step: no parameter has a gradient; call loss.backward() first. ` +
          "If the network was made anew, make the optimizer anew as well.",
      );
    }
    for (const group of this.groups) this.check(group);
    // All of them, before the one new trace that is due then.
    const moved = this.#rows.filter((rows) => rows.arrangeForStep());
    if (moved.length > 0 && tracing.current) throw new Retrace();
    const before = this.steps;
    onUndo(() => {
      this.steps = before;
    });
    this.steps++;
    noGrad(() => {
      for (const [i, group] of this.groups.entries()) {
        const updates = new Map<number, Update>();
        for (const row of this.#rows[i]!) {
          if (row.params[0]!.grad === null) continue;
          countStep(row);
          const update = updates.get(row.steps) ?? this.prepare(group, row.steps);
          updates.set(row.steps, update);
          const gradients = row.joined((p) => p.grad!.node);
          update(row.values.node, gradients, (name) => row.get(name).node, {
            value: (next) => row.values.assign(next),
            state: (name, next) => row.get(name).assign(next),
          });
        }
      }
    });
  }

  /** Refuses settings that make no sense. */
  protected check(group: S): void {
    for (const [key, value] of Object.entries(group)) {
      if (typeof value === "string") checkNumber(this.constructor.name, key, value);
    }
    if (!(group.lr >= 0)) throw new RangeError(`${this.constructor.name}: lr is ${group.lr}, expected 0 or more`);
    if (!(group.weightDecay >= 0)) {
      throw new RangeError(`${this.constructor.name}: weightDecay is ${group.weightDecay}, expected 0 or more`);
    }
  }

  /**
   * Returns what to do with rows of parameters.
   *
   * @param steps - how often they were stepped, this step included
   */
  protected abstract prepare(group: Group<S>, steps: number): Update;

  /** Names of what is kept for each parameter. */
  protected abstract readonly stateNames: readonly string[];

  /** A number of this step: another one next time is no other program. */
  protected number(value: number): Node {
    return live("float32", [], () => Float32Array.of(value));
  }

  /** All that is needed to go on later; the tensors are the optimizer's own. */
  stateDict(): OptimizerState {
    return stateOf(this.steps, this.groups, this.#rows);
  }

  /** @throws Error if the state belongs to other parameters or another optimizer; nothing is changed then */
  loadStateDict(state: OptimizerState): void {
    this.checkStateDict(state)();
  }

  /**
   * Checks a state, and returns what loads it.
   * @throws as `loadStateDict` does
   */
  checkStateDict(state: OptimizerState): () => void {
    const name = this.constructor.name;
    const load = loadInto(name, state, { groups: this.groups, rows: this.#rows, names: this.stateNames });
    for (const [i, group] of this.groups.entries()) this.check({ ...group, ...state.groups[i] } as Group<S>);
    return () => {
      load();
      this.steps = state.steps;
      for (const [i, group] of this.groups.entries()) Object.assign(group, state.groups[i]);
    };
  }
}

function checkParameter(name: string, p: unknown): asserts p is Tensor {
  if (!(p instanceof Tensor)) throw new TypeError(`${name}: got ${typeof p} among the parameters, expected tensors`);
  if (!isFloat(p.dtype)) throw new TypeError(`${name}: a parameter is ${p.dtype} ${show(p.shape)}, expected float32`);
}

/** One update of a row: its values, its gradients, its state by name, and where the results go. */
export type Update = (
  values: Node,
  gradients: Node,
  state: (name: string) => Node,
  set: {
    /** Puts the new values in place. */
    value(next: Node): void;
    /** Puts a new state in place. */
    state(name: string, next: Node): void;
  },
) => void;
