import { type Compiled, compile } from "../compile/compile.ts";
import type { Schedule } from "../optim/schedule.ts";
import { counted, listed, PRINTED } from "../printed.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { loadTraining, saveTraining } from "./checkpoint.ts";
import type { DataLoader, LoaderState } from "./data-loader.ts";
import { explainSmallBatch, firstBadTensor } from "./diagnose.ts";
import { Means, type Numbers } from "./means.ts";
import { Progress } from "./progress.ts";
import { StopSignal } from "./stop-signal.ts";
import { read, record, type StepOptions, TrainingStep } from "./training-step.ts";

export type { Numbers } from "./means.ts";
export type { Objective } from "./training-step.ts";

/** What is known after a step. */
export interface StepInfo {
  /** The learner that took it. */
  readonly learner: Learner;
  /** Steps taken in all, this one included. */
  readonly step: number;
  /** Epochs finished before it. */
  readonly epoch: number;
  /** The loss, and whatever else the objective returned. */
  readonly numbers: Numbers;
}

/** What is known after an epoch. */
export interface EpochInfo {
  /** The learner that trained. */
  readonly learner: Learner;
  /** Epochs done in all, this one included. */
  readonly epoch: number;
  /** Means over the epoch; those of the validation data have `valid` in front: `validLoss`. */
  readonly numbers: Numbers;
}

/** What to do besides: returning false (or a promise of it) ends the training. */
export interface Callback {
  /** Called after each step. */
  onStep?(info: StepInfo): unknown;
  /** Called after each epoch. */
  onEpoch?(info: EpochInfo): unknown;
}

/** What is trained, with what, and how. */
export interface LearnerOptions extends StepOptions {
  /** The batches to train on. */
  readonly data: DataLoader;
  /** Looked at after each epoch, without training. */
  readonly validation?: DataLoader;
  /** Steps after each of the optimizer's. */
  readonly schedule?: Schedule;
  /** What to do after each step or epoch. */
  readonly callbacks?: readonly Callback[];
  /** Show nothing; default false. */
  readonly quiet?: boolean;
}

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
 * Trains a model: batches, steps, numbers, progress, checkpoints.
 * `await new Learner({ model, optimizer, data, objective }).fit(3)`.
 */
export class Learner {
  /** The options that it was made with. */
  readonly options: LearnerOptions;
  /** Loss of each step so far. */
  readonly losses: number[] = [];
  /** Means of each epoch so far. */
  readonly epochs: Numbers[] = [];
  /** Steps taken in all. */
  step = 0;
  /** Milliseconds of training in all, those before a checkpoint included. */
  elapsed = 0;
  readonly #train: TrainingStep;
  readonly #valid: Compiled<Tensor[], Record<string, Tensor>>;
  #sums = new Means();
  // Where the data stand once the step at hand is done; the loader itself is a batch ahead.
  #here: LoaderState | null = null;

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

  /**
   * Trains until `epochs` epochs are done in all, going on where the learner stands (a loaded checkpoint, an
   * interrupted run). Ctrl+C in a terminal, `signal`, or a callback that returns false stop it after the step at hand;
   * the weights reached are kept.
   *
   * @param options.steps - stop after so many steps in all, in the middle of an epoch too: `fit(Infinity, { steps })`
   * @throws Error where the loss or the length of its gradient is NaN or infinite, naming the step and the first tensor
   *   that is; the weights are then those before that step
   */
  async fit(epochs: number, options: { signal?: AbortSignal; steps?: number } = {}): Promise<FitResult> {
    const { data, schedule, quiet = false } = this.options;
    const progress = new Progress({ quiet });
    const stop = new StopSignal(options.signal);
    const [start, first] = [performance.now(), this.step];
    const { elapsed } = this;
    const total = Math.min(epochs * data.length, options.steps ?? Number.POSITIVE_INFINITY);
    const rounds = Math.ceil(total / data.length);
    const more = (state: LoaderState, ahead: number) => state.epoch < epochs && this.step + ahead < total;
    const show = (last: boolean, note?: string) => {
      const epoch = Math.min(rounds, Math.floor(this.step / data.length) + (last ? 0 : 1));
      const numbers = this.#sums.count > 0 ? this.#sums.means() : (this.epochs.at(-1) ?? {});
      progress.show(
        {
          title: `epoch ${Math.max(1, epoch)}/${rounds}`,
          done: this.step,
          total,
          elapsed: performance.now() - start,
          doneHere: this.step - first,
          numbers,
          curve: this.losses,
          ...(note ? { note } : {}),
        },
        last,
      );
    };
    try {
      if (Number.isFinite(total)) schedule?.checkSteps(schedule.steps + Math.max(0, total - this.step));
      // The last batch of an epoch may be left out only since it was refused.
      if (data.state.position === 0 && this.#sums.count > 0) await this.#endEpoch(show);
      let before = data.state;
      let batch = more(data.state, 0) ? data.next() : null;
      while (batch && !stop.requested) {
        schedule?.checkSteps(schedule.steps + 1);
        const running = this.#train.take(batch);
        running.catch(() => {});
        const here = data.state;
        this.#here = here;
        const epochEnds = here.position === 0;
        // The next batch is put together while this one computes.
        const coming: Tensor[] | null = more(here, 1) ? data.next() : null;
        let goOn: boolean;
        const { step } = this;
        try {
          const numbers = await running;
          this.elapsed = elapsed + performance.now() - start;
          goOn = await this.#finish(numbers, batch, epochEnds, show);
        } catch (error) {
          // A step that was taken is not taken again, whatever a callback says.
          data.state = this.step > step ? here : before;
          throw explainSmallBatch(error, this.options, batch);
        }
        before = here;
        this.#free(data, batch);
        batch = coming;
        if (stop.requested || !goOn) {
          data.state = here;
          stop.requested = true;
        }
      }
    } finally {
      this.#here = null;
      stop.close();
    }
    const interrupted = stop.requested && this.step < total;
    if (interrupted) show(true, `stopped at step ${this.step}; the weights reached are kept`);
    return { epochs: this.epochs, interrupted, steps: this.step, elapsed: performance.now() - start };
  }

  async #finish(
    numbers: Numbers,
    batch: readonly Tensor[],
    epochEnds: boolean,
    show: (last: boolean) => void,
  ): Promise<boolean> {
    const { callbacks = [], schedule } = this.options;
    for (const key of ["loss", "gradNorm"] as const) {
      const value = numbers[key] ?? 0;
      if (!Number.isFinite(value)) await this.#refuse(key, value, batch);
    }
    this.step++;
    schedule?.step();
    this.losses.push(numbers.loss);
    this.#sums.add(numbers, batch[0]?.shape[0] ?? 1);
    let goOn = true;
    const epoch = this.epochs.length + (epochEnds ? 1 : 0);
    for (const callback of callbacks) {
      const info = { learner: this, step: this.step, epoch, numbers };
      if (callback.onStep && (await callback.onStep(info)) === false) goOn = false;
    }
    if (epochEnds) goOn = (await this.#endEpoch(show)) && goOn;
    else show(false);
    return goOn;
  }

  async #endEpoch(show: (last: boolean) => void): Promise<boolean> {
    const { callbacks = [], validation } = this.options;
    const means = this.#sums.means();
    this.#sums = new Means();
    if (validation) {
      for (const [name, value] of Object.entries(await this.validate(validation))) {
        means[`valid${name[0]!.toUpperCase()}${name.slice(1)}`] = value;
      }
    }
    const epoch = this.epochs.push(means);
    show(true);
    let goOn = true;
    for (const callback of callbacks) {
      if (callback.onEpoch && (await callback.onEpoch({ learner: this, epoch, numbers: means })) === false)
        goOn = false;
    }
    return goOn;
  }

  /** Frees the memory of a batch that was made for this step. */
  #free(data: DataLoader, batch: readonly Tensor[]): void {
    if (data.dataset.makesTensors) for (const x of batch) x.dispose();
  }

  async #refuse(key: "loss" | "gradNorm", value: number, batch: readonly Tensor[]): Promise<never> {
    this.#train.undo();
    const { model, objective } = this.options;
    const where = await firstBadTensor(model, batch, () => objective(...(batch as Tensor[])));
    throw new Error(
      `fit: the ${key === "loss" ? "loss" : "length of the gradient"} is ${value} at step ${this.step + 1}; the first tensor with NaN or infinite values is ${where}. ` +
        "The weights are those before this step. A lower learning rate or clipNorm: 1 may help.",
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
    await saveTraining(path, this.options, {
      step: this.step,
      elapsed: this.elapsed,
      losses: this.losses,
      epochs: this.epochs,
      sums: this.#sums.state(),
      data: this.#here ?? this.options.data.state,
    });
  }

  /** Takes up where `save` left off. @throws Error where the checkpoint is of another model; nothing is changed then */
  async load(path: string): Promise<void> {
    const { step, elapsed, losses, epochs, sums } = await loadTraining(path, this.options);
    this.step = step;
    this.elapsed = elapsed ?? 0;
    this.losses.length = 0;
    for (const loss of losses) this.losses.push(loss);
    this.epochs.length = 0;
    for (const numbers of epochs) this.epochs.push(numbers);
    this.#sums = new Means(sums);
    if (this.options.ema) this.options.ema.updates = step;
  }

  /** Releases the compiled steps. */
  close(): void {
    this.#train.close();
    this.#valid.close();
  }
}
