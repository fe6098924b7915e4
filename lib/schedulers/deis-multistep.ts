import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { keep, type Term } from "./combine.ts";
import { ExponentialScheduler, type FlowTimestepOptions } from "./exponential-scheduler.ts";
import type { StepOutput } from "./scheduler.ts";
import { FLOW_PREDICTIONS, type SchedulerSettings, SOLVER } from "./settings.ts";
import { solverTimesteps } from "./timesteps.ts";

const { final_sigmas_type: _, ...SHARED } = SOLVER;

const DEFAULTS = {
  ...SHARED,
  algorithm_type: "deis",
  solver_type: "logrho",
  lower_order_final: true,
  timestep_spacing: "linspace",
  steps_offset: 0,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `DEISMultistepScheduler`. */
export type DEISMultistepConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/** Below this many steps the last ones fall back to lower orders, which is more stable. */
const FEW_STEPS = 15;

/**
 * DEIS: the noise of the last steps is extrapolated by a polynomial in log rho, where rho is the noise beside a clean
 * sample of scale 1.
 *
 * @see Zhang and Chen 2022: https://arxiv.org/abs/2204.13902
 */
export class DEISMultistepScheduler extends ExponentialScheduler<DEISMultistepConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: DEISMultistepConfig = DEFAULTS;
  /** Values that other schedulers use for a setting, and what they mean here. */
  static readonly aliases = {
    algorithm_type: { dpmsolver: "deis", "dpmsolver++": "deis" },
    solver_type: { midpoint: "logrho", heun: "logrho", bh1: "logrho", bh2: "logrho" },
  } as const;
  /** The last outputs, newest first. */
  #outputs: Tensor[] = [];
  #lowerOrders = 0;

  constructor(settings: Settings<DEISMultistepConfig> = {}) {
    super(DEFAULTS, settings, {
      algorithm_type: ["deis"],
      prediction_type: FLOW_PREDICTIONS,
      solver_type: ["logrho"],
      time_shift_type: ["exponential"],
    });
    this.sigmas = this.scheduleSigmas();
  }

  setTimesteps(steps: number | null, options: FlowTimestepOptions = {}): void {
    this.checkGiven(options, ["mu"]);
    const timesteps = solverTimesteps(this.config, this.checkSteps(steps), this.length);
    this.startAt(timesteps, { roundKarras: true, final: "last again", mu: options.mu });
    this.#outputs = [];
    this.#lowerOrders = 0;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor): StepOutput {
    const { solver_order: solverOrder, lower_order_final: lowerFinal } = this.config;
    const i = this.at(timestep);
    const left = this.timesteps.length - i;
    const few = lowerFinal && this.timesteps.length < FEW_STEPS;
    const { x0, epsilon } = this.convert(timestep, i, modelOutput, sample);
    this.#outputs = [keep(epsilon), ...this.#outputs].slice(0, solverOrder);
    const order = Math.min(solverOrder, this.#lowerOrders + 1, few ? left : solverOrder);
    const prevSample = this.#update(timestep, i, order, sample);
    this.#lowerOrders = Math.min(solverOrder, this.#lowerOrders + 1);
    this.advance();
    return { prevSample, predOriginalSample: x0 };
  }

  #update(timestep: number, i: number, order: number, sample: Tensor): Tensor {
    const rho = (index: number) => {
      const { alpha, sigma } = this.level(index);
      return sigma / alpha;
    };
    const [from, to] = [rho(i), rho(i + 1)];
    const scale = this.level(i + 1).alpha;
    const nodes = Array.from({ length: order }, (_, k) => Math.log(rho(i - k)));
    const weights = nodes.map((node, k) =>
      integrateInLog(
        node,
        nodes.filter((_, j) => j !== k),
        from,
        to,
      ),
    );
    const terms: Term[] = weights.map((weight, k) => [scale * weight, this.#outputs[k]!]);
    return this.sum(timestep, [scale / this.level(i).alpha, sample], ...terms);
  }
}

/** The integral over rho of the polynomial in log rho that is 1 at `node` and 0 at up to two `others`. */
function integrateInLog(node: number, others: readonly number[], from: number, to: number): number {
  const [a, b] = others;
  // Antiderivatives of 1, (log t - a) and (log t - a)(log t - b).
  const at = (t: number): number => {
    const l = Math.log(t);
    if (a === undefined) return t;
    if (b === undefined) return t * (l - 1 - a);
    return t * (l * l - 2 * l + 2 - (a + b) * (l - 1) + a * b);
  };
  const norm = others.reduce((product, other) => product * (node - other), 1);
  return (at(to) - at(from)) / norm;
}
