import type { Generator as RandomGenerator } from "../random/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import * as F from "./functional.ts";
import { type Layer, Module } from "./module.ts";

/** Layers one after the other. Their names in a checkpoint are their numbers. */
export class Sequential extends Module {
  readonly layers: readonly (Module & Layer)[];

  constructor(...layers: (Module & Layer)[]) {
    super();
    this.layers = layers;
    for (const [i, layer] of layers.entries()) Object.assign(this, { [i]: layer });
    // Numbered fields are the parts; the list itself must not be walked a second time.
    Object.defineProperty(this, "layers", { enumerable: false });
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.forward(value), x);
  }

  *[Symbol.iterator](): Generator<Module & Layer> {
    yield* this.layers;
  }
}

/** A layer without parameters, made of a function. */
class Functional extends Module {
  readonly #f: (x: Tensor) => Tensor;

  constructor(f: (x: Tensor) => Tensor) {
    super();
    this.#f = f;
  }

  forward(x: Tensor): Tensor {
    return this.#f(x);
  }
}

export class Identity extends Functional {
  constructor() {
    super((x) => x);
  }
}

export class ReLU extends Functional {
  constructor() {
    super((x) => x.relu());
  }
}

export class SiLU extends Functional {
  constructor() {
    super((x) => x.silu());
  }
}

export class GELU extends Functional {
  constructor() {
    super((x) => x.gelu());
  }
}

export class QuickGELU extends Functional {
  constructor() {
    super((x) => x.quickGelu());
  }
}

export class Tanh extends Functional {
  constructor() {
    super((x) => x.tanh());
  }
}

export class Sigmoid extends Functional {
  constructor() {
    super((x) => x.sigmoid());
  }
}

export class Softmax extends Functional {
  constructor(dim: number) {
    super((x) => x.softmax(dim));
  }
}

/** All dimensions from `start` (1 by default) on as one. */
export class Flatten extends Functional {
  constructor(start = 1, end = -1) {
    super((x) => x.flatten(start, end));
  }
}

export class MaxPool2d extends Functional {
  constructor(kernelSize: F.Pair, options: { stride?: F.Pair; padding?: F.Pair } = {}) {
    super((x) => F.maxPool2d(x, kernelSize, options));
  }
}

export class AvgPool2d extends Functional {
  constructor(kernelSize: F.Pair, options: { stride?: F.Pair; padding?: F.Pair } = {}) {
    super((x) => F.avgPool2d(x, kernelSize, options));
  }
}

/** Images `scale` times as large, each pixel repeated. */
export class Upsample extends Functional {
  constructor(options: { scaleFactor: F.Pair; mode?: "nearest" }) {
    if (options.mode !== undefined && options.mode !== "nearest") {
      throw new RangeError(`Upsample: unknown mode "${options.mode}"; expected "nearest"`);
    }
    super((x) => F.upsampleNearest(x, options.scaleFactor));
  }
}

/** While training, zeroes each element with probability `p` and scales the others up. */
export class Dropout extends Module {
  readonly p: number;
  readonly generator: RandomGenerator | undefined;

  constructor(p = 0.5, options: { generator?: RandomGenerator } = {}) {
    super();
    if (!(p >= 0 && p <= 1)) throw new RangeError(`Dropout: p is ${p}, expected a probability from 0 to 1`);
    this.p = p;
    this.generator = options.generator;
  }

  forward(x: Tensor): Tensor {
    return F.dropout(x, this.p, { training: this.training, ...(this.generator ? { generator: this.generator } : {}) });
  }

  protected override describe(): string {
    return `p=${this.p}`;
  }
}
