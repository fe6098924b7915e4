import { describe, expect, it } from "vitest";
import { optim } from "../../../lib/index.ts";
import { Generator } from "../../../lib/random/index.ts";
import { EulerDiscreteScheduler, OptimizerScheduler, type Scheduler } from "../../../lib/schedulers/index.ts";
import { randn } from "../../../lib/tensor/random.ts";
import type { Tensor } from "../../../lib/tensor/tensor.ts";

const settings = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" } as const;

/** A run with a model that knows the clean sample to be half of what it sees. */
async function run(scheduler: Scheduler, steps: number): Promise<Float32Array> {
  scheduler.setTimesteps(steps);
  const start = randn([1, 2, 4, 4], { generator: new Generator(1) });
  let sample: Tensor = start.mul(scheduler.initNoiseSigma);
  for (const t of scheduler.timesteps) {
    const noise = scheduler.scaleModelInput(sample, t).mul(0.9);
    sample = await scheduler.step(noise, t, sample).prevSample.realize();
  }
  return (await sample.data()) as Float32Array;
}

const furthest = (a: Float32Array, b: Float32Array) => Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));

describe("OptimizerScheduler", () => {
  it("is Euler's method with plain gradient descent", async () => {
    const optimizer = (params: Tensor[]) => new optim.SGD(params, { lr: 1 });
    for (const prediction_type of ["epsilon", "v_prediction"] as const) {
      const own = await run(new OptimizerScheduler({ optimizer }, { ...settings, prediction_type }), 7);
      const euler = await run(new EulerDiscreteScheduler({ ...settings, prediction_type }), 7);
      expect(furthest(own, euler)).toBeLessThan(1e-4);
    }
  });

  it("takes any optimizer, which keeps its state from step to step and starts anew at each run", async () => {
    const plain = await run(new OptimizerScheduler({ optimizer: (p) => new optim.SGD(p, { lr: 1 }) }, settings), 7);
    const kinds = {
      momentum: (p: Tensor[]) => new optim.SGD(p, { lr: 0.7, momentum: 0.3 }),
      adam: (p: Tensor[]) => new optim.AdamW(p, { lr: 1, weightDecay: 0 }),
    };
    for (const optimizer of Object.values(kinds)) {
      const scheduler = new OptimizerScheduler({ optimizer }, settings);
      const first = await run(scheduler, 7);
      expect(first.every(Number.isFinite)).toBe(true);
      expect(furthest(first, plain)).toBeGreaterThan(0.01);
      expect(await run(scheduler, 7)).toEqual(first);
    }
    const constant = new OptimizerScheduler({ optimizer: kinds.adam, rate: "constant" }, settings);
    expect(furthest(await run(constant, 7), plain)).toBeGreaterThan(0.01);
  });

  it("can hide the timestep from the model", () => {
    const optimizer = (params: Tensor[]) => new optim.SGD(params, { lr: 1 });
    expect(new OptimizerScheduler({ optimizer }).modelTimestep(980)).toBe(980);
    expect(new OptimizerScheduler({ optimizer, passTimestep: false }).modelTimestep(980)).toBe(500);
    expect(new OptimizerScheduler({ optimizer, passTimestep: false, timestep: 1 }).modelTimestep(980)).toBe(1);
    expect(() => new OptimizerScheduler({} as never)).toThrow(/no optimizer; expected/);
  });
});
