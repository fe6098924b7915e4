import type { Tensor } from "../tensor/tensor.ts";
import { keep } from "./combine.ts";
import { KScheduler } from "./k-scheduler.ts";
import type { CommonSettings, StepOutput, TimestepOptions } from "./scheduler.ts";
import { type SchedulerSettings, SPACING, TRAINING } from "./settings.ts";
import { type SigmaSettings, sigmaToTimestep } from "./sigmas.ts";
import { roundHalfEven } from "./timesteps.ts";

/** Settings of both schedulers of this kind, with their defaults. */
export const KDPM2 = {
  ...TRAINING,
  ...SPACING,
  beta_start: 0.00085,
  beta_end: 0.012,
  timestep_spacing: "linspace",
  steps_offset: 0,
} as const satisfies Partial<SchedulerSettings>;

/** Settings that these schedulers share. */
type KDPM2Settings = CommonSettings & Pick<SchedulerSettings, "timestep_spacing" | "steps_offset"> & SigmaSettings;

/** Where a step begins, where its middle is, and where it ends. */
export interface KDPM2Levels {
  /** Noise level at the start of the step. */
  readonly from: number;
  /** Noise level of the second call of the model. */
  readonly middle: number;
  /** Noise level at the end of the step. */
  readonly to: number;
  /** Noise put back at the end. */
  readonly up: number;
}

/**
 * DPM-Solver-2 in Karras' terms: each step is tried up to a level in its middle, and the slope there takes it to its end. Two
 * calls of the model a step, except for the last; `timesteps` lists both.
 *
 * @see Karras et al. 2022, algorithm 2 with a midpoint, as Crowson's k-diffusion has it: https://github.com/crowsonkb/k-diffusion
 */
export abstract class KDPM2Scheduler<C extends KDPM2Settings> extends KScheduler<C> {
  override readonly order = 2;
  #levels: readonly KDPM2Levels[] = [];
  /** The sample at the start of a step, between its two calls. */
  #start: Tensor | null = null;

  setTimesteps(steps: number | null, options: TimestepOptions = {}): void {
    this.checkGiven(options, []);
    const { timesteps: plain, sigmas, table } = this.levels(steps, {});
    const timesteps = this.config.use_karras_sigmas ? plain.map(roundHalfEven) : plain;
    const ends = [...sigmas.map(Math.fround), 0];
    this.#levels = ends.slice(0, -1).map((from, i) => this.split(from, ends[i + 1]!));
    const middles = this.#levels.slice(0, -1).map(({ middle }) => sigmaToTimestep(middle, table));
    const visited = timesteps.flatMap((t, i) => (i < middles.length ? [t, middles[i]!] : [t]));
    // diffusers lists the level after the last step once more than it is used.
    const twice = ends.slice(1).flatMap((sigma) => [sigma, sigma]);
    this.start(visited, [ends[0]!, ...twice, 0], timesteps.length);
    this.#start = null;
  }

  /** The levels of the step between two of the run's. */
  protected abstract split(from: number, to: number): KDPM2Levels;

  protected override inputSigma(index: number): number {
    const { from, middle } = this.#levels[Math.floor(index / 2)]!;
    return this.#start ? middle : from;
  }

  /** Half a step; noise is drawn at the end of a whole one. */
  protected half(output: Tensor, timestep: number, sample: Tensor, draw?: () => Tensor): StepOutput {
    const { from, middle, to, up } = this.#levels[Math.floor(this.at(timestep) / 2)]!;
    const seen = this.#start ? middle : from;
    const x0 = this.denoise(timestep, output, sample, seen);
    const start = this.#start;
    const change = (this.#start ? to : middle) - from;
    // The slope at the level that the model saw.
    const slope = this.sum(timestep, [1 / seen, sample], [-1 / seen, x0]);
    let prevSample = this.sum(timestep, [1, start ?? sample], [change, slope]);
    if (start && draw) prevSample = this.sum(timestep, [1, prevSample], [up, draw()]);
    this.#start = start ? null : keep(sample);
    this.advance();
    return { prevSample, predOriginalSample: x0 };
  }
}
