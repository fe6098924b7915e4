import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { KDPM2, type KDPM2Levels, KDPM2Scheduler } from "./k-dpm-2.ts";
import type { StepOptions, StepOutput } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings.ts";

/** Settings of `KDPM2AncestralDiscreteScheduler`. */
export type KDPM2AncestralDiscreteConfig = Pick<SchedulerSettings, keyof typeof KDPM2>;

/** DPM-Solver-2 that goes a little too far down at each step and puts noise back. Two calls of the model a step. */
export class KDPM2AncestralDiscreteScheduler extends KDPM2Scheduler<KDPM2AncestralDiscreteConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: KDPM2AncestralDiscreteConfig = KDPM2;

  constructor(settings: Settings<KDPM2AncestralDiscreteConfig> = {}) {
    super(KDPM2, settings, { prediction_type: ["epsilon", "v_prediction"] });
    this.setTimesteps(this.length);
    this.numInferenceSteps = null;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): StepOutput {
    return this.half(modelOutput, timestep, sample, () => this.noise(modelOutput, options.generator));
  }

  protected split(from: number, next: number): KDPM2Levels {
    const up = Math.sqrt((next ** 2 * (from ** 2 - next ** 2)) / from ** 2);
    const down = Math.sqrt(Math.max(0, next ** 2 - up ** 2));
    return { from, middle: Math.sqrt(from * down), to: down, up };
  }
}
