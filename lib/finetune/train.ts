import { existsSync } from "node:fs";
import { join } from "node:path";
import { AdamW, EMA, type Optimizer } from "../optim/index.ts";
import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { revise } from "../pipelines/revisions.ts";
import { manualSeed } from "../random/index.ts";
import { cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Callback } from "../train/callback.ts";
import { SaveCheckpoints } from "../train/callbacks/save-checkpoints.ts";
import { Diverged, StopOnDivergence } from "../train/callbacks/stop-on-divergence.ts";
import { DataLoader } from "../train/data-loader.ts";
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
    throw new Error(`${where}: ${resumes}: there is no such checkpoint; leave out resumeFromCheckpoint to start over`);
  }
  const parts = { unet: pipe.unet, textEncoder: pipe.textEncoder, vae: pipe.vae };
  const { learnt } = learnable;
  const frozen = await Frozen.all(parts, new Set(learnt));
  const validation = validationOf(training);
  const lastGood = new LastGood(learnt);
  const paint = async (step: number) => {
    await learnable.install();
    await validation!.paint(step);
    learnable.uninstall();
  };
  const watch: Callback = {
    afterBatch: async ({ step }) => {
      await lastGood.add(step);
      if (validation && step % settings.validationSteps === 0) await paint(step);
    },
  };
  const steps = settings.checkpointingSteps;
  const saves = outputDir === undefined ? [] : [new SaveCheckpoints(join(outputDir, CHECKPOINT), { steps })];
  const learner = learnerOf(training, parts, learnt, [new StopOnDivergence(), watch, ...saves]);
  const { ema } = learner.options;
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
  const { step, losses, elapsed } = learner;
  const { interrupted } = fit;
  if (interrupted && !quiet && outputDir !== undefined) {
    console.log(`${where}: stopped after step ${step}; { resumeFromCheckpoint: true } continues from there`);
  }
  const painted = validation?.painted ?? [];
  return new FineTuned(learnable, {
    ...{ name: where, steps: step, losses: [...losses], interrupted, elapsed, validation: painted, unchanged, saved },
  });
}

/** Batches, optimizer, schedule, mean and loss of a training. */
export function learnerOf(
  training: Training,
  parts: Networks,
  parameters: readonly Tensor[],
  callbacks: readonly Callback[] = [],
): Learner {
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
    ...{ model: learnable.model, optimizer, data, schedule, objective, accumulate, quiet, callbacks },
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
    `${where}: ${message}. Everything learned ${upTo} is kept in the pipeline${place}. learningRate is ${settings.learningRate}.`,
    { cause: error },
  );
}
