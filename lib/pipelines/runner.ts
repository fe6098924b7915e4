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

/**
 * In a longer run, this many calls use a session that is ready at once, while the full one is prepared in parallel: by then it
 * usually is ready.
 */
const MEANWHILE = 3;

/** Smaller networks are laid out in less than a second. */
const LARGE = 64e6;

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
  /** A network with more weights than this is large; default 64 million. */
  readonly large?: number;
}

/** Where a call stands in its run. */
export interface Place {
  /** How many calls the whole run makes, this one included. */
  readonly calls: number;
  /** How many of them came before this one; default 0. */
  readonly made?: number;
}

/**
 * A network's function, compiled for sampling: quickly for a few calls, in full for many. The full session of a large
 * network is prepared in a separate thread beside the second and third call.
 */
export class Runner<A extends readonly unknown[], R extends Tensor | readonly Tensor[]> {
  readonly #name: string;
  readonly #f: (...args: A) => R;
  readonly #options: RunnerOptions;
  #quick: Compiled<A, R> | null = null;
  #full: Compiled<A, R> | null = null;
  /** Whether the full one runs in a separate thread. */
  #isAside = false;
  #revision = 0;

  /**
   * @param f - synchronous; it is traced once for each combination of its arguments' shapes
   */
  constructor(name: string, f: (...args: A) => R, options: RunnerOptions) {
    this.#name = name;
    this.#f = f;
    this.#options = options;
  }

  /** @param place - of this call in its run */
  async call(place: Place, ...args: A): Promise<R> {
    const { model } = this.#options;
    const settled = await model.settleWeights();
    const revision = revisionOf(model);
    if (settled || revision !== this.#revision) this.close();
    this.#revision = revision;
    return this.#choose(place, args)(...args) as Promise<R>;
  }

  /** Frees the sessions; the next call makes new ones. */
  close(): void {
    this.#quick = closed(this.#quick);
    this.#full = closed(this.#full);
  }

  /**
   * The two kinds of session round differently. Which one runs depends only on a call's place in its run, not on what is
   * ready by then, so that the same seed always gives the same picture.
   */
  #choose({ calls, made = 0 }: Place, args: A): Compiled<A, R> {
    const slow = this.#isSlow();
    const many = calls > FULL_FROM;
    if (!slow || (many && made >= MEANWHILE)) {
      // Its memory is no longer needed; opening another takes a tenth of a second.
      if (slow) this.#quick = closed(this.#quick);
      // Weights that were changed since are in memory: each call would carry them over to the other thread.
      else if (this.#isAside) this.#full = closed(this.#full);
      this.#full ??= this.#compileFull(slow);
      return this.#full;
    }
    // Not beside the first call: that would take it twice as long, and is what somebody waits for.
    if (many && made === 1) {
      this.#full ??= this.#compileFull(true);
      // If it fails, the call that needs it says why.
      this.#full.prepare(...args).catch(() => {});
    }
    this.#quick ??= this.#compile(quick);
    return this.#quick;
  }

  /** Whether its full session takes long to prepare. Weights in 8 bits are laid out in a second or two. */
  #isSlow(): boolean {
    const { quick: model, large = LARGE } = this.#options;
    return model?.precision === "float32" && model.mapped && weightsOf(model) > large;
  }

  #compileFull(aside: boolean): Compiled<A, R> {
    this.#isAside = aside;
    return this.#compile(aside ? { aside } : {});
  }

  #compile(session: Partial<SessionOptions>): Compiled<A, R> {
    const f = (...args: A) => noGrad(() => this.#f(...args));
    return compile<A, R>(f, { name: this.#name, session: { ...this.#options.session, ...session } });
  }
}

function weightsOf(model: Model): number {
  let weights = 0;
  for (const parameter of model.parameters()) weights += parameter.numel();
  return weights;
}

function closed(compiled: { close(): void } | null): null {
  compiled?.close();
  return null;
}
