import * as g from "../graph/ops/index.ts";
import { type Group, type GroupSettings, Optimizer, type Parameters, settingsOf, type Update } from "./optimizer.ts";

/** Settings of `Adam` and `AdamW`. */
export interface AdamSettings extends GroupSettings {
  /** Decay of the running mean and of the running square; default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Keeps the division finite; default 1e-8. */
  eps: number;
  /** Divide by the largest running square so far; default false. @see https://openreview.net/forum?id=ryQu7f-RZ */
  amsgrad: boolean;
}

/** Adam: steps of about `lr`, scaled by running means of the gradient and its square. @see https://arxiv.org/abs/1412.6980 */
export class Adam extends Optimizer<AdamSettings> {
  /** @param options.weightDecay - added to the gradient as `weightDecay * parameter`; default 0 */
  constructor(params: Parameters<AdamSettings>, options: Partial<AdamSettings> = {}) {
    const defaults: AdamSettings = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false };
    super(params, settingsOf(new.target.name, defaults, options));
  }

  protected override check(group: AdamSettings): void {
    super.check(group);
    if (group.betas.length !== 2 || group.betas.some((b) => typeof b !== "number" || !(b >= 0 && b < 1))) {
      throw new RangeError(
        `${this.constructor.name}: betas are [${group.betas}], expected two numbers from 0 to below 1`,
      );
    }
  }

  /** Whether the weight decay shrinks the parameters themselves rather than joining the gradient. */
  protected get decoupled(): boolean {
    return false;
  }

  protected override readonly stateNames = ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"];

  protected override prepare(group: Group<AdamSettings>, steps: number): Update {
    const { decoupled } = this;
    const { lr, weightDecay, betas } = group;
    // parameter -= lr / c1 * m / (sqrt(v) / sqrt(c2) + eps), with the corrections c = 1 - beta ** steps, as
    // (lr sqrt(c2) / c1) * m / (sqrt(v) + eps sqrt(c2)): one pass less over the parameters.
    const rootC2 = Math.sqrt(1 - betas[1] ** steps);
    const size = this.number((lr * rootC2) / (1 - betas[0] ** steps));
    const eps = this.number(group.eps * rootC2);
    const fresh1 = this.number(1 - betas[0]);
    const beta2 = this.number(betas[1]);
    const fresh2 = this.number(1 - betas[1]);
    const decay = this.number(decoupled ? 1 - lr * weightDecay : weightDecay);
    return (values, gradients, state, set) => {
      const decays = weightDecay !== 0;
      const dx = decays && !decoupled ? g.add(gradients, g.mul(values, decay)) : gradients;
      const start = decays && decoupled ? g.mul(values, decay) : values;
      const m = g.add(state("exp_avg"), g.mul(g.sub(dx, state("exp_avg")), fresh1));
      const v = g.add(g.mul(state("exp_avg_sq"), beta2), g.mul(g.mul(dx, dx), fresh2));
      set.state("exp_avg", m);
      set.state("exp_avg_sq", v);
      let square = v;
      if (group.amsgrad) {
        square = g.binary("maximum", state("max_exp_avg_sq"), v);
        set.state("max_exp_avg_sq", square);
      }
      set.value(g.sub(start, g.div(g.mul(m, size), g.add(g.sqrt(square), eps))));
    };
  }
}

/**
 * Adam whose weight decay does not pass through the running means.
 * `new optim.AdamW(model.parameters(), { lr: 1e-3 })`.
 * @see https://arxiv.org/abs/1711.05101
 */
export class AdamW extends Adam {
  /** @param options.weightDecay - each step multiplies the parameters by `1 - lr * weightDecay`; default 0.01 */
  constructor(params: Parameters<AdamSettings>, options: Partial<AdamSettings> = {}) {
    super(params, { ...options, weightDecay: options.weightDecay ?? 0.01 });
  }

  protected override get decoupled(): boolean {
    return true;
  }
}
