import type { Node } from "../graph/node.ts";
import { Module } from "../nn/module.ts";
import { plural } from "../printed.ts";
import { Tensor } from "../tensor/tensor.ts";

/** What one way of fine-tuning learns, and how it gets into a pipeline and into files. */
export interface Learnable {
  /** Holds what is learnt, for checkpoints. */
  readonly model: Module;
  /** Those of its parameters that are. */
  readonly learnt: readonly Tensor[];
  /** How many of the networks' other numbers only stand in for what is learnt; default 0. */
  readonly standIns?: number;
  /** What `f` returns where the networks have what is learnt in them: the body of a training step. */
  apply<T>(f: () => T): T;
  /** Gives the pipeline what has been learnt so far, to paint with. */
  install(): Promise<void>;
  /** Takes it away again for the steps to come. */
  uninstall(): void;
  /** What is learnt, in numbers: "1 of 49,409 rows of the text encoder's table". */
  describe(): string;
  /** Writes it as diffusers loads it. @returns the file or folder */
  save(folder: string): Promise<string>;
}

/** Several modules of which one training learns. */
export class Together extends Module {
  readonly unet: Module;
  readonly textEncoder: Module | null;

  constructor(unet: Module, textEncoder: Module | null) {
    super();
    this.unet = unet;
    this.textEncoder = textEncoder;
  }
}

/** A tensor's present value, to be recognised later: its node, or where it is a part of an optimizer's row the numbers. */
type Mark = Node | Float32Array;

async function markOf(tensor: Tensor): Promise<Mark> {
  return tensor.window ? Float32Array.from(await tensor.data()) : tensor.peek();
}

async function isAsMarked(tensor: Tensor, mark: Mark): Promise<boolean> {
  const isRow = mark instanceof Float32Array;
  if (!isRow && tensor.peek() === mark) return true;
  // A checkpoint gives all weights of a network new nodes, with the old values in those that are not learnt.
  const [was, now] = [isRow ? mark : await new Tensor(mark).data(), await tensor.data()];
  return was.length === now.length && Array.prototype.every.call(was, (value, i) => value === now[i]);
}

/** Lets gradients reach what is learnt and nothing else, and knows afterwards whether that was so. */
export class Frozen {
  readonly #flags: readonly (readonly [Tensor, boolean])[];
  readonly #rest: readonly (readonly [name: string, tensor: Tensor])[];
  #marks: Mark[] = [];

  private constructor(parts: Readonly<Record<string, Module>>, learnt: ReadonlySet<Tensor>) {
    const parameters = Object.values(parts).flatMap((part) => part.parameters());
    this.#flags = [...new Set([...parameters, ...learnt])].map((p) => [p, p.requiresGrad]);
    for (const p of parameters) p.requiresGrad = learnt.has(p);
    for (const p of learnt) p.requiresGrad = true;
    this.#rest = Object.entries(parts).flatMap(([part, module]) =>
      Object.entries(module.stateDict())
        .filter(([, tensor]) => !learnt.has(tensor))
        .map(([name, tensor]) => [`${part}.${name}`, tensor] as const),
    );
  }

  /**
   * @param parts - the pipeline's networks by name
   * @param learnt - the tensors that may change
   */
  static async all(parts: Readonly<Record<string, Module>>, learnt: ReadonlySet<Tensor>): Promise<Frozen> {
    const frozen = new Frozen(parts, learnt);
    frozen.#marks = await Promise.all(frozen.#rest.map(([, tensor]) => markOf(tensor)));
    return frozen;
  }

  /**
   * How many numbers are what they were.
   *
   * @throws Error where a tensor that was not to be learnt has another value
   */
  async check(): Promise<number> {
    const same = await Promise.all(this.#rest.map(([, tensor], i) => isAsMarked(tensor, this.#marks[i]!)));
    const changed = this.#rest.filter((_, i) => !same[i]).map(([name]) => name);
    if (changed.length > 0) {
      throw new Error(
        `fine-tuning: ${plural(changed.length, "tensor")} changed although ${changed.length === 1 ? "it was" : "they were"} not meant to be trained: ${changed.slice(0, 5).join(", ")}`,
      );
    }
    return this.#rest.reduce((sum, [, tensor]) => sum + tensor.numel(), 0);
  }

  /** Gradients reach what they reached before. */
  release(): void {
    for (const [p, flag] of this.#flags) p.requiresGrad = flag;
  }
}
