import type { Settings } from "../config/fields.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { fromArray } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type EulerDiscreteConfig, EulerDiscreteScheduler } from "./euler-discrete.ts";
import type { StepOutput } from "./scheduler.ts";

/** Which optimizer takes the steps, and how large they are. */
export interface OptimizerSchedulerOptions {
  /** Makes the optimizer that changes the sample: `(params) => new optim.SGD(params, { lr: 1 })`. */
  readonly optimizer: (params: Tensor[]) => Optimizer;
  /**
   * The learning rate of each step, as a factor of the optimizer's own: "sigmas" (default) takes the distance to the
   * next noise level, "constant" leaves it as it is.
   */
  readonly rate?: "sigmas" | "constant";
  /** Whether the model is given the timestep; if not, it is given `timestep` at every step. Default true. */
  readonly passTimestep?: boolean;
  /** The timestep that the model is given in place of the true one; default the middle of the training's, 500 of 1000. */
  readonly timestep?: number;
}

/**
 * Sampling as optimisation: the predicted noise is the gradient, the sample is the parameter, and any optimizer takes
 * the step. `latents.grad = noisePred; optimizer.step()`.
 *
 * Noise levels are Euler's, and plain gradient descent with a rate of 1 is Euler's method exactly: its step is
 * `x - (sigma - nextSigma) * noise`.
 * @see Karras et al. 2022, eq. 1: dx/dsigma = noise, the gradient of the log-density's negative but for a factor
 */
export class OptimizerScheduler extends EulerDiscreteScheduler {
  /** The options that it was made with. */
  readonly options: OptimizerSchedulerOptions;
  #sample: Tensor | null = null;
  #optimizer: Optimizer | null = null;
  #rate = 0;

  constructor(options: OptimizerSchedulerOptions, settings: Settings<EulerDiscreteConfig> = {}) {
    super(settings);
    if (typeof options?.optimizer !== "function") {
      throw new TypeError(
        "OptimizerScheduler: no optimizer; expected { optimizer: (params) => new optim.SGD(params, { lr: 1 }) }",
      );
    }
    this.options = options;
  }

  /** The timestep that the model is given. */
  override modelTimestep(timestep: number): number {
    const { passTimestep = true, timestep: other = this.config.num_train_timesteps / 2 } = this.options;
    return passTimestep ? timestep : other;
  }

  protected override fresh(): this {
    return new OptimizerScheduler(this.options, { ...this.config }) as this;
  }

  override setTimesteps(...args: Parameters<EulerDiscreteScheduler["setTimesteps"]>): void {
    super.setTimesteps(...args);
    this.#sample = null;
    this.#optimizer = null;
  }

  override step(modelOutput: Tensor, timestep: number, sample: Tensor): StepOutput {
    const i = this.at(timestep);
    const [sigma, next] = [this.sigmas[i]!, this.sigmas[i + 1]!];
    const x0 = this.denoise(timestep, modelOutput, sample, sigma);
    // Whatever the model predicts, its noise is what lies between the sample and the clean one.
    const noise = this.sum(timestep, [1 / sigma, sample], [-1 / sigma, x0]);
    const optimizer = this.#prepare(sample);
    optimizer.lr = this.options.rate === "constant" ? this.#rate : this.#rate * (sigma - next);
    this.#sample!.grad = noise.detach();
    optimizer.step();
    this.advance();
    // The parameter goes on to change; what is handed out does not.
    return { prevSample: this.#sample!.detach(), predOriginalSample: x0 };
  }

  /** The optimizer of this run, with the sample as it is now. */
  #prepare(sample: Tensor): Optimizer {
    if (!this.#optimizer || !this.#sample) {
      const data = new Float32Array(sample.numel());
      this.#sample = fromArray("float32", sample.shape, data, { device: sample.device, requiresGrad: true });
      this.#optimizer = this.options.optimizer([this.#sample]);
      this.#rate = this.#optimizer.lr;
    }
    // Guidance or the caller may have moved it since the last step.
    this.#sample.copy_(sample);
    return this.#optimizer;
  }
}
