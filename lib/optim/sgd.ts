import * as g from "../graph/ops/index.ts";
import { type Group, type GroupSettings, Optimizer, type Parameters, settingsOf, type Update } from "./optimizer.ts";

/** Settings of `SGD`. */
export interface SgdSettings extends GroupSettings {
  /** How much of the last step is repeated; default 0. */
  momentum: number;
  /** Which part of a new gradient is left out of the momentum, after the first step; default 0. */
  dampening: number;
  /** Look ahead along the momentum; default false. */
  nesterov: boolean;
}

/**
 * Plain gradient descent, with momentum if wanted. `new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })`.
 */
export class SGD extends Optimizer<SgdSettings> {
  constructor(params: Parameters<SgdSettings>, options: Partial<SgdSettings> = {}) {
    const defaults = { lr: 1e-3, momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 };
    super(params, settingsOf(new.target.name, defaults, options));
  }

  protected override check(group: SgdSettings): void {
    super.check(group);
    if (!(group.momentum >= 0)) throw new RangeError(`SGD: momentum is ${group.momentum}, expected 0 or more`);
    if (!Number.isFinite(group.dampening))
      throw new RangeError(`SGD: dampening is ${group.dampening}, expected a number`);
    if (group.nesterov && group.dampening !== 0) throw new RangeError("SGD: nesterov needs a dampening of 0");
    if (group.nesterov && group.momentum === 0) throw new RangeError("SGD: nesterov needs a momentum above 0");
  }

  protected override readonly stateNames = ["momentum_buffer"];

  protected override prepare(group: Group<SgdSettings>, steps: number): Update {
    const fresh = this.number(steps === 1 ? 1 : 1 - group.dampening);
    const lr = this.number(group.lr);
    const momentum = this.number(group.momentum);
    const decay = this.number(group.weightDecay);
    return (values, gradients, state, set) => {
      let step = group.weightDecay === 0 ? gradients : g.add(gradients, g.mul(values, decay));
      if (group.momentum !== 0) {
        const added = group.dampening === 0 ? step : g.mul(step, fresh);
        const buffer = g.add(g.mul(state("momentum_buffer"), momentum), added);
        set.state("momentum_buffer", buffer);
        step = group.nesterov ? g.add(step, g.mul(buffer, momentum)) : buffer;
      }
      set.value(g.sub(values, g.mul(step, lr)));
    };
  }
}

/** Settings of `RMSprop`. */
export interface RmspropSettings extends GroupSettings {
  /** Decay of the running square; default 0.99. */
  alpha: number;
  /** Keeps the division finite; default 1e-8. */
  eps: number;
  /** How much of the last step is repeated; default 0. */
  momentum: number;
  /** Divide by the standard deviation rather than the root of the mean square; default false. */
  centered: boolean;
}

/** Gradient descent with steps divided by the root of the gradient's running square. */
export class RMSprop extends Optimizer<RmspropSettings> {
  constructor(params: Parameters<RmspropSettings>, options: Partial<RmspropSettings> = {}) {
    const defaults = { lr: 1e-2, alpha: 0.99, eps: 1e-8, momentum: 0, centered: false, weightDecay: 0 };
    super(params, settingsOf(new.target.name, defaults, options));
  }

  protected override check(group: RmspropSettings): void {
    super.check(group);
    if (!(group.momentum >= 0)) throw new RangeError(`RMSprop: momentum is ${group.momentum}, expected 0 or more`);
    if (!(group.alpha >= 0)) throw new RangeError(`RMSprop: alpha is ${group.alpha}, expected 0 or more`);
  }

  protected override readonly stateNames = ["square_avg", "grad_avg", "momentum_buffer"];

  protected override prepare(group: Group<RmspropSettings>): Update {
    const lr = this.number(group.lr);
    const alpha = this.number(group.alpha);
    const fresh = this.number(1 - group.alpha);
    const eps = this.number(group.eps);
    const momentum = this.number(group.momentum);
    const decay = this.number(group.weightDecay);
    return (values, gradients, state, set) => {
      const dx = group.weightDecay === 0 ? gradients : g.add(gradients, g.mul(values, decay));
      const square = g.add(g.mul(state("square_avg"), alpha), g.mul(g.mul(dx, dx), fresh));
      set.state("square_avg", square);
      let variance = square;
      if (group.centered) {
        const mean = g.add(g.mul(state("grad_avg"), alpha), g.mul(dx, fresh));
        set.state("grad_avg", mean);
        variance = g.sub(square, g.mul(mean, mean));
      }
      let step = g.div(dx, g.add(g.sqrt(variance), eps));
      if (group.momentum > 0) {
        step = g.add(g.mul(state("momentum_buffer"), momentum), step);
        set.state("momentum_buffer", step);
      }
      set.value(g.sub(values, g.mul(step, lr)));
    };
  }
}
