import type { Node } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";
import { onUndo, stepped, untraced } from "../tensor/trace.ts";

// From this size on a parameter is updated on its own; smaller ones share rows of about this size. One row for all
// would be read from memory again by each of the dozen passes of an update; one for each parameter costs more in
// hundreds of tiny operations.
const rowSize = 1 << 17;

/** Some parameters in one row `[n]`, with further rows of the optimizer's state beside it. They are stepped together. */
export class Row {
  readonly params: readonly Tensor[];
  readonly sizes: readonly number[];
  /** The parameters' values; the parameters are windows of it. */
  readonly values: Tensor;
  readonly state = new Map<string, Tensor>();
  /** How often these parameters were stepped. */
  steps = 0;

  constructor(params: readonly Tensor[], keeper: { arrange(): void }) {
    this.params = params;
    this.sizes = params.map((p) => p.numel());
    this.values = noGrad(() => new Tensor(this.joined((p) => g.unary("detach", p.node))));
    stepped.add(this.values);
    this.#move(keeper);
  }

  /** A row of state, zeros at first. */
  get(name: string): Tensor {
    let row = this.state.get(name);
    if (!row) {
      row = untraced(() => new Tensor(g.expand(g.constant(0), [this.values.numel()])));
      this.state.set(name, row);
    }
    return row;
  }

  /** The part of a row that belongs to each parameter, in its shape. */
  *parts(row: Tensor): Generator<[Tensor, Tensor]> {
    let offset = 0;
    for (const [i, p] of this.params.entries()) {
      yield [p, row.slice(0, offset, offset + this.sizes[i]!).reshape(p.shape)];
      offset += this.sizes[i]!;
    }
  }

  /** Takes in parameters that were given other values in the meantime (a loaded checkpoint). */
  gather(keeper: { arrange(): void }): boolean {
    if (this.params.every((p) => p.isWindowOf(this.values))) return false;
    noGrad(() => this.values.assign(this.joined((p) => g.unary("detach", p.node))));
    this.#move(keeper);
    return true;
  }

  /** One value of each parameter's size, one after the other. */
  joined(of: (p: Tensor) => Node): Node {
    return g.cat(
      this.params.map((p, i) => g.reshape(of(p), [this.sizes[i]!])),
      0,
    );
  }

  #move(keeper: { arrange(): void }): void {
    let offset = 0;
    for (const [i, p] of this.params.entries()) {
      p.moveInto(this.values, offset, keeper);
      offset += this.sizes[i]!;
    }
  }
}

/**
 * The rows of a group of parameters. Those of one row are always stepped together: where some of them go without a
 * gradient (frozen, or not part of the loss), the row is divided. A parameter joins a row with its first gradient.
 */
export class Rows {
  readonly #params: readonly Tensor[];
  #rows: Row[];

  constructor(params: readonly Tensor[]) {
    this.#params = params;
    this.#rows = inRows(params.filter((p) => p.requiresGrad)).map((some) => new Row(some, this));
  }

  [Symbol.iterator](): IterableIterator<Row> {
    return this.#rows.values();
  }

  /** Puts everything in order: rows hold their parameters' values, and are frozen as a whole or not at all. */
  arrange(): void {
    this.#arrangeBy((p) => p.requiresGrad, []);
  }

  /**
   * Sees to it that all parameters of a row have gradients, or none of them.
   * @returns whether anything was rearranged: what is being traced has to be traced again then
   */
  arrangeForStep(): boolean {
    const inRow = new Set(this.#rows.flatMap((row) => row.params));
    const joining = this.#params.filter((p) => p.grad !== null && !inRow.has(p));
    return this.#arrangeBy((p) => p.grad !== null, joining);
  }

  /** Sees to it that each row's parameters agree in `key`, and that `joining` are in rows. */
  regroup(key: (p: Tensor) => unknown, joining: readonly Tensor[]): void {
    this.#arrangeBy(key, joining);
  }

  #arrangeBy(key: (p: Tensor) => unknown, joining: readonly Tensor[]): boolean {
    return untraced(() => {
      let changed = false;
      for (const row of this.#rows) changed = row.gather(this) || changed;
      const mixed = (row: Row) => row.params.some((p) => key(p) !== key(row.params[0]!));
      if (joining.length > 0 || this.#rows.some(mixed)) {
        this.#rows = this.#rows.flatMap((row) => (mixed(row) ? this.#divided(row, key) : [row]));
        this.#rows.push(...inRows(joining).map((some) => new Row(some, this)));
        changed = true;
      }
      return changed;
    });
  }

  #divided(row: Row, key: (p: Tensor) => unknown): Row[] {
    const kinds = new Map<unknown, Tensor[]>();
    for (const p of row.params) kinds.set(key(p), [...(kinds.get(key(p)) ?? []), p]);
    const state = [...row.state].map(([name, values]) => [name, new Map(row.parts(values))] as const);
    return [...kinds.values()].map((params) => {
      const part = new Row(params, this);
      part.steps = row.steps;
      for (const [name, parts] of state) {
        part.state.set(
          name,
          noGrad(() => new Tensor(part.joined((p) => parts.get(p)!.node))),
        );
      }
      return part;
    });
  }
}

/** Counts a step of a row; a call that fails or is undone takes it back. */
export function countStep(row: Row): void {
  const before = row.steps;
  onUndo(() => {
    row.steps = before;
  });
  row.steps++;
}

/** Parameters divided among rows. */
export function inRows(params: readonly Tensor[]): Tensor[][] {
  const rows: Tensor[][] = [];
  let open: Tensor[] = [];
  let size = 0;
  const close = () => {
    if (open.length > 0) rows.push(open);
    open = [];
    size = 0;
  };
  for (const p of params) {
    if (p.numel() >= rowSize) {
      rows.push([p]);
      continue;
    }
    open.push(p);
    size += p.numel();
    if (size >= rowSize) close();
  }
  close();
  return rows;
}
