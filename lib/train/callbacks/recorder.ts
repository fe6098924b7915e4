import type { Callback, Training } from "../callback.ts";
import { Means, type Numbers } from "../means.ts";

/** Keeps the loss of each step and the means of each epoch, training and validation. Every learner has one. */
export class Recorder implements Callback {
  /** Loss of each step. */
  losses: number[] = [];
  /** Means of each epoch. */
  epochs: Numbers[] = [];
  #sums = new Means();

  /** Whether the epoch has begun. */
  get isInEpoch(): boolean {
    return this.#sums.count > 0;
  }

  /** Means over the epoch so far; between two epochs, those of the last one. */
  get means(): Readonly<Record<string, number>> {
    return this.isInEpoch ? this.#sums.means() : (this.epochs.at(-1) ?? {});
  }

  /** Adds the numbers of a step. */
  afterBatch({ numbers, batch }: Training): void {
    this.losses.push(numbers.loss);
    this.#sums.add(numbers, batch[0]?.shape[0] ?? 1);
  }

  /** Adds the means of an epoch, with those of the validation data. */
  async afterEpoch(learner: Training): Promise<void> {
    const means = this.#sums.means();
    this.#sums = new Means();
    const { validation } = learner.options;
    for (const [name, value] of Object.entries(validation ? await learner.validate(validation) : {})) {
      means[`valid${name[0]!.toUpperCase()}${name.slice(1)}`] = value;
    }
    this.epochs.push(means);
    learner.numbers = means;
  }

  /** What a checkpoint keeps. */
  state(): { losses: readonly number[]; epochs: readonly Numbers[]; sums: [number, Numbers] } {
    return { losses: this.losses, epochs: this.epochs, sums: this.#sums.state() };
  }

  /** Takes up where `state` left off. */
  load({ losses, epochs, sums }: ReturnType<Recorder["state"]>): void {
    this.losses = [...losses];
    this.epochs = [...epochs];
    this.#sums = new Means(sums);
  }
}
