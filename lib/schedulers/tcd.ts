import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { DISTILLED, DistilledScheduler } from "./distilled-scheduler.ts";
import { levelOf } from "./noise-level.ts";
import type { StepOptions, StepOutput } from "./scheduler.ts";
import type { SchedulerSettings } from "./settings.ts";

/** Settings of `TCDScheduler`. */
export type TCDConfig = Pick<SchedulerSettings, keyof typeof DISTILLED>;

/** What a step of `TCDScheduler` takes besides. */
export interface TCDStepOptions extends StepOptions {
  /** How much noise is put back, 0 (none) to 1; default 0.3. Called gamma in the paper. */
  eta?: number;
}

/** What a step of `TCDScheduler` gives. */
export interface TCDStepOutput extends StepOutput {
  /** The sample at the level that the step goes down to before noise is put back. */
  readonly predNoisedSample: Tensor;
}

/**
 * Trajectory consistency distillation: each step goes further down than the next level, and noise brings it back up.
 *
 * @see Zheng et al. 2024, algorithm 4: https://arxiv.org/abs/2402.19159
 */
export class TCDScheduler extends DistilledScheduler<TCDConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: TCDConfig = DISTILLED;

  constructor(settings: Settings<TCDConfig> = {}) {
    super(DISTILLED, settings);
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: TCDStepOptions = {}): TCDStepOutput {
    const { eta = 0.3 } = options;
    if (!(eta >= 0 && eta <= 1)) throw new RangeError(`${this.name}.step: eta ${eta}; expected 0 to 1`);
    const steps = this.requireRun();
    const i = this.at(timestep);
    const previous = this.timesteps[i + 1] ?? 0;
    const below = Math.floor(Math.fround(Math.fround(1 - eta) * previous));
    const [alphaBar, alphaBarPrev, alphaBarBelow] = [timestep, previous, below].map((t) => this.alphaBar(t)) as [
      number,
      number,
      number,
    ];
    const level = levelOf(alphaBar);
    const { x0, epsilon } = this.predict(timestep, modelOutput, sample, level);
    const noised = this.sum(timestep, [Math.sqrt(alphaBarBelow), x0], [Math.sqrt(1 - alphaBarBelow), epsilon]);
    this.advance();
    const found = { predOriginalSample: x0, predNoisedSample: noised };
    if (eta === 0 || i === steps - 1) return { prevSample: noised, ...found };
    const share = alphaBarPrev / alphaBarBelow;
    const noise = this.noise(modelOutput, options.generator);
    return { prevSample: this.sum(timestep, [Math.sqrt(share), noised], [Math.sqrt(1 - share), noise]), ...found };
  }

  /** With their number given, diffusers chooses from all of the training's timesteps. */
  protected override trained(original: number, strength: number, given: boolean) {
    if (given) return { count: Math.trunc(this.length * strength), stride: 1 };
    return super.trained(original, strength, given);
  }
}
