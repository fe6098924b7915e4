/** Seconds over which the rate is averaged; longer where single steps take long. */
const WINDOW_S = 5;

/**
 * Steps per second, smoothed: an exponentially weighted mean over about {@link WINDOW_S} seconds, so that the time left follows a loop that
 * speeds up or slows down, and does not jump with every step.
 */
export class Rate {
  // Sums of steps and of seconds, both fading with time; their quotient needs no correction at the start.
  #steps = 0;
  #seconds = 0;

  /** Steps per second; 0 before anything is known. */
  get value(): number {
    return this.#seconds > 0 ? this.#steps / this.#seconds : 0;
  }

  /** Takes in that `steps` were done in the last `seconds`. */
  add(steps: number, seconds: number): void {
    if (seconds <= 0) return;
    // A single step of a slow loop must not make up the whole mean.
    const window = Math.max(WINDOW_S, this.value > 0 ? 5 / this.value : 0);
    const keep = Math.exp(-seconds / window);
    this.#steps = this.#steps * keep + steps;
    this.#seconds = this.#seconds * keep + seconds;
  }
}
