import type { Generator as RandomGenerator } from "../random/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import * as F from "./functional/index.ts";
import { type Layer, Module } from "./module.ts";

/**
 * Layers one after the other. Their names in a checkpoint are their numbers.
 * `new nn.Sequential(new nn.Linear(784, 64), new nn.ReLU(), new nn.Linear(64, 10))`.
 */
export class Sequential extends Module {
  /** The layers, in the order in which they run. */
  readonly layers: readonly (Module & Layer)[];

  constructor(...layers: (Module & Layer)[]) {
    super();
    this.layers = layers;
    for (const [i, layer] of layers.entries()) Object.assign(this, { [i]: layer });
    // Numbered fields are the parts; the list itself must not be walked a second time.
    Object.defineProperty(this, "layers", { enumerable: false });
  }

  /** The output of the last layer, each layer taking what the one before gave. */
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

  /** The function's value at `x`. */
  forward(x: Tensor): Tensor {
    return this.#f(x);
  }
}

/** Gives back what it is given: any shape. */
export class Identity extends Functional {
  constructor() {
    super((x) => x);
  }
}

/** `max(x, 0)`, element by element: `new nn.ReLU()`. Any shape, the same shape back. */
export class ReLU extends Functional {
  constructor() {
    super((x) => x.relu());
  }
}

/** `x sigmoid(x)`, element by element: what diffusion U-Nets use. @see https://arxiv.org/abs/1702.03118 */
export class SiLU extends Functional {
  constructor() {
    super((x) => x.silu());
  }
}

/** `x Phi(x)`, element by element, Phi being the normal distribution. @see https://arxiv.org/abs/1606.08415 */
export class GELU extends Functional {
  constructor() {
    super((x) => x.gelu());
  }
}

/** `x sigmoid(1.702 x)`, element by element: CLIP's approximation of GELU. */
export class QuickGELU extends Functional {
  constructor() {
    super((x) => x.quickGelu());
  }
}

/** Hyperbolic tangent, element by element: from -1 to 1. */
export class Tanh extends Functional {
  constructor() {
    super((x) => x.tanh());
  }
}

/** 1 / (1 + exp(-x)), element by element: from 0 to 1. */
export class Sigmoid extends Functional {
  constructor() {
    super((x) => x.sigmoid());
  }
}

/** Softmax along `dim`: scores become probabilities that add up to 1. `new nn.Softmax(1)` for `[b, classes]`. */
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

/** The largest element of each window of images: `new nn.MaxPool2d(2)` makes `[b, c, h, w]` `[b, c, h / 2, w / 2]`. */
export class MaxPool2d extends Functional {
  constructor(kernelSize: F.Pair, options: { stride?: F.Pair; padding?: F.Pair } = {}) {
    super((x) => F.maxPool2d(x, kernelSize, options));
  }
}

/** The mean of each window of images: `new nn.AvgPool2d(2)` makes `[b, c, h, w]` `[b, c, h / 2, w / 2]`. */
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
  /** Probability with which an element is zeroed, 0 to below 1. */
  readonly p: number;
  /** Where the random numbers come from; the shared generator of `manualSeed` where none was given. */
  readonly generator: RandomGenerator | undefined;

  constructor(p = 0.5, options: { generator?: RandomGenerator } = {}) {
    super();
    if (!(p >= 0 && p <= 1)) throw new RangeError(`Dropout: p is ${p}, expected a probability from 0 to 1`);
    this.p = p;
    this.generator = options.generator;
  }

  /** While training, elements zeroed at random; otherwise `x` itself. Any shape. */
  forward(x: Tensor): Tensor {
    return F.dropout(x, this.p, { training: this.training, ...(this.generator ? { generator: this.generator } : {}) });
  }

  protected override describe(): string {
    return `p=${this.p}`;
  }
}
