import { isFloat } from "../graph/dtype.ts";
import { show } from "../graph/shape.ts";
import type { ImageMetadata } from "../images/index.ts";
import type { UNet2DConditionModel } from "../models/index.ts";
import { shown } from "../options.ts";
import { plural } from "../printed.ts";
import { Generator } from "../random/index.ts";
import { Scheduler } from "../schedulers/index.ts";
import { Tensor } from "../tensor/tensor.ts";
import { CALLBACK_TENSORS, type Callbacks } from "./callbacks.ts";
import { checkGuidance, type LossGuidance } from "./loss-guidance.ts";
import { checkNames, type GenerateOptions } from "./options.ts";
import { trainedSize } from "./outdated.ts";

/** How many times as many pixels as a model was trained on it may paint: beyond, one step takes minutes to hours. */
const MOST_AREA = 16;

/**
 * One run, described in full: its options checked, with a value for each that the call leaves open. What paints, and what is
 * written into the pictures, read it and never the options, so that no default is filled in twice.
 */
export interface Run {
  /** The pipeline's class, for errors. */
  readonly name: string;
  /** A scheduler of its own, at the start of the run. */
  readonly scheduler: Scheduler;
  /** The prompts; null where their embeddings were given. */
  readonly prompts: readonly string[] | null;
  /** Their embeddings, `[prompts, tokens, width]`; null for those of the text encoder. */
  readonly promptEmbeds: Tensor | null;
  /** Number of prompts. */
  readonly numPrompts: number;
  /** A negative prompt for each. */
  readonly negativePrompts: readonly string[];
  /** Embeddings of the negative prompts, alike. */
  readonly negativePromptEmbeds: Tensor | null;
  /** Layers of the text encoder that are left out at its end. */
  readonly clipSkip: number;
  /** Pictures for each prompt. */
  readonly numImagesPerPrompt: number;
  /** Number of pictures. */
  readonly numImages: number;
  /** Pixels. */
  readonly height: number;
  /** Pixels. */
  readonly width: number;
  /** How far to go beyond the prompt's prediction. */
  readonly guidanceScale: number;
  /** Between which noise levels (sigmas) there is guidance; null for everywhere. */
  readonly guidanceInterval: readonly [number, number] | null;
  /** Share of the guided prediction that is given the unguided one's contrast. */
  readonly guidanceRescale: number;
  /** Whether guidance is on, which takes two predictions a step. */
  readonly guided: boolean;
  /** Share of DDPM's noise that DDIM puts back at each step. */
  readonly eta: number;
  /** Steps of the scheduler. */
  readonly numInferenceSteps: number;
  /** Where each picture's random numbers come from: one for each, one for all, or none for the shared one. */
  readonly generators: readonly Generator[];
  /** The noise to start from; null for fresh noise. */
  readonly latents: Tensor | null;
  /** The loss that pulls at the picture; null for none. */
  readonly guidance: Required<LossGuidance> | null;
  /** What is called after each step. */
  readonly callbacks: Callbacks<never>;
  /** Ends the run before its next step. */
  readonly signal: AbortSignal | null;
  /** Whether a progress bar is shown. */
  readonly progress: boolean;
  /** What is written into the pictures. */
  readonly metadata: ImageMetadata;
}

/** What a run is described for. */
export interface RunParts {
  readonly unet: UNet2DConditionModel;
  readonly scheduler: Scheduler;
  /** Pixels for each latent. */
  readonly pixelsPerLatent: number;
  /** Options of this kind of pipeline alone. */
  readonly ownOptions: readonly string[];
}

/**
 * Checks what a pipeline is asked for, and fills in what it is not told.
 *
 * @param name - the pipeline, for errors
 * @throws RangeError or TypeError that names the option
 */
export function describeRun(name: string, options: GenerateOptions, parts: RunParts): Run {
  const fail = (text: string, Kind: new (message: string) => Error = RangeError): never => {
    throw new Kind(`${name}: ${text}`);
  };
  const count = (key: string, value: number): number =>
    Number.isInteger(value) && value > 0 ? value : fail(`${key} is ${shown(value)}; expected a whole number from 1 up`);
  const share = (key: string, value: number): number =>
    typeof value === "number" && value >= 0 && value <= 1 ? value : fail(`${key} is ${shown(value)}; expected 0 to 1`);
  const { unet, pixelsPerLatent } = parts;
  const scheduler = ownScheduler(name, parts.scheduler);
  checkNames(name, options, parts.ownOptions);

  const { prompt, promptEmbeds = null, negativePrompt, negativePromptEmbeds = null } = options;
  if ((prompt === undefined) === (promptEmbeds === null)) fail("give either prompt or promptEmbeds", TypeError);
  const prompts = prompt === undefined ? null : textsOf(name, "prompt", prompt);
  if (prompts?.length === 0) fail("prompt is an empty list; expected a string, or a list of at least one");
  if (negativePrompt !== undefined && negativePromptEmbeds !== null)
    fail("give either negativePrompt or negativePromptEmbeds", TypeError);
  checkFloats(name, { promptEmbeds, negativePromptEmbeds, latents: options.latents });
  if (promptEmbeds && promptEmbeds.ndim !== 3)
    fail(`promptEmbeds ${show(promptEmbeds.shape)}; expected [prompts, tokens, width]`);
  const numPrompts = prompts?.length ?? promptEmbeds!.shape[0]!;
  const numImagesPerPrompt = count("numImagesPerPrompt", options.numImagesPerPrompt ?? 1);
  const numImages = numPrompts * numImagesPerPrompt;

  const guidanceScale = options.guidanceScale ?? 7.5;
  if (!Number.isFinite(guidanceScale)) fail(`guidanceScale is ${shown(guidanceScale)}; expected a number, such as 7.5`);
  const guidanceInterval = intervalOf(name, options.guidanceInterval, unet);
  checkCallbacks(name, options);
  const numInferenceSteps = startRun(name, scheduler, options, (steps) => count("numInferenceSteps", steps));
  const [rows, columns] = trainedSize(unet) ?? [64, 64];
  const native = { height: rows * pixelsPerLatent, width: columns * pixelsPerLatent };
  const size = (key: "height" | "width") => {
    const value = count(key, options[key] ?? native[key]);
    if (value % pixelsPerLatent === 0) return value;
    const near = Math.max(pixelsPerLatent, Math.round(value / pixelsPerLatent) * pixelsPerLatent);
    return fail(`${key} is ${value}; expected a multiple of ${pixelsPerLatent}, such as ${near}`);
  };
  const [height, width] = [size("height"), size("width")];
  if (height * width > MOST_AREA * native.height * native.width) {
    fail(
      `${height} x ${width} pixels are too many for a model trained on ${native.height} x ${native.width}: what attention ` +
        `costs grows with the square of their number. Expected at most ${MOST_AREA} times as many pixels, such as ` +
        `${4 * native.height} x ${4 * native.width}; paint a smaller picture and enlarge it with image.resize(width, height)`,
    );
  }
  if (options.seed !== undefined && options.generator !== undefined) fail("give either seed or generator", TypeError);
  const eta = share("eta", options.eta ?? 0);
  const guidanceRescale = share("guidanceRescale", options.guidanceRescale ?? 0);
  const generators = generatorsOf(name, options, numImages);
  if (options.signal && !(options.signal instanceof AbortSignal))
    fail(`signal is ${shown(options.signal)}; expected that of new AbortController()`, TypeError);
  const { callback, callbackOnStepEnd, callbackOnStepEndTensorInputs = ["latents"] } = options;
  return {
    ...{ name, scheduler, prompts, promptEmbeds, numPrompts, numImagesPerPrompt, numImages, height, width },
    negativePrompts: negativesOf(name, negativePrompt, numPrompts),
    negativePromptEmbeds,
    clipSkip: options.clipSkip ?? 0,
    ...{ guidanceScale, guidanceInterval, guidanceRescale, eta, numInferenceSteps, generators },
    // Models with the guidance scale as an input have been taught to do without the second prediction.
    guided: guidanceScale > 1 && unet.config.time_cond_proj_dim === null,
    latents: options.latents ?? null,
    guidance: options.guidance ? checkGuidance(options.guidance) : null,
    callbacks: { callback, callbackOnStepEnd, callbackOnStepEndTensorInputs } as Callbacks<never>,
    signal: options.signal ?? null,
    progress: options.progress !== false,
    metadata: {
      ...asked({ prompt, negativePrompt, seed: options.seed === undefined ? undefined : String(options.seed) }),
      ...{ steps: numInferenceSteps, guidanceScale, scheduler: scheduler.constructor.name },
      ...asked({ guidanceInterval: options.guidanceInterval }),
      ...asked({ timesteps: options.timesteps, sigmas: options.sigmas, eta: options.eta }),
      size: `${width}x${height}`,
    } as ImageMetadata,
  };
}

/** Refuses tensors that are none, or hold no floats. */
function checkFloats(name: string, tensors: Readonly<Record<string, unknown>>): void {
  for (const [key, x] of Object.entries(tensors)) {
    if (x === undefined || x === null) continue;
    if (!(x instanceof Tensor)) throw new TypeError(`${name}: ${key} is ${shown(x)}; expected a tensor`);
    if (!isFloat(x.dtype)) {
      throw new TypeError(`${name}: ${key} is of ${x.dtype}, expected floats; convert it with ${key}.float()`);
    }
  }
}

/** What is there. */
function asked(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** A scheduler like the pipeline's, which no other run moves on. */
function ownScheduler(name: string, scheduler: unknown): Scheduler {
  if (scheduler instanceof Scheduler) return scheduler.clone();
  const got = typeof scheduler === "function" ? scheduler.name : String(scheduler);
  throw new TypeError(
    `${name}: the scheduler is ${got}; expected one, such as DDIMScheduler.fromConfig(pipe.scheduler.config)`,
  );
}

/** Sets the run's timesteps. @returns the number of its steps */
function startRun(
  name: string,
  scheduler: Scheduler,
  { timesteps, sigmas, numInferenceSteps = 50 }: GenerateOptions,
  count: (steps: number) => number,
): number {
  if (timesteps && sigmas) throw new TypeError(`${name}: give either timesteps or sigmas`);
  const own = timesteps ?? sigmas;
  if (own === undefined) {
    scheduler.setTimesteps(count(numInferenceSteps));
    return numInferenceSteps;
  }
  if (!Array.isArray(own) || !own.every(Number.isFinite)) {
    const key = timesteps ? "timesteps" : "sigmas";
    throw new TypeError(`${name}: ${key} is ${shown(own)}; expected a list of numbers`);
  }
  scheduler.setTimesteps(null, timesteps ? { timesteps } : { sigmas: sigmas! });
  return scheduler.timesteps.length;
}

function checkCallbacks(name: string, options: Callbacks<never>): void {
  for (const key of ["callback", "callbackOnStepEnd"] as const) {
    if (options[key] !== undefined && typeof options[key] !== "function")
      throw new TypeError(`${name}: ${key} is ${shown(options[key])}; expected a function`);
  }
  const { callbackOnStepEndTensorInputs: wanted = [] } = options;
  if (!Array.isArray(wanted)) {
    throw new TypeError(
      `${name}: callbackOnStepEndTensorInputs is ${shown(wanted)}; expected a list of some of ${CALLBACK_TENSORS.join(", ")}`,
    );
  }
  const strange = wanted.find((key) => !CALLBACK_TENSORS.includes(key));
  if (strange !== undefined) {
    throw new RangeError(
      `${name}: callbackOnStepEndTensorInputs has ${shown(strange)}; expected some of ${CALLBACK_TENSORS.join(", ")}`,
    );
  }
}

function intervalOf(name: string, given: unknown, unet: UNet2DConditionModel): readonly [number, number] | null {
  if (given === undefined) return null;
  if (!Array.isArray(given) || given.length !== 2 || given.some((level) => typeof level !== "number")) {
    throw new TypeError(
      `${name}: guidanceInterval is ${shown(given)}; expected two noise levels, such as [0.28, 5.42]`,
    );
  }
  const [low, high] = given as [number, number];
  if (!(low >= 0 && low <= high)) {
    throw new RangeError(
      `${name}: guidanceInterval is ${shown(given)}; expected noise levels of 0 or more, the lower one first`,
    );
  }
  if (unet.config.time_cond_proj_dim !== null) {
    throw new RangeError(
      `${name}: guidanceInterval is ${shown(given)}, but this model takes the guidance scale as an input and needs no second prediction; leave it out`,
    );
  }
  return [low, high];
}

function textsOf(name: string, key: string, given: unknown): string[] {
  const list: unknown[] = Array.isArray(given) ? given : [given];
  const wrong = list.findIndex((text) => typeof text !== "string");
  if (wrong < 0) return list as string[];
  throw new TypeError(
    `${name}: ${key} ${Array.isArray(given) ? "holds" : "is"} ${shown(list[wrong])}; expected a string, or a list of strings`,
  );
}

function negativesOf(name: string, given: GenerateOptions["negativePrompt"], batch: number): readonly string[] {
  const list = given === undefined ? [""] : textsOf(name, "negativePrompt", given);
  if (list.length === batch) return list;
  if (list.length === 1) return new Array<string>(batch).fill(list[0]!);
  throw new RangeError(
    `${name}: ${plural(list.length, "negative prompt")} for ${plural(batch, "prompt")}; expected one, or the same number`,
  );
}

function generatorsOf(name: string, { seed, generator }: GenerateOptions, count: number): readonly Generator[] {
  if (seed !== undefined) return [new Generator(seed)];
  if (generator === undefined) return [];
  const list = generator instanceof Generator ? [generator] : generator;
  if (!Array.isArray(list) || !list.every((each) => each instanceof Generator)) {
    throw new TypeError(`${name}: generator is ${shown(generator)}; expected new Generator(seed), or a list of them`);
  }
  if (list.length !== 1 && list.length !== count) {
    throw new RangeError(
      `${name}: ${plural(list.length, "generator")} for ${plural(count, "picture")}; expected one, or the same number`,
    );
  }
  return list;
}
