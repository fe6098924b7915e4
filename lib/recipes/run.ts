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
  /** What comes of it, in a line. */
  readonly about: string;
  readonly steps: number;
  /** Of weights, batches and pictures; default 0. */
  readonly seed?: number;
  train(run: Run): Promise<void>;
}

export interface RunOptions {
  /** In place of the recipe's. */
  readonly steps?: number;
  /** In place of the recipe's: other pictures, in another order. */
  readonly seed?: number;
  /** Use at most so many pictures: to try a recipe out. */
  readonly examples?: number;
  /** Pictures in a step, in place of the recipe's. */
  readonly batch?: number;
  /** Where the models go; default the package's `data`. */
  readonly out?: string;
  /** Where checkpoints go; default `.cache/training` in the folder at hand. */
  readonly checkpoints?: string;
  /** Milliseconds between two checkpoints; default a minute. */
  readonly every?: number;
  /** Begin with the weights that ship, not with new ones, where the recipe can. */
  readonly shipped?: boolean;
  /** Start anew where there is a checkpoint. */
  readonly fresh?: boolean;
  readonly quiet?: boolean;
}

/** Follows a recipe, from its seed. */
export async function follow(name: string, recipe: Recipe, options: RunOptions = {}): Promise<void> {
  const run = new Run(name, recipe, options);
  manualSeed(run.seed);
  await recipe.train(run);
}

/** One run of a recipe: what they all need beside the model, its data and its loss. */
export class Run {
  readonly name: string;
  readonly steps: number;
  readonly seed: number;
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

  /** So many pictures, or fewer where the recipe is only tried out. */
  examples(count: number): number {
    return Math.min(count, this.options.examples ?? count);
  }

  batch(size: number): number {
    return this.options.batch ?? size;
  }

  /** Where a model lies among those that ship, or among those of this run. */
  path(...parts: readonly string[]): string {
    return this.options.out === undefined ? dataPath(...parts) : join(this.options.out, ...parts);
  }

  /** Where something lies that only other recipes need. */
  scratch(...parts: readonly string[]): string {
    return join(this.options.checkpoints ?? join(".cache", "training"), ...parts);
  }

  get checkpoint(): string {
    return this.scratch(`${this.name}.safetensors`);
  }

  log(message: string): void {
    if (!this.options.quiet) console.log(message);
  }

  /**
   * Trains until all steps are done. A checkpoint a minute, whole or the one before, lets the same command go on after a
   * kill with the very losses that an unbroken run has.
   *
   * @throws Error where the loss is no number, or rises for good; the last good checkpoint stays
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
   * Writes what stands beside a model's weights: a README with its figures and how it was made, and their checksums.
   *
   * @param options.model - the folder that has the checksums, where `folder` is a part of it
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

/** A run that somebody stopped: no fault. */
export class Stopped extends Error {}
