import { type Compiled, compile } from "../compile/compile.ts";
import * as g from "../graph/ops/index.ts";
import type { Module } from "../nn/module.ts";
import { clipGradNorm } from "../optim/clip.ts";
import type { EMA } from "../optim/ema.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { checkInteger } from "../options.ts";
import { Tensor } from "../tensor/tensor.ts";
import { untraced } from "../tensor/trace.ts";
import { Means, type Numbers } from "./means.ts";

type Results = Record<string, Tensor>;

/** What is minimised, given a batch: the loss, or a record with it and other numbers to watch (scalars all). */
export type Objective = (...batch: Tensor[]) =>
  | Tensor
  | ({
      /** What is minimised: a scalar. */
      loss: Tensor;
    } & Record<string, Tensor>);

/** What a step of the training is made of. */
export interface StepOptions {
  /** The network. */
  readonly model: Module;
  /** What changes its weights. */
  readonly optimizer: Optimizer;
  /** What is minimised, given a batch. */
  readonly objective: Objective;
  /** Scale gradients down to this common length. */
  readonly clipNorm?: number;
  /**
   * Compute each batch in so many parts, one after the other: a step as of the whole batch, in the memory of a part. Layers that
   * normalise over a batch see the parts. Default 1.
   */
  readonly accumulate?: number;
  /** Updated after each step. */
  readonly ema?: EMA;
}

/** One step of the optimizer: loss, gradients, change, compiled; in one piece or in parts of the batch. */
export class TrainingStep {
  readonly #parts: number;
  /** Loss and gradients of a part; the gradients are kept for the step. */
  readonly #gather: Compiled<[isFirst: boolean, share: number, ...Tensor[]], Results>;
  /** The same of the last part, or the whole, and the step. */
  readonly #step: Compiled<[share: number, ...Tensor[]], Results>;

  constructor({ model, optimizer, objective, clipNorm, ema, accumulate = 1 }: StepOptions) {
    checkInteger("Learner", "accumulate", [accumulate], 1);
    this.#parts = accumulate;
    const sums = new GradientSums();
    /** @param share - the part of the batch that these examples are */
    const backward = (share: number, batch: readonly Tensor[]) => {
      model.train();
      optimizer.zeroGrad();
      const numbers = record(objective(...batch));
      (share === 1 ? numbers.loss : numbers.loss.mul(share)).backward();
      return numbers;
    };
    this.#gather = compile(
      (isFirst: boolean, share: number, ...batch: Tensor[]) => {
        const numbers = backward(share, batch);
        sums.add(model.parameters(), isFirst);
        return detached(numbers);
      },
      { name: "Learner's part of a training step" },
    );
    this.#step = compile(
      (share: number, ...batch: Tensor[]) => {
        const numbers = backward(share, batch);
        if (share !== 1) sums.join(model.parameters());
        if (clipNorm !== undefined) numbers.gradNorm = clipGradNorm(model.parameters(), clipNorm);
        optimizer.step();
        ema?.update();
        return detached(numbers);
      },
      { name: "Learner's training step" },
    );
  }

  /**
   * Takes the step. Its parts are all written down at once, so that random numbers are drawn in their order whatever is done
   * while they compute.
   *
   * @returns means over the parts; of the gradient's length that of the whole
   */
  async take(batch: readonly Tensor[]): Promise<Numbers> {
    const parts = partsOf(batch, this.#parts);
    const sizes = parts.map(sizeOf);
    const calls = parts.map((part, i) => {
      const share = parts.length === 1 ? 1 : sizes[i]! / sizeOf(batch);
      return i < parts.length - 1 ? this.#gather(i === 0, share, ...part) : this.#step(share, ...part);
    });
    for (const call of calls) call.catch(() => {});
    const results = await Promise.all(calls);
    const numbers = await Promise.all(results.map(read));
    if (numbers.length === 1) return numbers[0]!;
    const means = new Means();
    for (const [i, { gradNorm: _, ...part }] of numbers.entries()) means.add(part as Numbers, sizes[i]!);
    const { gradNorm } = numbers.at(-1)!;
    return { ...means.means(), ...(gradNorm === undefined ? {} : { gradNorm }) };
  }

  /** Puts back what the last step has changed. */
  undo(): void {
    this.#step.undo();
  }

  close(): void {
    this.#gather.close();
    this.#step.close();
  }
}

function sizeOf(batch: readonly Tensor[]): number {
  return batch[0]?.shape[0] ?? 1;
}

/** A batch in `count` parts of about equal size, or in one for each example where there are fewer. */
function partsOf(batch: readonly Tensor[], count: number): (readonly Tensor[])[] {
  const n = sizeOf(batch);
  if (count === 1 || n === 1) return [batch];
  const size = Math.ceil(n / count);
  const starts = Array.from({ length: Math.ceil(n / size) }, (_, i) => i * size);
  return starts.map((start) => batch.map((x) => x.narrow(0, start, Math.min(size, n - start))));
}

/** Sums of gradients over the parts of a batch, kept from one part to the next. */
class GradientSums {
  readonly #sums = new Map<Tensor, Tensor>();

  /** Adds the gradients that `backward()` left; the first part begins anew. */
  add(parameters: Iterable<Tensor>, isFirst: boolean): void {
    for (const p of parameters) {
      if (!p.grad) continue;
      let sum = this.#sums.get(p);
      if (!sum) {
        const { shape } = p;
        sum = untraced(() => new Tensor(g.expand(g.constant(0), shape)));
        this.#sums.set(p, sum);
      }
      sum.assign(isFirst ? p.grad.node : g.add(sum.node, p.grad.node));
    }
  }

  /** Adds the sums to the gradients of the last part. */
  join(parameters: Iterable<Tensor>): void {
    for (const p of parameters) {
      const sum = this.#sums.get(p);
      if (sum && p.grad) p.grad = new Tensor(g.add(p.grad.node, sum.node));
    }
  }
}

/** What an objective returned, as a record. */
export function record(result: ReturnType<Objective>): { loss: Tensor } & Results {
  return result instanceof Tensor ? { loss: result } : { ...result };
}

function detached(numbers: Readonly<Results>): Results {
  return Object.fromEntries(Object.entries(numbers).map(([name, x]) => [name, x.detach()]));
}

/** The numbers of a record of scalars. */
export async function read(results: Readonly<Results>): Promise<Numbers> {
  const entries = Object.entries(results).map(async ([name, x]) => [name, await x.item()] as const);
  return Object.fromEntries(await Promise.all(entries)) as Numbers;
}
