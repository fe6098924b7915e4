import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { configText } from "../../../lib/config/write.ts";
import { cat, fromArray, Generator, randn, type Tensor, tensor } from "../../../lib/index.ts";
import {
  DDIMScheduler,
  DDPMScheduler,
  DPMSolverMultistepScheduler,
  EulerDiscreteScheduler,
  FlowMatchEulerDiscreteScheduler,
  HeunDiscreteScheduler,
  karrasSigmas,
  LMSDiscreteScheduler,
  PNDMScheduler,
  parseConfig,
  SCHEDULERS,
  type Scheduler,
  type SchedulerName,
  schedulerFromConfig,
  UniPCMultistepScheduler,
} from "../../../lib/schedulers/index.ts";

type Config = Record<string, unknown>;
type Run =
  | number
  | {
      steps?: number;
      timesteps?: number[];
      sigmas?: number[];
      strength?: number;
      original_inference_steps?: number;
      mu?: number;
    };
type Case = {
  name: SchedulerName;
  config: Config;
  run: Run;
  options: Config;
  /** Steps left out at the start, as image-to-image does. */
  skip?: number;
  init: number;
  timesteps: number[];
  sigmas?: number[];
  first: number[];
  sample: number[];
  x0: number[] | null;
  noisy?: { timesteps: number[]; value: number[]; velocity?: number[] };
};
type Reference = {
  shape: number[];
  cases: Case[];
  defaults: Record<SchedulerName, Config>;
  sd15: Config;
  swapped: Record<SchedulerName, { timesteps: number[]; init: number }>;
  sd15Sigmas: number[];
};

const reference: Reference = JSON.parse(
  readFileSync(new URL("../../reference/schedulers.json", import.meta.url), "utf8"),
);
const { shape } = reference;
const numel = shape.reduce((a, b) => a * b);
const names = Object.keys(SCHEDULERS) as SchedulerName[];

/** Any scheduler, as a test that runs all of them sees it. */
interface Any extends Scheduler {
  readonly sigmas?: Float32Array;
  readonly stepIndex?: number | null;
  setTimesteps(steps: number | null, options?: object): void;
  step(
    output: Tensor,
    timestep: number,
    sample: Tensor,
    options?: object,
  ): { prevSample: Tensor; predOriginalSample: Tensor };
}

const make = (name: SchedulerName, config: Config = {}): Any =>
  (SCHEDULERS[name] as unknown as { fromConfig(c: Config): Any }).fromConfig(config);

const pattern = () =>
  fromArray(
    "float32",
    shape,
    Float32Array.from({ length: numel }, (_, i) => i / numel - 0.5),
  );

/** What a trained network might say; the reference has the same formula. */
const model = (x: Tensor, t: number): Tensor =>
  x
    .mul(0.7)
    .tanh()
    .mul(0.5 + t / 2000)
    .add(pattern().mul(0.3));

function expectClose(
  got: ArrayLike<number | bigint>,
  expected: readonly number[],
  tolerance: number,
  what: string,
): void {
  expect(got.length, what).toBe(expected.length);
  let worst = 0;
  let at = -1;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(Number(got[i]) - expected[i]!) / Math.max(1, Math.abs(expected[i]!));
    if (!(error <= worst)) [worst, at] = [error, i];
  }
  expect(worst, `${what}: at ${at} got ${got[at]}, expected ${expected[at]}`).toBeLessThan(tolerance);
}

const camel = (key: string) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function start(scheduler: Any, run: Run): void {
  if (typeof run === "number") return scheduler.setTimesteps(run);
  const { steps = null, ...rest } = run;
  scheduler.setTimesteps(steps, Object.fromEntries(Object.entries(rest).map(([key, value]) => [camel(key), value])));
}

describe("a run of each scheduler is diffusers' run, to 1e-4", () => {
  for (const recorded of reference.cases) {
    const { name, config, run, options, skip = 0 } = recorded;
    test(`${name} ${JSON.stringify(config)} ${JSON.stringify(run)} ${JSON.stringify(options)} ${skip || ""}`, async () => {
      const scheduler = make(name, config);
      start(scheduler, run);
      expectClose(scheduler.timesteps, recorded.timesteps, 1e-4, "timesteps");
      if (recorded.sigmas) expectClose(scheduler.sigmas!, recorded.sigmas, 1e-5, "sigmas");
      expectClose([scheduler.initNoiseSigma], [recorded.init], 1e-5, "initNoiseSigma");
      const generator = new Generator(7);
      const more = Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
      let x = randn(shape, { generator: new Generator(42) }).mul(scheduler.initNoiseSigma);
      let x0: Tensor | undefined;
      const first: number[] = [];
      if (skip > 0) scheduler.setBeginIndex(skip);
      for (const t of scheduler.timesteps.slice(skip)) {
        let output = model(scheduler.scaleModelInput(x, t), t);
        if (config.variance_type === "learned_range") output = cat([output, x.tanh()], 1);
        const { prevSample, predOriginalSample } = scheduler.step(output, t, x, { ...more, generator });
        x = await prevSample.realize();
        x0 = predOriginalSample;
        first.push((await x.data())[0] as number);
      }
      expectClose(first, recorded.first, 1e-4, "first element after each step");
      expectClose((await x.data()) as Float32Array, recorded.sample, 1e-4, "last sample");
      if (recorded.x0) expectClose((await x0!.data()) as Float32Array, recorded.x0, 1e-4, "last clean sample");
    });

    if (!recorded.noisy) continue;
    const { timesteps, value, velocity } = recorded.noisy;
    test(`${name} ${JSON.stringify(config)} ${JSON.stringify(run)} noises samples`, async () => {
      const scheduler = make(name, config);
      scheduler.setTimesteps(8, typeof run === "object" && run.mu !== undefined ? { mu: run.mu } : {});
      const noise = randn(shape, { generator: new Generator(3) });
      // Timesteps of a spacing of one's own are known to a few digits only: the run's own are the same.
      const own = [scheduler.timesteps[2]!, scheduler.timesteps[5]!];
      expectClose(own, timesteps, 1e-4, "timesteps");
      expectClose((await scheduler.addNoise(pattern(), noise, own).data()) as Float32Array, value, 1e-4, "noisy");
      if (velocity)
        expectClose(
          (await scheduler.getVelocity(pattern(), noise, own).data()) as Float32Array,
          velocity,
          1e-4,
          "velocity",
        );
    });
  }
});

describe("every scheduler", () => {
  for (const name of names) {
    describe(name, () => {
      test("has diffusers' settings and defaults, where both have them", () => {
        const ours = make(name).config as unknown as Config;
        for (const [key, value] of Object.entries(ours)) {
          if (!(key in reference.defaults[name])) throw new Error(`${key} is no setting of diffusers' ${name}`);
          expect(typeof value === "number" && !Number.isFinite(value) ? "-inf" : value, key).toEqual(
            reference.defaults[name][key],
          );
        }
      });

      test("writes a config that makes the same scheduler again", () => {
        const scheduler = make(name, { ...reference.sd15, timestep_spacing: "trailing" });
        const again = schedulerFromConfig(
          JSON.parse(JSON.stringify(scheduler.toJSON(), (_, v) => (v === -Infinity ? -1e308 : v))),
        );
        expect(again.constructor.name).toBe(name);
        expect({ ...again.config, lambda_min_clipped: 0 }).toEqual({ ...scheduler.config, lambda_min_clipped: 0 });
      });

      test("and its copies have each a run of their own, which may go on in turns", async () => {
        const scheduler = make(name, name.startsWith("PNDM") ? { skip_prk_steps: true } : {});
        const begin = (steps: number) => {
          const own = scheduler.clone();
          own.setTimesteps(steps);
          const x = pattern().mul(own.initNoiseSigma);
          return { own, x, left: [...own.timesteps], generator: new Generator(steps) };
        };
        const move = async (run: ReturnType<typeof begin>) => {
          const t = run.left.shift();
          if (t === undefined) return;
          const { own, x, generator } = run;
          run.x = await own.step(model(own.scaleModelInput(x, t), t), t, x, { generator }).prevSample.realize();
        };
        const finish = async (run: ReturnType<typeof begin>) => {
          while (run.left.length > 0) await move(run);
          return Array.from(await run.x.data());
        };
        const alone = [await finish(begin(4)), await finish(begin(5))];
        const both = [begin(4), begin(5)];
        for (let i = 0; i < 3; i++) for (const run of both) await move(run);
        expect([await finish(both[0]!), await finish(both[1]!)]).toEqual(alone);
        expect(scheduler.numInferenceSteps).toBe(null);
      });

      test("taken for another in one line keeps what was set and not what was only a default", () => {
        const pndm = PNDMScheduler.fromConfig(reference.sd15);
        const other = make(name, pndm.config as unknown as Config);
        other.setTimesteps(15);
        expectClose(other.timesteps, reference.swapped[name].timesteps, 1e-4, "timesteps");
        expectClose([other.initNoiseSigma], [reference.swapped[name].init], 1e-5, "initNoiseSigma");
      });

      test.skipIf(name === "EDMEulerScheduler")("gives timesteps that fall, from within the training's", () => {
        for (const steps of [4, 10, 33]) {
          const scheduler = make(name);
          scheduler.setTimesteps(steps);
          // Those of flow matching count from 1, and the inverse way rises.
          expect(Math.max(...scheduler.timesteps)).toBeLessThan(name.startsWith("Flow") ? 1001 : 1000);
          expect(Math.min(...scheduler.timesteps)).toBeGreaterThanOrEqual(0);
          const first = name === "DDIMInverseScheduler" ? Math.min : Math.max;
          expect(scheduler.timesteps[0]).toBe(first(...scheduler.timesteps));
          expect(scheduler.numInferenceSteps).toBe(steps);
        }
      });

      test("can be run again: setTimesteps forgets the run before", async () => {
        const scheduler = make(name, { ...reference.sd15 });
        const runOnce = async () => {
          scheduler.setTimesteps(4);
          let x = randn(shape, { generator: new Generator(1) }).mul(scheduler.initNoiseSigma);
          const generator = new Generator(2);
          for (const t of scheduler.timesteps) {
            x = await scheduler
              .step(model(scheduler.scaleModelInput(x, t), t), t, x, { generator })
              .prevSample.realize();
          }
          return x.data();
        };
        expect(await runOnce()).toEqual(await runOnce());
      });

      test("keeps the shape of any sample and takes other batch sizes in the next run", async () => {
        const scheduler = make(name, { ...reference.sd15 });
        for (const size of [
          [1, 4, 2, 2],
          [3, 1, 5, 4],
        ]) {
          scheduler.setTimesteps(4);
          let x = randn(size);
          for (const t of scheduler.timesteps.slice(0, 3)) {
            const { prevSample, predOriginalSample } = scheduler.step(scheduler.scaleModelInput(x, t).tanh(), t, x);
            expect(predOriginalSample.shape).toEqual(size);
            x = await prevSample.realize();
          }
          expect(x.shape).toEqual(size);
        }
      });

      test("refuses settings and steps that make no sense", () => {
        if ("timestep_spacing" in make(name).config) {
          expect(() => make(name, { timestep_spacing: "leding" })).toThrow(
            `${name}: timestep_spacing is "leding"; expected "`,
          );
        }
        if ("prediction_type" in make(name).config) {
          expect(() => make(name, { prediction_type: "noise" })).toThrow(
            `${name}: prediction_type is "noise"; expected "epsilon"`,
          );
        }
        if ("beta_schedule" in make(name).config) {
          expect(() => make(name, { beta_schedule: "cubic" })).toThrow(
            `${name}: beta_schedule is "cubic"; expected "linear"`,
          );
          expect(() => make(name, { beta_end: 2 })).toThrow(
            `${name}: beta_end is 2; expected a variance, between 0 and 1`,
          );
          expect(() => make(name, { beta_start: Number.NaN })).toThrow(`${name}: beta_start is NaN`);
          expect(() => make(name, { trained_betas: [0.1, 1.5] })).toThrow(`${name}: beta 1 is 1.5`);
        }
        expect(() => make(name, { num_train_timesteps: 0 })).toThrow(`${name}: num_train_timesteps is 0`);
        expect(() => make(name, { num_train_timesteps: "1000" })).toThrow(
          `num_train_timesteps is "1000"; expected a whole number from 1 up`,
        );
        const Class = SCHEDULERS[name] as unknown as new (settings: object) => Any;
        expect(() => new Class({ betaStrat: 1 })).toThrow(`${name}: unknown setting betaStrat; expected one of `);
        const scheduler = make(name);
        for (const steps of [0, -1, 1.5, Number.NaN, 1001]) {
          expect(() => scheduler.setTimesteps(steps)).toThrow(
            `${name}.setTimesteps: ${steps} steps; expected 1 to 1000`,
          );
        }
      });

      test("names itself and both shapes where a sample and what goes with it are not alike", () => {
        const scheduler = make(name);
        scheduler.setTimesteps(4);
        const t = scheduler.timesteps[0]!;
        const [sample, other] = [randn([2, 4, 2, 2]), randn([2, 3, 2, 2])];
        const both =
          /^\w+(\.addNoise| at timestep [\d.]+): got tensors of the shapes .*\[2, [34], 2, 2\] and \[2, [34], 2, 2\]/;
        expect(() => scheduler.addNoise(sample, other, t)).toThrow(both);
        expect(() => scheduler.step(other, t, sample)).toThrow(both);
        expect(scheduler.addNoise(sample, randn([1, 4, 2, 2]), t).shape).toEqual([2, 4, 2, 2]);
      });

      test("refuses a step before setTimesteps, and a timestep that is none of the run's", () => {
        const x = randn([1, 1, 2, 2]);
        if (name !== "DDPMScheduler") expect(() => make(name).step(x, 10, x)).toThrow("call setTimesteps first");
        const scheduler = make(name);
        scheduler.setTimesteps(10);
        // The solvers take the run's last timestep for one that they do not know, as diffusers' do.
        if (!/^(DPM|Uni|DEIS)/.test(name)) {
          expect(() => scheduler.addNoise(x, x, 12345)).toThrow(`${name}: timestep 12345`);
          expect(() => scheduler.step(x, 12345, x)).toThrow(`${name}`);
        }
      });
    });
  }
});

describe("facts that the lesson uses", () => {
  const sd = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" } as const;

  test("the 15-step sigmas of Stable Diffusion fall from 14.6146 to 0.0292", () => {
    const euler = new EulerDiscreteScheduler(sd);
    euler.setTimesteps(15);
    expectClose(euler.sigmas, reference.sd15Sigmas, 1e-6, "sigmas");
    expect([...euler.sigmas.slice(0, 3)].map((s) => s.toFixed(4))).toEqual(["14.6146", "9.6826", "6.6780"]);
    expect(euler.sigmas[14]!.toFixed(4)).toBe("0.0292");
  });

  test("PNDM calls the model 51 times for 50 steps: its second timestep runs twice", () => {
    const pndm = PNDMScheduler.fromConfig(reference.sd15);
    pndm.setTimesteps(50);
    expect(pndm.timesteps.length).toBe(51);
    expect(pndm.timesteps[1]).toBe(pndm.timesteps[2]);
  });

  test("Heun calls it twice a step but for the last", () => {
    const heun = new HeunDiscreteScheduler(sd);
    heun.setTimesteps(10);
    expect([heun.order, heun.timesteps.length]).toEqual([2, 19]);
  });

  test("Euler's step is a step of gradient descent with the difference of sigmas as its rate", async () => {
    const euler = new EulerDiscreteScheduler(sd);
    euler.setTimesteps(5);
    const x = randn([1, 1, 4, 4], { generator: new Generator(1) });
    const noise = randn([1, 1, 4, 4], { generator: new Generator(2) });
    const rate = euler.sigmas[0]! - euler.sigmas[1]!;
    const { prevSample } = euler.step(noise, euler.timesteps[0]!, x);
    const byHand = x.sub(noise.mul(rate));
    expectClose((await prevSample.data()) as Float32Array, [...((await byHand.data()) as Float32Array)], 1e-5, "step");
  });

  test("settings may be spelt in camelCase", () => {
    const scheduler = new DDIMScheduler({ betaSchedule: "scaled_linear", clipSample: false });
    expect(scheduler.config.beta_schedule).toBe("scaled_linear");
    expect(scheduler.config.clip_sample).toBe(false);
  });

  test("Karras' levels end where they are told", () => {
    const sigmas = karrasSigmas(5, { sigmaMin: 0.1, sigmaMax: 10 });
    expect(sigmas[0]).toBeCloseTo(10, 9);
    expect(sigmas[4]).toBeCloseTo(0.1, 9);
  });
});

describe("noising for training", () => {
  test("takes one timestep for each sample, as numbers or as a tensor, or one for all", async () => {
    const ddpm = new DDPMScheduler();
    const x = randn([3, 1, 2, 2], { generator: new Generator(1) });
    const noise = randn([3, 1, 2, 2], { generator: new Generator(2) });
    const numbers = await ddpm.addNoise(x, noise, [10, 500, 999]).data();
    const asTensor = await ddpm.addNoise(x, noise, tensor([10, 500, 999], { dtype: "int64" })).data();
    expectClose(asTensor as Float32Array, [...(numbers as Float32Array)], 1e-6, "as a tensor");
    const one = (await ddpm.addNoise(x, noise, 500).data()) as Float32Array;
    expectClose(one.slice(4, 8), [...(numbers as Float32Array).slice(4, 8)], 1e-6, "one for all");
    expect(() => ddpm.addNoise(x, noise, [1, 2])).toThrow("DDPMScheduler.addNoise: 2 timesteps for a batch of 3");
    expect(() => ddpm.addNoise(x, noise, 1000)).toThrow("timestep 1000; expected a whole number from 0 to 999");
    const euler = new EulerDiscreteScheduler();
    expect(() => euler.addNoise(x, noise, tensor([1], { dtype: "int64" }))).toThrow("train with a DDPMScheduler");
  });
});

describe("a copy of a scheduler", () => {
  test("has the same settings and what was set from outside, and a run of its own", async () => {
    for (const name of names) {
      const scheduler = make(name, { ...reference.sd15, timestep_spacing: "trailing" });
      scheduler.setTimesteps(4);
      const x = randn([1, 1, 2, 2]);
      scheduler.step(scheduler.scaleModelInput(x, scheduler.timesteps[0]!), scheduler.timesteps[0]!, x);
      Object.assign(scheduler, { note: "mine" });
      const copy = scheduler.clone() as Any & { note: string };
      expect(copy.constructor, name).toBe(scheduler.constructor);
      expect(copy.toJSON()).toEqual(scheduler.toJSON());
      expect(copy.note).toBe("mine");
      expect(copy.stepIndex ?? null, name).toBe(null);
      copy.setTimesteps(7);
      expect(scheduler.timesteps.length, name).not.toBe(copy.timesteps.length);
    }
  });
});

describe("noise of a step", () => {
  const drawing: [SchedulerName, Config, Config][] = [
    ["DDPMScheduler", {}, {}],
    ["DDIMScheduler", {}, { eta: 1 }],
    ["EulerDiscreteScheduler", {}, { sChurn: 2 }],
    ["EulerAncestralDiscreteScheduler", {}, {}],
    ["LCMScheduler", {}, {}],
    ["TCDScheduler", {}, { eta: 0.5 }],
    ["DPMSolverMultistepScheduler", { algorithm_type: "sde-dpmsolver++" }, {}],
    ["DPMSolverSinglestepScheduler", { algorithm_type: "sde-dpmsolver++" }, {}],
    ["KDPM2AncestralDiscreteScheduler", {}, {}],
    ["FlowMatchEulerDiscreteScheduler", { stochastic_sampling: true }, {}],
    ["EDMEulerScheduler", {}, { sChurn: 2 }],
  ];
  for (const [name, config, options] of drawing) {
    test(`is drawn for each sample from its own generator, where there are several: ${name}`, async () => {
      const run = async (x: Tensor, generator: Generator | Generator[]) => {
        const scheduler = make(name, config);
        scheduler.setTimesteps(4);
        for (const t of scheduler.timesteps.slice(0, 3)) {
          const output = scheduler.scaleModelInput(x, t).tanh();
          x = await scheduler.step(output, t, x, { ...options, generator }).prevSample.realize();
        }
        return x.data();
      };
      const both = randn([2, 3, 4, 4], { generator: new Generator(1) });
      const together = await run(both, [new Generator(8), new Generator(9)]);
      const alone = [
        await run(both.narrow(0, 0, 1), new Generator(8)),
        await run(both.narrow(0, 1, 1), new Generator(9)),
      ];
      expectClose(together, [...alone[0]!, ...alone[1]!], 1e-6, name);
      // And noise there was.
      expect(await run(both, [new Generator(8), new Generator(10)])).not.toEqual(together);
    });
  }

  test("refuses a list of another length", () => {
    const ddpm = new DDPMScheduler();
    ddpm.setTimesteps(4);
    const x = randn([3, 1, 2, 2]);
    expect(() => ddpm.step(x, ddpm.timesteps[0]!, x, { generator: [new Generator(1), new Generator(2)] })).toThrow(
      "2 generators for a batch of 3; expected one, or the same number",
    );
  });
});

describe("velocity", () => {
  test("of a level of Euler's is that of the same timestep of DDPM", async () => {
    const [euler, ddpm] = [new EulerDiscreteScheduler(), new DDPMScheduler()];
    euler.setTimesteps(1000);
    const x = randn([2, 1, 2, 2], { generator: new Generator(1) });
    const noise = randn([2, 1, 2, 2], { generator: new Generator(2) });
    const expected = (await ddpm.getVelocity(x, noise, [700, 20]).data()) as Float32Array;
    expectClose((await euler.getVelocity(x, noise, [700, 20]).data()) as Float32Array, [...expected], 1e-5, "velocity");
  });
});

describe("runs that cannot be", () => {
  const x = () => randn([1, 1, 2, 2]);

  test("image-to-image begins where setBeginIndex says", async () => {
    const euler = new EulerDiscreteScheduler();
    euler.setTimesteps(10);
    euler.setBeginIndex(6);
    const noisy = euler.addNoise(x().mul(0), randn([1, 1, 2, 2]).mul(0).add(1), euler.timesteps[6]!);
    expectClose((await noisy.data()) as Float32Array, new Array(4).fill(euler.sigmas[6]), 1e-5, "noise of the level");
    euler.step(x(), euler.timesteps[6]!, x());
    expect(euler.stepIndex).toBe(7);
    expect(() => euler.setBeginIndex(10)).toThrow("EulerDiscreteScheduler.setBeginIndex: 10; expected 0 to 9");
  });

  test("a run that is over says so", () => {
    const euler = new EulerDiscreteScheduler();
    euler.setTimesteps(1);
    euler.step(x(), euler.timesteps[0]!, x());
    expect(() => euler.step(x(), euler.timesteps[0]!, x())).toThrow(
      "this run of 1 step is finished; call setTimesteps",
    );
  });

  test("pure noise at the end of the schedule with a model that predicts noise is an error, not NaN", () => {
    const ddim = new DDIMScheduler({ rescale_betas_zero_snr: true, timestep_spacing: "trailing" });
    ddim.setTimesteps(5);
    expect(() => ddim.step(x(), 999, x())).toThrow('needs prediction_type "v_prediction" or "sample"');
  });

  test("settings that contradict each other are refused", () => {
    expect(() => new EulerDiscreteScheduler({ use_karras_sigmas: true, use_exponential_sigmas: true })).toThrow(
      "use_karras_sigmas and use_exponential_sigmas cannot be combined",
    );
    expect(() => new EulerDiscreteScheduler({ use_beta_sigmas: true, use_karras_sigmas: true })).toThrow(
      "use_karras_sigmas and use_beta_sigmas cannot be combined",
    );
    expect(() => new LMSDiscreteScheduler().setTimesteps(null, { sigmas: [1, 0] })).toThrow(
      "LMSDiscreteScheduler.setTimesteps: takes no sigmas; expected a number of steps",
    );
    expect(() => new FlowMatchEulerDiscreteScheduler({ useDynamicShifting: true }).setTimesteps(4)).toThrow(
      "mu is undefined; use_dynamic_shifting needs a number",
    );
    expect(() => new DPMSolverMultistepScheduler({ algorithm_type: "dpmsolver" })).toThrow(
      'set final_sigmas_type "sigma_min"',
    );
    expect(() => new DPMSolverMultistepScheduler({ solver_order: 4 })).toThrow("solver_order is 4; expected 1, 2 or 3");
    expect(() => new PNDMScheduler({ prediction_type: "sample" })).toThrow('expected "epsilon" or "v_prediction"');
    expect(() => new DDPMScheduler({ variance_type: null })).toThrow('variance_type is null; expected "fixed_small"');
    const euler = new EulerDiscreteScheduler({ use_karras_sigmas: true });
    expect(() => euler.setTimesteps(null, { timesteps: [900, 1] })).toThrow("cannot be combined");
    expect(() => new EulerDiscreteScheduler().setTimesteps(3, { timesteps: [900, 1] })).toThrow("not both");
    expect(() => new DDPMScheduler().setTimesteps(null, { timesteps: [1, 900] })).toThrow(
      "expected decreasing numbers",
    );
    expect(() => new EulerDiscreteScheduler().setTimesteps(null, { sigmas: [1, 2, 0] })).toThrow(
      "expected decreasing levels",
    );
    expect(() => new LMSDiscreteScheduler().setTimesteps(null)).toThrow("null steps; expected 1 to 1000");
    const ddim = new DDIMScheduler();
    ddim.setTimesteps(5);
    expect(() => ddim.step(x(), ddim.timesteps[0]!, x(), { eta: 2 })).toThrow("eta 2; expected 0 to 1");
  });

  test("a config that names no scheduler of ours is refused, and Python's infinities are read", () => {
    expect(() => schedulerFromConfig({ _class_name: "FlowScheduler" })).toThrow(
      /unknown _class_name "FlowScheduler"; expected one of DDPM.*fromPretrained\(id, \{ components: \{ scheduler \} \}\)/,
    );
    expect(() => schedulerFromConfig("{")).toThrow("scheduler config: not JSON");
    expect(() => schedulerFromConfig("[]")).toThrow("expected a JSON object");
    const text =
      '{"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity, "solver_type": "bh2"}';
    expect(parseConfig(text).lambda_min_clipped).toBe(Number.NEGATIVE_INFINITY);
    expect((schedulerFromConfig(text).config as unknown as Config).solver_type).toBe("midpoint");
    expect(UniPCMultistepScheduler.fromConfig({ solver_type: "midpoint" }).config.solver_type).toBe("bh2");
  });

  test("a file's keys that are no scheduler's are told and left out, those of other schedulers are left out", () => {
    const said = vi.spyOn(console, "log").mockImplementation(() => {});
    const config = { _class_name: "DDIMScheduler", steps_offset: 1, skip_prk_steps: true, _diffusers_version: "0.6.0" };
    expect(schedulerFromConfig(config).config).toMatchObject({ steps_offset: 1 });
    expect(said).not.toHaveBeenCalled();
    const scheduler = schedulerFromConfig({ ...config, wobble: 3, twirl: false, timestep_values: null });
    expect(said.mock.calls).toEqual([["DDIMScheduler: the config's wobble, twirl are unknown and ignored"]]);
    expect(Object.keys(scheduler.config)).toEqual(
      expect.not.arrayContaining(["wobble", "skip_prk_steps", "_class_name"]),
    );
    expect(() =>
      schedulerFromConfig({ ...config, _class_name: "UniPCMultistepScheduler", shift_terminal: 0.1 }),
    ).toThrow("UniPCMultistepScheduler: shift_terminal is 0.1; expected null, unless use_flow_sigmas is on");
    said.mockRestore();
  });

  test("what one scheduler has no use for comes back with the next, and is saved", () => {
    const pndm = schedulerFromConfig({ _class_name: "PNDMScheduler", skip_prk_steps: true, steps_offset: 1 });
    const euler = EulerDiscreteScheduler.fromConfig(pndm.config, { use_karras_sigmas: true });
    expect(euler.config).not.toHaveProperty("skip_prk_steps");
    expect(euler.toJSON()).toMatchObject({ skip_prk_steps: true, use_karras_sigmas: true });
    const ddim = DDIMScheduler.fromConfig(euler.config);
    expect(PNDMScheduler.fromConfig(ddim.config).config).toEqual(pndm.config);
    expect(PNDMScheduler.fromConfig(JSON.parse(JSON.stringify(ddim))).config.skip_prk_steps).toBe(true);
  });

  test("a copy of a config with a change says as much as the config itself", () => {
    const pndm = PNDMScheduler.fromConfig({ ...reference.sd15, clip_sample: false, _class_name: "PNDMScheduler" });
    const whole = DDIMScheduler.fromConfig(pndm.config).config;
    expect(whole.clip_sample).toBe(false);
    const copies = [
      { ...pndm.config, beta_end: 0.02 },
      Object.assign({}, pndm.config, { beta_end: 0.02 }),
      { ...pndm.config, ...{ betaEnd: 0.02 } },
    ];
    for (const copy of copies) expect(DDIMScheduler.fromConfig(copy).config).toEqual({ ...whole, beta_end: 0.02 });
    expect(DDIMScheduler.fromConfig(JSON.parse(JSON.stringify(pndm.config))).config.clip_sample).toBe(false);
    const again = new PNDMScheduler({ ...pndm.config, beta_end: 0.02 });
    expect(DDIMScheduler.fromConfig({ ...again.config }).config).toEqual({ ...whole, beta_end: 0.02 });
    // What was only a default stays one in the copy, unless the copy replaces it.
    const euler = new EulerDiscreteScheduler();
    const spacing = (config: object) => DDIMScheduler.fromConfig(config).config.timestep_spacing;
    expect([euler.config.timestep_spacing, new DDIMScheduler().config.timestep_spacing]).toEqual([
      "linspace",
      "leading",
    ]);
    expect(spacing({ ...euler.config, beta_end: 0.02 })).toBe("leading");
    expect(spacing({ ...new EulerDiscreteScheduler({ ...euler.config, beta_end: 0.02 }).config })).toBe("leading");
    expect(spacing({ ...euler.config, timestep_spacing: "trailing" })).toBe("trailing");
    expect(spacing({ ...euler.config, timestepSpacing: "trailing" })).toBe("trailing");
    // What is undefined changes nothing: not after the other spelling, of a carried setting, or beside the config.
    const ddim = DDIMScheduler.fromConfig(pndm.config);
    const open = { betaEnd: undefined, skip_prk_steps: undefined, skipPrkSteps: undefined };
    expect(PNDMScheduler.fromConfig({ ...ddim.config, ...open }).config).toEqual(pndm.config);
    expect(DDIMScheduler.fromConfig(pndm.config, { beta_end: undefined, betaStart: undefined }).config).toEqual(whole);
    for (const config of [pndm.config, copies[0]!]) expect(inspect(config)).not.toMatch(/Symbol|clip_sample/);
  });

  test("several wrong settings are listed at once", () => {
    expect(() => DDIMScheduler.fromConfig({ beta_start: "small", clip_sample: 1 })).toThrow(
      /DDIMScheduler: the config has unsupported values:\n {2}beta_start is "small"; expected a variance, between 0 and 1\n {2}clip_sample is 1; expected true or false/,
    );
  });

  test("what is saved is read again, infinite numbers too", () => {
    const scheduler = new DPMSolverMultistepScheduler({ solver_order: 3 });
    const text = configText(scheduler.toJSON());
    expect(text).toContain('"lambda_min_clipped": -Infinity');
    expect(schedulerFromConfig(text).config).toEqual(scheduler.config);
  });
});
