/** Ctrl+C in a terminal, the stop button of a notebook (difflab's kernel passes it on as SIGINT), or an AbortSignal. */
export class StopSignal {
  requested: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #stop = () => {
    this.requested = true;
  };

  constructor(signal: AbortSignal | undefined) {
    this.requested = signal?.aborted ?? false;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#stop);
    process.once("SIGINT", this.#stop);
  }

  close(): void {
    this.#signal?.removeEventListener("abort", this.#stop);
    process.off("SIGINT", this.#stop);
  }
}
