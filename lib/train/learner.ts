import { type Compiled, compile } from "../compile/compile.ts";
import { counted, listed, PRINTED } from "../printed.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Callback, CancelBatch, CancelEpoch, CancelFit, type LearnerOptions, type Training } from "./callback.ts";
import { ProgressCallback } from "./callbacks/progress-callback.ts";
import { Recorder } from "./callbacks/recorder.ts";
import { StopOnInterrupt } from "./callbacks/stop-on-interrupt.ts";
import { loadTraining, saveTraining } from "./checkpoint.ts";
import type { DataLoader, LoaderState } from "./data-loader.ts";
import { explainSmallBatch, firstBadTensor, NotFinite } from "./diagnose.ts";
import { Means, type Numbers } from "./means.ts";
import { read, record, TrainingStep } from "./training-step.ts";

export type { Numbers } from "./means.ts";
export type { Objective } from "./training-step.ts";

/** What a training gave. */
export interface FitResult {
  /** Numbers of each epoch that ended. */
  readonly epochs: readonly Numbers[];
  /** Whether it was stopped before the last epoch ended. */
  readonly interrupted: boolean;
  /** Steps taken in all. */
  readonly steps: number;
  /** Milliseconds. */
  readonly elapsed: number;
}

/**
 * Trains a model: `await new Learner({ model, optimizer, data, objective }).fit(3)`.
 *
 * It is a small loop; what happens around the steps is up to its callbacks, of which it brings three (`Recorder`,
 * `StopOnInterrupt`, `ProgressCallback`).
 */
export class Learner implements Training {
  /** The options that it was made with. */
  readonly options: LearnerOptions;
  /** The losses and means so far. */
  readonly recorder = new Recorder();
  /** Steps taken in all. */
  step = 0;
  /** Steps in all at which this `fit` ends. */
  total = 0;
  /** Milliseconds of training in all, those before a checkpoint included. */
  elapsed = 0;
  /** The batch of the current step. */
  batch: readonly Tensor[] = [];
  /** The numbers of the last step; after an epoch, its means. */
  numbers: Numbers = { loss: Number.NaN };
  /** Whether this `fit` was stopped before its last step. */
  interrupted = false;
  readonly #train: TrainingStep;
  readonly #valid: Compiled<Tensor[], Record<string, Tensor>>;
  #callbacks: readonly Callback[] = [];
  // Where training goes on if it ends now; the loader itself is a batch ahead.
  #at: LoaderState | null = null;

  constructor(options: LearnerOptions) {
    this.options = options;
    const { model, objective } = options;
    this.#train = new TrainingStep(options);
    this.#valid = compile(
      (...batch: Tensor[]) => {
        model.eval();
        try {
          return noGrad(() => record(objective(...batch)));
        } finally {
          model.train();
        }
      },
      { name: "Learner's validation" },
    );
  }

  /** Loss of each step so far. */
  get losses(): readonly number[] {
    return this.recorder.losses;
  }

  /** Means of each epoch so far. */
  get epochs(): readonly Numbers[] {
    return this.recorder.epochs;
  }

  /** Means over the epoch so far. */
  get means(): Readonly<Record<string, number>> {
    return this.recorder.means;
  }

  /** Epochs finished. */
  get epoch(): number {
    return this.recorder.epochs.length;
  }

  /**
   * Trains until `epochs` epochs are done in all, going on from where the learner stands (a loaded checkpoint, an
   * interrupted run). Ctrl+C in a terminal, the stop button of a notebook, `signal`, or a callback that throws `CancelFit`
   * stop it after the current step; the current weights are kept.
   *
   * @param options.steps - stop after so many steps in all, in the middle of an epoch too: `fit(Infinity, { steps })`
   * @throws Error if the loss or the length of its gradient is NaN or infinite, naming the step and the first tensor
   *   that is; the weights are then those before that step
   */
  async fit(epochs: number, options: { signal?: AbortSignal; steps?: number } = {}): Promise<FitResult> {
    const { data, schedule, quiet = false, callbacks = [] } = this.options;
    const start = performance.now();
    this.total = Math.min(epochs * data.length, options.steps ?? Number.POSITIVE_INFINITY);
    this.interrupted = false;
    const bar = quiet ? [] : [new ProgressCallback()];
    // Whether to stop is asked last, so that a stop keeps nobody from seeing the step.
    this.#callbacks = [this.recorder, ...bar, ...callbacks, new StopOnInterrupt(options.signal)];
    try {
      if (Number.isFinite(this.total)) schedule?.checkSteps(schedule.steps + Math.max(0, this.total - this.step));
      try {
        await this.#call("beforeFit");
        await this.#run(epochs, start - this.elapsed);
      } catch (error) {
        if (!(error instanceof CancelFit)) throw error;
        this.interrupted = this.step < this.total;
      }
      await this.#call("afterFit");
    } finally {
      await this.#call("cleanUp");
    }
    const { interrupted, step: steps } = this;
    return { epochs: this.epochs, interrupted, steps, elapsed: performance.now() - start };
  }

  async #call(moment: keyof Callback): Promise<void> {
    for (const callback of this.#callbacks) await callback[moment]?.(this);
  }

  /** @param start - when training would have begun if it had never been interrupted */
  async #run(epochs: number, start: number): Promise<void> {
    const { data } = this.options;
    const next = (ahead = 0) => (data.state.epoch < epochs && this.step + ahead < this.total ? data.next() : null);
    this.#at = data.state;
    try {
      // The last batch of an epoch may be left out only since it was refused.
      if (this.#at.position === 0 && this.recorder.isInEpoch) await this.#call("afterEpoch");
      let batch = next();
      while (batch) {
        const before: LoaderState = this.#at;
        const here = data.state;
        let coming: Promise<Tensor[] | null> | undefined;
        try {
          if (before.position === 0) await this.#call("beforeEpoch");
          this.batch = batch;
          await this.#call("beforeBatch");
          const computing = this.#compute();
          // The next batch is put together while this one computes. If that fails, this step has been taken all the same.
          coming = (async () => next(1))();
          coming.catch(() => {});
          await computing;
          this.elapsed = performance.now() - start;
          this.#at = here;
          await this.#call("afterBatch");
        } catch (error) {
          if (error instanceof CancelEpoch) {
            this.#at = data.state = { epoch: before.epoch + 1, position: 0 };
            coming = undefined;
          } else if (error instanceof CancelBatch) this.#at = here;
          else {
            if (error instanceof CancelFit && this.#at === here && here.position === 0) await this.#call("afterEpoch");
            throw error;
          }
        } finally {
          this.#free(data, batch);
        }
        if (this.#at.position === 0 && this.recorder.isInEpoch) await this.#call("afterEpoch");
        batch = coming === undefined ? next() : await coming;
      }
    } finally {
      data.state = this.#at;
      this.#at = null;
    }
  }

  /** Takes one step. Returns at once; the numbers are there when the promise resolves. */
  #compute(): Promise<void> {
    const { schedule } = this.options;
    const { batch } = this;
    schedule?.checkSteps(schedule.steps + 1);
    const taken = this.#train.take(batch);
    const done = async () => {
      try {
        this.numbers = await taken;
      } catch (error) {
        throw explainSmallBatch(error, this.options, batch);
      }
      for (const key of ["loss", "gradNorm"] as const) {
        const value = this.numbers[key] ?? 0;
        if (!Number.isFinite(value)) await this.#refuse(key, value, batch);
      }
      this.step++;
      schedule?.step();
    };
    const result = done();
    // Somebody awaits it, but not before the next batch is there.
    result.catch(() => {});
    return result;
  }

  /** Frees the memory of a batch that was made for this step. */
  #free(data: DataLoader, batch: readonly Tensor[]): void {
    if (data.dataset.makesTensors) for (const x of batch) x.dispose();
  }

  async #refuse(key: "loss" | "gradNorm", value: number, batch: readonly Tensor[]): Promise<never> {
    this.#train.undo();
    const { model, objective } = this.options;
    const where = await firstBadTensor(model, batch, () => objective(...(batch as Tensor[])));
    throw new NotFinite(
      `fit: the ${key === "loss" ? "loss" : "norm of the gradient"} is ${value} at step ${this.step + 1}; the first tensor with NaN or infinite values is ${where}. ` +
        "The weights are as they were before this step. Try a lower learning rate, or clipNorm: 1.",
    );
  }

  [PRINTED](): string {
    const { model, optimizer, data } = this.options;
    const loss = this.losses.at(-1);
    const head = `Learner after ${counted(this.step)} ${this.step === 1 ? "step" : "steps"}${loss === undefined ? "" : `, loss ${loss.toPrecision(3)}`}`;
    return listed(head, [
      ["model", `${model.constructor.name}, ${counted(model.numParameters())} weights`],
      ["optimizer", optimizer[PRINTED]()],
      ["data", data[PRINTED]()],
    ]);
  }

  /** Means of the objective's numbers over a data set, without training. */
  async validate(data: DataLoader): Promise<Numbers> {
    const before = data.state;
    data.state = { epoch: 0, position: 0 };
    const sums = new Means();
    try {
      for (const batch of data) {
        sums.add(await read(await this.#valid(...batch)), batch[0]?.shape[0] ?? 1);
        this.#free(data, batch);
      }
    } finally {
      data.state = before;
    }
    return sums.means();
  }

  /** Writes all that is needed to go on exactly here: weights, optimizer, schedule, place in the data, random state. */
  async save(path: string): Promise<void> {
    const { step, elapsed } = this;
    const data = this.#at ?? this.options.data.state;
    await saveTraining(path, this.options, { step, elapsed, data, ...this.recorder.state() });
  }

  /** Takes up where `save` left off. @throws Error if the checkpoint is of another model; nothing is changed then */
  async load(path: string): Promise<void> {
    const standing = await loadTraining(path, this.options);
    this.step = standing.step;
    this.elapsed = standing.elapsed ?? 0;
    this.recorder.load(standing);
    if (this.options.ema) this.options.ema.updates = this.step;
  }

  /** Releases the compiled steps. */
  close(): void {
    this.#train.close();
    this.#valid.close();
  }
}
