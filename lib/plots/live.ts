/** An output on a page that can be changed. */
export interface Output {
  update(value: unknown): unknown;
  /** Whether another cell runs now: this output may be gone from the page, as when its cell was interrupted and is run again. */
  past(): boolean;
}

/** The kernel's `display`; `cell` numbers the cell that runs. Other kernels may know no such number: then no output is past. */
type Show = ((value: unknown) => { update(value: unknown): unknown }) & { readonly cell?: unknown };

interface DenoJupyter {
  display(value: unknown, options?: { display_id?: string; update?: boolean }): Promise<void>;
}

/**
 * Shows a value in an output that can be changed: through the kernel's `display`, or Deno's.
 *
 * @returns undefined if there is no page, as in a script
 */
export function openOutput(value: unknown): Output | undefined {
  const { display, Deno } = globalThis as { display?: unknown; Deno?: { jupyter?: DenoJupyter } };
  if (typeof display === "function") {
    const show = display as Show;
    const { cell } = show;
    const handle = show(value);
    return { update: (next) => handle.update(next), past: () => show.cell !== cell };
  }
  const jupyter = Deno?.jupyter;
  if (typeof jupyter?.display !== "function") return undefined;
  const display_id = globalThis.crypto.randomUUID();
  void jupyter.display(value, { display_id });
  return { update: (next) => void jupyter.display(next, { display_id, update: true }), past: () => false };
}

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
