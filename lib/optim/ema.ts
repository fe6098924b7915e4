import * as g from "../graph/ops/index.ts";
import type { Module } from "../nn/module.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * A running mean of a module's weights: `mean = decay * mean + (1 - decay) * weight` at each `update()`.
 * Sampling from it is smoother than from the last weights.
 */
export class EMA {
  /** Weight of the past in the running mean; default 0.999. */
  readonly decay: number;
  /** The module whose weights are averaged. */
  readonly module: Module;
  // Whole rows, where an optimizer keeps the parameters in rows; and where in them each parameter stands.
  readonly #means = new Map<Tensor, Tensor>();
  readonly #places = new Map<Tensor, { readonly row: Tensor; readonly offset: number }>();

  constructor(module: Module, options: { decay?: number } = {}) {
    this.module = module;
    this.decay = options.decay ?? 0.999;
    if (!(this.decay >= 0 && this.decay < 1)) {
      throw new RangeError(`EMA: decay is ${this.decay}, expected a number from 0 to below 1`);
    }
    for (const p of module.parameters()) {
      const row = p.window?.base ?? p;
      this.#places.set(p, { row, offset: p.window?.offset ?? 0 });
      if (!this.#means.has(row))
        this.#means.set(
          row,
          noGrad(() => new Tensor(g.unary("detach", row.node))),
        );
    }
  }

  /** Takes in the present weights: call it after the optimizer's step. */
  update(): void {
    noGrad(() => {
      for (const [row, mean] of this.#means) {
        mean.assign(g.add(mean.node, g.mul(g.sub(row.node, mean.node), 1 - this.decay)));
      }
    });
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

  /** Takes over saved means of the parameters. */
  loadStateDict(state: Readonly<Record<string, Tensor>>): void {
    const rows = new Map<Tensor, { offset: number; value: Tensor }[]>();
    for (const [name, p] of this.module.namedParameters()) {
      const value = state[name];
      if (!value || value.numel() !== p.numel()) throw new Error(`EMA: "${name}" is missing or of another shape`);
      const { row, offset } = this.#places.get(p)!;
      rows.set(row, [...(rows.get(row) ?? []), { offset, value }]);
    }
    noGrad(() => {
      for (const [row, parts] of rows) {
        parts.sort((a, b) => a.offset - b.offset);
        const flat = parts.map(({ value }) => g.reshape(value.detach().node, [value.numel()]));
        const mean = this.#means.get(row)!;
        mean.assign(g.reshape(g.cat(flat, 0), mean.shape));
      }
    });
  }

  /** Gives the mean weights to a module of the same architecture (the trained one itself too). */
  copyTo(module: Module): void {
    module.loadStateDict(this.stateDict());
  }
}
