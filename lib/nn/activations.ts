import { checkNumber } from "../options.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Functional } from "./containers.ts";
import * as F from "./functional/index.ts";

/** max(x, slope x): no unit is ever without a gradient. Any shape; `new nn.LeakyReLU(0.2)`. */
export class LeakyReLU extends Functional {
  /** @param negativeSlope - of what is below 0; default 0.01 */
  constructor(negativeSlope = 0.01) {
    checkNumber("LeakyReLU", "negativeSlope", negativeSlope);
    super((x: Tensor) => F.leakyRelu(x, negativeSlope));
  }
}

/** x above 0, alpha (exp(x) - 1) below. Any shape. @see Clevert et al. 2015: https://arxiv.org/abs/1511.07289 */
export class ELU extends Functional {
  /** @param alpha - what very negative numbers come close to, the other way round; default 1 */
  constructor(alpha = 1) {
    checkNumber("ELU", "alpha", alpha);
    super((x: Tensor) => F.elu(x, alpha));
  }
}

/** log(1 + exp(beta x)) / beta: a smooth ReLU. Any shape. */
export class Softplus extends Functional {
  /**
   * @param beta - how sharp its bend is; default 1
   * @param threshold - where beta x is above this it is x itself; default 20
   */
  constructor(beta = 1, threshold = 20) {
    checkNumber("Softplus", "beta", beta);
    checkNumber("Softplus", "threshold", threshold);
    super((x: Tensor) => F.softplus(x, beta, threshold));
  }
}

/** x tanh(softplus(x)). Any shape. @see Misra 2019: https://arxiv.org/abs/1908.08681 */
export class Mish extends Functional {
  constructor() {
    super((x: Tensor) => F.mish(x));
  }
}

/** The logarithm of softmax along a dimension. */
export class LogSoftmax extends Functional {
  constructor(dim: number) {
    super((x: Tensor) => x.logSoftmax(dim));
  }
}
