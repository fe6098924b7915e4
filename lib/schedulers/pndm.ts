import type { Settings } from "../config/fields.ts";
import { plural } from "../printed.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { keep } from "./combine.ts";
import { levelOf, type NoiseLevel } from "./noise-level.ts";
import { Scheduler, type StepOutput, type TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, TRAINING } from "./settings.ts";
import { spacedTimesteps } from "./timesteps.ts";

const DEFAULTS = {
  ...TRAINING,
  skip_prk_steps: false,
  set_alpha_to_one: false,
  timestep_spacing: "leading",
  steps_offset: 0,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `PNDMScheduler`. */
export type PNDMConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/** Weights of the last outputs, newest first, by how many there are (Adams-Bashforth). */
const MULTISTEP: readonly (readonly number[])[] = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/** Weights of the four outputs of a Runge-Kutta step. */
const RUNGE_KUTTA = [1 / 6, 1 / 3, 1 / 3, 1 / 6];

/**
 * Pseudo numerical methods: the noise of the last four steps is extrapolated. The first three steps are Runge-Kutta's,
 * four calls each; with `skip_prk_steps`, as in Stable Diffusion, the second timestep is visited twice instead.
 *
 * @see Liu et al. 2022: https://arxiv.org/abs/2202.09778
 */
export class PNDMScheduler extends Scheduler<PNDMConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: PNDMConfig = DEFAULTS;
  readonly initNoiseSigma = 1;
  #prkTimesteps: readonly number[] = [];
  #outputs: Tensor[] = [];
  #stage: Tensor[] = [];
  #startOfStep: Tensor | null = null;
  #counter = 0;

  constructor(settings: Settings<PNDMConfig> = {}) {
    super(DEFAULTS, settings, { prediction_type: ["epsilon", "v_prediction"] });
  }

  setTimesteps(steps: number | null, options: TimestepOptions = {}): void {
    this.checkGiven(options, []);
    const n = this.checkSteps(steps);
    const rising = spacedTimesteps(this.config, n, true).reverse();
    if (this.config.skip_prk_steps) {
      this.#prkTimesteps = [];
      this.timesteps = [...rising.slice(0, -1), ...rising.slice(-2, -1), ...rising.slice(-1)].reverse();
    } else {
      if (n < 4)
        throw new RangeError(
          `${this.name}.setTimesteps: ${plural(n, "step")}; the Runge-Kutta start needs at least 4, unless you set skip_prk_steps`,
        );
      const half = Math.floor(Math.floor(this.length / n) / 2);
      const pairs = rising.slice(-4).flatMap((t) => [t, t + half]);
      this.#prkTimesteps = pairs
        .slice(0, -1)
        .flatMap((t) => [t, t])
        .slice(1, -1)
        .reverse();
      this.timesteps = [...this.#prkTimesteps, ...rising.slice(0, -3).reverse()];
    }
    this.numInferenceSteps = n;
    this.#outputs = [];
    this.#stage = [];
    this.#startOfStep = null;
    this.#counter = 0;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor): StepOutput {
    const jump = Math.floor(this.length / this.requireRun());
    const { x0 } = this.predict(timestep, modelOutput, sample, this.levelAt(timestep));
    const prevSample =
      this.#counter < this.#prkTimesteps.length
        ? this.#stepRungeKutta(modelOutput, timestep, sample, jump)
        : this.#stepMultistep(modelOutput, timestep, sample, jump);
    this.#counter++;
    return { prevSample, predOriginalSample: x0 };
  }

  override levelAt(timestep: number): NoiseLevel {
    // The Runge-Kutta start visits timesteps half a jump above, which may lie beyond the training's last.
    return super.levelAt(Math.min(timestep, this.length - 1));
  }

  #stepRungeKutta(output: Tensor, timestep: number, sample: Tensor, jump: number): Tensor {
    const stage = this.#counter % 4;
    const to = timestep - (this.#counter % 2 ? 0 : Math.floor(jump / 2));
    const from = this.#prkTimesteps[this.#counter - stage]!;
    if (stage === 0) {
      this.#outputs.push(keep(output));
      this.#startOfStep = keep(sample);
      this.#stage = [];
    }
    this.#stage.push(keep(output));
    const slope =
      stage === 3 ? this.sum(timestep, ...this.#stage.map((k, i) => [RUNGE_KUTTA[i]!, k] as const)) : output;
    return this.#move(this.#startOfStep ?? sample, from, to, slope);
  }

  #stepMultistep(output: Tensor, timestep: number, sample: Tensor, jump: number): Tensor {
    if (this.#counter === 1 && this.#prkTimesteps.length === 0) {
      // The second visit improves the first step: the same start, the mean of both outputs.
      const slope = this.sum(timestep, [0.5, output], [0.5, this.#outputs.at(-1)!]);
      return this.#move(this.#startOfStep ?? sample, timestep + jump, timestep, slope);
    }
    this.#outputs = [...this.#outputs.slice(-3), keep(output)];
    if (this.#counter === 0) this.#startOfStep = keep(sample);
    const weights = MULTISTEP[this.#outputs.length - 1]!;
    const slope = this.sum(timestep, ...weights.map((w, i) => [w, this.#outputs.at(-1 - i)!] as const));
    return this.#move(sample, timestep, timestep - jump, slope);
  }

  /** Eq. 9: from one noise level to another along a direction of noise. */
  #move(sample: Tensor, from: number, to: number, slope: Tensor): Tensor {
    const alphaBar = this.alphaBar(from);
    const final = this.config.set_alpha_to_one ? 1 : this.alphasCumprod[0]!;
    const alphaBarTo = to >= 0 ? this.alphaBar(to) : final;
    const { alpha, sigma } = levelOf(alphaBar);
    const noise =
      this.config.prediction_type === "v_prediction" ? this.sum(from, [alpha, slope], [sigma, sample]) : slope;
    const scale = alphaBar * Math.sqrt(1 - alphaBarTo) + Math.sqrt(alphaBar * (1 - alphaBar) * alphaBarTo);
    return this.sum(from, [Math.sqrt(alphaBarTo / alphaBar), sample], [-(alphaBarTo - alphaBar) / scale, noise]);
  }
}
