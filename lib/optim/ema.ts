import * as g from "../graph/ops/index.ts";
import type { Module } from "../nn/module.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * A running mean of a module's weights: `mean = decay * mean + (1 - decay) * weight` at each `update()`.
 * Sampling from it is smoother than from the last weights.
 */
export class EMA {
  readonly decay: number;
  readonly module: Module;
  // Whole rows, where an optimizer keeps the parameters in rows.
  readonly #means = new Map<Tensor, Tensor>();

  constructor(module: Module, options: { decay?: number } = {}) {
    this.module = module;
    this.decay = options.decay ?? 0.999;
    if (!(this.decay >= 0 && this.decay < 1)) {
      throw new RangeError(`EMA: decay is ${this.decay}, expected a number from 0 to below 1`);
    }
    for (const p of module.parameters()) {
      const row = p.window?.base ?? p;
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
    const window = tensor.window;
    const mean = this.#means.get(window?.base ?? tensor);
    if (!mean) return null;
    if (!window) return mean.detach();
    return mean
      .detach()
      .slice(0, window.offset, window.offset + tensor.numel())
      .reshape(tensor.shape);
  }

  /** Gives the mean weights to a module of the same architecture (the trained one itself too). */
  copyTo(module: Module): void {
    module.loadStateDict(this.stateDict());
  }
}
