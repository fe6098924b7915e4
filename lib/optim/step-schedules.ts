import { checkChoice, checkInteger, checkNumber, checkOptions } from "../options.ts";
import type { Optimizer } from "./optimizer.ts";
import { LambdaLR } from "./schedule.ts";

/** The rate times `gamma` after every `stepSize` steps: `new optim.StepLR(optimizer, 30, 0.1)`. */
export class StepLR extends LambdaLR {
  /** @param gamma - default 0.1 */
  constructor(optimizer: Optimizer, stepSize: number, gamma = 0.1) {
    checkInteger("StepLR", "stepSize", [stepSize], 1);
    checkNumber("StepLR", "gamma", gamma);
    super(optimizer, (step) => gamma ** Math.floor(step / stepSize));
  }
}

/** The rate times `gamma` after each of the steps in `milestones`: `new optim.MultiStepLR(optimizer, [30, 80])`. */
export class MultiStepLR extends LambdaLR {
  /** @param gamma - default 0.1 */
  constructor(optimizer: Optimizer, milestones: readonly number[], gamma = 0.1) {
    checkInteger("MultiStepLR", "milestones", milestones, 0);
    checkNumber("MultiStepLR", "gamma", gamma);
    super(optimizer, (step) => gamma ** milestones.filter((at) => at <= step).length);
  }
}

/** The rate times `gamma` after every step: `new optim.ExponentialLR(optimizer, 0.99)`. */
export class ExponentialLR extends LambdaLR {
  constructor(optimizer: Optimizer, gamma: number) {
    checkNumber("ExponentialLR", "gamma", gamma);
    super(optimizer, (step) => gamma ** step);
  }
}

/** The rate times a factor that goes from one number to another in a line, and stays there. */
export class LinearLR extends LambdaLR {
  /**
   * @param options.startFactor - default 1 / 3
   * @param options.endFactor - default 1
   * @param options.totalIters - steps from one to the other; default 5
   */
  constructor(optimizer: Optimizer, options: { startFactor?: number; endFactor?: number; totalIters?: number } = {}) {
    checkOptions("LinearLR", options, { startFactor: true, endFactor: true, totalIters: true });
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options;
    checkNumber("LinearLR", "startFactor", startFactor, 0);
    checkNumber("LinearLR", "endFactor", endFactor, 0);
    checkInteger("LinearLR", "totalIters", [totalIters], 1);
    super(optimizer, (step) => startFactor + ((endFactor - startFactor) * Math.min(step, totalIters)) / totalIters);
  }
}

/** What `ReduceLROnPlateau` takes. */
export interface PlateauOptions {
  /** Whether a smaller (`"min"`, default) or a larger number (`"max"`) is better. */
  readonly mode?: "min" | "max";
  /** What the rate is multiplied with; default 0.1. */
  readonly factor?: number;
  /** How many calls without anything better are waited for; default 10. */
  readonly patience?: number;
  /** By how much better counts; default 1e-4. */
  readonly threshold?: number;
  /** Whether the threshold is a share of the best (`"rel"`, default) or a difference (`"abs"`). */
  readonly thresholdMode?: "rel" | "abs";
  /** Calls after a reduction that are not counted; default 0. */
  readonly cooldown?: number;
  /** The rate goes no lower; default 0. */
  readonly minLr?: number;
  /** A change smaller than this is not made; default 1e-8. */
  readonly eps?: number;
}

const plateauNames = ["mode", "factor", "patience", "threshold", "thresholdMode", "cooldown", "minLr", "eps"];

/**
 * Reduces the rate where a number (the validation loss, say) has stopped getting better. Call `step(value)` after each
 * epoch, outside compiled functions.
 *
 * ```ts
 * const plateau = new optim.ReduceLROnPlateau(optimizer, { patience: 3 });
 * plateau.step(await validationLoss.item());
 * ```
 */
export class ReduceLROnPlateau {
  /** The optimizer whose learning rate is changed. */
  readonly optimizer: Optimizer;
  /** The settings, with defaults filled in. */
  readonly options: Required<PlateauOptions>;
  /** The best number so far. */
  best: number;
  /** Calls since the best number that were counted. */
  badEpochs = 0;
  #cooling = 0;

  constructor(optimizer: Optimizer, options: PlateauOptions = {}) {
    const name = "ReduceLROnPlateau";
    checkOptions(name, options, plateauNames);
    const all: Required<PlateauOptions> = {
      mode: "min",
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: "rel",
      cooldown: 0,
      minLr: 0,
      eps: 1e-8,
      ...options,
    };
    checkChoice(name, "mode", all.mode, ["min", "max"]);
    checkChoice(name, "thresholdMode", all.thresholdMode, ["rel", "abs"]);
    for (const key of ["factor", "patience", "threshold", "cooldown", "minLr", "eps"] as const) {
      checkNumber(name, key, all[key], 0);
    }
    if (all.factor >= 1) throw new RangeError(`${name}: factor is ${all.factor}, expected below 1`);
    this.optimizer = optimizer;
    this.options = all;
    this.best = all.mode === "min" ? Infinity : -Infinity;
  }

  /** Looks at the number of an epoch, and reduces the rate when it is time. */
  step(value: number): void {
    checkNumber("ReduceLROnPlateau", "value", value);
    const { patience, cooldown, factor, minLr, eps } = this.options;
    if (this.#better(value)) {
      this.best = value;
      this.badEpochs = 0;
    } else this.badEpochs++;
    if (this.#cooling > 0) {
      this.#cooling--;
      this.badEpochs = 0;
    }
    if (this.badEpochs <= patience) return;
    for (const group of this.optimizer.groups) {
      const next = Math.max(group.lr * factor, minLr);
      if (group.lr - next > eps) group.lr = next;
    }
    this.#cooling = cooldown;
    this.badEpochs = 0;
  }

  #better(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.options;
    const sign = mode === "min" ? 1 : -1;
    if (thresholdMode === "abs") return sign * value < sign * this.best - threshold;
    return sign * value < sign * this.best * (1 - sign * threshold);
  }
}
