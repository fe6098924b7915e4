import type { Schedule } from "../optim/schedule.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { DataLoader } from "./data-loader.ts";
import type { Numbers } from "./means.ts";
import type { StepOptions } from "./training-step.ts";

/** What is trained, with what, and how. */
export interface LearnerOptions extends StepOptions {
  /** The batches to train on. */
  readonly data: DataLoader;
  /** Looked at after each epoch, without training. */
  readonly validation?: DataLoader;
  /** Steps after each of the optimizer's. */
  readonly schedule?: Schedule;
  /** What else to do, in this order. */
  readonly callbacks?: readonly Callback[];
  /** Show nothing; default false. */
  readonly quiet?: boolean;
}

/** What a callback sees of a learner: all of it, in fact. */
export interface Training {
  /** The options that the learner was made with. */
  readonly options: LearnerOptions;
  /** Steps taken in all. */
  readonly step: number;
  /** Steps in all at which this `fit` ends. */
  readonly total: number;
  /** Epochs finished. */
  readonly epoch: number;
  /** The batch of the current step; may be replaced before it. */
  batch: readonly Tensor[];
  /** The numbers of the last step; after an epoch, its means. */
  numbers: Numbers;
  /** The loss of each step so far. */
  readonly losses: readonly number[];
  /** Means over the epoch so far. */
  readonly means: Readonly<Record<string, number>>;
  /** Whether this `fit` was stopped before its last step. */
  readonly interrupted: boolean;
  /** Writes a checkpoint. */
  save(path: string): Promise<void>;
  /** Means of the objective's numbers over a data set. */
  validate(data: DataLoader): Promise<Numbers>;
}

/**
 * What else happens during a training, as in fast.ai: each method is called at the moment that its name says, with the
 * learner, on which everything stands (`step`, `epoch`, `numbers`, `batch`, `options`). A method may be async; training
 * waits for it.
 *
 * ```ts
 * const report: Callback = { afterEpoch: ({ epoch, numbers }) => console.log(epoch, numbers.validLoss) };
 * await new Learner({ model, optimizer, data, objective, callbacks: [report] }).fit(3);
 * ```
 *
 * Throwing `CancelBatch`, `CancelEpoch` or `CancelFit` ends that part early, without an error.
 */
export interface Callback {
  /** Before the first step of a `fit`. */
  beforeFit?(learner: Training): unknown;
  /** Before the first batch of an epoch. */
  beforeEpoch?(learner: Training): unknown;
  /** Before a step: `learner.batch` holds the batch, and may be replaced. */
  beforeBatch?(learner: Training): unknown;
  /** After a step: `learner.numbers` are its loss and whatever else the objective returned. */
  afterBatch?(learner: Training): unknown;
  /** After an epoch: `learner.numbers` are its means, those of the validation data with `valid` in front: `validLoss`. */
  afterEpoch?(learner: Training): unknown;
  /** After the last step of a `fit`, or after `CancelFit`. */
  afterFit?(learner: Training): unknown;
  /** At the very end of a `fit`, even if it failed: the place to let go of things. */
  cleanUp?(learner: Training): unknown;
}

/** Thrown by a callback: skips this batch, or what is left to do after it. */
export class CancelBatch extends Error {
  /** Its name. */
  override readonly name = "CancelBatch";
}

/** Thrown by a callback: ends the epoch here. */
export class CancelEpoch extends Error {
  /** Its name. */
  override readonly name = "CancelEpoch";
}

/** Thrown by a callback: ends the training here. The weights reached are kept, and another `fit` goes on from there. */
export class CancelFit extends Error {
  /** Its name. */
  override readonly name = "CancelFit";
}
