import type { Callback, Training } from "../callback.ts";

/** When to save: after so many steps, or as soon as so many seconds have passed. */
export interface CheckpointOptions {
  /** Save after every so many steps; default: by the time alone. */
  readonly steps?: number;
  /** Save when so many seconds have passed since the last time; default 60, or never if `steps` is given. */
  readonly seconds?: number;
}

/**
 * Saves checkpoints of a training, each over the one before, and one at its end or where it is stopped. A kill in the middle
 * of it leaves the one before whole; `learner.load(path)` goes on from it, step for step as if nothing had happened.
 */
export class SaveCheckpoints implements Callback {
  readonly #path: string;
  readonly #steps: number;
  readonly #seconds: number;
  #time = 0;
  #step = 0;

  /** @param path - the checkpoint, a safetensors file */
  constructor(path: string, { steps, seconds }: CheckpointOptions = {}) {
    this.#path = path;
    this.#steps = steps ?? Number.POSITIVE_INFINITY;
    this.#seconds = seconds ?? (steps === undefined ? 60 : Number.POSITIVE_INFINITY);
  }

  /** Begins to count. */
  beforeFit({ step }: Training): void {
    this.#time = performance.now();
    this.#step = step;
  }

  /** Saves if it is time. */
  async afterBatch(learner: Training): Promise<void> {
    const isDue = learner.step % this.#steps === 0 || performance.now() - this.#time >= this.#seconds * 1000;
    if (isDue) await this.#save(learner);
  }

  /** Saves where the training ended. */
  async afterFit(learner: Training): Promise<void> {
    if (learner.step !== this.#step) await this.#save(learner);
  }

  async #save(learner: Training): Promise<void> {
    await learner.save(this.#path);
    this.#time = performance.now();
    this.#step = learner.step;
  }
}
