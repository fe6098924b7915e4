import { sameShape, show } from "../graph/shape.ts";
import { shown } from "../options.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Step, StepChanges } from "./step.ts";

/** Tensors that `callbackOnStepEnd` may ask for. */
export const CALLBACK_TENSORS = ["latents", "promptEmbeds", "negativePromptEmbeds"] as const;
/** The name of one of them. */
export type CallbackTensor = (typeof CALLBACK_TENSORS)[number];

/** What `callbackOnStepEnd` is given, and may return with changes: the tensors asked for. */
export type CallbackKwargs = { [K in CallbackTensor]?: Tensor };

/** What a run calls after each of its steps. @typeParam P - the pipeline */
export interface Callbacks<P> {
  /** Called after every step, and waited for. */
  callback?: (step: Step) => unknown;
  /**
   * The same in diffusers' form, given the pipeline, the step's number, its timestep and the tensors asked for. What it returns
   * (or `callback` does) of `{ latents, promptEmbeds, guidanceScale }` holds for the steps to come; `pipe.guidanceScale` may be set, too.
   */
  callbackOnStepEnd?: (pipe: P, step: number, timestep: number, kwargs: CallbackKwargs) => unknown;
  /** Which tensors `callbackOnStepEnd` is given; default `["latents"]`. */
  callbackOnStepEndTensorInputs?: readonly CallbackTensor[];
}

/**
 * Calls a run's callbacks after a step and gathers what they change.
 *
 * @param run - the run, with its callbacks
 * @param pipe - the first argument of diffusers' callback
 * @param text - what the U-Net reads; with guidance the negative prompts' first
 * @throws RangeError if a callback returns something of another shape
 */
export async function callBack(
  { name, callbacks }: { readonly name: string; readonly callbacks: Callbacks<never> },
  pipe: unknown,
  step: Step,
  text: Tensor,
): Promise<StepChanges> {
  const changes = readChanges(name, "callback", await callbacks.callback?.(step), step, text);
  if (!callbacks.callbackOnStepEnd) return changes;
  const now = { ...step, latents: changes.latents ?? step.latents };
  const rows = text.shape[0]! / step.latents.shape[0]!;
  const all: CallbackKwargs = {
    latents: now.latents,
    promptEmbeds: changes.promptEmbeds ?? text,
    ...(rows > 1 ? { negativePromptEmbeds: text.narrow(0, 0, step.latents.shape[0]!) } : {}),
  };
  const wanted = callbacks.callbackOnStepEndTensorInputs ?? [];
  const kwargs = Object.fromEntries(wanted.map((key) => [key, all[key]])) as CallbackKwargs;
  const result = await callbacks.callbackOnStepEnd(pipe as never, step.index, step.timestep, kwargs);
  return { ...changes, ...readChanges(name, "callbackOnStepEnd", result, now, text) };
}

/** Whatever else a callback returns (the length that `push` gives, say) changes nothing. */
function readChanges(name: string, where: string, result: unknown, { latents }: Step, text: Tensor): StepChanges {
  if (typeof result !== "object" || result === null) return {};
  const { latents: moved, promptEmbeds, guidanceScale } = result as Record<string, unknown>;
  if (moved !== undefined && !(moved instanceof Tensor && sameShape(moved.shape, latents.shape))) {
    throw new RangeError(
      `${name}: ${where} returned latents ${shapeOf(moved)}; expected a tensor ${show(latents.shape)}`,
    );
  }
  const [, , width] = text.shape;
  const count = latents.shape[0]!;
  const fits = promptEmbeds instanceof Tensor && promptEmbeds.ndim === 3 && promptEmbeds.shape[2] === width;
  if (promptEmbeds !== undefined && !(fits && [count, 2 * count].includes(promptEmbeds.shape[0]!))) {
    throw new RangeError(
      `${name}: ${where} returned promptEmbeds ${shapeOf(promptEmbeds)}; expected [${count} or ${2 * count}, tokens, ${width}]`,
    );
  }
  if (guidanceScale !== undefined && !Number.isFinite(guidanceScale)) {
    throw new RangeError(`${name}: ${where} returned guidanceScale ${shown(guidanceScale)}; expected a number`);
  }
  return {
    ...(moved === undefined ? {} : { latents: moved as Tensor }),
    ...(promptEmbeds === undefined ? {} : { promptEmbeds: promptEmbeds as Tensor }),
    ...(guidanceScale === undefined ? {} : { guidanceScale: guidanceScale as number }),
  };
}

function shapeOf(value: unknown): string {
  return value instanceof Tensor ? show(value.shape) : shown(value);
}
