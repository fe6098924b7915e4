import { show } from "../graph/shape.ts";
import { plural } from "../printed.ts";
import { zeros } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { inRows, type Rows } from "./flat.ts";

/** An optimizer's state: everything that is needed to go on exactly where it was. */
export interface OptimizerState {
  /** Steps taken so far. */
  readonly steps: number;
  /** The settings of each group. */
  readonly groups: readonly Readonly<Record<string, unknown>>[];
  /** How often each parameter was stepped. Parameters are numbered through all groups. */
  readonly paramSteps?: readonly number[];
  /** By parameter's number and the state's name, such as "3.exp_avg". Parameters that were never stepped have none. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

interface GroupOfParams {
  readonly params: readonly Tensor[];
}

/** What an optimizer with these rows keeps. */
export function stateOf(
  steps: number,
  groups: readonly GroupOfParams[],
  rows: readonly Iterable<{ parts(row: Tensor): Iterable<[Tensor, Tensor]> } & RowState>[],
): OptimizerState {
  const numbers = new Map(groups.flatMap(({ params }) => params).map((p, i) => [p, i]));
  const paramSteps = new Array<number>(numbers.size).fill(0);
  const tensors: Record<string, Tensor> = {};
  for (const row of rows.flatMap((some) => [...some])) {
    for (const p of row.params) paramSteps[numbers.get(p)!] = row.steps;
    if (row.steps === 0) continue;
    for (const [name, values] of row.state) {
      for (const [p, part] of row.parts(values)) tensors[`${numbers.get(p)!}.${name}`] = part;
    }
  }
  const settings = groups.map(({ params: _, ...settings }) => settings as Record<string, unknown>);
  return { steps, groups: settings, paramSteps, tensors };
}

interface RowState {
  readonly params: readonly Tensor[];
  readonly state: ReadonlyMap<string, Tensor>;
  readonly steps: number;
}

/**
 * Checks a state against an optimizer's parameters, and returns what takes it over.
 * @throws Error if it belongs to others
 */
export function loadInto(
  where: string,
  state: OptimizerState,
  own: { groups: readonly GroupOfParams[]; rows: readonly Rows[]; names: readonly string[] },
): () => void {
  const { groups, rows, names } = own;
  if (state.groups.length !== groups.length) {
    throw new Error(`${where}: the state has ${plural(state.groups.length, "group")}, expected ${groups.length}`);
  }
  const params = groups.flatMap((group) => numbered(group.params, state));
  const saved = params.map(() => new Map<string, Tensor>());
  for (const [key, tensor] of Object.entries(state.tensors)) {
    const [, number, name] = /^(\d+)\.(.+)$/.exec(key) ?? [];
    const p = params[Number(number)];
    if (!p) throw new Error(`${where}: the state has "${key}", expected the numbers of ${params.length} parameters`);
    if (!names.includes(name!)) {
      throw new Error(
        `${where}: the state has "${key}", expected ${names.join(", ")}; it belongs to a different kind of optimizer`,
      );
    }
    if (show(tensor.shape) !== show(p.shape)) {
      throw new Error(`${where}: "${key}" is ${show(tensor.shape)}, expected ${show(p.shape)}`);
    }
    saved[Number(number)]!.set(name!, tensor);
  }
  const steps = state.paramSteps ?? params.map(() => state.steps);
  if (steps.length !== params.length) {
    throw new Error(`${where}: the state has ${steps.length} parameters, expected ${params.length}`);
  }
  const byParam = new Map(params.map((p, i) => [p, { steps: steps[i]!, tensors: saved[i]! }]));
  for (const group of groups) {
    const used = new Set(group.params.flatMap((p) => [...byParam.get(p)!.tensors.keys()]));
    for (const p of group.params) {
      const { steps, tensors } = byParam.get(p)!;
      const missing = steps > 0 ? [...used].find((name) => !tensors.has(name)) : undefined;
      if (missing) throw new Error(`${where}: "${params.indexOf(p)}.${missing}" is missing, expected ${show(p.shape)}`);
    }
  }
  return () => {
    for (const [i, group] of groups.entries()) {
      const inRow = new Set([...rows[i]!].flatMap((row) => row.params));
      const joining = group.params.filter((p) => !inRow.has(p) && byParam.get(p)!.steps > 0);
      rows[i]!.regroup((p) => byParam.get(p)!.steps, joining);
      for (const row of rows[i]!) {
        row.steps = byParam.get(row.params[0]!)!.steps;
        const kept = new Set([...row.state.keys(), ...byParam.get(row.params[0]!)!.tensors.keys()]);
        for (const name of kept) {
          // Written into the rows that there are: compiled steps go on with them.
          noGrad(() => {
            const part = (p: Tensor) => byParam.get(p)!.tensors.get(name) ?? zeros(p.shape);
            row.get(name).assign(row.joined((p) => part(p).detach().node));
          });
        }
      }
    }
  };
}

/** Parameters in the order in which a state numbers them: the oldest ones went by rows. */
function numbered(params: readonly Tensor[], state: OptimizerState): readonly Tensor[] {
  if (state.paramSteps) return params;
  return inRows(params.filter((p) => p.requiresGrad)).flat();
}
