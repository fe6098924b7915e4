import { existsSync } from "node:fs";
import { join } from "node:path";
import { AdamW, EMA, type Optimizer } from "../optim/index.ts";
import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { revise } from "../pipelines/revisions.ts";
import { manualSeed } from "../random/index.ts";
import { cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { DataLoader } from "../train/data-loader.ts";
import { Diverged, DivergenceWatch } from "../train/divergence.ts";
import { type FitResult, Learner } from "../train/learner.ts";
import type { PictureBatches } from "./batches.ts";
import { LastGood } from "./last-good.ts";
import { Frozen, type Learnable } from "./learnable.ts";
import { getScheduler } from "./lr-scheduler.ts";
import { type Networks, NoiseObjective, trainingScheduler } from "./objective.ts";
import type { Settings } from "./options.ts";
import { FineTuned } from "./result.ts";
import { samplingOf, Validation } from "./validation.ts";

/** One training: what is learnt of what, and how. */
export interface Training {
  /** The function that was called, for errors and displays. */
  readonly where: string;
  readonly pipe: StableDiffusionPipeline;
  readonly learnable: Learnable;
  readonly batches: PictureBatches;
  readonly settings: Settings;
  /** Weight of the error of class pictures, where there are some. */
  readonly priorLossWeight?: number;
}

/**
 * The loop that all ways of fine-tuning share. Whatever ends it (its last step, the stop button, an error), the pipeline has
 * what was learnt until then.
 *
 * @throws Error where the loss is no number or rises for good: what was learnt before that is kept
 */
export async function train(training: Training): Promise<FineTuned> {
  const { where, pipe, learnable, settings } = training;
  const { outputDir, maxTrainSteps, quiet } = settings;
  const checkpoint = checkpointOf(settings);
  const resumes = settings.resumeFromCheckpoint ? checkpoint : undefined;
  if (resumes !== undefined && !existsSync(resumes)) {
    throw new Error(`${where}: ${resumes}: there is no such checkpoint; leave resumeFromCheckpoint out to start anew`);
  }
  const parts = { unet: pipe.unet, textEncoder: pipe.textEncoder, vae: pipe.vae };
  const { learnt } = learnable;
  const frozen = await Frozen.all(parts, new Set(learnt));
  const learner = learnerOf(training, parts, learnt);
  const { ema } = learner.options;
  const validation = validationOf(training);
  const lastGood = new LastGood(learnt);
  const watch = new DivergenceWatch();
  const saveCheckpoint = async () => {
    if (outputDir !== undefined) await learner.save(join(outputDir, CHECKPOINT));
  };
  const paint = async (step: number) => {
    await learnable.install();
    await validation!.paint(step);
    learnable.uninstall();
  };
  const onStep = async ({ step, numbers }: { step: number; numbers: { readonly loss: number } }) => {
    watch.add(step, numbers.loss);
    await lastGood.add(step);
    if (validation && step % settings.validationSteps === 0) await paint(step);
    if (step % settings.checkpointingSteps === 0 && step < maxTrainSteps) await saveCheckpoint();
  };
  (learner.options.callbacks as object[]).push({ onStep });
  let fit: FitResult;
  let failure: Error | undefined;
  let unchanged = 0;
  let saved: string | undefined;
  try {
    if (resumes !== undefined) await learner.load(resumes);
    else if (settings.seed !== undefined) manualSeed(settings.seed);
    if (validation && learner.step === 0) await paint(0);
    try {
      const { signal } = settings;
      fit = await learner.fit(Number.POSITIVE_INFINITY, { steps: maxTrainSteps, ...(signal ? { signal } : {}) });
    } catch (error) {
      failure = error as Error;
      fit = { epochs: [], interrupted: true, steps: learner.step, elapsed: learner.elapsed };
      if (failure instanceof Diverged) await lastGood.restore();
    }
    unchanged = (await frozen.check()) - (learnable.standIns ?? 0);
    if (failure === undefined) await saveCheckpoint();
    if (ema && failure === undefined && !fit.interrupted) ema.copyTo(learnable.model);
  } finally {
    learner.close();
    frozen.release();
    for (const part of Object.values(parts)) part.eval();
    await learnable.install();
    for (const part of Object.values(parts)) revise(part);
    if (outputDir !== undefined && learner.step > 0) saved = await learnable.save(outputDir);
  }
  if (failure) throw explained(training, failure, lastGood.step, saved);
  const { step: steps, losses, elapsed } = learner;
  const { interrupted } = fit;
  if (interrupted && !quiet && outputDir !== undefined) {
    console.log(`${where}: stopped after step ${steps}; { resumeFromCheckpoint: true } goes on from there`);
  }
  const painted = validation?.painted ?? [];
  return new FineTuned(learnable, {
    ...{ name: where, steps, losses: [...losses], interrupted, elapsed, validation: painted, unchanged, saved },
  });
}

/** Batches, optimizer, schedule, mean and loss of a training. */
export function learnerOf(training: Training, parts: Networks, parameters: readonly Tensor[]): Learner {
  const { pipe, learnable, batches, settings, priorLossWeight = 1 } = training;
  const { learningRate: lr, adamBetas, weightDecay, lrScheduler, lrWarmupSteps, maxTrainSteps } = settings;
  const { gradientAccumulationSteps: accumulate, maxGradNorm, quiet, useEma, emaDecay: decay } = settings;
  const optimizer: Optimizer = new AdamW(parameters, { lr, betas: [...adamBetas], weightDecay });
  const data = new DataLoader(batches, {
    batchSize: Math.min(settings.trainBatchSize * accumulate, batches.length),
    ...{ shuffle: true, dropLast: true, seed: settings.seed ?? 0 },
  });
  const noise = new NoiseObjective(parts, trainingScheduler(pipe.scheduler), settings);
  const objective = (pixels: Tensor, ids: Tensor, classPixels?: Tensor, classIds?: Tensor) =>
    learnable.apply(() => {
      if (!classPixels || !classIds) return noise.errors(pixels, ids).mean();
      // All in one pass, as diffusers has it.
      const [own, prior] = noise.errors(cat([pixels, classPixels]), cat([ids, classIds])).chunk(2, 0) as [
        Tensor,
        Tensor,
      ];
      return { loss: own.mean().add(prior.mean().mul(priorLossWeight)), own: own.mean(), prior: prior.mean() };
    });
  const schedule = getScheduler(lrScheduler, optimizer, {
    ...{ numWarmupSteps: lrWarmupSteps, numTrainingSteps: maxTrainSteps },
  });
  return new Learner({
    ...{ model: learnable.model, optimizer, data, schedule, objective, accumulate, quiet, callbacks: [] },
    ...(maxGradNorm === null ? {} : { clipNorm: maxGradNorm }),
    ...(useEma ? { ema: new EMA(learnable.model, { decay, warmup: true }) } : {}),
  });
}

const CHECKPOINT = "checkpoint.safetensors";

function checkpointOf({ resumeFromCheckpoint, outputDir }: Settings): string | undefined {
  if (typeof resumeFromCheckpoint === "string") return resumeFromCheckpoint;
  return outputDir === undefined ? undefined : join(outputDir, CHECKPOINT);
}

function validationOf({ pipe, settings }: Training): Validation | null {
  const { validationPrompt, outputDir, quiet } = settings;
  if (validationPrompt === undefined) return null;
  return new Validation(pipe, [validationPrompt].flat(), {
    ...{ sampling: samplingOf(settings.sampling), quiet },
    folder: outputDir === undefined ? undefined : join(outputDir, "validation"),
  });
}

/** What went wrong, and where that is which had been learnt before. */
function explained({ where, settings }: Training, error: Error, lastGood: number, saved: string | undefined): Error {
  const message = error.message.replace(/^fit: /, "").replace(/\.? *$/, "");
  const upTo = error instanceof Diverged ? `up to step ${lastGood}` : "before";
  const place = saved === undefined ? "" : `, and in ${saved}`;
  return new Error(
    `${where}: ${message}. What was learnt ${upTo} is kept in the pipeline${place}. learningRate is ${settings.learningRate}.`,
    { cause: error },
  );
}
