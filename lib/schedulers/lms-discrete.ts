import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { keep } from "./combine.ts";
import { KScheduler } from "./k-scheduler.ts";
import type { StepOptions, StepOutput, TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, SPACING, TRAINING } from "./settings.ts";

const DEFAULTS = {
  ...TRAINING,
  ...SPACING,
  timestep_spacing: "linspace",
  steps_offset: 0,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `LMSDiscreteScheduler`. */
export type LMSDiscreteConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/** What a step of `LMSDiscreteScheduler` takes besides. */
export interface LMSStepOptions extends StepOptions {
  /** How many slopes are extrapolated, at most; default 4. */
  order?: number;
}

/**
 * A linear multi-step method: a polynomial through the last slopes is integrated over the step.
 *
 * @see Crowson's k-diffusion, `sample_lms`: https://github.com/crowsonkb/k-diffusion
 */
export class LMSDiscreteScheduler extends KScheduler<LMSDiscreteConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: LMSDiscreteConfig = DEFAULTS;
  #slopes: Tensor[] = [];

  constructor(settings: Settings<LMSDiscreteConfig> = {}) {
    super(DEFAULTS, settings);
    this.setTimesteps(this.length);
    this.numInferenceSteps = null;
  }

  setTimesteps(steps: number | null, options: TimestepOptions = {}): void {
    this.checkGiven(options, []);
    const { timesteps, sigmas } = this.levels(steps, {});
    this.start(timesteps, [...sigmas, 0], timesteps.length);
    this.#slopes = [];
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: LMSStepOptions = {}): StepOutput {
    const { order = 4 } = options;
    if (!Number.isInteger(order) || order < 1)
      throw new RangeError(`${this.name}.step: order ${order}; expected 1 or more`);
    const i = this.at(timestep);
    const sigma = this.sigmas[i]!;
    const x0 = this.denoise(timestep, modelOutput, sample, sigma);
    const slope = keep(this.sum(timestep, [1 / sigma, sample], [-1 / sigma, x0]));
    this.#slopes = [slope, ...this.#slopes].slice(0, order);
    // A run that begins in the middle (image to image) has fewer slopes than levels behind it. diffusers takes the
    // polynomial through all those levels, and leaves out the slopes that it does not have; so do we, for its pictures.
    const nodes = Array.from({ length: Math.min(i + 1, order) }, (_, k) => this.sigmas[i - k]!);
    const weights = this.#slopes.map((_, k) => integrateLagrange(nodes, k, sigma, this.sigmas[i + 1]!));
    const prevSample = this.sum(timestep, [1, sample], ...this.#slopes.map((s, k) => [weights[k]!, s] as const));
    this.advance();
    return { prevSample, predOriginalSample: x0 };
  }
}

/** The integral from `from` to `to` of the polynomial that is 1 at node `k` and 0 at the other nodes. */
function integrateLagrange(nodes: readonly number[], k: number, from: number, to: number): number {
  // Coefficients of the product of (x - node) / (node_k - node), lowest power first, about `from`.
  let polynomial = [1];
  for (const [j, node] of nodes.entries()) {
    if (j === k) continue;
    const scale = 1 / (nodes[k]! - node);
    const shift = from - node;
    const next = new Array<number>(polynomial.length + 1).fill(0);
    for (const [power, c] of polynomial.entries()) {
      next[power] = next[power]! + c * shift * scale;
      next[power + 1] = next[power + 1]! + c * scale;
    }
    polynomial = next;
  }
  const width = to - from;
  return polynomial.reduce((sum, c, power) => sum + (c * width ** (power + 1)) / (power + 1), 0);
}
