import { plural } from "../printed.ts";
import { onUndo } from "../tensor/trace.ts";
import type { GroupSettings, Optimizer } from "./optimizer.ts";

/** What a schedule says for one step. */
interface Settings {
  /** The learning rate. */
  readonly lr: number;
  /** The momentum (or the first beta), where the schedule changes it. */
  readonly momentum?: number;
}

/** Where a schedule stands. */
export interface ScheduleState {
  /** Steps taken so far. */
  readonly steps: number;
  /** The rate that each group started with. */
  readonly baseLr?: readonly number[];
}

/** Changes the learning rate from step to step: call `step()` after the optimizer's. */
export abstract class Schedule {
  /** The optimizer whose learning rate is changed. */
  readonly optimizer: Optimizer;
  /** Steps taken so far. */
  steps = 0;
  protected baseLr: readonly number[];

  constructor(optimizer: Optimizer) {
    this.optimizer = optimizer;
    this.baseLr = optimizer.groups.map((group) => group.lr);
  }

  /** Goes on to the next step's settings. */
  step(): void {
    const { steps } = this;
    const before = this.optimizer.groups.map((group) => ({ ...group }));
    this.steps++;
    try {
      this.apply();
    } catch (error) {
      this.steps = steps;
      throw error;
    }
    onUndo(() => {
      this.steps = steps;
      for (const [i, group] of this.optimizer.groups.entries()) Object.assign(group, before[i]);
    });
  }

  /** Refuses to go so far, if the schedule has an end. */
  checkSteps(_steps: number): void {}

  /** Where it stands. */
  stateDict(): ScheduleState {
    return { steps: this.steps, baseLr: [...this.baseLr] };
  }

  /** @throws Error if the state is of another number of groups; nothing is changed then */
  loadStateDict(state: ScheduleState): void {
    this.checkStateDict(state)();
  }

  /**
   * Checks a state, and returns what loads it. The optimizer's own state brings the rates of the moment.
   * @throws as `loadStateDict` does
   */
  checkStateDict({ steps, baseLr }: ScheduleState): () => void {
    if (!Number.isInteger(steps) || steps < 0) {
      throw new RangeError(`${this.constructor.name}: the state is at step ${steps}, expected 0 or more`);
    }
    if (baseLr && baseLr.length !== this.baseLr.length) {
      throw new Error(
        `${this.constructor.name}: the state has ${baseLr.length} groups, expected ${this.baseLr.length}`,
      );
    }
    this.checkSteps(steps);
    return () => {
      this.steps = steps;
      if (baseLr) this.baseLr = [...baseLr];
    };
  }

  protected apply(): void {
    // All are worked out before the first is changed: a schedule may be at its end.
    const next = this.optimizer.groups.map((_, i) => this.at(this.steps, this.baseLr[i]!));
    for (const [i, group] of this.optimizer.groups.entries()) {
      const { lr, momentum } = next[i]!;
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
        `CosineWithWarmup: ${plural(warmup, "step")} of warm-up out of ${total}; expected fewer than the total`,
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
    const { totalSteps, pctStart, maxLr, divFactor, finalDivFactor } = this.options;
    if (!(totalSteps >= 1)) throw new RangeError(`OneCycleLR: totalSteps is ${totalSteps}, expected 1 or more`);
    if (!(pctStart >= 0 && pctStart <= 1)) {
      throw new RangeError(`OneCycleLR: pctStart is ${pctStart}, expected a fraction from 0 to 1`);
    }
    for (const [name, value] of Object.entries({ maxLr, divFactor, finalDivFactor })) {
      if (!(value > 0 && value < Infinity)) {
        throw new RangeError(`OneCycleLR: ${name} is ${value}, expected a number above 0`);
      }
    }
    this.apply();
  }

  override checkSteps(steps: number): void {
    const { totalSteps } = this.options;
    if (steps > totalSteps) {
      throw new RangeError(
        `OneCycleLR: step ${steps} of ${totalSteps}; set totalSteps to the number of steps that you take`,
      );
    }
  }

  at(step: number): Settings {
    const o = this.options;
    this.checkSteps(step);
    const first = o.maxLr / o.divFactor;
    const last = first / o.finalDivFactor;
    const peak = o.pctStart * o.totalSteps - 1;
    const end = o.totalSteps - 1;
    const between = (a: number, b: number, part: number) => b + ((a - b) / 2) * (1 + Math.cos(Math.PI * part));
    const rising = step <= peak;
    // The rate is at its peak where rising, or falling, takes no step at all.
    const part = rising ? (peak === 0 ? 1 : step / peak) : Math.min(1, (step - peak) / (end - peak));
    const lr = rising ? between(first, o.maxLr, part) : between(o.maxLr, last, part);
    if (!o.cycleMomentum) return { lr };
    const [from, to] = rising ? [o.maxMomentum, o.baseMomentum] : [o.baseMomentum, o.maxMomentum];
    return { lr, momentum: between(from, to, part) };
  }
}
