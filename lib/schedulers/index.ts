/** Noise levels and one step of the way back: diffusers' schedulers, by its names, settings and numbers. */
export { parseConfig } from "./config.ts";
export { type DDIMConfig, DDIMScheduler, type DDIMStepOptions } from "./ddim.ts";
export { type DDIMInverseConfig, DDIMInverseScheduler } from "./ddim-inverse.ts";
export { type DDPMConfig, DDPMScheduler } from "./ddpm.ts";
export { type DEISMultistepConfig, DEISMultistepScheduler } from "./deis-multistep.ts";
export {
  type DPMSolverMultistepConfig,
  DPMSolverMultistepScheduler,
  type DPMSolverStepOptions,
} from "./dpm-solver-multistep.ts";
export { type DPMSolverSinglestepConfig, DPMSolverSinglestepScheduler } from "./dpm-solver-singlestep.ts";
export { type EDMEulerConfig, EDMEulerScheduler } from "./edm-euler.ts";
export { type EulerAncestralDiscreteConfig, EulerAncestralDiscreteScheduler } from "./euler-ancestral-discrete.ts";
export { type EulerDiscreteConfig, EulerDiscreteScheduler, type EulerStepOptions } from "./euler-discrete.ts";
export {
  type FlowMatchEulerDiscreteConfig,
  FlowMatchEulerDiscreteScheduler,
  type FlowMatchTimestepOptions,
} from "./flow-match-euler-discrete.ts";
export { type HeunDiscreteConfig, HeunDiscreteScheduler } from "./heun-discrete.ts";
export { type KDPM2AncestralDiscreteConfig, KDPM2AncestralDiscreteScheduler } from "./k-dpm-2-ancestral-discrete.ts";
export { type KDPM2DiscreteConfig, KDPM2DiscreteScheduler } from "./k-dpm-2-discrete.ts";
export { type LCMConfig, LCMScheduler, type LCMStepOutput } from "./lcm.ts";
export { type LMSDiscreteConfig, LMSDiscreteScheduler, type LMSStepOptions } from "./lms-discrete.ts";
export type { NoiseLevel } from "./noise-level.ts";
export { OptimizerScheduler, type OptimizerSchedulerOptions } from "./optimizer-scheduler.ts";
export { type PNDMConfig, PNDMScheduler } from "./pndm.ts";
export { SCHEDULERS, type SchedulerName, schedulerFromConfig } from "./registry.ts";
export { Scheduler, type StepOptions, type StepOutput, type TimestepOptions } from "./scheduler.ts";
export type { SchedulerSettings } from "./settings.ts";
export { betaSigmas, exponentialSigmas, karrasSigmas } from "./sigmas.ts";
export { type TCDConfig, TCDScheduler, type TCDStepOptions, type TCDStepOutput } from "./tcd.ts";
export { type UniPCMultistepConfig, UniPCMultistepScheduler } from "./unipc-multistep.ts";
