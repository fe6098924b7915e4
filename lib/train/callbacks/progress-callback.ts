import type { Callback, Training } from "../callback.ts";
import { Progress } from "../progress.ts";

/** Shows a bar with the time left and the loss curve. Every learner has one, unless it is `quiet`. */
export class ProgressCallback implements Callback {
  #progress = new Progress({ quiet: true });
  #start = 0;
  #firstStep = 0;

  /** Begins a bar. */
  beforeFit({ step }: Training): void {
    this.#progress = new Progress();
    this.#start = performance.now();
    this.#firstStep = step;
  }

  /** Moves it. */
  afterBatch(learner: Training): void {
    this.#show(learner, false);
  }

  /** Shows the means of the epoch. */
  afterEpoch(learner: Training): void {
    this.#show(learner, true);
  }

  /** Shows where it ended. */
  afterFit(learner: Training): void {
    const { interrupted, step } = learner;
    if (interrupted) this.#show(learner, true, `stopped at step ${step}; the current weights are kept`);
    else if (step % learner.options.data.length !== 0) this.#show(learner, true);
  }

  #show({ step, total, means, losses, options }: Training, isLast: boolean, note?: string): void {
    const { length } = options.data;
    const rounds = Math.ceil(total / length);
    const epoch = Math.min(rounds, Math.floor(step / length) + (isLast ? 0 : 1));
    this.#progress.show(
      {
        title: `epoch ${Math.max(1, epoch)}/${rounds}`,
        done: step,
        total,
        elapsed: performance.now() - this.#start,
        doneHere: step - this.#firstStep,
        numbers: means,
        curve: losses,
        ...(note ? { note } : {}),
      },
      isLast,
    );
  }
}
