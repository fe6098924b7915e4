import { checkChoice, checkInteger, checkNumber, checkOptions, type Names, shown } from "../options.ts";
import { LR_SCHEDULERS, type LrScheduler } from "./lr-scheduler.ts";
import type { PictureSource } from "./pictures.ts";

/** What all ways of fine-tuning have in common, by the names of diffusers' training scripts. */
export interface TrainingOptions {
  /** The pictures to learn from. */
  data: PictureSource;
  /** What the captions are called in `metadata.jsonl`; default "text". */
  captionColumn?: string;
  /** Pixels of one side; default what the U-Net was trained on. Larger pictures are shrunk until their shorter side fits, then cropped. */
  resolution?: number;
  /** Crop the middle rather than a place drawn at random; default false. */
  centerCrop?: boolean;
  /** Mirror every other picture, drawn at random; default false: what looks to the left may be part of what it is. */
  randomFlip?: boolean;
  /** How often each picture is in an epoch; default 100, or less where there are many. */
  repeats?: number;
  /** Optimizer steps in all. */
  maxTrainSteps?: number;
  /** Pictures for each step; default 4. With prior preservation as many of the class are added. */
  trainBatchSize?: number;
  /** Batches whose gradients make one step: as if `trainBatchSize` were so many times as large, in the memory of one; default 1. */
  gradientAccumulationSteps?: number;
  /** Learning rate at its highest. */
  learningRate?: number;
  /** How it goes on; default "constant". */
  lrScheduler?: LrScheduler;
  /** Steps in which it rises from 0; default 0. "constant" does not know them. */
  lrWarmupSteps?: number;
  /** AdamW's; default [0.9, 0.999]. */
  adamBetas?: readonly [number, number];
  /** AdamW's; default 0.01. */
  weightDecay?: number;
  /** Scale gradients down to this common length; null for never. */
  maxGradNorm?: number | null;
  /** Count steps with little noise less; default all alike. 5 is usual. @see https://arxiv.org/abs/2303.09556 */
  snrGamma?: number;
  /** Noise that is the same all over a picture, so that it learns to be dark or bright; default 0. */
  noiseOffset?: number;
  /** Keep a running mean of what is learnt, and end with it; default false. */
  useEma?: boolean;
  /** Weight of the past in that mean; default 0.9999, less at first. */
  emaDecay?: number;
  /** Of noise, crops and order; default the generator as it is (`manualSeed`). */
  seed?: number;
  /** What to paint every `validationSteps` steps, to see how far it is. */
  validationPrompt?: string | readonly string[];
  /** Default 100. */
  validationSteps?: number;
  /** How validation and class pictures are painted; default 25 steps, the pipeline's guidance, seed 0. */
  sampling?: SamplingOptions;
  /** Where what is learnt is written, with checkpoints; default nowhere. */
  outputDir?: string;
  /** Steps between checkpoints in `outputDir`; default 500. */
  checkpointingSteps?: number;
  /** Go on exactly where a training with the same options was stopped: true for the checkpoint in `outputDir`, or its path. */
  resumeFromCheckpoint?: boolean | string;
  /** Ends the training after the step at hand, as the stop button and Ctrl+C do. */
  signal?: AbortSignal;
  /** Show nothing; default false. */
  quiet?: boolean;
}

/** How pictures are painted on the way. */
export interface SamplingOptions {
  /** Steps of the scheduler; default 25. */
  readonly numInferenceSteps?: number;
  /** Default: what the pipeline paints with if nothing is said, which is 7.5 unless its checkpoint names another. */
  readonly guidanceScale?: number;
  /** Of the noise that they start from; default 0. */
  readonly seed?: number;
}

/** Prior preservation: pictures of the class, so that not everything becomes the one thing. @see Ruiz et al. 2022: https://arxiv.org/abs/2208.12242 */
export interface PriorOptions {
  /** Learn from pictures of the class as well; default false. */
  withPriorPreservation?: boolean;
  /** What the class is called, such as "a photo of a dog". */
  classPrompt?: string;
  /** Pictures of the class; default painted by the pipeline as it is, and kept in `outputDir/class`. */
  classData?: PictureSource;
  /** How many are painted; default 100. */
  numClassImages?: number;
  /** Weight of their error beside that of the pictures to learn; default 1. */
  priorLossWeight?: number;
}

export const TRAINING_OPTIONS: Names<TrainingOptions> = {
  data: true,
  captionColumn: true,
  resolution: true,
  centerCrop: true,
  randomFlip: true,
  repeats: true,
  maxTrainSteps: true,
  trainBatchSize: true,
  gradientAccumulationSteps: true,
  learningRate: true,
  lrScheduler: true,
  lrWarmupSteps: true,
  adamBetas: true,
  weightDecay: true,
  maxGradNorm: true,
  snrGamma: true,
  noiseOffset: true,
  useEma: true,
  emaDecay: true,
  seed: true,
  validationPrompt: true,
  validationSteps: true,
  sampling: true,
  outputDir: true,
  checkpointingSteps: true,
  resumeFromCheckpoint: true,
  signal: true,
  quiet: true,
};

export const PRIOR_OPTIONS: Names<PriorOptions> = {
  withPriorPreservation: true,
  classPrompt: true,
  classData: true,
  numClassImages: true,
  priorLossWeight: true,
};

/** The options of a training with defaults filled in. */
export type Settings = TrainingOptions &
  Required<
    Pick<
      TrainingOptions,
      | "resolution"
      | "centerCrop"
      | "randomFlip"
      | "maxTrainSteps"
      | "trainBatchSize"
      | "gradientAccumulationSteps"
      | "learningRate"
      | "lrScheduler"
      | "lrWarmupSteps"
      | "adamBetas"
      | "weightDecay"
      | "maxGradNorm"
      | "validationSteps"
      | "checkpointingSteps"
      | "emaDecay"
      | "quiet"
    >
  >;

/** What the ways of fine-tuning differ in. */
export type Defaults = Pick<Settings, "maxTrainSteps" | "learningRate" | "maxGradNorm">;

/**
 * Checks what all trainings have in common, and fills in the rest.
 *
 * @param own - names of the options that this way of fine-tuning has besides
 * @param place - what sizes are possible: pixels of the U-Net's own pictures, and what divides them
 */
export function settingsOf(
  where: string,
  options: TrainingOptions,
  own: Readonly<Record<string, true>>,
  defaults: Defaults,
  place: { readonly size: number; readonly divisor: number },
): Settings {
  checkOptions(where, options, { ...TRAINING_OPTIONS, ...own } as Names<TrainingOptions>);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings = {
    ...{ resolution: place.size, centerCrop: false, randomFlip: false },
    ...{ trainBatchSize: 4, gradientAccumulationSteps: 1 },
    ...{ lrScheduler: "constant", lrWarmupSteps: 0, adamBetas: [0.9, 0.999], weightDecay: 0.01, emaDecay: 0.9999 },
    ...{ validationSteps: 100, checkpointingSteps: 500, quiet: false },
    ...defaults,
    ...given,
  } as unknown as Settings;
  const integers = [
    "resolution",
    "maxTrainSteps",
    "trainBatchSize",
    "gradientAccumulationSteps",
    "validationSteps",
    "checkpointingSteps",
  ] as const;
  for (const name of integers) checkInteger(where, name, [settings[name]], 1);
  if (settings.repeats !== undefined) checkInteger(where, "repeats", [settings.repeats], 1);
  checkInteger(where, "lrWarmupSteps", [settings.lrWarmupSteps], 0);
  if (settings.seed !== undefined) checkInteger(where, "seed", [settings.seed], 0);
  checkNumber(where, "learningRate", settings.learningRate, 0);
  for (const name of ["weightDecay", "snrGamma", "noiseOffset"] as const) {
    if (settings[name] !== undefined) checkNumber(where, name, settings[name], 0);
  }
  if (settings.maxGradNorm !== null) checkNumber(where, "maxGradNorm", settings.maxGradNorm, 0);
  checkChoice(where, "lrScheduler", settings.lrScheduler, LR_SCHEDULERS);
  checkOptions(`${where}: sampling`, settings.sampling ?? {}, ["numInferenceSteps", "guidanceScale", "seed"]);
  const { resolution, resumeFromCheckpoint: resume, outputDir } = settings;
  if (resolution % place.divisor !== 0) {
    const near = Math.max(1, Math.round(resolution / place.divisor)) * place.divisor;
    throw new RangeError(
      `${where}: resolution is ${resolution}; expected a multiple of ${place.divisor}, such as ${near}`,
    );
  }
  if (resume === true && outputDir === undefined) {
    throw new RangeError(
      `${where}: resumeFromCheckpoint without outputDir; give the folder that contains the checkpoint, or the checkpoint's path`,
    );
  }
  if (resume !== undefined && typeof resume !== "boolean" && typeof resume !== "string") {
    throw new TypeError(`${where}: resumeFromCheckpoint is ${shown(resume)}; expected true, false or a path`);
  }
  return settings;
}

/** A text that is needed. */
export function checkPrompt(where: string, name: string, value: unknown, example: string): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new TypeError(`${where}: ${name} is ${shown(value)}; expected a string such as ${shown(example)}`);
}
