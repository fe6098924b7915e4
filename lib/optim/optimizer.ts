import type { Node } from "../graph/node.ts";
import { cat, where } from "../graph/ops/index.ts";
import { counted, PRINTED, plural } from "../printed.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";
import { atEveryCall, live, tracing } from "../tensor/trace.ts";
import { type Bucket, bucketsOf, Retrace } from "./flat.ts";

/** Settings that every optimizer has for each group of parameters. */
export interface GroupSettings {
  /** Learning rate: how far one step goes. */
  lr: number;
  /** How strongly weights are pulled to 0. */
  weightDecay: number;
}

/** Parameters that are trained with the same settings. */
export type Group<S extends GroupSettings> = S & {
  /** The parameters of this group. */
  readonly params: readonly Tensor[];
  /** The rows in which they are kept, side by side. */
  readonly buckets: readonly Bucket[];
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

/** An optimizer's state: everything that is needed to go on exactly where it was. */
export interface OptimizerState {
  /** Steps taken so far. */
  readonly steps: number;
  /** The settings of each group. */
  readonly groups: readonly Readonly<Record<string, unknown>>[];
  /** By parameter's number and the state's name, such as "3.exp_avg". */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/**
 * Changes parameters along their gradients. `step()` only writes down the change, as all operations do; it is computed
 * together with whatever is read next (the loss), or at once by `await realize()`.
 */
export abstract class Optimizer<S extends GroupSettings = GroupSettings> {
  /** The parameters, group by group, with their settings: `optimizer.groups[0].weightDecay`. */
  readonly groups: readonly Group<S>[];
  /** Steps taken so far. */
  steps = 0;

  constructor(params: Parameters<S>, settings: S) {
    const list = [...(params as Iterable<Tensor | ({ params: Iterable<Tensor> } & Partial<S>)>)];
    if (list.length === 0) throw new RangeError(`${this.constructor.name}: got no parameters to train`);
    const plain = list[0] instanceof Tensor;
    const given = plain ? [{ params: list as Tensor[] }] : (list as ({ params: Iterable<Tensor> } & Partial<S>)[]);
    const seen = new Set<Tensor>();
    this.groups = given.map((group) => {
      const trained = [...group.params].filter((p) => p.requiresGrad);
      for (const p of trained) {
        if (seen.has(p)) throw new Error(`${this.constructor.name}: a parameter appears twice`);
        seen.add(p);
      }
      return { ...settings, ...group, params: trained, buckets: bucketsOf(trained) } as Group<S>;
    });
    for (const group of this.groups) this.check(group);
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
      const { params, buckets: _, ...settings } = group;
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
    const buckets = this.groups.flatMap((group) => group.buckets);
    if (buckets.every((bucket) => bucket.params.every((p) => p.grad === null))) {
      throw new Error(`${this.constructor.name}.step: no parameter has a gradient; call loss.backward() first`);
    }
    tracing.current?.prepare.add(() => this.#gather());
    this.#gather();
    atEveryCall(() => {
      this.steps++;
    });
    noGrad(() => {
      for (const group of this.groups) {
        const update = this.prepare(group);
        for (const bucket of group.buckets) {
          const { row, present } = bucket.gradients();
          const keep = (tensor: Tensor, next: Node) =>
            tensor.assign(present ? where(present, next, tensor.node) : next);
          update(bucket.values.node, row, (name) => bucket.row(name).node, {
            value: (next) => keep(bucket.values, next),
            state: (name, next) => keep(bucket.row(name), next),
          });
        }
      }
    });
  }

  #gather(): void {
    // All of them, before the one new trace that is due then.
    const moved = this.groups.flatMap((group) => group.buckets).filter((bucket) => bucket.gather());
    if (moved.length > 0 && tracing.current) throw new Retrace();
  }

  /** Refuses settings that make no sense. */
  protected check(group: Group<S>): void {
    if (!(group.lr >= 0)) throw new RangeError(`${this.constructor.name}: lr is ${group.lr}, expected 0 or more`);
    if (!(group.weightDecay >= 0)) {
      throw new RangeError(`${this.constructor.name}: weightDecay is ${group.weightDecay}, expected 0 or more`);
    }
  }

  /** Returns what to do with each row of parameters: called once a step for a group. */
  protected abstract prepare(group: Group<S>): Update;

  /** A number that is looked up again at each call of a compiled step. */
  protected number(value: () => number): Node {
    return live("float32", [], () => Float32Array.of(value()));
  }

  /** All that is needed to go on later; the tensors are the optimizer's own. */
  stateDict(): OptimizerState {
    const tensors: Record<string, Tensor> = {};
    let number = 0;
    for (const group of this.groups) {
      for (const bucket of group.buckets) {
        let offset = 0;
        for (const [i, p] of bucket.params.entries()) {
          for (const [name, row] of bucket.state) {
            tensors[`${number}.${name}`] = row.slice(0, offset, offset + bucket.sizes[i]!).reshape(p.shape);
          }
          offset += bucket.sizes[i]!;
          number++;
        }
      }
    }
    const groups = this.groups.map(({ params: _, buckets: __, ...settings }) => settings as Record<string, unknown>);
    return { steps: this.steps, groups, tensors };
  }

  /** @throws Error where the state belongs to other parameters; nothing is changed then */
  loadStateDict(state: OptimizerState): void {
    if (state.groups.length !== this.groups.length) {
      throw new Error(
        `${this.constructor.name}: the state has ${plural(state.groups.length, "group")}, expected ${this.groups.length}`,
      );
    }
    const names = new Set(Object.keys(state.tensors).map((key) => key.slice(key.indexOf(".") + 1)));
    const rows: [Bucket, string, Tensor[]][] = [];
    let number = 0;
    for (const group of this.groups) {
      for (const bucket of group.buckets) {
        for (const name of names) {
          const parts = bucket.params.map((p, i) => {
            const part = state.tensors[`${number + i}.${name}`];
            if (!part || part.shape.join() !== p.shape.join()) {
              throw new Error(
                `${this.constructor.name}: "${number + i}.${name}" is ${part ? `[${part.shape}]` : "missing"}, expected [${p.shape}]`,
              );
            }
            return part;
          });
          rows.push([bucket, name, parts]);
        }
        number += bucket.params.length;
      }
    }
    this.steps = state.steps;
    for (const [i, group] of this.groups.entries()) Object.assign(group, state.groups[i]);
    for (const group of this.groups) for (const bucket of group.buckets) bucket.state.clear();
    for (const [bucket, name, parts] of rows) {
      const row = cat(
        parts.map((part) => part.detach().reshape(-1).node),
        0,
      );
      bucket.row(name).assign(row);
    }
  }
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
