import { LambdaLR, type Optimizer } from "../optim/index.ts";
import { checkChoice, checkInteger, checkNumber } from "../options.ts";

/** Names of the learning rate's courses, as diffusers has them. */
export const LR_SCHEDULERS = [
  "constant",
  "constant_with_warmup",
  "linear",
  "cosine",
  "cosine_with_restarts",
  "polynomial",
] as const;
/** How the learning rate goes on. */
export type LrScheduler = (typeof LR_SCHEDULERS)[number];

/** Settings of a course. */
export interface LrSchedulerOptions {
  /** Steps in which the rate rises from 0; default 0. All but "constant" know them. */
  readonly numWarmupSteps?: number;
  /** Steps in all: where "linear", "cosine" and "polynomial" end. */
  readonly numTrainingSteps?: number;
  /** Half waves of "cosine" (default 0.5), whole falls of "cosine_with_restarts" (default 1). */
  readonly numCycles?: number;
  /** Exponent of "polynomial"; default 1. */
  readonly power?: number;
}

/** Where "polynomial" ends, in diffusers. */
const POLYNOMIAL_END = 1e-7;

/**
 * The learning rate's course, by diffusers' names and formulas (`diffusers.optimization.get_scheduler`).
 *
 * @throws RangeError where the name is unknown, or the course needs to know how many steps there are
 */
export function getScheduler(name: LrScheduler, optimizer: Optimizer, options: LrSchedulerOptions = {}): LambdaLR {
  checkChoice("getScheduler", "name", name, LR_SCHEDULERS);
  const { numWarmupSteps: warmup = 0, numTrainingSteps: total, power = 1 } = options;
  checkInteger("getScheduler", "numWarmupSteps", [warmup], 0);
  checkNumber("getScheduler", "power", power);
  const { numCycles = name === "cosine" ? 0.5 : 1 } = options;
  checkNumber("getScheduler", "numCycles", numCycles, 0);
  if (name === "constant") return new LambdaLR(optimizer, () => 1);
  const rising = (step: number) => step / Math.max(1, warmup);
  if (name === "constant_with_warmup")
    return new LambdaLR(optimizer, (step) => Math.min(1, step < warmup ? rising(step) : 1));
  if (total === undefined || !(total > 0)) {
    throw new RangeError(`getScheduler: numTrainingSteps is ${total}; "${name}" needs the total number of steps`);
  }
  const left = Math.max(1, total - warmup);
  const base = optimizer.lr;
  const falling: Readonly<Record<string, (progress: number) => number>> = {
    linear: (progress) => Math.max(0, 1 - progress),
    cosine: (progress) => Math.max(0, 0.5 * (1 + Math.cos(Math.PI * numCycles * 2 * progress))),
    cosine_with_restarts: (progress) =>
      progress >= 1 ? 0 : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * ((numCycles * progress) % 1)))),
    polynomial: (progress) =>
      progress > 1
        ? POLYNOMIAL_END / base
        : ((base - POLYNOMIAL_END) * (1 - progress) ** power + POLYNOMIAL_END) / base,
  };
  return new LambdaLR(optimizer, (step) => (step < warmup ? rising(step) : falling[name]!((step - warmup) / left)));
}
