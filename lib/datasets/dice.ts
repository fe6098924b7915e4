import { Generator } from "../random/index.ts";

/**
 * Random choices made with additions and multiplications only. The logarithm and sine behind a usual normal
 * distribution may differ in their last bit between machines; these do not, so a seed draws the same pictures anywhere.
 */
export class Dice {
  readonly #generator: Generator;

  constructor(seed: number | bigint) {
    this.#generator = new Generator(seed);
  }

  /** Evenly in [low, high). */
  uniform(low: number, high: number): number {
    return low + ((high - low) * this.#generator.random()) / 4294967296;
  }

  /** About normal: the sum of four uniform numbers, never beyond 3.47 standard deviations. */
  normal(mean: number, std: number): number {
    const sum = this.uniform(0, 1) + this.uniform(0, 1) + this.uniform(0, 1) + this.uniform(0, 1);
    return mean + std * (sum - 2) * 1.7320508075688772;
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.uniform(0, 1) < p;
  }

  /** A whole number in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform(0, n));
  }

  /** One of `items`, more often where its weight is larger. */
  pick<T extends { readonly weight: number }>(items: readonly T[]): T {
    let left = this.uniform(
      0,
      items.reduce((sum, item) => sum + item.weight, 0),
    );
    for (const item of items) {
      left -= item.weight;
      if (left < 0) return item;
    }
    return items.at(-1)!;
  }
}
