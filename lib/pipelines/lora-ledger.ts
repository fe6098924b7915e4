import { type LoraLayer, loraDelta } from "../adapters/index.ts";
import type { Node } from "../graph/node.ts";
import type { Model } from "../models/index.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { realize } from "../tensor/values.ts";
import { revise } from "./revisions.ts";

/** A LoRA on a network. */
interface Entry {
  readonly name: string;
  readonly layers: ReadonlyMap<Tensor, LoraLayer>;
  /** How much of it. */
  weight: number;
  /** What `fuseLora` multiplied it by; null if it is not fused. */
  fused: number | null;
}

/** A weight as it was before any LoRA, and what was made of it. */
interface Changed {
  readonly base: Tensor;
  node: Node;
  terms: readonly (readonly [LoraLayer, number])[];
}

const ledgers = new WeakMap<Model, LoraLedger>();

/** The LoRAs of a network, of which it has one list however many pipelines share it. */
export function ledgerOf(model: Model): LoraLedger {
  const known = ledgers.get(model);
  if (known) return known;
  const made = new LoraLedger(model);
  ledgers.set(model, made);
  return made;
}

/**
 * Which LoRAs lie on a network's weights. Each weight is what it was plus the sum of them, made anew with every change, so
 * that the order in which they come and go does not matter and the last one leaves the weights as they were.
 */
export class LoraLedger {
  readonly #model: Model;
  readonly #changed = new Map<Tensor, Changed>();
  #entries: Entry[] = [];

  constructor(model: Model) {
    this.#model = model;
  }

  /** Names, in the order of loading. */
  get names(): string[] {
    return this.#entries.map(({ name }) => name);
  }

  /** How much of each. */
  get weights(): Map<string, number> {
    return new Map(this.#entries.map(({ name, weight }) => [name, weight]));
  }

  /** Adds a LoRA; one of the same name gives way to it. */
  async add(name: string, layers: ReadonlyMap<Tensor, LoraLayer>, weight: number): Promise<void> {
    if (layers.size === 0) return;
    this.#entries = [...this.#entries.filter((entry) => entry.name !== name), { name, layers, weight, fused: null }];
    const made = this.#apply();
    // A few at a time: a session for each would take long to open, and one for all much memory.
    for (let i = 0; i < made.length; i += 16) await realize(...made.slice(i, i + 16));
  }

  /** Sets how much of each there is; those that are not named have none. */
  setWeights(weights: ReadonlyMap<string, number>): void {
    for (const entry of this.#entries) entry.weight = weights.get(entry.name) ?? 0;
    this.#apply();
  }

  /** Takes some away, or all that are not fused; what is fused stays for good then. */
  remove(names?: readonly string[]): void {
    const goes = (entry: Entry) => (names ? names.includes(entry.name) : entry.fused === null);
    this.#entries = this.#entries.filter((entry) => !goes(entry));
    this.#apply();
    if (!names && this.#entries.length > 0) {
      this.#entries = [];
      this.#changed.clear();
    }
  }

  /** Makes them a part of the weights, so that `remove` leaves them there; undone by `unfuse`. */
  fuse(scale: number): void {
    for (const entry of this.#entries) entry.fused = scale;
    this.#apply();
  }

  unfuse(): void {
    for (const entry of this.#entries) entry.fused = null;
    this.#apply();
  }

  /** Gives every weight its value; returns those that have to be computed. */
  #apply(): Tensor[] {
    const terms = new Map<Tensor, (readonly [LoraLayer, number])[]>();
    for (const weight of this.#changed.keys()) terms.set(weight, []);
    for (const { layers, weight: share, fused } of this.#entries) {
      for (const [weight, layer] of layers) {
        const list = terms.get(weight) ?? [];
        if (share !== 0) list.push([layer, share * (fused ?? 1)]);
        terms.set(weight, list);
      }
    }
    const made: Tensor[] = [];
    noGrad(() => {
      for (const [weight, list] of terms) {
        const base = this.#baseOf(weight);
        const value = sum(base, list, weight);
        weight.assign(value.node, { lazy: list.length === 0 });
        if (list.length > 0) made.push(weight);
        const used = this.#entries.some(({ layers }) => layers.has(weight));
        if (used) this.#changed.set(weight, { base, node: weight.node, terms: list });
        else this.#changed.delete(weight);
      }
    });
    revise(this.#model);
    return made;
  }

  /** A weight without any LoRA. Where it has been trained or loaded since, what the LoRAs added is taken off it again. */
  #baseOf(weight: Tensor): Tensor {
    const known = this.#changed.get(weight);
    if (!known) return weight.detach();
    if (known.node === weight.node) return known.base;
    const negative = known.terms.map(([layer, share]) => [layer, -share] as const);
    return sum(weight.detach(), negative, weight);
  }
}

function sum(base: Tensor, terms: readonly (readonly [LoraLayer, number])[], weight: Tensor): Tensor {
  let value = base;
  for (const [layer, share] of terms) {
    value = value.add(loraDelta(layer, { device: weight.device }).mul(share).reshape(weight.shape));
  }
  return value;
}
