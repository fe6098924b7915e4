import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { keep, type Term } from "./combine.ts";
import { checkAlgorithm, DPM_ALGORITHMS, DPM_ALIASES, type DPMAlgorithm, solverWeights } from "./dpm-solver.ts";
import { ExponentialScheduler, type FlowTimestepOptions } from "./exponential-scheduler.ts";
import type { StepOptions, StepOutput } from "./scheduler.ts";
import { FLOW_PREDICTIONS, type SchedulerSettings, SOLVER } from "./settings.ts";
import { solverTimesteps } from "./timesteps.ts";

const DEFAULTS = {
  ...SOLVER,
  algorithm_type: "dpmsolver++",
  solver_type: "midpoint",
  lower_order_final: true,
  euler_at_final: false,
  use_lu_lambdas: false,
  lambda_min_clipped: Number.NEGATIVE_INFINITY,
  variance_type: null,
  timestep_spacing: "linspace",
  steps_offset: 0,
  rescale_betas_zero_snr: false,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `DPMSolverMultistepScheduler`. */
export type DPMSolverMultistepConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/** What a step of `DPMSolverMultistepScheduler` takes besides. */
export interface DPMSolverStepOptions extends StepOptions {
  /** The noise of an "sde" algorithm, in place of drawing it. */
  varianceNoise?: Tensor;
}

/** Below this many steps the last ones fall back to lower orders, which is more stable. */
const FEW_STEPS = 15;

/**
 * DPM-Solver and DPM-Solver++, multi-step: the model's last outputs give the derivatives, one call a step.
 *
 * @see Lu et al. 2022, algorithm 2: https://arxiv.org/abs/2211.01095
 */
export class DPMSolverMultistepScheduler extends ExponentialScheduler<DPMSolverMultistepConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: DPMSolverMultistepConfig = DEFAULTS;
  /** Values that other schedulers use for a setting, and what they mean here. */
  static readonly aliases = DPM_ALIASES;
  /** The last outputs, newest first. */
  #outputs: Tensor[] = [];
  #lowerOrders = 0;

  constructor(settings: Settings<DPMSolverMultistepConfig> = {}) {
    super(DEFAULTS, settings, {
      algorithm_type: DPM_ALGORITHMS,
      prediction_type: FLOW_PREDICTIONS,
      solver_type: ["midpoint", "heun"],
      time_shift_type: ["exponential"],
      variance_type: ["learned", "learned_range"],
    });
    checkAlgorithm(this.config, this.name);
    this.sigmas = this.scheduleSigmas();
  }

  setTimesteps(steps: number | null, options: FlowTimestepOptions = {}): void {
    const { config } = this;
    this.checkGiven(options, ["timesteps", "mu"]);
    const last = this.lastTimestep(config.lambda_min_clipped);
    const timesteps = options.timesteps
      ? this.givenTimesteps(steps, options.timesteps)
      : solverTimesteps(config, this.checkSteps(steps), last);
    this.startAt(timesteps, {
      roundKarras: config.beta_schedule !== "squaredcos_cap_v2",
      final: "config",
      mu: options.mu,
    });
    this.#outputs = [];
    this.#lowerOrders = 0;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: DPMSolverStepOptions = {}): StepOutput {
    const { solver_order: solverOrder, algorithm_type: algorithm, lower_order_final: lowerFinal } = this.config;
    const i = this.at(timestep);
    const left = this.timesteps.length - i;
    const few = lowerFinal && this.timesteps.length < FEW_STEPS;
    const { x0, epsilon } = this.convert(timestep, i, modelOutput, sample);
    this.#outputs = [keep(algorithm.endsWith("++") ? x0 : epsilon), ...this.#outputs].slice(0, solverOrder);
    const noise = algorithm.startsWith("sde") ? (options.varianceNoise ?? this.noise(sample, options.generator)) : null;
    let order = Math.min(solverOrder, this.#lowerOrders + 1);
    if (left === 1 && (this.config.euler_at_final || few || this.config.final_sigmas_type === "zero")) order = 1;
    else if (left === 2 && few) order = Math.min(order, 2);
    const prevSample = this.#update(timestep, i, order, sample, noise);
    this.#lowerOrders = Math.min(solverOrder, this.#lowerOrders + 1);
    this.advance();
    return { prevSample, predOriginalSample: x0 };
  }

  #update(timestep: number, i: number, order: number, sample: Tensor, noise: Tensor | null): Tensor {
    const [base, target] = [this.level(i), this.level(i + 1)];
    const { algorithm_type: algorithm, solver_type: solver } = this.config;
    const w = solverWeights(algorithm as DPMAlgorithm, solver as "midpoint" | "heun", order, base, target);
    const h = target.lambda - base.lambda;
    // Differences of the last outputs as weights of the outputs themselves.
    const weights = [w.output, 0, 0];
    const add = (factor: number, parts: readonly number[]) => {
      for (const [k, part] of parts.entries()) weights[k]! += factor * part;
    };
    if (order >= 2) {
      const r0 = (base.lambda - this.level(i - 1).lambda) / h;
      const near = [1 / r0, -1 / r0, 0];
      if (order === 2) add(w.first, near);
      else {
        const r1 = (this.level(i - 1).lambda - this.level(i - 2).lambda) / h;
        const far = [0, 1 / r1, -1 / r1];
        const bend = near.map((n, k) => n - far[k]!);
        add(
          w.first,
          near.map((n, k) => n + (r0 / (r0 + r1)) * bend[k]!),
        );
        add(
          w.second,
          bend.map((b) => b / (r0 + r1)),
        );
      }
    }
    const terms: Term[] = [[w.sample, sample]];
    for (let k = 0; k < order; k++) terms.push([weights[k]!, this.#outputs[k]!]);
    if (noise) terms.push([w.noise, noise]);
    return this.sum(timestep, ...terms);
  }
}
