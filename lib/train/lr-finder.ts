import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkInteger, checkNumber, checkOptions, type Names } from "../options.ts";
import { DISPLAY } from "../page/display.ts";
import type { MimeData } from "../plots/figure.ts";
import { type Figure, linePlot } from "../plots/index.ts";
import { listed, PRINTED } from "../printed.ts";
import { CancelFit } from "./callback.ts";
import { NotFinite } from "./diagnose.ts";
import { Learner } from "./learner.ts";

/** Which learning rates are tried. */
export interface LRFindOptions {
  /** The first learning rate; default 1e-7. */
  readonly startLr?: number;
  /** The last one; default 10. */
  readonly endLr?: number;
  /** Steps from the first to the last; default 100. */
  readonly numSteps?: number;
}

const names: Names<LRFindOptions> = { startLr: true, endLr: true, numSteps: true };

/** A loss so many times the lowest one ends the search. */
const BLOWN_UP = 4;
/** Weight of the past in the smoothed loss. */
const SMOOTHING = 0.98;

/**
 * Tries learning rates from very small to very large, one for each step, and shows the loss that each gave: where it falls
 * steeply, learning is fast; where it rises, the rate is too high. Nothing is changed: weights, optimizer, data and random
 * state are afterwards what they were before.
 *
 * ```ts
 * const found = await lrFind(learner);
 * optimizer.lr = found.suggestion;
 * found
 * ```
 *
 * @returns the rates and losses, with a suggestion, which displays itself as a plot
 * @throws RangeError if `startLr` is not above 0 or not below `endLr`
 * @throws Error if the loss is never a number
 * @see Smith 2015: https://arxiv.org/abs/1506.01186
 */
export async function lrFind(learner: Learner, options: LRFindOptions = {}): Promise<LRFound> {
  checkOptions("lrFind", options, names);
  const { startLr = 1e-7, endLr = 10, numSteps = 100 } = options;
  for (const [name, value] of Object.entries({ startLr, endLr })) checkNumber("lrFind", name, value);
  checkInteger("lrFind", "numSteps", [numSteps], 2);
  if (!(startLr > 0 && startLr < endLr)) {
    throw new RangeError(`lrFind: startLr is ${startLr} and endLr ${endLr}; expected 0 < startLr < endLr`);
  }
  const folder = await mkdtemp(join(tmpdir(), "difflab-lr-find-"));
  const path = join(folder, "before.safetensors");
  const { validation: _, schedule: _schedule, ema: _ema, ...training } = learner.options;
  const { optimizer } = training;
  const rates: number[] = [];
  const losses: number[] = [];
  let [mean, lowest] = [0, Number.POSITIVE_INFINITY];
  const search = {
    beforeBatch: () => {
      optimizer.lr = startLr * (endLr / startLr) ** (rates.length / (numSteps - 1));
    },
    afterBatch: ({ numbers }: Learner) => {
      mean = SMOOTHING * mean + (1 - SMOOTHING) * numbers.loss;
      rates.push(optimizer.lr);
      losses.push(mean / (1 - SMOOTHING ** rates.length));
      lowest = Math.min(lowest, losses.at(-1)!);
      if (losses.at(-1)! > BLOWN_UP * lowest) throw new CancelFit();
    },
  };
  try {
    await learner.save(path);
    const trial = new Learner({ ...training, callbacks: [search], quiet: true });
    try {
      await trial.fit(Number.POSITIVE_INFINITY, { steps: numSteps });
    } catch (error) {
      // A rate so high that the loss is no longer a number ends the search as well.
      if (!(error instanceof NotFinite) || losses.length < 2) throw error;
    } finally {
      trial.close();
      await learner.load(path);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return new LRFound(rates, losses);
}

/** What `lrFind` found. It displays itself as a plot. */
export class LRFound {
  /** The learning rates that were tried. */
  readonly rates: readonly number[];
  /** The loss with each, smoothed. */
  readonly losses: readonly number[];
  /** A rate to begin with: in the middle of the longest way down. */
  readonly suggestion: number;

  constructor(rates: readonly number[], losses: readonly number[]) {
    this.rates = rates;
    this.losses = losses;
    this.suggestion = rates[valley(losses)]!;
  }

  /** The loss over the learning rate. */
  plot(): Figure {
    return linePlot(
      { loss: { x: this.rates, y: this.losses } },
      { logX: true, xLabel: "learning rate", yLabel: "loss, smoothed", title: `Try ${this.suggestion.toPrecision(2)}` },
    );
  }

  [PRINTED](): string {
    return listed("LRFound", [
      ["rates", `${this.rates.length}, from ${this.rates[0]} to ${this.rates.at(-1)!.toPrecision(3)}`],
      ["suggestion", this.suggestion.toPrecision(2)],
    ]);
  }

  /** In a notebook: the plot. */
  [DISPLAY](): Promise<MimeData> {
    return this.plot()[DISPLAY]();
  }
}

/** Index of the value half-way down the longest decreasing subsequence. */
function valley(losses: readonly number[]): number {
  // The longest way down that ends at each value: its length, and the value before.
  const lengths = losses.map(() => 1);
  const before = losses.map(() => -1);
  for (const [i, loss] of losses.entries()) {
    for (let j = 0; j < i; j++) {
      if (losses[j]! > loss && lengths[j]! >= lengths[i]!) {
        lengths[i] = lengths[j]! + 1;
        before[i] = j;
      }
    }
  }
  let at = lengths.indexOf(Math.max(...lengths));
  for (let steps = Math.floor(lengths[at]! / 2); steps > 0; steps--) at = before[at]!;
  return at;
}
