import { type Compiled, compile } from "../compile/compile.ts";
import type { SessionOptions } from "../runtime/protocol.ts";
import { quick } from "../runtime/sessions.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * From so many calls on it pays to let onnxruntime lay out all weights anew: that takes as long as one or two calls of
 * Stable Diffusion's U-Net, and then each call takes a seventh less.
 */
const FULL_FROM = 12;

export interface RunnerOptions {
  /** Whether a few calls are worth a session that is there at once: weights have to lie in a file. Default: never. */
  readonly quick?: () => boolean;
  /** How its sessions differ from others. */
  readonly session?: Partial<SessionOptions>;
}

/** A network's function, compiled for sampling: quickly for a few calls, in full where many are to come. */
export class Runner<A extends readonly unknown[], R extends Tensor | readonly Tensor[]> {
  readonly #name: string;
  readonly #f: (...args: A) => R;
  readonly #options: RunnerOptions;
  #quick: Compiled<A, R> | null = null;
  #full: Compiled<A, R> | null = null;
  #calls = 0;

  /**
   * @param f - synchronous; it is traced once for each combination of its arguments' shapes
   */
  constructor(name: string, f: (...args: A) => R, options: RunnerOptions = {}) {
    this.#name = name;
    this.#f = f;
    this.#options = options;
  }

  /** @param toCome - calls that the caller expects, this one included */
  call(toCome: number, ...args: A): Promise<R> {
    const compiled = this.#choose(toCome);
    this.#calls++;
    return compiled(...args);
  }

  /** Whether the next call would run a session prepared in full. */
  get prepared(): boolean {
    return this.#full !== null;
  }

  /** Frees the sessions; the next call makes new ones. */
  close(): void {
    this.#quick?.close();
    this.#full?.close();
    this.#quick = null;
    this.#full = null;
  }

  #choose(toCome: number): Compiled<A, R> {
    if (this.#full) return this.#full;
    if (this.#options.quick?.() && this.#calls + toCome <= FULL_FROM) {
      this.#quick ??= this.#compile(true);
      return this.#quick;
    }
    // Both at once would hold the weights twice.
    this.#quick?.close();
    this.#quick = null;
    this.#full = this.#compile(false);
    return this.#full;
  }

  #compile(hurry: boolean): Compiled<A, R> {
    const f = (...args: A) => noGrad(() => this.#f(...args));
    return compile<A, R>(f, { name: this.#name, session: { ...this.#options.session, ...(hurry ? quick : {}) } });
  }
}
