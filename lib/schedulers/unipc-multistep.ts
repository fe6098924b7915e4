import type { Settings } from "../config/fields.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { keep, type Term } from "./combine.ts";
import { ExponentialScheduler, type FlowTimestepOptions, type LevelChoice } from "./exponential-scheduler.ts";
import type { StepOutput } from "./scheduler.ts";
import { FLOW_PREDICTIONS, type SchedulerSettings, SOLVER } from "./settings.ts";
import { karrasSigmas, shifted, stretched } from "./sigmas.ts";
import { linspace, solverTimesteps } from "./timesteps.ts";

const DEFAULTS = {
  ...SOLVER,
  predict_x0: true,
  solver_type: "bh2",
  lower_order_final: true,
  disable_corrector: [] as readonly number[],
  solver_p: null,
  timestep_spacing: "linspace",
  steps_offset: 0,
  rescale_betas_zero_snr: false,
  sigma_min: null,
  sigma_max: null,
  shift_terminal: null,
} as const satisfies Partial<SchedulerSettings>;

/** Settings of `UniPCMultistepScheduler`. */
export type UniPCMultistepConfig = Pick<SchedulerSettings, keyof typeof DEFAULTS>;

/**
 * UniPC: a predictor of any order, and a corrector that improves each step with the output that the next one needs
 * anyway, so at one call a step.
 *
 * @see Zhao et al. 2023: https://arxiv.org/abs/2302.04867
 */
export class UniPCMultistepScheduler extends ExponentialScheduler<UniPCMultistepConfig> {
  /** The settings that it takes if none are given. */
  static readonly defaults: UniPCMultistepConfig = DEFAULTS;
  /** Values that other schedulers use for a setting, and what they mean here. */
  static readonly aliases = { solver_type: { midpoint: "bh2", heun: "bh2", logrho: "bh2" } } as const;
  /** The last outputs, newest first. */
  #outputs: Tensor[] = [];
  #lastSample: Tensor | null = null;
  #lastOrder = 1;
  #lowerOrders = 0;

  constructor(settings: Settings<UniPCMultistepConfig> = {}) {
    super(DEFAULTS, settings, {
      prediction_type: FLOW_PREDICTIONS,
      solver_type: ["bh1", "bh2"],
      time_shift_type: ["exponential"],
    });
    const { shift_terminal: terminal, use_flow_sigmas: flow } = this.config;
    if (terminal !== null && !flow) {
      throw new RangeError(`${this.name}: shift_terminal is ${terminal}; expected null, unless use_flow_sigmas is on`);
    }
    this.sigmas = this.scheduleSigmas();
  }

  setTimesteps(steps: number | null, options: FlowTimestepOptions = {}): void {
    const { config } = this;
    this.checkGiven(options, config.use_flow_sigmas ? ["sigmas", "mu"] : []);
    if (config.use_dynamic_shifting && options.mu === undefined) {
      throw new RangeError(`${this.name}.setTimesteps: no { mu }, which use_dynamic_shifting needs`);
    }
    const choice: LevelChoice = { roundKarras: true, final: "config, of the run", mu: options.mu };
    const n = options.sigmas ? options.sigmas.length : this.checkSteps(steps);
    const { use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas, use_flow_sigmas: flow } = config;
    if (flow && !use_exponential_sigmas && !use_beta_sigmas) {
      const sigmas = use_karras_sigmas ? this.#karrasFlow(n, options.sigmas) : this.#flow(n, options);
      this.startFlow(sigmas, sigmas.at(-1)!, choice);
    } else this.startAt(solverTimesteps(config, n, this.length), choice);
    this.#outputs = [];
    this.#lastSample = null;
    this.#lowerOrders = 0;
  }

  /** Karras' levels, which have no bound, as shares of noise. */
  #karrasFlow(n: number, given?: readonly number[]): number[] {
    const table = given ?? this.scheduleSigmas();
    const { sigma_min: sigmaMin, sigma_max: sigmaMax } = this.config;
    const ends = { sigmaMin: sigmaMin ?? table[0]!, sigmaMax: sigmaMax ?? table.at(-1)! };
    return karrasSigmas(n, ends).map((sigma) => sigma / (sigma + 1));
  }

  #flow(n: number, { sigmas, mu }: FlowTimestepOptions): number[] {
    const plain = sigmas ?? linspace(1, 1 / this.length, n + 1).slice(0, -1);
    const shift = this.flowShift(mu);
    const moved = stretched(
      plain.map((sigma) => shifted(sigma, shift)),
      this.config.shift_terminal,
    );
    // Pure noise has no logarithm of its signal.
    return moved.map((sigma, i) => (i === 0 && Math.abs(sigma - 1) < 1e-6 ? sigma - 1e-6 : sigma));
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor): StepOutput {
    const { solver_order: solverOrder, predict_x0: predictX0 } = this.config;
    const i = this.at(timestep);
    // On the noise, diffusers' UniPC leaves thresholding out, and so does this one.
    const { x0, epsilon } = this.convert(timestep, i, modelOutput, sample, false);
    const output = keep(predictX0 ? x0 : epsilon);
    let corrected = sample;
    if (this.#lastSample && !this.config.disable_corrector.includes(i - 1)) {
      corrected = this.#correct(timestep, i, this.#lastSample, output);
    }
    this.#outputs = [output, ...this.#outputs].slice(0, solverOrder);
    const left = this.timesteps.length - i;
    const order = Math.min(
      this.config.lower_order_final ? Math.min(solverOrder, left) : solverOrder,
      this.#lowerOrders + 1,
    );
    this.#lastSample = keep(corrected);
    this.#lastOrder = order;
    const prevSample = this.#predict(timestep, i, order, corrected);
    this.#lowerOrders = Math.min(solverOrder, this.#lowerOrders + 1);
    this.advance();
    return { prevSample, predOriginalSample: x0 };
  }

  #predict(timestep: number, i: number, order: number, sample: Tensor): Tensor {
    const { places, scale, phis } = this.#system(i, i + 1, order);
    const inner = places.slice(0, -1);
    // The paper's simplification for order 2; diffusers has it too.
    const rhos = order === 2 ? [0.5] : solve(inner, phis.slice(0, order - 1));
    return this.#combine(timestep, i, i + 1, sample, this.#outputs, inner, rhos, scale);
  }

  #correct(timestep: number, i: number, last: Tensor, output: Tensor): Tensor {
    const order = this.#lastOrder;
    const { places, scale, phis } = this.#system(i - 1, i, order);
    const rhos = order === 1 ? [0.5] : solve(places, phis);
    return this.#combine(timestep, i - 1, i, last, this.#outputs, places, rhos, scale, output);
  }

  /** The step's lambda, the places of the outputs in it (the target's 1 last), and the integrals to be matched. */
  #system(from: number, to: number, order: number) {
    const base = this.level(from).lambda;
    const h = this.level(to).lambda - base;
    const z = this.config.predict_x0 ? -h : h;
    const grown = Math.expm1(z);
    const scale = this.config.solver_type === "bh1" ? z : grown;
    const places = Array.from({ length: order - 1 }, (_, k) => (this.level(from - 1 - k).lambda - base) / h);
    const phis: number[] = [];
    let [phi, factorial] = [grown / z - 1, 1];
    for (let k = 1; k <= order; k++) {
      phis.push((phi * factorial) / scale);
      factorial *= k + 1;
      phi = phi / z - 1 / factorial;
    }
    return { places: [...places, 1], scale, phis };
  }

  /** Eq. 3 and 9: the exact linear part, then the differences to the base's output by their weights. */
  #combine(
    timestep: number,
    from: number,
    to: number,
    sample: Tensor,
    outputs: readonly Tensor[],
    places: readonly number[],
    rhos: readonly number[],
    scale: number,
    target?: Tensor,
  ): Tensor {
    const [base, next] = [this.level(from), this.level(to)];
    const x0 = this.config.predict_x0;
    const size = x0 ? next.alpha : next.sigma;
    const h = next.lambda - base.lambda;
    const keepShare = x0 ? next.sigma / base.sigma : next.alpha / base.alpha;
    let ofBase = -size * Math.expm1(x0 ? -h : h);
    const terms: Term[] = [];
    for (const [k, place] of places.entries()) {
      const weight = (-size * scale * rhos[k]!) / place;
      const other = target && k === places.length - 1 ? target : outputs[k + 1]!;
      terms.push([weight, other]);
      ofBase -= weight;
    }
    return this.sum(timestep, [keepShare, sample], [ofBase, outputs[0]!], ...terms);
  }
}

/** Solves sum_k place_k^i rho_k = phi_i, i from 0: a Vandermonde system, at most 3 by 3, by elimination. */
function solve(places: readonly number[], phis: readonly number[]): number[] {
  const n = places.length;
  const rows = phis.map((phi, i) => [...places.map((place) => place ** i), phi]);
  for (let column = 0; column < n; column++) {
    const pivot = rows.slice(column).reduce((a, b) => (Math.abs(b[column]!) > Math.abs(a[column]!) ? b : a));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(column, 0, pivot);
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[column]! / pivot[column]!;
      for (let k = column; k <= n; k++) row[k]! -= factor * pivot[k]!;
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}
