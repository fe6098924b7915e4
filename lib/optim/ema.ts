import type { Node } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { show } from "../graph/shape.ts";
import type { Module } from "../nn/module.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";
import { live, onUndo, untraced } from "../tensor/trace.ts";

/** Where a parameter stands: in an optimizer's row, or alone. */
interface Place {
  readonly row: Tensor;
  readonly offset: number;
}

/**
 * A running mean of a module's weights: `mean = decay * mean + (1 - decay) * weight` at each `update()`.
 * Sampling from it is smoother than from the last weights.
 */
export class EMA {
  /** Weight of the past in the running mean; default 0.999. */
  readonly decay: number;
  /** The module whose weights are averaged. */
  readonly module: Module;
  /** Whether the first means follow the weights more quickly, so that nothing of the initial weights remains. */
  readonly warmup: boolean;
  /** Weights taken in so far. */
  updates = 0;
  // Whole rows, where an optimizer keeps the parameters in rows; and where in them each parameter stands.
  #means = new Map<Tensor, Tensor>();
  #places = new Map<Tensor, Place>();

  /**
   * @param options.decay - weight of the past; default 0.999
   * @param options.warmup - at the n-th update, counted from 0, let it be at most `(1 + n) / (10 + n)`, as diffusers does;
   *   default false
   */
  constructor(module: Module, options: { decay?: number; warmup?: boolean } = {}) {
    this.module = module;
    this.warmup = options.warmup ?? false;
    this.decay = options.decay ?? 0.999;
    if (!(this.decay >= 0 && this.decay < 1)) {
      throw new RangeError(`EMA: decay is ${this.decay}, expected a number from 0 to below 1`);
    }
    this.#arrange();
  }

  /** Takes in the present weights: call it after the optimizer's step. */
  update(): void {
    this.#arrange();
    const n = this.updates;
    onUndo(() => {
      this.updates = n;
    });
    this.updates++;
    const decay = this.warmup ? Math.min(this.decay, (1 + n) / (10 + n)) : this.decay;
    const share = this.warmup ? live("float32", [], () => Float32Array.of(1 - decay)) : 1 - decay;
    noGrad(() => {
      for (const [row, mean] of this.#means) {
        mean.assign(g.add(mean.node, g.mul(g.sub(row.node, mean.node), share)));
      }
    });
  }

  /** Keeps the means as the parameters lie now: an optimizer may have rearranged them, a layer may have another weight. */
  #arrange(): void {
    const params = this.module.parameters();
    const isInPlace = (p: Tensor) => {
      const place = this.#places.get(p);
      return place !== undefined && place.row === (p.window?.base ?? p) && place.offset === (p.window?.offset ?? 0);
    };
    if (params.length === this.#places.size && params.every(isInPlace)) return;
    untraced(() => {
      // A weight that was not there before starts with its value.
      const values = new Map(params.map((p) => [p, this.#meanOf(p) ?? p]));
      this.#places = new Map(params.map((p) => [p, { row: p.window?.base ?? p, offset: p.window?.offset ?? 0 }]));
      this.#means = new Map(
        [...this.#rowsOf(values)].map(([row, node]) => [row, new Tensor(noGrad(() => g.unary("detach", node)))]),
      );
    });
  }

  /** Rows that hold `values` where their parameters stand. */
  *#rowsOf(values: ReadonlyMap<Tensor, Tensor>): Generator<[Tensor, Node]> {
    const parts = new Map<Tensor, { offset: number; value: Tensor }[]>();
    for (const [p, value] of values) {
      const { row, offset } = this.#places.get(p)!;
      const list = parts.get(row);
      if (list) list.push({ offset, value });
      else parts.set(row, [{ offset, value }]);
    }
    for (const [row, list] of parts) {
      const pieces: Node[] = [];
      let at = 0;
      // What else the row holds is not ours; its mean is never read.
      const fill = (to: number) => {
        if (to > at) pieces.push(g.narrow(g.reshape(row.detach().node, [row.numel()]), 0, at, to));
      };
      for (const { offset, value } of list.sort((a, b) => a.offset - b.offset)) {
        fill(offset);
        pieces.push(g.reshape(value.detach().node, [value.numel()]));
        at = offset + value.numel();
      }
      fill(row.numel());
      yield [row, g.reshape(g.cat(pieces, 0), row.shape)];
    }
  }

  /** The mean weights by name, with the buffers as they are. */
  stateDict(): Record<string, Tensor> {
    const state = this.module.stateDict();
    return noGrad(() =>
      Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, this.#meanOf(tensor) ?? tensor])),
    );
  }

  #meanOf(tensor: Tensor): Tensor | null {
    const place = this.#places.get(tensor);
    if (!place) return null;
    const mean = this.#means.get(place.row)!.detach();
    if (place.row === tensor) return mean;
    return mean.slice(0, place.offset, place.offset + tensor.numel()).reshape(tensor.shape);
  }

  /**
   * Takes over saved means of the parameters.
   * @throws Error if one is missing or has another shape; nothing is changed then
   */
  loadStateDict(state: Readonly<Record<string, Tensor>>): void {
    this.checkStateDict(state)();
  }

  /**
   * Checks saved means, and returns what loads them.
   * @throws as `loadStateDict` does
   */
  checkStateDict(state: Readonly<Record<string, Tensor>>): () => void {
    const values = new Map<Tensor, Tensor>();
    for (const [name, p] of this.module.namedParameters()) {
      const value = state[name];
      if (!value || show(value.shape) !== show(p.shape)) {
        throw new Error(`EMA: "${name}" is ${value ? show(value.shape) : "missing"}, expected ${show(p.shape)}`);
      }
      values.set(p, value);
    }
    return () => {
      this.#arrange();
      noGrad(() => {
        for (const [row, node] of this.#rowsOf(values)) this.#means.get(row)!.assign(node);
      });
    };
  }

  /** Gives the mean weights to a module of the same architecture (the trained one itself too). */
  copyTo(module: Module): void {
    module.loadStateDict(this.stateDict());
  }
}
