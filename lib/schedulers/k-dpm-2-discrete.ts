import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { KDPM2, type KDPM2Levels, KDPM2Scheduler } from "./k-dpm-2.ts";
import type { StepOutput } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings.ts";

/** Settings of `KDPM2DiscreteScheduler`. */
export type KDPM2DiscreteConfig = Pick<SchedulerSettings, keyof typeof KDPM2>;

/** DPM-Solver-2: a step's middle is the geometric mean of its ends. Two calls of the model a step. */
export class KDPM2DiscreteScheduler extends KDPM2Scheduler<KDPM2DiscreteConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: KDPM2DiscreteConfig = KDPM2;

  constructor(settings: Settings<KDPM2DiscreteConfig> = {}) {
    super(KDPM2, settings, { prediction_type: ["epsilon", "v_prediction"] });
    this.setTimesteps(this.length);
    this.numInferenceSteps = null;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor): StepOutput {
    return this.half(modelOutput, timestep, sample);
  }

  protected split(from: number, to: number): KDPM2Levels {
    return { from, middle: Math.sqrt(from * to), to, up: 0 };
  }
}
