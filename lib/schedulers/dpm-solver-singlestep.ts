import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { keep, type Term } from "./combine.ts";
import { checkAlgorithm, DPM_ALIASES, type DPMAlgorithm, solverWeights } from "./dpm-solver.ts";
import { ExponentialScheduler, type FlowTimestepOptions } from "./exponential-scheduler.ts";
import type { StepOptions, StepOutput } from "./scheduler.ts";
import { FLOW_PREDICTIONS, type SchedulerSettings, SOLVER } from "./settings.ts";
import { solverTimesteps } from "./timesteps.ts";

const DEFAULTS = {
  ...SOLVER,
  algorithm_type: "dpmsolver++",
  solver_type: "midpoint",
  lower_order_final: false,
  lambda_min_clipped: Number.NEGATIVE_INFINITY,
  variance_type: null,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `DPMSolverSinglestepScheduler`. */
export type DPMSolverSinglestepConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/**
 * DPM-Solver and DPM-Solver++, single-step: steps come in groups of one, two or three calls, each step of a group
 * going from the group's start with one more output.
 *
 * @see Lu et al. 2022, algorithm 1: https://arxiv.org/abs/2211.01095
 */
export class DPMSolverSinglestepScheduler extends ExponentialScheduler<DPMSolverSinglestepConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: DPMSolverSinglestepConfig = DEFAULTS;
  /** Values that other schedulers use for a setting, and what they mean here. */
  static readonly aliases = DPM_ALIASES;
  /** The order of each step of the run. */
  orderList: readonly number[] = [];
  /** The last outputs, newest first. */
  #outputs: Tensor[] = [];
  #start: Tensor | null = null;

  constructor(settings: Settings<DPMSolverSinglestepConfig> = {}) {
    super(DEFAULTS, settings, {
      prediction_type: FLOW_PREDICTIONS,
      solver_type: ["midpoint", "heun"],
      time_shift_type: ["exponential"],
      variance_type: ["learned", "learned_range"],
      algorithm_type: ["dpmsolver", "dpmsolver++", "sde-dpmsolver++"],
    });
    checkAlgorithm(this.config, this.name);
    this.sigmas = this.scheduleSigmas();
  }

  setTimesteps(steps: number | null, options: FlowTimestepOptions = {}): void {
    const { config } = this;
    this.checkGiven(options, ["timesteps", "mu"]);
    const spacing = { ...config, timestep_spacing: "linspace", steps_offset: 0 } as const;
    const last = this.lastTimestep(config.lambda_min_clipped);
    const timesteps = options.timesteps
      ? this.givenTimesteps(steps, options.timesteps)
      : solverTimesteps(spacing, this.checkSteps(steps), last);
    this.startAt(timesteps, { roundKarras: true, final: "config", mu: options.mu });
    this.orderList = this.#orders(timesteps.length);
    this.#outputs = [];
    this.#start = null;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): StepOutput {
    const { solver_order: solverOrder, algorithm_type: algorithm } = this.config;
    const i = this.at(timestep);
    const { x0, epsilon } = this.convert(timestep, i, modelOutput, sample);
    this.#outputs = [keep(algorithm.endsWith("++") ? x0 : epsilon), ...this.#outputs].slice(0, solverOrder);
    const noise = algorithm.startsWith("sde") ? this.noise(sample, options.generator) : null;
    // A run that begins in the middle of a group has fewer outputs than the group's order.
    const order = Math.min(this.orderList[i]!, this.#outputs.length);
    if (order === 1 || !this.#start) this.#start = keep(sample);
    const prevSample = this.#update(timestep, i, order, this.#start, noise);
    this.advance();
    return { prevSample, predOriginalSample: x0 };
  }

  #update(timestep: number, i: number, order: number, start: Tensor, noise: Tensor | null): Tensor {
    const { algorithm_type: algorithm, solver_type: solver } = this.config;
    const [base, target] = [this.level(i - order + 1), this.level(i + 1)];
    const w = solverWeights(algorithm as DPMAlgorithm, solver as "midpoint" | "heun", order, base, target);
    const h = target.lambda - base.lambda;
    const place = (k: number) => (this.level(i - k).lambda - base.lambda) / h;
    // Weights of the outputs, newest first; the group's first output comes last and is the base.
    const weights = new Array<number>(order).fill(0);
    weights[order - 1] = w.output;
    const add = (factor: number, k: number) => {
      weights[k]! += factor / place(k);
      weights[order - 1]! -= factor / place(k);
    };
    if (order === 2) add(w.first, 0);
    else if (order === 3) {
      const [r0, r1] = [place(0), place(1)];
      if (solver === "midpoint") add(w.first, 0);
      else {
        add((-w.first * r1) / (r0 - r1) + (2 * w.second) / (r0 - r1), 0);
        add((w.first * r0) / (r0 - r1) - (2 * w.second) / (r0 - r1), 1);
      }
    }
    const terms: Term[] = [[w.sample, start]];
    for (let k = 0; k < order; k++) terms.push([weights[k]!, this.#outputs[k]!]);
    if (noise) terms.push([w.noise, noise]);
    return this.sum(timestep, ...terms);
  }

  /** The orders of `n` steps: groups of rising order, the rest in lower ones if `lower_order_final` says so. */
  #orders(n: number): number[] {
    const { solver_order: order, final_sigmas_type: final } = this.config;
    // As in diffusers, a run that no whole groups fill, or that ends at zero noise, always ends in lower orders.
    const lower = this.config.lower_order_final || n % order !== 0 || final === "zero";
    const group = Array.from({ length: order }, (_, k) => k + 1);
    const groups = (count: number) => Array.from({ length: count }, () => group).flat();
    const rest = n % order;
    let orders: number[];
    if (order === 1 || !lower) orders = groups(Math.floor(n / order));
    else if (rest > 0) orders = [...groups(Math.floor(n / order)), ...group.slice(0, rest)];
    else orders = [...groups(n / order - 1), ...group.slice(0, -1), 1];
    if (final === "zero") orders[orders.length - 1] = 1;
    return orders;
  }
}
