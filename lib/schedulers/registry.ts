import { parseConfig } from "./config.ts";
import { DDIMScheduler } from "./ddim.ts";
import { DDIMInverseScheduler } from "./ddim-inverse.ts";
import { DDPMScheduler } from "./ddpm.ts";
import { DEISMultistepScheduler } from "./deis-multistep.ts";
import { DPMSolverMultistepScheduler } from "./dpm-solver-multistep.ts";
import { DPMSolverSinglestepScheduler } from "./dpm-solver-singlestep.ts";
import { EDMEulerScheduler } from "./edm-euler.ts";
import { EulerAncestralDiscreteScheduler } from "./euler-ancestral-discrete.ts";
import { EulerDiscreteScheduler } from "./euler-discrete.ts";
import { FlowMatchEulerDiscreteScheduler } from "./flow-match-euler-discrete.ts";
import { HeunDiscreteScheduler } from "./heun-discrete.ts";
import { KDPM2AncestralDiscreteScheduler } from "./k-dpm-2-ancestral-discrete.ts";
import { KDPM2DiscreteScheduler } from "./k-dpm-2-discrete.ts";
import { LCMScheduler } from "./lcm.ts";
import { LMSDiscreteScheduler } from "./lms-discrete.ts";
import { PNDMScheduler } from "./pndm.ts";
import type { Scheduler } from "./scheduler.ts";
import { TCDScheduler } from "./tcd.ts";
import { UniPCMultistepScheduler } from "./unipc-multistep.ts";

/** Every scheduler by the name that configs give it. */
export const SCHEDULERS = {
  DDPMScheduler,
  DDIMScheduler,
  PNDMScheduler,
  LMSDiscreteScheduler,
  EulerDiscreteScheduler,
  EulerAncestralDiscreteScheduler,
  HeunDiscreteScheduler,
  DPMSolverMultistepScheduler,
  DPMSolverSinglestepScheduler,
  UniPCMultistepScheduler,
  LCMScheduler,
  DEISMultistepScheduler,
  KDPM2DiscreteScheduler,
  KDPM2AncestralDiscreteScheduler,
  DDIMInverseScheduler,
  FlowMatchEulerDiscreteScheduler,
  TCDScheduler,
  EDMEulerScheduler,
} as const;

/** The name of a scheduler. */
export type SchedulerName = keyof typeof SCHEDULERS;

/**
 * The scheduler that a `scheduler_config.json` names.
 *
 * @param config - its text or its content
 * @throws Error if `_class_name` names no scheduler of ours, or a setting is out of range
 */
export function schedulerFromConfig(config: string | object): Scheduler {
  const content = (typeof config === "string" ? parseConfig(config) : config) as Record<string, unknown>;
  const name = content._class_name;
  if (typeof name !== "string" || !Object.hasOwn(SCHEDULERS, name)) {
    throw new Error(
      `scheduler config: unknown _class_name ${JSON.stringify(name)}; expected one of ${Object.keys(SCHEDULERS).join(", ")}. ` +
        "To use one of these with the checkpoint, create it from the same config, DPMSolverMultistepScheduler.fromConfig(config), " +
        "or give it to the pipeline: fromPretrained(id, { components: { scheduler } }).",
    );
  }
  const kind = SCHEDULERS[name as SchedulerName] as unknown as { fromConfig(config: object): Scheduler };
  return kind.fromConfig(content);
}
