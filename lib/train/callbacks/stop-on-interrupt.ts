import { type Callback, CancelFit } from "../callback.ts";

/**
 * Ends the training after the current step on Ctrl+C in a terminal, the stop button of a notebook (difflab's kernel passes
 * it on as SIGINT), or an AbortSignal. Every learner has one.
 */
export class StopOnInterrupt implements Callback {
  readonly #signal: AbortSignal | undefined;
  #requested = false;
  readonly #request = () => {
    this.#requested = true;
  };

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Begins to listen. */
  beforeFit(): void {
    this.#requested = this.#signal?.aborted ?? false;
    this.#signal?.addEventListener("abort", this.#request);
    process.once("SIGINT", this.#request);
    this.#check();
  }

  /** Ends the training if somebody asked for it. */
  afterBatch(): void {
    this.#check();
  }

  /** Ends the training if somebody asked for it. */
  afterEpoch(): void {
    this.#check();
  }

  /** Stops listening. */
  cleanUp(): void {
    this.#signal?.removeEventListener("abort", this.#request);
    process.off("SIGINT", this.#request);
  }

  #check(): void {
    if (this.#requested) throw new CancelFit("stopped from outside");
  }
}
