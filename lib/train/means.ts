/** Numbers of one step or epoch. */
export type Numbers = {
  /** The loss. */
  loss: number;
} & Record<string, number>;

/** Running means, weighted by the size of each batch. */
export class Means {
  count: number;
  #sums: Record<string, number>;

  constructor([count, sums]: [number, Record<string, number>] = [0, {}]) {
    this.count = count;
    this.#sums = { ...sums };
  }

  add(numbers: Readonly<Record<string, number>>, weight: number): void {
    this.count += weight;
    for (const [name, value] of Object.entries(numbers)) this.#sums[name] = (this.#sums[name] ?? 0) + value * weight;
  }

  means(): Numbers {
    return Object.fromEntries(Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.count])) as Numbers;
  }

  state(): [number, Numbers] {
    return [this.count, { ...this.#sums } as Numbers];
  }
}
