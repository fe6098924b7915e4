import { describe, expect, it } from "vitest";
import { compile, manualSeed, nn, noGrad, optim, realize, type Tensor, tensor } from "../../../lib/index.ts";
import reference from "../../reference/nn.json" with { type: "json" };

const { functional: F } = nn;

class Net extends nn.Module {
  conv1 = new nn.Conv2d(1, 8, 3, { padding: 1 });
  norm = new nn.GroupNorm(4, 8);
  conv2 = new nn.Conv2d(8, 8, 3, { stride: 2, padding: 1 });
  head = new nn.Linear(128, 10);

  forward(x: Tensor): Tensor {
    return this.head.forward(
      this.conv2
        .forward(this.norm.forward(this.conv1.forward(x)).silu())
        .silu()
        .flatten(1),
    );
  }
}

interface Recorded {
  losses: number[];
  norms: number[];
  weights: Record<string, { data: number[] }>;
}
const recorded = reference.optimizers as unknown as Record<string, Recorded>;

const optimizers: Record<string, (p: Tensor[]) => optim.Optimizer> = {
  sgd: (p) => new optim.SGD(p, { lr: 0.1 }),
  sgdMomentum: (p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9, weightDecay: 1e-3 }),
  sgdNesterov: (p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9, nesterov: true }),
  adam: (p) => new optim.Adam(p, { lr: 1e-2 }),
  adamDecay: (p) => new optim.Adam(p, { lr: 1e-2, weightDecay: 0.01 }),
  adamW: (p) => new optim.AdamW(p, { lr: 1e-2 }),
  adamWBetas: (p) => new optim.AdamW(p, { lr: 3e-3, betas: [0.8, 0.95], eps: 1e-6, weightDecay: 0.1 }),
  rmsprop: (p) => new optim.RMSprop(p, { lr: 1e-3 }),
  rmspropMomentum: (p) => new optim.RMSprop(p, { lr: 1e-3, momentum: 0.9, centered: true, weightDecay: 1e-2 }),
  adamWClipped: (p) => new optim.AdamW(p, { lr: 1e-2 }),
  sgdDampened: (p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9, dampening: 0.3 }),
  adamAmsgrad: (p) => new optim.Adam(p, { lr: 1e-2, amsgrad: true }),
  adamWAmsgrad: (p) => new optim.AdamW(p, { lr: 1e-2, amsgrad: true }),
  adamOneCycle: (p) => new optim.Adam(p, { lr: 1e-3 }),
};

const X = () => tensor(reference.batch.x.data, reference.batch.x.shape);
const Y = () => tensor(reference.batch.y, { dtype: "int64" });

async function expectTrajectory(name: string, net: Net, losses: number[]): Promise<void> {
  const theirs = recorded[name]!;
  const worst = Math.max(...theirs.losses.map((v, i) => Math.abs(v - losses[i]!)));
  expect(worst, "losses").toBeLessThan(1e-5);
  for (const [key, p] of net.namedParameters()) {
    const ours = (await p.data()) as Float32Array;
    const worst = Math.max(...theirs.weights[key]!.data.map((v, i) => Math.abs(v - ours[i]!)));
    expect(worst, key).toBeLessThan(1e-4);
  }
}

describe("every optimizer", () => {
  it("is in the table that PyTorch recorded", () => {
    expect(Object.keys(optimizers).sort()).toEqual(Object.keys(recorded).sort());
  });

  for (const name of Object.keys(recorded)) {
    it(`${name} takes PyTorch's 20 steps, written as a loop`, async () => {
      manualSeed(3);
      const net = new Net();
      const opt = optimizers[name]!(net.parameters());
      const schedule = name === "adamOneCycle" ? new optim.OneCycleLR(opt, { maxLr: 1e-2, totalSteps: 20 }) : null;
      const losses: number[] = [];
      for (let i = 0; i < 20; i++) {
        opt.zeroGrad();
        const loss = F.crossEntropy(net.forward(X()), Y());
        loss.backward();
        const norm = name === "adamWClipped" ? optim.clipGradNorm(net.parameters(), 0.5) : null;
        opt.step();
        schedule?.step();
        if (norm) {
          await realize(loss, norm);
          expect(Math.abs((await norm.item()) - recorded[name]!.norms[i]!)).toBeLessThan(1e-4);
        }
        losses.push(await loss.item());
      }
      await expectTrajectory(name, net, losses);
    });

    it(`${name} takes PyTorch's 20 steps, compiled`, async () => {
      manualSeed(3);
      const net = new Net();
      const opt = optimizers[name]!(net.parameters());
      const schedule = name === "adamOneCycle" ? new optim.OneCycleLR(opt, { maxLr: 1e-2, totalSteps: 20 }) : null;
      const step = compile((x: Tensor, y: Tensor) => {
        opt.zeroGrad();
        const loss = F.crossEntropy(net.forward(x), y);
        loss.backward();
        if (name === "adamWClipped") optim.clipGradNorm(net.parameters(), 0.5);
        opt.step();
        return loss;
      });
      const losses: number[] = [];
      for (let i = 0; i < 20; i++) {
        losses.push(await (await step(X(), Y())).item());
        schedule?.step();
      }
      expect(step.traces).toBe(1);
      await expectTrajectory(name, net, losses);
      step.close();
    });
  }
});

describe("optimizers", () => {
  const loss = (net: Net) => F.crossEntropy(net.forward(X()), Y());

  it("go on exactly where a saved state left off", async () => {
    const train = async (net: Net, opt: optim.Optimizer, steps: number) => {
      for (let i = 0; i < steps; i++) {
        opt.zeroGrad();
        const l = loss(net);
        l.backward();
        opt.step();
        await l.item();
      }
      return loss(net).item();
    };
    manualSeed(1);
    const a = new Net();
    const optA = new optim.AdamW(a.parameters(), { lr: 1e-2 });
    await train(a, optA, 3);
    const [weights, state] = [a.stateDict(), optA.stateDict()];
    const b = new Net();
    b.loadStateDict(weights);
    const optB = new optim.AdamW(b.parameters());
    optB.loadStateDict(state);
    expect(await train(b, optB, 3)).toBe(await train(a, optA, 3));
    expect(optB.lr).toBe(1e-2);
  });

  it("leave parameters without a gradient alone", async () => {
    const [a, b] = [new nn.Linear(2, 2), new nn.Linear(2, 2)];
    const opt = new optim.AdamW([...a.parameters(), ...b.parameters()], { lr: 0.1, weightDecay: 0.5 });
    const before = await b.weight.tolist();
    const old = await a.weight.tolist();
    a.forward(tensor([[1, 2]]))
      .sum()
      .backward();
    opt.step();
    expect(await b.weight.tolist()).toEqual(before);
    expect(await a.weight.tolist()).not.toEqual(old);
  });

  it("take in weights that were loaded between two compiled steps", async () => {
    const net = new nn.Linear(1, 1, { bias: false });
    const opt = new optim.SGD(net.parameters(), { lr: 0.5 });
    const step = compile((x: Tensor) => {
      opt.zeroGrad();
      net.forward(x).sum().backward();
      opt.step();
    });
    const x = tensor([[2]]);
    await step(x);
    net.loadStateDict({ weight: tensor([[10]]) });
    await step(x);
    expect(await net.weight.item()).toBe(9);
    expect(step.traces).toBe(1);
  });

  it("refuse to step where nothing was differentiated", () => {
    const opt = new optim.SGD(new nn.Linear(1, 1).parameters());
    expect(() => opt.step()).toThrow("SGD.step: no parameter has a gradient; call loss.backward() first");
  });

  it("keep values that others have taken before a step as they were", async () => {
    const net = new nn.Linear(1, 1, { bias: false });
    const opt = new optim.SGD(net.parameters(), { lr: 1 });
    const step = compile((x: Tensor) => {
      opt.zeroGrad();
      net.forward(x).sum().backward();
      opt.step();
    });
    const seen: [Tensor, number][] = [];
    for (let i = 0; i < 5; i++) {
      seen.push([net.weight.detach(), await net.weight.item()]);
      await step(tensor([[1]]));
    }
    for (const [tensor, value] of seen) expect(await tensor.item()).toBe(value);
  });
});

describe("EMA", () => {
  it("is the running mean of the weights", async () => {
    const net = new nn.Linear(1, 1, { bias: false });
    net.weight.copy_(1);
    const opt = new optim.SGD(net.parameters(), { lr: 1 });
    const ema = new optim.EMA(net, { decay: 0.9 });
    const step = compile((x: Tensor) => {
      opt.zeroGrad();
      net.forward(x).sum().backward();
      opt.step();
      ema.update();
    });
    let [weight, mean] = [1, 1];
    for (let i = 0; i < 3; i++) {
      await step(tensor([[0.5]]));
      weight -= 0.5;
      mean = 0.9 * mean + 0.1 * weight;
    }
    const copy = new nn.Linear(1, 1, { bias: false });
    ema.copyTo(copy);
    expect(await copy.weight.item()).toBeCloseTo(mean, 6);
    expect(await net.weight.item()).toBeCloseTo(weight, 6);
  });

  it("follows the weights more quickly at first, where warmup is on, in a compiled step as outside of one", async () => {
    const make = () => {
      const net = new nn.Linear(1, 1, { bias: false });
      net.weight.copy_(1);
      const ema = new optim.EMA(net, { decay: 0.25, warmup: true });
      const step = () => {
        net.weight.copy_(net.weight.mul(2).detach());
        ema.update();
      };
      return { ema, step };
    };
    // Weights 2, 4, 8, 16; decays 1/10, 2/11, 3/12 and from then on 0.25.
    let [weight, mean] = [1, 1];
    for (const decay of [1 / 10, 2 / 11, 3 / 12, 0.25]) {
      weight *= 2;
      mean = decay * mean + (1 - decay) * weight;
    }
    const [eager, compiled] = [make(), make()];
    const step = compile(() => noGrad(() => compiled.step()));
    for (let i = 0; i < 4; i++) {
      noGrad(() => eager.step());
      await step();
    }
    for (const { ema } of [eager, compiled]) {
      expect(ema.updates).toBe(4);
      expect(await ema.stateDict().weight!.item()).toBeCloseTo(mean, 5);
    }
  });
});

describe("schedules", () => {
  const make: Record<string, (opt: optim.Optimizer) => optim.Schedule> = {
    oneCycle: (opt) => new optim.OneCycleLR(opt, { maxLr: 0.5, totalSteps: 25 }),
    cosine: (opt) => new optim.CosineAnnealingLR(opt, 20, 0.01),
    cosineWarmup: (opt) => new optim.CosineWithWarmup(opt, { warmup: 5, total: 25 }),
    step: (opt) => new optim.StepLR(opt, 3, 0.5),
    multiStep: (opt) => new optim.MultiStepLR(opt, [2, 5], 0.3),
    exponential: (opt) => new optim.ExponentialLR(opt, 0.9),
    linear: (opt) => new optim.LinearLR(opt),
    linearDown: (opt) => new optim.LinearLR(opt, { startFactor: 1, endFactor: 0.1, totalIters: 4 }),
  };
  const plateaus: Record<string, optim.PlateauOptions> = {
    default: { patience: 2 },
    max: { mode: "max", patience: 1, factor: 0.5 },
    abs: { thresholdMode: "abs", threshold: 0.05, patience: 1, cooldown: 2 },
    least: { patience: 0, factor: 0.2, minLr: 0.01 },
  };
  it.each(Object.entries(plateaus))("plateaus reduce the rate when PyTorch's do: %s", (name, options) => {
    const opt = new optim.AdamW(new nn.Linear(1, 1).parameters(), { lr: 0.1 });
    const plateau = new optim.ReduceLROnPlateau(opt, options);
    const recorded = (reference.plateaus.rates as Record<string, number[]>)[name]!;
    for (const [i, value] of reference.plateaus.numbers.entries()) {
      plateau.step(value);
      expect(opt.lr).toBeCloseTo(recorded[i]!, 10);
    }
  });

  it("and optimizers refuse options that they do not know, and numbers given as text", () => {
    const p = () => new nn.Linear(1, 1).parameters();
    for (const Optimizer of [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop]) {
      const name = Optimizer.name;
      expect(() => new Optimizer(p(), { weight_decay: 0.1 } as never)).toThrow(
        `${name}: unknown option weight_decay; it is called weightDecay here`,
      );
      expect(() => new Optimizer(p(), { learningRate: 0.1 } as never)).toThrow(`${name}: unknown option learningRate`);
      expect(() => new Optimizer(p(), { lr: "0.1" } as never)).toThrow(`${name}: lr is "0.1", expected a number`);
      expect(() => new Optimizer([{ params: p(), learning_rate: 1 }] as never)).toThrow("unknown option learning_rate");
      expect(new Optimizer(p(), { lr: undefined } as never).lr).toBeGreaterThan(0);
    }
    expect(() => new optim.Adam(p(), { betas: ["0.9", 0.999] } as never)).toThrow("betas are [0.9,0.999]");
    expect(() => new optim.SGD(p(), { momentum: 0.9, dampening: 0.1, nesterov: true })).toThrow("dampening of 0");
    const opt = new optim.SGD(p(), { lr: 0.5 });
    expect(opt.paramGroups[0]!.lr).toBe(0.5);
    expect(() => new optim.StepLR(opt, 0)).toThrow("StepLR: stepSize is 0");
    expect(() => new optim.ReduceLROnPlateau(opt, { min_lr: 1 } as never)).toThrow("it is called minLr here");
  });
  for (const [name, rows] of Object.entries(reference.schedules)) {
    it(`${name} gives PyTorch's learning rates and betas`, () => {
      const opt = new optim.AdamW(new nn.Linear(1, 1).parameters(), { lr: 0.1 });
      const schedule = make[name]!(opt);
      for (const [lr, beta] of rows) {
        expect(opt.lr).toBeCloseTo(lr!, 7);
        expect((opt as optim.AdamW).groups[0]!.betas[0]).toBeCloseTo(beta!, 7);
        schedule.step();
      }
    });
  }
});
