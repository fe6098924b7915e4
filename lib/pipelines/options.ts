import { show } from "../graph/shape.ts";
import type { UNet2DConditionModel } from "../models/index.ts";
import { checkOptions, shown } from "../options.ts";
import { plural } from "../printed.ts";
import { Generator } from "../random/index.ts";
import { Tensor } from "../tensor/tensor.ts";
import { CALLBACK_TENSORS, type Callbacks } from "./callbacks.ts";
import type { LossGuidance } from "./loss-guidance.ts";
import { trainedSize } from "./outdated.ts";

/** What to paint, and how. @typeParam P - the pipeline, which `callbackOnStepEnd` is given */
// biome-ignore lint/suspicious/noExplicitAny: the pipeline's class names these options itself
export interface GenerateOptions<P = any> extends Callbacks<P> {
  /** What the picture should show; several prompts make several pictures at once. */
  prompt?: string | readonly string[];
  /** What it should not show; replaces the empty prompt in the guidance. One for all, or one for each. */
  negativePrompt?: string | readonly string[];
  /** Steps of the scheduler; default 50, if the checkpoint names no other number. */
  numInferenceSteps?: number;
  /** The timesteps themselves, in place of their number, where the scheduler takes them. */
  timesteps?: readonly number[];
  /** The noise levels themselves, in place of their number, where the scheduler takes them (Euler: the last after the last step). */
  sigmas?: readonly number[];
  /**
   * How far to go beyond the prompt's prediction, away from the negative prompt's; default 7.5, if the checkpoint names
   * no other. Up to 1 the negative prompt is not looked at, which takes half the time. @see Ho and Salimans 2022: https://arxiv.org/abs/2207.12598
   */
  guidanceScale?: number;
  /** Share of the guided prediction that is given the unguided one's contrast, 0 (default) to 1. @see https://arxiv.org/abs/2305.08891 */
  guidanceRescale?: number;
  /** Pixels; divisible by 8. Default: what the U-Net was trained on. */
  height?: number;
  /** Pixels; divisible by 8. Default: what the U-Net was trained on. */
  width?: number;
  /** A whole number: the same one gives the same picture, and the one that Python gives. */
  seed?: number | bigint;
  /** Where the random numbers come from in place of a seed; a list has one for each picture. */
  generator?: Generator | readonly Generator[];
  /** The noise to start from, `[pictures, 4, height / 8, width / 8]`, of standard deviation 1. */
  latents?: Tensor;
  /** Pictures for each prompt; default 1. */
  numImagesPerPrompt?: number;
  /** What the text encoder makes of the prompts, in their place: `[prompts, tokens, width]`. */
  promptEmbeds?: Tensor;
  /** What the text encoder makes of the negative prompts, in their place: `[prompts, tokens, width]`. */
  negativePromptEmbeds?: Tensor;
  /** Share of DDPM's noise that DDIM puts back at each step, 0 (default) to 1. */
  eta?: number;
  /** Layers of the text encoder to leave out at its end; default 0. */
  clipSkip?: number;
  /** Pulls the picture towards a small loss, at every step. */
  guidance?: LossGuidance;
  /** Ends the run before its next step. */
  signal?: AbortSignal;
  /** Show a progress bar; default true. */
  progress?: boolean;
}

/** The options with defaults filled in and sizes known. */
export interface Plan {
  /** The prompts; null where their embeddings were given. */
  readonly prompts: readonly string[] | null;
  /** A negative prompt for each. */
  readonly negative: readonly string[];
  /** Number of prompts. */
  readonly count: number;
  /** Number of pictures. */
  readonly batch: number;
  /** Pixels. */
  readonly height: number;
  /** Pixels. */
  readonly width: number;
  /** Whether guidance is on, which takes two predictions a step. */
  readonly guided: boolean;
  /** The guidance scale. */
  readonly scale: number;
  /** Where each picture's random numbers come from. */
  readonly generators: readonly Generator[];
  /** Number of steps. */
  readonly steps: number;
}

/**
 * Checks what a pipeline is asked for, and fills in what it is not told.
 *
 * @param ownNames - options of this kind of pipeline alone
 * @param scale - pixels for each latent
 * @throws RangeError or TypeError that names the option
 */
export function planOf(
  name: string,
  options: GenerateOptions,
  ownNames: readonly string[],
  unet: UNet2DConditionModel,
  scale: number,
): Plan {
  const fail = (text: string, Kind: ErrorConstructor = RangeError): never => {
    throw new Kind(`${name}: ${text}`);
  };
  checkNames(name, options, ownNames);
  const { prompt, promptEmbeds, numImagesPerPrompt: each = 1, guidanceScale = 7.5 } = options;
  if ((prompt === undefined) === (promptEmbeds === undefined)) fail("give either prompt or promptEmbeds", TypeError);
  const prompts = prompt === undefined ? null : textsOf(name, "prompt", prompt);
  if (prompts?.length === 0) fail("prompt is an empty list; expected a string, or a list of at least one");
  if (promptEmbeds && promptEmbeds.ndim !== 3)
    fail(`promptEmbeds ${show(promptEmbeds.shape)}; expected [prompts, tokens, width]`);
  const batch = prompts?.length ?? promptEmbeds!.shape[0]!;
  whole("numImagesPerPrompt", each);
  if (!Number.isFinite(guidanceScale)) fail(`guidanceScale is ${shown(guidanceScale)}; expected a number, such as 7.5`);
  if (options.timesteps && options.sigmas) fail("give either timesteps or sigmas", TypeError);
  const own = options.timesteps ?? options.sigmas;
  if (own !== undefined && (!Array.isArray(own) || !own.every(Number.isFinite)))
    fail(`${options.timesteps ? "timesteps" : "sigmas"} is ${shown(own)}; expected a list of numbers`, TypeError);
  const asked = options.callbackOnStepEndTensorInputs ?? [];
  const strange = asked.find((key) => !CALLBACK_TENSORS.includes(key));
  if (strange !== undefined)
    fail(`callbackOnStepEndTensorInputs has ${shown(strange)}; expected some of ${CALLBACK_TENSORS.join(", ")}`);
  const steps = own ? own.length : (options.numInferenceSteps ?? 50);
  whole("numInferenceSteps", steps);
  const native = trainedSize(unet) ?? [64, 64];
  const side = (i: 0 | 1) => native[i] * scale;
  const [height, width] = [options.height ?? side(0), options.width ?? side(1)];
  for (const [key, value] of Object.entries({ height, width })) {
    whole(key, value);
    if (value % scale !== 0) {
      const near = Math.max(scale, Math.round(value / scale) * scale);
      fail(`${key} is ${value}; expected a multiple of ${scale}, such as ${near}`);
    }
  }
  if (options.seed !== undefined && options.generator !== undefined) fail("give either seed or generator", TypeError);
  if (options.eta !== undefined && !(options.eta >= 0 && options.eta <= 1))
    fail(`eta is ${options.eta}; expected 0 to 1`);
  const rescale = options.guidanceRescale ?? 0;
  if (!(rescale >= 0 && rescale <= 1)) fail(`guidanceRescale is ${rescale}; expected 0 to 1`);
  const generators = generatorsOf(name, options, batch * each);
  if (options.latents && !(options.latents instanceof Tensor)) fail("latents is not a tensor", TypeError);
  // Models with the guidance scale as an input have been taught to do without the second prediction.
  const guided = guidanceScale > 1 && unet.config.time_cond_proj_dim === null;
  return {
    ...{ prompts, batch, height, width, guided, generators, steps },
    negative: negativeOf(name, options.negativePrompt, batch),
    count: batch * each,
    scale: guidanceScale,
  };

  function whole(key: string, value: number): void {
    if (!Number.isInteger(value) || value < 1) fail(`${key} is ${shown(value)}; expected a whole number from 1 up`);
  }
}

// One for each option, so that the compiler notices which is missing.
const NAMES: Readonly<Record<keyof GenerateOptions, true>> = {
  ...{ prompt: true, negativePrompt: true, promptEmbeds: true, negativePromptEmbeds: true, clipSkip: true },
  ...{ callbackOnStepEnd: true, callbackOnStepEndTensorInputs: true, sigmas: true },
  ...{ numInferenceSteps: true, timesteps: true, eta: true, guidanceScale: true, guidanceRescale: true },
  ...{ height: true, width: true, numImagesPerPrompt: true, seed: true, generator: true, latents: true },
  ...{ guidance: true, callback: true, signal: true, progress: true },
};

/** An option that is not known has no effect, so it is an error: `guidance_scale` from a notebook in Python, say. */
function checkNames(name: string, options: GenerateOptions, own: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${name}: got ${shown(options)}; expected options, such as { prompt: "a horse on the moon" }`);
  }
  checkOptions(name, options, [...Object.keys(NAMES), ...own]);
}

function textsOf(name: string, key: string, given: unknown): string[] {
  const list: unknown[] = Array.isArray(given) ? given : [given];
  const wrong = list.findIndex((text) => typeof text !== "string");
  if (wrong < 0) return list as string[];
  throw new TypeError(
    `${name}: ${key} ${Array.isArray(given) ? "holds" : "is"} ${shown(list[wrong])}; expected a string, or a list of strings`,
  );
}

type ErrorConstructor = new (message: string) => Error;

function negativeOf(name: string, given: GenerateOptions["negativePrompt"], batch: number): readonly string[] {
  const list = given === undefined ? [""] : textsOf(name, "negativePrompt", given);
  if (list.length === batch) return list;
  if (list.length === 1) return new Array<string>(batch).fill(list[0]!);
  throw new RangeError(
    `${name}: ${list.length} negative prompts for ${batch} prompts; expected one, or the same number`,
  );
}

function generatorsOf(name: string, { seed, generator }: GenerateOptions, count: number): readonly Generator[] {
  if (seed !== undefined) return [new Generator(seed)];
  if (generator === undefined) return [];
  const list = generator instanceof Generator ? [generator] : generator;
  if (!Array.isArray(list) || !list.every((one) => one instanceof Generator)) {
    throw new TypeError(`${name}: generator is ${shown(generator)}; expected new Generator(seed), or a list of them`);
  }
  if (list.length !== 1 && list.length !== count) {
    throw new RangeError(
      `${name}: ${plural(list.length, "generator")} for ${plural(count, "picture")}; expected one, or the same number`,
    );
  }
  return list;
}
