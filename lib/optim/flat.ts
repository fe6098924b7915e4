import type { Node } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";
import { outside, tracing } from "../tensor/trace.ts";

// From this size on a parameter is updated on its own; smaller ones share rows of about this size. One row for all
// would be read from memory again by each of the dozen passes of an update; one for each parameter costs more in
// hundreds of tiny operations.
const bucketSize = 1 << 17;

/** Thrown inside a traced function that has to be traced again: something was rearranged. */
export class Retrace extends Error {}

/** Some parameters in one row `[n]`, with further rows of the optimizer's state beside it. */
export class Bucket {
  readonly params: readonly Tensor[];
  readonly sizes: readonly number[];
  /** The parameters' values; the parameters are windows of it. */
  readonly values: Tensor;
  readonly state = new Map<string, Tensor>();

  constructor(params: readonly Tensor[]) {
    this.params = params;
    this.sizes = params.map((p) => p.numel());
    this.values = noGrad(() => new Tensor(this.#row((p) => g.unary("detach", p.node))));
    this.#move();
  }

  get size(): number {
    return this.values.numel();
  }

  /** A row of state, zeros at first. */
  row(name: string): Tensor {
    let row = this.state.get(name);
    if (!row) {
      row = outside(() => new Tensor(g.expand(g.constant(0), [this.size])));
      this.state.set(name, row);
    }
    return row;
  }

  /**
   * Takes in parameters that were given other values in the meantime (a loaded checkpoint).
   *
   * @returns whether there were any: what was traced before then has to be traced again
   */
  gather(): boolean {
    if (this.params.every((p) => p.isWindowOf(this.values))) return false;
    const trace = tracing.current;
    tracing.current = null;
    noGrad(() => this.values.assign(this.#row((p) => g.unary("detach", p.node))));
    this.#move();
    tracing.current = trace;
    return true;
  }

  /** The gradients in one row, zeros for parameters without one, and which parts have one (null where all do). */
  gradients(): { row: Node; present: Node | null } {
    const row = this.#row((p) => p.grad?.node ?? g.expand(g.constant(0), p.shape));
    if (this.params.every((p) => p.grad)) return { row, present: null };
    return { row, present: this.#row((p) => g.expand(g.constant(p.grad ? 1 : 0, "bool"), p.shape)) };
  }

  #row(of: (p: Tensor) => Node): Node {
    return g.cat(
      this.params.map((p, i) => g.reshape(of(p), [this.sizes[i]!])),
      0,
    );
  }

  #move(): void {
    let offset = 0;
    for (const [i, p] of this.params.entries()) {
      p.moveInto(this.values, offset);
      offset += this.sizes[i]!;
    }
  }
}

/** Parameters divided into rows. */
export function bucketsOf(params: readonly Tensor[]): Bucket[] {
  const buckets: Bucket[] = [];
  let open: Tensor[] = [];
  let size = 0;
  const close = () => {
    if (open.length > 0) buckets.push(new Bucket(open));
    open = [];
    size = 0;
  };
  for (const p of params) {
    if (p.numel() >= bucketSize) {
      buckets.push(new Bucket([p]));
      continue;
    }
    open.push(p);
    size += p.numel();
    if (size >= bucketSize) close();
  }
  close();
  return buckets;
}
