import { checkOptions, shown } from "../options.ts";
import type { Generator } from "../random/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Callbacks } from "./callbacks.ts";
import type { LossGuidance } from "./loss-guidance.ts";

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
  /**
   * Between which noise levels there is guidance: `[low, high]` in the unit of sigmas, the noise's standard deviation
   * beside latents of full strength (Stable Diffusion's go from about 0.03 to 14.6). Steps at `low` or below, and above
   * `high`, look at the prompt alone, which takes half the time; guidance harms at high levels and is of little use at low ones.
   * Default: everywhere. The paper's for ImageNet is `[0.28, 2.9]`, for Stable Diffusion XL `[0.28, 5.42]`.
   * @see Kynkäänniemi et al. 2024: https://arxiv.org/abs/2404.07724
   */
  guidanceInterval?: readonly [low: number, high: number];
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

// One for each option, so that the compiler notices which is missing.
const NAMES: Readonly<Record<keyof GenerateOptions, true>> = {
  ...{ prompt: true, negativePrompt: true, promptEmbeds: true, negativePromptEmbeds: true, clipSkip: true },
  ...{ callbackOnStepEnd: true, callbackOnStepEndTensorInputs: true, sigmas: true },
  ...{
    numInferenceSteps: true,
    timesteps: true,
    eta: true,
    guidanceScale: true,
    guidanceInterval: true,
    guidanceRescale: true,
  },
  ...{ height: true, width: true, numImagesPerPrompt: true, seed: true, generator: true, latents: true },
  ...{ guidance: true, callback: true, signal: true, progress: true },
};

/** What to use in place of options that diffusers' pipelines have, and these have not. */
const INSTEAD: Readonly<Record<string, string>> = {
  crossAttentionKwargs:
    'call pipe.setAdapters("default_0", 0.5) before the run for half of a LoRA; it has no other use here',
  outputType: "the result has both .images and .latents, and image.toTensor() gives a picture's tensor",
  returnDict: "the result is always an object with .images",
  callbackSteps: "callback is called after every step; look at step.index",
  ipAdapterImage: "image prompts are not supported",
  ipAdapterImageEmbeds: "image prompts are not supported",
};

/**
 * Refuses an option that is not known, since it would have no effect: `guidance_scale` from a notebook in Python, say.
 *
 * @param own - options of this kind of pipeline alone
 */
export function checkNames(name: string, options: GenerateOptions, own: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${name}: got ${shown(options)}; expected options, such as { prompt: "a horse on the moon" }`);
  }
  for (const key of Object.keys(options)) {
    const instead = Object.keys(INSTEAD).find((other) => other.toLowerCase() === key.replaceAll("_", "").toLowerCase());
    if (instead) throw new TypeError(`${name}: ${key} is no option here: ${INSTEAD[instead]}`);
  }
  checkOptions(name, options, [...Object.keys(NAMES), ...own]);
}
