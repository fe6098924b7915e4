import type { Tensor } from "../tensor/tensor.ts";
import * as F from "./functional/index.ts";
import { Module } from "./module.ts";

/** A loss as a layer: `new nn.MSELoss().forward(output, target)`. */
class Loss extends Module {
  readonly #f: (input: Tensor, target: Tensor) => Tensor;

  constructor(f: (input: Tensor, target: Tensor) => Tensor) {
    super();
    this.#f = f;
  }

  /** The loss of an output against what was wanted: a scalar, unless the reduction is `"none"`. */
  forward(input: Tensor, target: Tensor): Tensor {
    return this.#f(input, target);
  }
}

/** Mean of the squared differences: `F.mseLoss`. */
export class MSELoss extends Loss {
  constructor(options: F.LossOptions = {}) {
    super((input, target) => F.mseLoss(input, target, options));
  }
}

/** Mean of the absolute differences: `F.l1Loss`. */
export class L1Loss extends Loss {
  constructor(options: F.LossOptions = {}) {
    super((input, target) => F.l1Loss(input, target, options));
  }
}

/** Squared below `beta`, absolute above: `F.smoothL1Loss`. */
export class SmoothL1Loss extends Loss {
  constructor(options: F.SmoothL1Options = {}) {
    super((input, target) => F.smoothL1Loss(input, target, options));
  }
}

/** Half the square up to `delta`, then a line: `F.huberLoss`. */
export class HuberLoss extends Loss {
  constructor(options: F.HuberOptions = {}) {
    super((input, target) => F.huberLoss(input, target, options));
  }
}

/** Cross-entropy of scores `[B, C, ...]` and classes `[B, ...]`: `F.crossEntropy`. */
export class CrossEntropyLoss extends Loss {
  constructor(options: F.CrossEntropyOptions = {}) {
    super((input, target) => F.crossEntropy(input, target, options));
  }
}

/** Negative log-likelihood of log-probabilities `[B, C, ...]` and classes `[B, ...]`: `F.nllLoss`. */
export class NLLLoss extends Loss {
  constructor(options: F.NllOptions = {}) {
    super((input, target) => F.nllLoss(input, target, options));
  }
}

/** Binary cross-entropy of probabilities: `F.binaryCrossEntropy`. */
export class BCELoss extends Loss {
  constructor(options: F.BceOptions = {}) {
    super((input, target) => F.binaryCrossEntropy(input, target, options));
  }
}

/** Binary cross-entropy of scores before the sigmoid: `F.binaryCrossEntropyWithLogits`. */
export class BCEWithLogitsLoss extends Loss {
  constructor(options: F.BceWithLogitsOptions = {}) {
    super((input, target) => F.binaryCrossEntropyWithLogits(input, target, options));
  }
}

/** Kullback-Leibler divergence of log-probabilities from probabilities: `F.klDiv`. */
export class KLDivLoss extends Loss {
  constructor(options: F.KlDivOptions = {}) {
    super((input, target) => F.klDiv(input, target, options));
  }
}
