import { checkChoice, checkOptions } from "../options.ts";
import type { Generator as RandomGenerator } from "../random/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkProbability } from "./functional/dropout.ts";
import * as F from "./functional/index.ts";
import { avgPoolNames, maxPoolNames } from "./functional/pool.ts";
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
    if (Array.isArray(layers[0])) {
      throw new TypeError("Sequential: got a list, expected layers one after the other: new Sequential(a, b)");
    }
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
export class Functional extends Module {
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
  constructor(kernelSize: F.Pair, options: F.MaxPoolOptions = {}) {
    checkOptions("MaxPool2d", options, maxPoolNames);
    super((x) => F.maxPool2d(x, kernelSize, options));
  }
}

/** The mean of each window of images: `new nn.AvgPool2d(2)` makes `[b, c, h, w]` `[b, c, h / 2, w / 2]`. */
export class AvgPool2d extends Functional {
  constructor(kernelSize: F.Pair, options: F.AvgPoolOptions = {}) {
    checkOptions("AvgPool2d", options, avgPoolNames);
    super((x) => F.avgPool2d(x, kernelSize, options));
  }
}

/** The mean of windows that divide an image as evenly as can be: `new nn.AdaptiveAvgPool2d(1)` makes `[b, c, h, w]` `[b, c, 1, 1]`. */
export class AdaptiveAvgPool2d extends Functional {
  /** @param size - of the result: one number, or `[height, width]`; null keeps the input's */
  constructor(size: number | readonly [number | null, number | null]) {
    super((x) => F.adaptiveAvgPool2d(x, size));
  }
}

/** Images in another size: `new nn.Upsample({ scaleFactor: 2 })`; each pixel repeated, unless the mode is another. */
export class Upsample extends Functional {
  constructor(options: F.InterpolateOptions) {
    checkOptions("Upsample", options, { size: true, scaleFactor: true, mode: true, alignCorners: true });
    const { size, scaleFactor, mode = "nearest" } = options;
    checkChoice("Upsample", "mode", mode, F.interpolationModes);
    if ((size === undefined) === (scaleFactor === undefined)) {
      throw new TypeError("Upsample: give either size or scaleFactor");
    }
    const isInteger = scaleFactor !== undefined && F.pair(scaleFactor).every((f) => Number.isInteger(f) && f > 0);
    // Whole numbers of copies are one operation, which trains fast.
    super((x) => (isInteger && mode === "nearest" ? F.upsampleNearest(x, scaleFactor) : F.interpolate(x, options)));
  }
}

/** While training, zeroes each element with probability `p` and scales the others up. */
export class Dropout extends Module {
  /** Probability with which an element is zeroed, 0 to below 1. */
  readonly p: number;
  /** Where the random numbers come from; the shared generator of `manualSeed` if none was given. */
  readonly generator: RandomGenerator | undefined;

  constructor(p = 0.5, options: { generator?: RandomGenerator } = {}) {
    super();
    checkOptions("Dropout", options, { generator: true });
    checkProbability("Dropout", p);
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
