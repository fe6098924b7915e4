/**
 * Does a job now and then: at once when it is first asked for, and later not before its last run lies `interval` back
 * or ten times as long as it took, so that drawing takes a tenth of the time at most.
 */
export class Throttle {
  readonly #job: () => Promise<unknown> | unknown;
  readonly #interval: number;
  #timer: NodeJS.Timeout | undefined;
  #next = 0;
  #running = false;

  /** @param interval - milliseconds */
  constructor(job: () => Promise<unknown> | unknown, interval: number) {
    this.#job = job;
    this.#interval = interval;
  }

  /** Asks for the job. */
  ask(): void {
    if (this.#timer || this.#running) return;
    const wait = this.#next - performance.now();
    // An output that is gone, or a cell that was interrupted, is no reason to end what else goes on: the next time may do.
    const now = () => void this.now().catch(() => {});
    if (wait <= 0) return now();
    this.#timer = setTimeout(now, wait);
    this.#timer.unref?.();
  }

  /** Does the job now, whether or not its time has come. */
  async now(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running = true;
    const start = performance.now();
    try {
      await this.#job();
    } finally {
      const took = performance.now() - start;
      this.#next = performance.now() + Math.max(this.#interval, 10 * took);
      this.#running = false;
    }
  }
}
