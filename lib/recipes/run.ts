import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeChecksums } from "../hub/index.ts";
import { manualSeed } from "../random/index.ts";
import { dataPath } from "../shipped.ts";
import type { LearnerOptions } from "../train/callback.ts";
import { SaveCheckpoints } from "../train/callbacks/save-checkpoints.ts";
import { StopOnDivergence } from "../train/callbacks/stop-on-divergence.ts";
import { Learner } from "../train/learner.ts";
import { duration } from "../train/progress.ts";
import { type Figures, writeReadme } from "./readme.ts";

/** How one of the networks that ship is trained. */
export interface Recipe {
  /** What it makes, in one line. */
  readonly about: string;
  /** Training steps if the run does not say. */
  readonly steps: number;
  /** Seed of weights, batches and pictures; default 0. */
  readonly seed?: number;
  /** Trains the network and writes it, with its figures, into the run's folder. */
  train(run: Run): Promise<void>;
}

/** What a run may do differently from its recipe: the options of `npm run train`. */
export interface RunOptions {
  /** Training steps, at least 1; default the recipe's. */
  readonly steps?: number;
  /** Seed of weights, batches and pictures; default the recipe's. Another one gives other pictures in another order. */
  readonly seed?: number;
  /** Use at most this many pictures, at least 1, to try a recipe out; default all of the recipe's. */
  readonly examples?: number;
  /** Pictures in a step, at least 1; default the recipe's. */
  readonly batch?: number;
  /** Folder for the models; default the package's `data`. */
  readonly out?: string;
  /** Folder for checkpoints; default `.cache/training` in the current folder. */
  readonly checkpoints?: string;
  /** Milliseconds between two checkpoints; default a minute. */
  readonly every?: number;
  /** Begin with the weights that ship rather than new ones, where the recipe can; default false. */
  readonly shipped?: boolean;
  /** Start over even if there is a checkpoint; default false. */
  readonly fresh?: boolean;
  /** Print nothing; default false. */
  readonly quiet?: boolean;
}

/**
 * Follows a recipe, from its seed.
 *
 * @param name - the recipe's, which its checkpoint and its README bear
 * @throws RangeError for a number of steps, pictures or examples below 1; as `Run.fit`
 */
export async function follow(name: string, recipe: Recipe, options: RunOptions = {}): Promise<void> {
  const run = new Run(name, recipe, options);
  manualSeed(run.seed);
  await recipe.train(run);
}

/** One run of a recipe: what all recipes need besides a model, its data and its loss. */
export class Run {
  /** The recipe's name, such as "unet". */
  readonly name: string;
  /** Training steps of this run. */
  readonly steps: number;
  /** Seed of weights, batches and pictures. */
  readonly seed: number;
  /** What this run does differently from the recipe. */
  readonly options: RunOptions;
  readonly #about: string;
  #learner: Learner | null = null;

  constructor(name: string, recipe: Recipe, options: RunOptions = {}) {
    this.name = name;
    this.steps = options.steps ?? recipe.steps;
    this.seed = options.seed ?? recipe.seed ?? 0;
    this.options = options;
    this.#about = recipe.about;
    const { batch, examples } = options;
    for (const [what, count] of Object.entries({ steps: this.steps, batch, examples })) {
      if (count !== undefined && (!Number.isInteger(count) || count < 1)) {
        throw new RangeError(`train ${name}: ${what} is ${count}; expected a whole number from 1 up`);
      }
    }
  }

  /** `count` pictures, or fewer where the recipe is only tried out. */
  examples(count: number): number {
    return Math.min(count, this.options.examples ?? count);
  }

  /** Pictures in a step: `size`, if this run does not say otherwise. */
  batch(size: number): number {
    return this.options.batch ?? size;
  }

  /** Path of a model, or of a part of it: among those that ship, or in `options.out`. */
  path(...parts: readonly string[]): string {
    return this.options.out === undefined ? dataPath(...parts) : join(this.options.out, ...parts);
  }

  /** Path of something that only recipes need, next to the checkpoints. */
  scratch(...parts: readonly string[]): string {
    return join(this.options.checkpoints ?? join(".cache", "training"), ...parts);
  }

  /** The file that this recipe's training is saved to and resumed from. */
  get checkpoint(): string {
    return this.scratch(`${this.name}.safetensors`);
  }

  /** Prints a line, unless the run is quiet. */
  log(message: string): void {
    if (!this.options.quiet) console.log(message);
  }

  /**
   * Trains until all steps are done. A checkpoint is written every minute (`options.every`), completely or not at all, so that
   * after a kill the same command continues with exactly the losses of an uninterrupted run.
   *
   * @returns the learner, with the losses of all steps
   * @throws Stopped if it was interrupted; Error if the loss becomes NaN or keeps rising (the last good checkpoint stays), or a
   *   checkpoint does not fit
   */
  async fit(options: LearnerOptions): Promise<Learner> {
    const { every = 60_000, fresh = false, quiet = false } = this.options;
    const learner = new Learner({
      ...options,
      quiet,
      callbacks: [
        ...(options.callbacks ?? []),
        new StopOnDivergence(),
        new SaveCheckpoints(this.checkpoint, { seconds: every / 1000 }),
      ],
    });
    this.#learner = learner;
    if (existsSync(this.checkpoint)) {
      if (fresh) await rm(this.checkpoint);
      else {
        await this.#resume(learner);
        this.log(`${this.checkpoint}: continuing after step ${learner.step}; use --fresh to start over`);
      }
    }
    try {
      const { interrupted } = await learner.fit(Number.POSITIVE_INFINITY, { steps: this.steps });
      if (interrupted) {
        throw new Stopped(
          `train ${this.name}: stopped after step ${learner.step}; run the same command again to continue from there`,
        );
      }
    } catch (error) {
      if (error instanceof Stopped) throw error;
      const kept = existsSync(this.checkpoint) ? ` The last good checkpoint is ${this.checkpoint}.` : "";
      throw new Error(`train ${this.name}: ${(error as Error).message}${kept}`, { cause: error });
    } finally {
      learner.close();
    }
    return learner;
  }

  async #resume(learner: Learner): Promise<void> {
    try {
      await learner.load(this.checkpoint);
    } catch (error) {
      throw new Error(
        `train ${this.name}: the checkpoint cannot be used: ${(error as Error).message}. Use --fresh to start without it.`,
        { cause: error },
      );
    }
    if (learner.step > this.steps) {
      throw new Error(
        `train ${this.name}: ${this.checkpoint} is at step ${learner.step}, beyond ${this.steps}; use --fresh to start over`,
      );
    }
  }

  /**
   * Writes what accompanies a model's weights: a README with its figures and how it was made, and their checksums.
   *
   * @param folder - where the README goes
   * @param options.about - what the model is, a sentence; default the recipe's
   * @param options.figures - what was measured
   * @param options.model - the folder whose weights get checksums, if `folder` is a part of it; default `folder`
   */
  async finish(folder: string, options: { about?: string; figures: Figures; model?: string }): Promise<void> {
    const { about = `${this.#about[0]!.toUpperCase()}${this.#about.slice(1)}.`, figures } = options;
    const learner = this.#learner;
    const made = {
      command: `npm run train -- ${this.name}`,
      seed: this.seed,
      steps: `${this.steps} of ${learner?.options.data.batchSize ?? "?"} examples`,
      time: duration(learner?.elapsed ?? 0),
    };
    await writeReadme(folder, { title: this.name, about, figures, made });
    await writeChecksums(options.model ?? folder);
    this.log(
      `${Object.entries(figures)
        .map(([name, value]) => `${name}: ${value}`)
        .join("\n")}\n-> ${folder}`,
    );
  }
}

/** Thrown when somebody has stopped a run: not a failure, and its checkpoint is kept. */
export class Stopped extends Error {}
