import { describe, expect, it } from "vitest";
import { compile, nn, noGrad, optim, randn, type Tensor, tensor } from "../../../lib/index.ts";
import recorded from "../../reference/freezing.json" with { type: "json" };

const make: Record<keyof typeof recorded.steps, (p: Tensor[]) => optim.Optimizer> = {
  sgd: (p) => new optim.SGD(p, { lr: 0.1 }),
  sgdMomentum: (p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9, weightDecay: 0.01 }),
  adam: (p) => new optim.Adam(p, { lr: 0.1 }),
  adamW: (p) => new optim.AdamW(p, { lr: 0.1, weightDecay: 0.1 }),
  rmsprop: (p) => new optim.RMSprop(p, { lr: 0.01, momentum: 0.5, centered: true }),
};
type Name = keyof typeof make;

function parameters() {
  return {
    a: tensor([1, -2], { requiresGrad: true }),
    b: tensor([3]),
    c: tensor(
      [
        [0.5, -0.25],
        [2, 1],
      ],
      { requiresGrad: true },
    ),
  };
}

describe("parameters that are frozen, unfrozen and left out of the loss", () => {
  for (const name of Object.keys(recorded.steps) as Name[]) {
    for (const compiled of [false, true]) {
      it(`move as PyTorch's ${name} moves them, ${compiled ? "compiled" : "written as a loop"}`, async () => {
        const params: Record<string, Tensor> = parameters();
        const opt = make[name](Object.values(params));
        let without: readonly string[] = [];
        const body = () => {
          opt.zeroGrad();
          const terms = Object.entries(params).flatMap(([key, p], i) =>
            without.includes(key)
              ? []
              : [
                  p
                    .mul(i + 1)
                    .square()
                    .sum(),
                ],
          );
          terms.reduce((a, b) => a.add(b)).backward();
          opt.step();
        };
        const step = compiled ? compile(body) : body;
        for (const [i, plan] of recorded.plan.entries()) {
          for (const [key, p] of Object.entries(params)) {
            p.requiresGrad_(!(plan.frozen as readonly string[]).includes(key));
          }
          without = plan.without;
          await step();
          for (const [key, p] of Object.entries(params)) {
            const expected = (recorded.steps[name][i] as Record<string, number[]>)[key]!;
            for (const [j, v] of [...(await p.data())].entries()) {
              expect(v, `${key}[${j}] after step ${i}`).toBeCloseTo(expected[j]!, 4);
            }
          }
        }
      });
    }

    it(`${name}: a saved state brings back what each parameter had, and goes on with a compiled step`, async () => {
      const build = () => {
        const params = parameters();
        const opt = make[name](Object.values(params));
        const step = compile(() => {
          opt.zeroGrad();
          params.a.square().sum().add(params.b.square().sum()).add(params.c.square().sum()).backward();
          opt.step();
        });
        return { params, opt, step };
      };
      const run = async ({ params, step }: ReturnType<typeof build>, steps: number) => {
        for (let i = 0; i < steps; i++) await step();
        return Promise.all(Object.values(params).map(async (p) => [...(await p.data())]));
      };
      const one = build();
      await run(one, 3);
      one.params.b.requiresGrad_(true);
      await run(one, 2);
      const state = one.opt.stateDict();
      expect(state.paramSteps).toEqual([5, 2, 5]);
      const saved = {
        ...JSON.parse(JSON.stringify({ ...state, tensors: undefined })),
        tensors: Object.fromEntries(
          await Promise.all(
            Object.entries(state.tensors).map(async ([k, t]) => [k, tensor(await t.data(), t.shape)] as const),
          ),
        ),
      };
      const weights = await Promise.all(Object.values(one.params).map(async (p) => tensor(await p.data(), p.shape)));
      const expected = await run(one, 4);
      // Into the same optimizer, after its compiled step has run on; and into a new one, before any step.
      const two = build();
      for (const it of [one, two]) {
        it.params.b.requiresGrad_(true);
        noGrad(() => Object.values(it.params).forEach((p, i) => void p.copy_(weights[i]!)));
        it.opt.loadStateDict(saved);
        expect(await run(it, 4)).toEqual(expected);
      }
    });
  }

  it("a parameter frozen when the optimizer is made is trained once it is unfrozen", async () => {
    const net = new nn.Sequential(new nn.Linear(2, 2), new nn.Linear(2, 1));
    const [body, head] = net.layers as [nn.Linear, nn.Linear];
    body.requiresGrad_(false);
    const opt = new optim.AdamW(net.parameters(), { lr: 0.1 });
    const step = compile((x: Tensor) => {
      opt.zeroGrad();
      net.forward(x).square().sum().backward();
      opt.step();
    });
    const x = randn([4, 2]);
    const look = async () => [await body.weight.tolist(), await head.weight.tolist()];
    const start = await look();
    await step(x);
    const frozen = await look();
    expect(frozen[0]).toEqual(start[0]);
    expect(frozen[1]).not.toEqual(start[1]);
    body.requiresGrad_(true);
    await step(x);
    const all = await look();
    expect(all[0]).not.toEqual(frozen[0]);
    head.requiresGrad_(false);
    await step(x);
    const last = await look();
    expect(last[0]).not.toEqual(all[0]);
    expect(last[1]).toEqual(all[1]);
  });

  it("the first gradient at step 20 moves by the learning rate", async () => {
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([1], { requiresGrad: true })];
    const opt = new optim.Adam([a, b], { lr: 0.1 });
    for (let i = 0; i < 20; i++) {
      opt.zeroGrad();
      (i < 19 ? a.sum() : a.sum().add(b.sum())).backward();
      opt.step();
    }
    expect(await b.item()).toBeCloseTo(0.9, 6);
  });
});

describe("shared weights", () => {
  class Tied extends nn.Module {
    encoder = new nn.Linear(2, 2, { bias: false });
    decoder = new nn.Linear(2, 2, { bias: false });

    constructor() {
      super();
      this.decoder.weight = this.encoder.weight;
    }

    forward(x: Tensor): Tensor {
      return this.decoder.forward(this.encoder.forward(x));
    }
  }

  it("are one parameter, trained once, and have both names in a checkpoint", async () => {
    const net = new Tied();
    expect(net.numParameters()).toBe(4);
    expect([...net.namedParameters()].map(([name]) => name)).toEqual(["encoder.weight"]);
    expect(Object.keys(net.stateDict())).toEqual(["encoder.weight", "decoder.weight"]);
    const before = await net.encoder.weight.data();
    const opt = new optim.SGD([...net.parameters(), net.decoder.weight], { lr: 0.5 });
    net
      .forward(tensor([[1, 2]]))
      .sum()
      .backward();
    const grad = await net.encoder.weight.grad!.data();
    opt.step();
    const after = await net.decoder.weight.data();
    for (const [i, v] of [...after].entries()) expect(v).toBeCloseTo(before[i]! - 0.5 * grad[i]!, 5);
    const ema = new optim.EMA(net, { decay: 0.5 });
    ema.update();
    const other = new Tied();
    other.loadStateDict(net.stateDict());
    expect(await other.encoder.weight.data()).toEqual(after);
  });

  it("may not be in two groups", () => {
    const p = tensor([1], { requiresGrad: true });
    expect(() => new optim.SGD([{ params: [p] }, { params: [p] }])).toThrow(/in two groups/);
    expect(() => new optim.SGD([tensor([1], { dtype: "int64" })])).toThrow(/int64/);
  });

  it("an EMA follows parameters through freezing and new weights", async () => {
    const net = new nn.Sequential(new nn.Linear(1, 1, { bias: false }), new nn.Linear(1, 1, { bias: false }));
    const [a, b] = net.layers as [nn.Linear, nn.Linear];
    a.weight.copy_(1);
    b.weight.copy_(2);
    const opt = new optim.SGD(net.parameters(), { lr: 0.1 });
    const ema = new optim.EMA(net, { decay: 0.5 });
    const step = compile(() => {
      opt.zeroGrad();
      const terms = [a.weight, b.weight].filter((w) => w.requiresGrad).map((w) => w.sum());
      terms.reduce((x, y) => x.add(y)).backward();
      opt.step();
      ema.update();
    });
    let [means, values] = [
      [1, 2],
      [1, 2],
    ];
    for (const frozen of [[], [0], [0], [], [1], []] as number[][]) {
      for (const [i, layer] of [a, b].entries()) layer.weight.requiresGrad_(!frozen.includes(i));
      await step();
      values = values.map((v, i) => (frozen.includes(i) ? v : v - 0.1));
      means = means.map((m, i) => 0.5 * m + 0.5 * values[i]!);
      const state = ema.stateDict();
      const got = await Promise.all(["0.weight", "1.weight"].map((name) => state[name]!.item()));
      for (const [i, m] of means.entries()) expect(got[i]).toBeCloseTo(m, 5);
    }
    a.weight = tensor([[10]], { requiresGrad: true });
    ema.update();
    expect(await ema.stateDict()["0.weight"]!.item()).toBeCloseTo(10, 5);
  });
});

describe("loading an optimizer's state", () => {
  const groups = () => {
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([2], { requiresGrad: true })];
    const opt = new optim.SGD([{ params: [a], momentum: 0.9 }, { params: [b] }], { lr: 0.1 });
    const step = () => {
      opt.zeroGrad();
      a.square().sum().add(b.square().sum()).backward();
      opt.step();
    };
    return { a, b, opt, step };
  };

  it("works for groups with and without momentum", async () => {
    const one = groups();
    one.step();
    const state = one.opt.stateDict();
    expect(Object.keys(state.tensors)).toEqual(["0.momentum_buffer"]);
    const two = groups();
    two.opt.loadStateDict(state);
    for (const name of ["a", "b"] as const) two[name].copy_(one[name].detach());
    one.step();
    two.step();
    expect([await two.a.item(), await two.b.item()]).toEqual([await one.a.item(), await one.b.item()]);
  });

  it("changes nothing where it does not fit", async () => {
    const { opt, step } = groups();
    step();
    const good = opt.stateDict();
    const before = JSON.stringify({ steps: good.steps, groups: good.groups, paramSteps: good.paramSteps });
    const bad: [string, optim.OptimizerState, RegExp][] = [
      ["groups", { ...good, groups: good.groups.slice(1) }, /1 group, expected 2/],
      ["shape", { ...good, tensors: { "0.momentum_buffer": tensor([1, 2]) } }, /"0.momentum_buffer" is \[2\]/],
      ["kind", { ...good, tensors: { "0.exp_avg": tensor([1]) } }, /a different kind of optimizer/],
      ["number", { ...good, tensors: { "7.momentum_buffer": tensor([1]) } }, /numbers of 2 parameters/],
      ["count", { ...good, paramSteps: [1] }, /1 parameters, expected 2/],
      ["settings", { ...good, groups: [{ lr: -1 }, {}] }, /lr is -1/],
    ];
    for (const [name, state, message] of bad) {
      expect(() => opt.loadStateDict(state), name).toThrow(message);
      const now = opt.stateDict();
      expect(JSON.stringify({ steps: now.steps, groups: now.groups, paramSteps: now.paramSteps }), name).toBe(before);
      expect(await now.tensors["0.momentum_buffer"]!.item(), name).toBe(2);
    }
  });

  it("takes states from before parameters had counts of their own", async () => {
    const p = [tensor([1], { requiresGrad: true }), tensor([2, 3], { requiresGrad: true })];
    const opt = new optim.Adam(p);
    const state = (v: number) => ({
      ...{ "0.exp_avg": tensor([v]), "0.exp_avg_sq": tensor([v]) },
      ...{ "1.exp_avg": tensor([v, v]), "1.exp_avg_sq": tensor([v, v]) },
    });
    opt.loadStateDict({ steps: 7, groups: [{ lr: 0.5 }], tensors: state(4) });
    expect([opt.steps, opt.lr, opt.stateDict().paramSteps]).toEqual([7, 0.5, [7, 7]]);
    expect(await opt.stateDict().tensors["1.exp_avg_sq"]!.tolist()).toEqual([4, 4]);
  });
});

describe("schedules", () => {
  const optimizer = () => new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 0.1 });

  it("have finite rates wherever the peak lies", () => {
    for (const [pctStart, totalSteps] of [
      [0.1, 10],
      [0, 5],
      [1, 5],
      [0.5, 1],
      [0.3, 1],
      [0.2, 5],
      [1, 1],
    ] as const) {
      const opt = optimizer();
      const schedule = new optim.OneCycleLR(opt, { maxLr: 1, totalSteps, pctStart });
      for (let i = 0; i < totalSteps; i++) {
        expect(Number.isFinite(opt.lr), `${pctStart} of ${totalSteps}, step ${i}`).toBe(true);
        schedule.step();
      }
    }
    const opt = optimizer();
    new optim.OneCycleLR(opt, { maxLr: 1, totalSteps: 10, pctStart: 0.1 });
    expect(opt.lr).toBe(1);
    expect(() => new optim.OneCycleLR(opt, { maxLr: Number.NaN, totalSteps: 10 })).toThrow(/maxLr is NaN/);
    expect(() => new optim.OneCycleLR(opt, { maxLr: 1, totalSteps: 10, pctStart: 2 })).toThrow(/pctStart is 2/);
  });

  it("stay where they are when they are asked to go beyond their end", () => {
    const opt = optimizer();
    const schedule = new optim.OneCycleLR(opt, { maxLr: 1, totalSteps: 2 });
    schedule.step();
    schedule.step();
    const { lr } = opt;
    expect(() => schedule.step()).toThrow(/step 3 of 2/);
    expect([schedule.steps, opt.lr]).toEqual([2, lr]);
  });

  it("go on from a saved state, each kind", () => {
    const kinds: Record<string, (opt: optim.Optimizer) => optim.Schedule> = {
      lambda: (opt) => new optim.LambdaLR(opt, (n) => 1 / (n + 1)),
      warm: (opt) => new optim.CosineWithWarmup(opt, { warmup: 2, total: 9 }),
      cosine: (opt) => new optim.CosineAnnealingLR(opt, 9),
      oneCycle: (opt) => new optim.OneCycleLR(opt, { maxLr: 1, totalSteps: 9 }),
    };
    for (const [name, build] of Object.entries(kinds)) {
      const [a, b] = [optimizer(), optimizer()];
      const [one, two] = [build(a), build(b)];
      for (let i = 0; i < 4; i++) one.step();
      two.loadStateDict(one.stateDict());
      b.loadStateDict(a.stateDict());
      for (let i = 0; i < 4; i++) {
        one.step();
        two.step();
        expect(b.lr, name).toBe(a.lr);
      }
      expect(() => two.loadStateDict({ steps: -1 })).toThrow(/step -1/);
    }
  });
});
