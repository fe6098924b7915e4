import type { Tensor } from "../tensor/tensor.ts";
import type { CommonSettings, TimestepOptions } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings.ts";
import { SigmaScheduler } from "./sigma-scheduler.ts";
import { interpolate, respaced, type SigmaSettings, shifted, sigmaToTimestep } from "./sigmas.ts";
import { linspace, roundHalfEven } from "./timesteps.ts";

/** Settings that these schedulers share. */
type ExponentialSettings = CommonSettings &
  Pick<SchedulerSettings, "use_flow_sigmas" | "flow_shift" | "use_dynamic_shifting"> &
  SigmaSettings;

/** How the levels of a run may be given. */
export interface FlowTimestepOptions extends TimestepOptions {
  /** Flow matching with `use_dynamic_shifting`: the logarithm of the shift. */
  mu?: number;
}

/** How a kind of scheduler chooses the levels of a run. */
export interface LevelChoice {
  /** Whether Karras' timesteps are rounded before they are cut to whole numbers. */
  readonly roundKarras: boolean;
  /** The level after the last step: the schedule's smallest or zero as the config says, or the run's last once more. */
  readonly final: "config" | "config, of the run" | "last again";
  /** Logarithm of the shift of flow matching. */
  readonly mu?: number | undefined;
}

/** A noise level in the terms of exponential integrators. */
export interface Level {
  /** Share of the clean sample, alpha. */
  readonly alpha: number;
  /** Share of the noise, sigma. */
  readonly sigma: number;
  /** Half the logarithm of the signal-to-noise ratio, lambda = log(alpha / sigma); infinite if no noise is left. */
  readonly lambda: number;
}

/**
 * DPM-Solver and UniPC: the sample keeps variance 1 (alpha times clean plus sigma times noise), and the linear part of
 * the way is solved exactly, so that only the model's output is extrapolated, in steps of lambda.
 *
 * @see Lu et al. 2022: https://arxiv.org/abs/2206.00927
 */
export abstract class ExponentialScheduler<C extends ExponentialSettings> extends SigmaScheduler<C> {
  readonly initNoiseSigma = 1;

  /** The last timestep stands in for one that the run does not visit, as in diffusers. */
  override indexForTimestep(timestep: number): number {
    return this.timesteps.includes(timestep) ? super.indexForTimestep(timestep) : this.timesteps.length - 1;
  }

  protected noiseLevel(sigma: number) {
    if (this.config.use_flow_sigmas) return { alpha: 1 - sigma, sigma };
    const alpha = 1 / Math.sqrt(sigma * sigma + 1);
    return { alpha, sigma: sigma * alpha };
  }

  /** A level of the run. */
  protected level(index: number): Level {
    const { alpha, sigma } = this.noiseLevel(this.sigmas[index]!);
    return { alpha, sigma, lambda: Math.log(alpha) - Math.log(sigma) };
  }

  /** One more than the largest timestep whose lambda is not below `lambda_min_clipped`. */
  protected lastTimestep(lambdaMin: number): number {
    const lambdas = this.scheduleSigmas().map((sigma) => -Math.log(sigma));
    return this.length - lambdas.filter((lambda) => lambda < lambdaMin).length;
  }

  /** Starts a run over the config's own levels, or those at `timesteps`. */
  protected startAt(timesteps: readonly number[], choice: LevelChoice): void {
    const table = this.scheduleSigmas();
    const steps = timesteps.length;
    const ends = { first: table.at(-1)!, last: table[0]! };
    const own = this.#lu(steps, ends) ?? respaced(this.config, steps, ends);
    if (!own && this.config.use_flow_sigmas) return this.startFlow(this.#flow(steps, choice.mu), table[0]!, choice);
    const sigmas = own ?? timesteps.map((t) => interpolate(table, t));
    const { use_exponential_sigmas: exponential, use_beta_sigmas: beta } = this.config;
    const rounded = choice.roundKarras && !exponential && !beta ? roundHalfEven : Math.trunc;
    const visited = own ? own.map((sigma) => Math.trunc(rounded(sigmaToTimestep(sigma, table)))) : timesteps;
    this.start(visited, [...sigmas, this.#final(choice, own ? sigmas.at(-1)! : table[0]!, table[0]!)], steps);
  }

  /** Starts a run of flow matching over these levels. */
  protected startFlow(sigmas: readonly number[], smallest: number, choice: LevelChoice): void {
    const visited = sigmas.map((sigma) => Math.trunc(sigma * this.length));
    this.start(visited, [...sigmas, this.#final(choice, sigmas.at(-1)!, smallest)], sigmas.length);
  }

  /** What the levels of flow matching are shifted by. */
  protected flowShift(mu: number | undefined): number {
    if (mu === undefined) return this.config.flow_shift;
    if (this.config.use_dynamic_shifting && Number.isFinite(mu)) return Math.exp(mu);
    throw new RangeError(
      `${this.name}.setTimesteps: mu is ${mu}; expected a number, together with use_dynamic_shifting`,
    );
  }

  #flow(steps: number, mu: number | undefined): number[] {
    const shift = this.flowShift(mu);
    return linspace(1, 1 / this.length, steps + 1)
      .map((alpha) => shifted(1 - alpha, shift))
      .reverse()
      .slice(0, -1);
  }

  #final({ final }: LevelChoice, last: number, smallest: number): number {
    if (final === "last again") return last;
    if ((this.config as Partial<SchedulerSettings>).final_sigmas_type === "zero") return 0;
    return final === "config" ? smallest : last;
  }

  /**
   * The clean sample and the noise that the model sees at a level, limited as the config asks.
   *
   * @param limitNoise - whether the noise follows a limited clean sample; default true
   */
  protected convert(
    timestep: number,
    index: number,
    output: Tensor,
    sample: Tensor,
    limitNoise = true,
  ): { x0: Tensor; epsilon: Tensor } {
    const c = this.config as Partial<SchedulerSettings>;
    // A model that learns its variance gives that in the channels after the first three.
    const learned = c.variance_type === "learned" || c.variance_type === "learned_range";
    const said = learned && this.config.prediction_type === "epsilon" ? output.narrow(1, 0, 3) : output;
    const { alpha, sigma } = this.level(index);
    // A model of flow matching says the difference of noise and clean sample, whatever the scales.
    const flow = this.config.prediction_type === "flow_prediction";
    const { x0, epsilon } = this.predict(timestep, said, sample, { alpha, sigma: flow ? this.sigmas[index]! : sigma });
    if (!c.thresholding) return { x0, epsilon };
    const limited = this.limit(x0);
    if (!limitNoise) return { x0: limited, epsilon };
    return { x0: limited, epsilon: this.sum(timestep, [1 / sigma, sample], [-alpha / sigma, limited]) };
  }

  #lu(steps: number, { first, last }: { first: number; last: number }): number[] | null {
    if (!(this.config as Partial<SchedulerSettings>).use_lu_lambdas) return null;
    return linspace(Math.log(first), Math.log(last), steps).map(Math.exp);
  }
}
