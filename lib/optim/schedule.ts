import { plural } from "../printed.ts";
import { atEveryCall } from "../tensor/trace.ts";
import type { GroupSettings, Optimizer } from "./optimizer.ts";

/** What a schedule says for one step. */
interface Settings {
  /** The learning rate. */
  readonly lr: number;
  /** The momentum (or the first beta), where the schedule changes it. */
  readonly momentum?: number;
}

/** Changes the learning rate from step to step: call `step()` after the optimizer's. */
export abstract class Schedule {
  /** The optimizer whose learning rate is changed. */
  readonly optimizer: Optimizer;
  /** Steps taken so far. */
  steps = 0;
  protected readonly baseLr: readonly number[];

  constructor(optimizer: Optimizer) {
    this.optimizer = optimizer;
    this.baseLr = optimizer.groups.map((group) => group.lr);
  }

  /** Goes on to the next step's settings. */
  step(): void {
    atEveryCall(() => {
      this.steps++;
      this.apply();
    });
  }

  protected apply(): void {
    for (const [i, group] of this.optimizer.groups.entries()) {
      const { lr, momentum } = this.at(this.steps, this.baseLr[i]!);
      const settings = group as GroupSettings & { betas?: readonly [number, number]; momentum?: number };
      settings.lr = lr;
      if (momentum === undefined) continue;
      if (settings.betas) settings.betas = [momentum, settings.betas[1]];
      else if (settings.momentum !== undefined) settings.momentum = momentum;
    }
  }

  /** The settings of step `step`, counted from 0, for a group that started with `base`. */
  abstract at(step: number, base: number): Settings;
}

/** `lr = base * factor(step)` */
export class LambdaLR extends Schedule {
  readonly #factor: (step: number) => number;

  constructor(optimizer: Optimizer, factor: (step: number) => number) {
    super(optimizer);
    this.#factor = factor;
    this.apply();
  }

  at(step: number, base: number): Settings {
    return { lr: base * this.#factor(step) };
  }
}

/** Up from 0 in a line over `warmup` steps, then down to 0 along half a cosine until `total`. */
export class CosineWithWarmup extends LambdaLR {
  constructor(optimizer: Optimizer, options: { warmup: number; total: number }) {
    const { warmup, total } = options;
    if (!(total > warmup && warmup >= 0)) {
      throw new RangeError(
        `CosineWithWarmup: ${plural(warmup, "step")} of warm-up of ${total}; expected fewer than all`,
      );
    }
    super(optimizer, (step) => {
      if (step < warmup) return step / Math.max(1, warmup);
      const progress = (step - warmup) / Math.max(1, total - warmup);
      return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
    });
  }
}

/** Half a cosine from the optimizer's rate down to `etaMin` over `tMax` steps. @see https://arxiv.org/abs/1608.03983 */
export class CosineAnnealingLR extends Schedule {
  /** Steps from the first rate down to the last. */
  readonly tMax: number;
  /** The last rate; default 0. */
  readonly etaMin: number;

  constructor(optimizer: Optimizer, tMax: number, etaMin = 0) {
    super(optimizer);
    this.tMax = tMax;
    this.etaMin = etaMin;
  }

  at(step: number, base: number): Settings {
    return { lr: this.etaMin + ((base - this.etaMin) * (1 + Math.cos((Math.PI * step) / this.tMax))) / 2 };
  }
}

/** Settings of `OneCycleLR`. */
export interface OneCycleOptions {
  /** Highest learning rate. */
  readonly maxLr: number;
  /** Steps in all. */
  readonly totalSteps: number;
  /** Part of the steps in which the rate rises; default 0.3. */
  readonly pctStart?: number;
  /** The first rate is `maxLr / divFactor`; default 25. */
  readonly divFactor?: number;
  /** The last is the first `/ finalDivFactor`; default 1e4. */
  readonly finalDivFactor?: number;
  /** Let momentum (or the first beta) fall while the rate rises; default true. */
  readonly cycleMomentum?: boolean;
  /** Default 0.85. */
  readonly baseMomentum?: number;
  /** Default 0.95. */
  readonly maxMomentum?: number;
}

/** The rate rises to `maxLr` and falls to almost nothing, along half cosines. @see https://arxiv.org/abs/1708.07120 */
export class OneCycleLR extends Schedule {
  /** The settings, with defaults filled in. */
  readonly options: Required<OneCycleOptions>;

  constructor(optimizer: Optimizer, options: OneCycleOptions) {
    super(optimizer);
    this.options = {
      pctStart: 0.3,
      divFactor: 25,
      finalDivFactor: 1e4,
      cycleMomentum: true,
      baseMomentum: 0.85,
      maxMomentum: 0.95,
      ...options,
    };
    if (!(options.totalSteps >= 1)) {
      throw new RangeError(`OneCycleLR: totalSteps is ${options.totalSteps}, expected 1 or more`);
    }
    this.apply();
  }

  at(step: number): Settings {
    const o = this.options;
    if (step > o.totalSteps) {
      throw new RangeError(`OneCycleLR: step ${step} of ${o.totalSteps}; make totalSteps the number of steps you take`);
    }
    const first = o.maxLr / o.divFactor;
    const last = first / o.finalDivFactor;
    const peak = o.pctStart * o.totalSteps - 1;
    const end = o.totalSteps - 1;
    const between = (a: number, b: number, part: number) => b + ((a - b) / 2) * (1 + Math.cos(Math.PI * part));
    const rising = step <= peak;
    const part = rising ? step / peak : (step - peak) / (end - peak);
    const lr = rising ? between(first, o.maxLr, part) : between(o.maxLr, last, part);
    if (!o.cycleMomentum) return { lr };
    const [from, to] = rising ? [o.maxMomentum, o.baseMomentum] : [o.baseMomentum, o.maxMomentum];
    return { lr, momentum: between(from, to, part) };
  }
}
