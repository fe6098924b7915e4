import { type Compiled, compile } from "../compile/compile.ts";
import type { Model } from "../models/model.ts";
import type { SessionOptions } from "../runtime/protocol.ts";
import { quick } from "../runtime/sessions.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { revisionOf } from "./revisions.ts";

/**
 * From so many calls of one run on it pays to let onnxruntime lay out all weights anew: that takes as long as one or two calls of
 * Stable Diffusion's U-Net, and then each call takes a seventh less.
 */
const FULL_FROM = 12;

/** Smaller networks are laid out in less than a second. */
const LARGE = 64e6;

function isLarge(model: Model): boolean {
  let weights = 0;
  for (const parameter of model.parameters()) weights += parameter.numel();
  return weights > LARGE;
}

export interface RunnerOptions {
  /**
   * The network, where a few calls are worth a session that is there at once: it is large, and its weights lie in a file.
   * Default: never.
   */
  readonly quick?: Model;
  /** The network whose weights may be changed by adapters. */
  readonly model: Model;
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
  #revision = 0;

  /**
   * @param f - synchronous; it is traced once for each combination of its arguments' shapes
   */
  constructor(name: string, f: (...args: A) => R, options: RunnerOptions) {
    this.#name = name;
    this.#f = f;
    this.#options = options;
  }

  /** @param calls - how many the whole run takes, this one included */
  async call(calls: number, ...args: A): Promise<R> {
    const { model } = this.#options;
    const settled = await model.settleWeights();
    const revision = revisionOf(model);
    if (settled || revision !== this.#revision) this.close();
    this.#revision = revision;
    return this.#choose(calls)(...args) as Promise<R>;
  }

  /** Frees the sessions; the next call makes new ones. */
  close(): void {
    this.#quick?.close();
    this.#full?.close();
    this.#quick = null;
    this.#full = null;
  }

  /**
   * The two kinds of session round differently. Which one runs depends on the run alone and not on those before it, so
   * that the same seed always gives the same picture.
   */
  #choose(calls: number): Compiled<A, R> {
    const { quick } = this.#options;
    // Weights in 8 bits are laid out in a second or two.
    const slow = quick?.precision === "float32" && isLarge(quick) && quick.mapped;
    if (slow && calls <= FULL_FROM) {
      this.#quick ??= this.#compile(true);
      return this.#quick;
    }
    this.#full ??= this.#compile(false);
    return this.#full;
  }

  #compile(hurry: boolean): Compiled<A, R> {
    const f = (...args: A) => noGrad(() => this.#f(...args));
    return compile<A, R>(f, { name: this.#name, session: { ...this.#options.session, ...(hurry ? quick : {}) } });
  }
}
