import { fromArray } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Steps between two copies. */
const EVERY = 50;
/** More numbers than this are not copied: checkpoints on disk are for those. */
const MOST = 64e6;

/** What was learnt at a step when the loss had not risen yet, to go back to. */
export class LastGood {
  /** After which step. */
  step = 0;
  readonly #parameters: readonly Tensor[];
  readonly #fits: boolean;
  #copies: Float32Array[] = [];

  constructor(parameters: readonly Tensor[]) {
    this.#parameters = parameters;
    this.#fits = parameters.reduce((sum, p) => sum + p.numel(), 0) <= MOST;
  }

  /** Takes a copy now and then; the loss up to this step was looked at before. */
  async add(step: number): Promise<void> {
    if (!this.#fits || (step - this.step < EVERY && this.#copies.length > 0)) return;
    this.#copies = await Promise.all(this.#parameters.map(async (p) => Float32Array.from(await p.data())));
    this.step = step;
  }

  /** Goes back to the last copy, where there is one. */
  async restore(): Promise<void> {
    for (const [i, data] of this.#copies.entries()) {
      const p = this.#parameters[i]!;
      noGrad(() => p.copy_(fromArray("float32", p.shape, data.slice())));
    }
  }
}
