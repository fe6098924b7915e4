/** Steps whose mean is looked at. */
const WINDOW = 50;
/** How many times its best a loss may become. */
const FACTOR = 5;

/** A loss that rose for good. */
export class Diverged extends Error {}

/** Notices a loss that is still a number, but rises far above what it has been. */
export class DivergenceWatch {
  #sum = 0;
  #count = 0;
  #best = Number.POSITIVE_INFINITY;

  /** @throws Diverged where the mean of the last steps is many times the best so far */
  add(step: number, loss: number): void {
    this.#sum += loss;
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
