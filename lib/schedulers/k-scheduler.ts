import type { Tensor } from "../tensor/tensor.ts";
import type { CommonSettings, TimestepOptions } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings.ts";
import { SigmaScheduler } from "./sigma-scheduler.ts";
import { interpolate, respaced, type SigmaSettings, sigmaToTimestep } from "./sigmas.ts";
import { spacedTimesteps } from "./timesteps.ts";

/** Settings that these schedulers share. */
type KSettings = CommonSettings & Pick<SchedulerSettings, "timestep_spacing" | "steps_offset"> & SigmaSettings;

/**
 * The schedulers of Karras et al.: the sample is a clean one plus sigma times noise, not scaled to variance 1, so the
 * model's input is scaled before each call and the first noise is as large as the largest sigma.
 *
 * @see Karras et al. 2022: https://arxiv.org/abs/2206.00364
 */
export abstract class KScheduler<C extends KSettings> extends SigmaScheduler<C> {
  get initNoiseSigma(): number {
    const largest = Math.max(...this.sigmas);
    // "leading" does not begin at the largest level: the scaled sample has to have variance 1 there as well.
    return this.config.timestep_spacing === "leading" ? Math.sqrt(largest * largest + 1) : largest;
  }

  override scaleModelInput(sample: Tensor, timestep: number): Tensor {
    const sigma = this.inputSigma(this.at(timestep));
    return sample.mul(1 / Math.sqrt(sigma * sigma + 1));
  }

  protected inputSigma(index: number): number {
    return this.sigmas[index]!;
  }

  protected noiseLevel(sigma: number) {
    return { alpha: 1, sigma };
  }

  /** Timesteps and levels of a run of `steps`, without the level after the last. */
  protected levels(steps: number | null, { timesteps: given }: TimestepOptions) {
    const table = this.scheduleSigmas();
    const timesteps = given
      ? this.givenTimesteps(steps, given).map(Math.fround)
      : spacedTimesteps(this.config, this.checkSteps(steps), false);
    const sigmas = this.baseSigmas(timesteps, table);
    const other = respaced(this.config, timesteps.length, { first: sigmas[0]!, last: sigmas.at(-1)! });
    if (!other) return { timesteps, sigmas, table };
    return { timesteps: other.map((sigma) => Math.fround(sigmaToTimestep(sigma, table))), sigmas: other, table };
  }

  /** The schedule's levels at timesteps, before they are spaced anew. */
  protected baseSigmas(timesteps: readonly number[], table: Float32Array): number[] {
    return timesteps.map((t) => interpolate(table, t));
  }

  /** The clean sample that the model sees in an unscaled sample of this level. */
  protected denoise(timestep: number, output: Tensor, sample: Tensor, sigma: number): Tensor {
    switch (this.config.prediction_type) {
      case "epsilon":
        return this.sum(timestep, [1, sample], [-sigma, output]);
      case "sample":
        return output;
      case "v_prediction":
        return this.sum(timestep, [-sigma / Math.sqrt(sigma * sigma + 1), output], [1 / (sigma * sigma + 1), sample]);
      default:
        throw new RangeError(`${this.name}: prediction_type ${this.config.prediction_type}`);
    }
  }
}
