import type { Callback } from "../callback.ts";

/** Steps whose mean is compared. */
const WINDOW = 50;
/** How many times its best a loss may become. */
const FACTOR = 5;

/** The loss rose, and stayed high. */
export class Diverged extends Error {}

/** Fails a training whose loss is still a number, but has risen far above its best. */
export class StopOnDivergence implements Callback {
  #sum = 0;
  #count = 0;
  #best = Number.POSITIVE_INFINITY;

  /** @throws Diverged if the mean of the last steps is many times the best so far */
  afterBatch({ step, numbers }: { readonly step: number; readonly numbers: { readonly loss: number } }): void {
    this.#sum += numbers.loss;
    if (++this.#count < WINDOW) return;
    const mean = this.#sum / WINDOW;
    [this.#sum, this.#count] = [0, 0];
    if (mean > FACTOR * this.#best && this.#best > 0) {
      throw new Diverged(
        `the loss rose to ${mean.toPrecision(4)} at step ${step}, from ${this.#best.toPrecision(4)}; try a lower learning rate`,
      );
    }
    this.#best = Math.min(this.#best, mean);
  }
}
