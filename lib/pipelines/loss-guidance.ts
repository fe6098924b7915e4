import { type Compiled, compile } from "../compile/compile.ts";
import type { AutoencoderKL, UNet2DConditionModel } from "../models/index.ts";
import { checkChoice, checkOptions, type Names } from "../options.ts";
import type { NoiseLevel } from "../schedulers/index.ts";
import { full } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** A loss that the run makes smaller: whatever can be said about a picture in differentiable operations. */
export interface LossGuidance {
  /**
   * @param x0 - the predicted clean pictures `[B, 3, H, W]` from -1 to 1, or latents if `on` says so
   * @returns a scalar
   */
  readonly loss: (x0: Tensor) => Tensor;
  /** How strongly; default 1. */
  readonly scale?: number;
  /** Only at every so many steps, the first one on: 5 takes a fifth of the time. Default 1. */
  readonly every?: number;
  /** What the loss looks at; default "image". */
  readonly on?: "image" | "latents";
  /**
   * What the gradient passes on its way to the latents: "x0" takes the predicted noise for given (cheap, and mostly
   * enough), "model" goes through the U-Net too. Default "x0".
   */
  readonly through?: "x0" | "model";
}

const NAMES: Names<LossGuidance> = { loss: true, scale: true, every: true, on: true, through: true };

/**
 * Fills in what a guidance leaves open.
 *
 * @throws RangeError or TypeError that names what is wrong
 */
export function checkGuidance(guidance: LossGuidance): Required<LossGuidance> {
  checkOptions("guidance", guidance, NAMES);
  const { loss, scale = 1, every = 1, on = "image", through = "x0" } = guidance;
  if (typeof loss !== "function") throw new TypeError("guidance: loss must be a function of a tensor");
  if (!Number.isFinite(scale)) throw new RangeError(`guidance: scale is ${scale}`);
  if (!Number.isInteger(every) || every < 1)
    throw new RangeError(`guidance: every is ${every}; expected a whole number from 1 up`);
  checkChoice("guidance", "on", on, ["image", "latents"]);
  checkChoice("guidance", "through", through, ["x0", "model"]);
  return { loss, scale, every, on, through };
}

/** What the U-Net is called with at a step. */
export interface ModelCall extends NoiseLevel {
  /** The input as the scheduler scales it from the latents. */
  readonly scale: number;
}

type Arguments = [latents: Tensor, given: Tensor, alpha: Tensor, sigma: Tensor];
type ThroughModel = [
  latents: Tensor,
  time: Tensor,
  text: Tensor,
  inputScale: Tensor,
  alpha: Tensor,
  sigma: Tensor,
  guidance: Tensor,
];
type Result = { grad: Tensor; loss: Tensor };

/**
 * Moves latents against the gradient of a loss of the clean picture that they are predicted to become.
 *
 * `latents - scale * sigma^2 * gradient`: written for sigmas (where alpha is 1) as well as for
 * variance-preserving schedules.
 * @see Dhariwal and Nichol 2021, algorithm 2: https://arxiv.org/abs/2105.05233
 */
export class LossGuide {
  readonly #guidance: Required<LossGuidance>;
  readonly #x0: Compiled<Arguments, Result>;
  readonly #model: Compiled<ThroughModel, Result>;

  constructor(
    guidance: Required<LossGuidance>,
    parts: { unet: UNet2DConditionModel; vae: AutoencoderKL; prediction: string },
  ) {
    const { unet, vae, prediction } = parts;
    this.#guidance = guidance;
    const judge = (latents: Tensor, output: Tensor, alpha: Tensor, sigma: Tensor): Result => {
      const x0 = clean(prediction, output, latents, alpha, sigma);
      const seen = guidance.on === "latents" ? x0 : vae.decode(x0.div(vae.config.scaling_factor)).sample;
      const loss = guidance.loss(seen);
      if (loss.numel() !== 1)
        throw new RangeError(`guidance: the loss has the shape [${loss.shape}], expected a scalar`);
      loss.backward();
      if (!latents.grad) throw new Error("guidance: the loss does not depend on the picture");
      return { grad: latents.grad, loss: loss.detach() };
    };
    this.#x0 = compile(
      (latents: Tensor, output: Tensor, alpha: Tensor, sigma: Tensor) => {
        return judge(latents.detach().requiresGrad_(), output, alpha, sigma);
      },
      { name: "guidance" },
    );
    this.#model = compile(
      (latents, time, text, inputScale, alpha, sigma, scale) => {
        const x = latents.detach().requiresGrad_();
        const input = x.mul(inputScale);
        // Guidance may be turned off on the way; then there is one text for each picture.
        const guided = text.shape[0] === 2 * input.shape[0]!;
        const twice = guided ? [input, input] : [input];
        const predictions = twice.map((copy, i) => {
          const count = input.shape[0]!;
          return unet.forward(copy, time.narrow(0, 0, count), text.narrow(0, i * count, count)).sample;
        });
        const [without, wanted] = predictions as [Tensor, Tensor];
        const output = guided ? without.add(wanted.sub(without).mul(scale)) : without;
        return judge(x, output, alpha, sigma);
      },
      { name: "guidance through the U-Net" },
    );
  }

  /** Whether this step is guided. */
  at(index: number): boolean {
    return index % this.#guidance.every === 0;
  }

  /** The latents moved, and the loss before. */
  async move(
    latents: Tensor,
    output: Tensor,
    call: ModelCall & { time: Tensor; text: Tensor; guidanceScale: number },
  ): Promise<{ latents: Tensor; loss: Tensor }> {
    const device = { device: latents.device };
    const number = (value: number) => full([], value, device);
    const [alpha, sigma] = [number(call.alpha), number(call.sigma)];
    const { grad, loss } =
      this.#guidance.through === "model"
        ? await this.#model(
            ...([latents, call.time, call.text, number(call.scale), alpha, sigma] as const),
            number(call.guidanceScale),
          )
        : await this.#x0(latents, output, alpha, sigma);
    const strength = this.#guidance.scale * call.sigma ** 2;
    return { latents: latents.sub(grad.mul(strength)), loss };
  }

  close(): void {
    this.#x0.close();
    this.#model.close();
  }
}

/** The clean latents that a prediction stands for. */
function clean(prediction: string, output: Tensor, latents: Tensor, alpha: Tensor, sigma: Tensor): Tensor {
  if (prediction === "sample") return output;
  if (prediction === "flow_prediction") return latents.sub(output.mul(sigma));
  if (prediction === "epsilon") return latents.sub(output.mul(sigma)).div(alpha);
  // The velocity is defined where alpha and sigma are scaled to a variance of 1 together.
  const size = alpha.square().add(sigma.square()).sqrt();
  return latents.mul(alpha).div(size).sub(output.mul(sigma)).div(size);
}
