import { describe, expect, it } from "vitest";
import {
  compile,
  full,
  Generator,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  type Tensor,
  tensor,
  zeros,
} from "../../../lib/index.ts";

const value = async (x: Tensor) => x.tolist();

describe("a compiled function sees", () => {
  it("tensors inside lists, records, Maps, Sets and nested containers", async () => {
    const sum = (xs: Iterable<Tensor>) => [...xs].reduce((a, b) => a.add(b));
    type Kind = [string, (x: Tensor) => unknown, (held: never) => Tensor];
    const kinds: Kind[] = [
      ["list", (x) => [x, x.mul(2)], (held: Tensor[]) => sum(held)],
      ["record", (x) => ({ x }), (held: { x: Tensor }) => held.x],
      ["nested", (x) => ({ a: [{ b: x }] }), (held: { a: { b: Tensor }[] }) => held.a[0]!.b],
      ["Map", (x) => new Map([["x", x]]), (held: Map<string, Tensor>) => held.get("x")!],
      ["Set", (x) => new Set([x]), (held: Set<Tensor>) => sum(held)],
      ["function", (x) => () => x, (held: () => Tensor) => held()],
      [
        "object",
        (x) =>
          new (class {
            x = x;
          })(),
        (held: { x: Tensor }) => held.x,
      ],
    ];
    for (const [name, hold, use] of kinds) {
      const f = compile((held: unknown) => use(held as never).mul(1));
      const answers = [];
      for (const v of [1, 5]) answers.push(await value(await f(hold(tensor([v])))));
      const plain = await Promise.all([1, 5].map((v) => value(use(hold(tensor([v])) as never).mul(1))));
      expect(answers, name).toEqual(plain);
    }
  });

  it("tensors in containers without a new trace for each call", async () => {
    const f = compile((batch: { x: Tensor; more: [Tensor, Map<string, Tensor>] }) =>
      batch.x.add(batch.more[0]).add(batch.more[1].get("z")!),
    );
    for (const v of [1, 2, 3]) {
      const held = { x: tensor([v]), more: [tensor([10 * v]), new Map([["z", tensor([100 * v])]])] as never };
      expect(await value(await f(held))).toEqual([111 * v]);
    }
    expect(f.traces).toBe(1);
  });

  it("a module, and functions of tensors, given as arguments", async () => {
    const f = compile((net: nn.Linear, g: (x: Tensor) => Tensor, x: Tensor) => g(net.forward(x)));
    const nets = [1, 2].map((v) => {
      const net = new nn.Linear(1, 1, { bias: false });
      net.weight.copy_(v);
      return net;
    });
    const x = tensor([[3]]);
    expect(await value(await f(nets[0]!, (y) => y, x))).toEqual([[3]]);
    expect(await value(await f(nets[1]!, (y) => y, x))).toEqual([[6]]);
    expect(await value(await f(nets[1]!, (y) => y.neg(), x))).toEqual([[-6]]);
  });

  it("which plain value it is given: NaN, Infinity, null, undefined and -0 are five", async () => {
    const f = compile((x: Tensor, v: number | null | undefined) => x.mul(v === null ? 7 : v === undefined ? 8 : v));
    const answers = [];
    const given = [Infinity, Number.NaN, null, undefined, -Infinity, 0, -0];
    for (const v of given) answers.push((await (await f(ones([1]), v)).data())[0]);
    expect(answers).toEqual([Infinity, Number.NaN, 7, 8, -Infinity, 0, -0]);
  });

  it("values in records of options, and options that appear or go", async () => {
    const f = compile((x: Tensor, o: { scale?: number; deep?: { shift: number }[] }) =>
      x.mul(o.scale ?? 1).add(o.deep?.[0]?.shift ?? 0),
    );
    const answers = [];
    for (const o of [{}, { scale: 2 }, { scale: Number.NaN }, { deep: [{ shift: 3 }] }, { deep: [] }, { scale: 2 }]) {
      answers.push((await (await f(ones([1]), o)).data())[0]);
    }
    expect(answers).toEqual([1, 2, Number.NaN, 4, 1, 2]);
  });

  it("variables around it, branches and loops over them", async () => {
    let scale = 2;
    let times = 1;
    let on = true;
    const f = compile((x: Tensor) => {
      let y = on ? x : x.neg();
      for (let i = 0; i < times; i++) y = y.mul(scale);
      return y;
    });
    const x = tensor([1]);
    expect(await value(await f(x))).toEqual([2]);
    scale = 3;
    expect(await value(await f(x))).toEqual([3]);
    times = 2;
    expect(await value(await f(x))).toEqual([9]);
    on = false;
    expect(await value(await f(x))).toEqual([-9]);
    [scale, times, on] = [2, 1, true];
    expect(await value(await f(x))).toEqual([2]);
    expect(f.traces).toBe(4);
  });

  it("numbers that it makes a tensor of", async () => {
    let row = [1, 2];
    const f = compile((x: Tensor) => x.add(tensor(row)));
    expect(await value(await f(zeros([2])))).toEqual([1, 2]);
    row = [3, 4];
    expect(await value(await f(zeros([2])))).toEqual([3, 4]);
    expect(f.traces).toBe(1);
  });

  it("a counter of its own, as the plain function does", async () => {
    let calls = 0;
    const f = compile((x: Tensor) => x.mul(++calls));
    for (const n of [1, 2, 3]) expect(await value(await f(ones([1])))).toEqual([n]);
    expect(calls).toBe(3);
  });

  it("a weight, a layer or an attribute that was replaced", async () => {
    const net = new nn.Sequential(new nn.Linear(1, 1, { bias: false }));
    const layer = net.layers[0] as nn.Linear;
    layer.weight.copy_(1);
    const f = compile((x: Tensor) => net.forward(x));
    const x = tensor([[1]]);
    expect(await value(await f(x))).toEqual([[1]]);
    layer.weight = tensor([[5]]);
    expect(await value(await f(x))).toEqual([[5]]);
    layer.weight = tensor([[6]], { requiresGrad: true });
    expect(await value(await f(x))).toEqual([[6]]);
    layer.bias = tensor([100]);
    expect(await value(await f(x))).toEqual([[106]]);
  });

  it("train() and eval()", async () => {
    const net = new nn.Sequential(new nn.Dropout(0.5));
    const f = compile((x: Tensor) => net.forward(x).mean());
    manualSeed(0);
    const x = ones([1000]);
    expect(await (await f(x)).item()).not.toBe(1);
    net.eval();
    expect(await (await f(x)).item()).toBe(1);
    net.train();
    expect(await (await f(x)).item()).not.toBe(1);
    const norm = new nn.BatchNorm2d(2);
    const g = compile((x: Tensor) => norm.forward(x));
    const y = randn([8, 2]).mul(3).add(1);
    await g(y);
    norm.eval();
    expect(await value(await g(y))).toEqual(await value(norm.forward(y)));
  });

  it("requiresGrad that was switched off or on", async () => {
    const net = new nn.Linear(1, 1);
    const opt = new optim.SGD(net.parameters(), { lr: 1 });
    const step = compile((x: Tensor) => {
      opt.zeroGrad();
      net.forward(x).sum().backward();
      opt.step();
    });
    const x = tensor([[1]]);
    await step(x);
    net.weight.requiresGrad_(false);
    const [weight, bias] = [await net.weight.item(), await net.bias!.item()];
    await step(x);
    expect(await net.weight.item()).toBe(weight);
    expect(await net.bias!.item()).toBeCloseTo(bias - 1, 6);
    net.weight.requiresGrad_(true);
    await step(x);
    expect(await net.weight.item()).toBeCloseTo(weight - 1, 6);
  });

  it("an argument that it changes in place, as the plain function does", async () => {
    const f = compile((x: Tensor) => {
      x.add_(1);
      return x.mul(10);
    });
    const x = tensor([1]);
    expect(await value(await f(x))).toEqual([20]);
    expect(await value(x)).toEqual([2]);
    expect(await value(await f(x))).toEqual([30]);
    expect(await value(x)).toEqual([3]);
    const other = tensor([10]);
    await f(other);
    expect(await value(other)).toEqual([11]);
    expect(await value(x)).toEqual([3]);
    expect(f.traces).toBe(1);
  });

  it("arguments as they were when it was called, whatever happens before its turn", async () => {
    const f = compile((x: Tensor) => x.mul(10));
    const x = tensor([1]);
    let scale = 2;
    const g = compile((x: Tensor) => x.mul(scale));
    const [first, second] = [f(x), g(x)];
    x.add_(1);
    scale = 3;
    const [third, fourth] = [f(x), g(x)];
    expect(await Promise.all([first, second, third, fourth].map(async (r) => value(await r)))).toEqual([
      [10],
      [2],
      [20],
      [6],
    ]);
  });

  it("a tensor of another device or dtype, and the same tensor given twice", async () => {
    const f = compile((x: Tensor, y: Tensor) => x.add(y.mul(10)));
    const [a, b] = [tensor([1]), tensor([2])];
    expect(await value(await f(a, a))).toEqual([11]);
    expect(await value(await f(a, b))).toEqual([21]);
    expect(await value(await f(b, b))).toEqual([22]);
    expect((await f(a.long(), b.long())).dtype).toBe("int64");
    expect(f.traces).toBe(3);
  });

  it("a weight that is also given as an argument", async () => {
    const w = tensor([2]);
    const f = compile((x: Tensor) => x.mul(w));
    expect(await value(await f(w))).toEqual([4]);
    expect(await value(await f(tensor([5])))).toEqual([10]);
    expect(await value(await f(w))).toEqual([4]);
  });

  it("generators that are replaced or seeded again", async () => {
    let generator = new Generator(1);
    const f = compile(() => randn([3], { generator }));
    const first = await value(await f());
    await f();
    generator.manualSeed(1);
    expect(await value(await f())).toEqual(first);
    generator = new Generator(2);
    expect(await value(await f())).toEqual(await value(randn([3], { generator: new Generator(2) })));
    expect(f.traces).toBe(1);
  });

  it("optimizer settings that change later", async () => {
    type Make = (p: Tensor[]) => optim.Optimizer;
    const cases: [string, Make, (group: Record<string, unknown>) => void][] = [
      ["SGD lr", (p) => new optim.SGD(p, { lr: 0.1 }), (g) => (g.lr = 0.5)],
      ["SGD weightDecay", (p) => new optim.SGD(p, { lr: 0.1 }), (g) => (g.weightDecay = 0.5)],
      ["SGD momentum from 0", (p) => new optim.SGD(p, { lr: 0.1 }), (g) => (g.momentum = 0.9)],
      ["SGD momentum", (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.5 }), (g) => (g.momentum = 0.9)],
      ["SGD nesterov", (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.5 }), (g) => (g.nesterov = true)],
      ["Adam eps", (p) => new optim.Adam(p, { lr: 0.1 }), (g) => (g.eps = 1)],
      ["Adam betas", (p) => new optim.Adam(p, { lr: 0.1 }), (g) => (g.betas = [0.5, 0.5])],
      ["Adam weightDecay", (p) => new optim.Adam(p, { lr: 0.1 }), (g) => (g.weightDecay = 0.5)],
      ["AdamW weightDecay", (p) => new optim.AdamW(p, { lr: 0.1 }), (g) => (g.weightDecay = 0)],
      ["RMSprop alpha", (p) => new optim.RMSprop(p, { lr: 0.1 }), (g) => (g.alpha = 0.5)],
      ["RMSprop eps", (p) => new optim.RMSprop(p, { lr: 0.1 }), (g) => (g.eps = 0.5)],
      ["RMSprop momentum", (p) => new optim.RMSprop(p, { lr: 0.1 }), (g) => (g.momentum = 0.5)],
      ["RMSprop centered", (p) => new optim.RMSprop(p, { lr: 0.1 }), (g) => (g.centered = true)],
    ];
    for (const [name, make, change] of cases) {
      const run = async (compiled: boolean) => {
        const w = tensor([1, -2], { requiresGrad: true });
        const opt = make([w]);
        const body = () => {
          opt.zeroGrad();
          w.square().sum().backward();
          opt.step();
        };
        const step = compiled ? compile(body) : body;
        for (let i = 0; i < 6; i++) {
          if (i === 3) change(opt.groups[0] as never);
          await step();
        }
        return w.data();
      };
      const [plain, compiled] = [await run(false), await run(true)];
      for (const [i, v] of [...plain].entries()) expect(compiled[i], name).toBeCloseTo(v, 5);
    }
  });

  it("an EMA or clipping bound that changes", async () => {
    const w = tensor([1], { requiresGrad: true });
    const opt = new optim.SGD([w], { lr: 1 });
    let bound = 10;
    const step = compile(() => {
      opt.zeroGrad();
      w.mul(4).sum().backward();
      optim.clipGradNorm([w], bound);
      opt.step();
    });
    await step();
    expect(await w.item()).toBeCloseTo(-3, 4);
    bound = 1;
    await step();
    expect(await w.item()).toBeCloseTo(-4, 4);
  });
});

describe("a compiled function", () => {
  it("returns nested lists and records, with plain values beside the tensors", async () => {
    const f = compile((x: Tensor) => ({ loss: x.sum(), parts: [x.add(1), { deep: x.neg() }], name: "a", none: null }));
    const out = await f(tensor([1, 2]));
    expect(await out.loss.item()).toBe(3);
    expect(await value(out.parts[0] as Tensor)).toEqual([2, 3]);
    expect(await value((out.parts[1] as { deep: Tensor }).deep)).toEqual([-1, -2]);
    expect([out.name, out.none]).toEqual(["a", null]);
  });

  it("gives its number, list or data without a second await", async () => {
    const f = compile((x: Tensor) => x.sum());
    expect(await f(tensor([1, 2])).item()).toBe(3);
    expect(await f(tensor([1, 2])).tolist()).toBe(3);
    await expect(compile((x: Tensor, y: Tensor) => x.add(y))(zeros([2]), zeros([3])).item()).rejects.toThrow(
      "do not match",
    );
  });

  it("says so where a tensor from inside is used outside, or in a later call", async () => {
    let kept: Tensor | undefined;
    const f = compile(
      (x: Tensor) => {
        const y = kept ? x.add(kept) : x.add(1);
        kept = y;
        return y.mul(2);
      },
      { name: "step" },
    );
    await f(tensor([1]));
    await expect(kept!.data()).rejects.toThrow(/created inside the compiled function "step".*return it/);
    expect(() => kept!.add(1)).toThrow(/created inside the compiled function/);
    await expect(f(tensor([1]))).rejects.toThrow(/created inside the compiled function "step"/);
    kept = undefined;
    expect(await value(await f(tensor([1])))).toEqual([4]);
  });

  it("says so where another compiled function is called inside, or a value is asked for", async () => {
    const inner = compile((x: Tensor) => x.add(1), { name: "inner" });
    const outer = compile((x: Tensor) => {
      void inner(x);
      return x.mul(2);
    });
    await expect(outer(tensor([1]))).rejects.toThrow(
      "inner: called inside another compiled function; call the plain function there",
    );
    const asks = compile((x: Tensor) => {
      const n = x.item();
      n.catch(() => {});
      return x.mul(n as never);
    });
    await expect(asks(tensor([1]))).rejects.toThrow();
  });

  it("says that an argument is empty, and returns empty tensors", async () => {
    const f = compile((x: Tensor) => x.mul(2).sum(), { name: "step" });
    await expect(f(zeros([0, 4]))).rejects.toThrow(/step: .*\[0, 4\].*empty/);
    const g = compile((x: Tensor) => [x.slice(0, 0, 0), x.add(1)]);
    const [none, some] = await g(tensor([1, 2]));
    expect(none!.shape).toEqual([0]);
    expect(await value(none!)).toEqual([]);
    expect(await value(some!)).toEqual([2, 3]);
  });

  it("is not misled by numbers that print alike, compiled or not", async () => {
    const x = tensor([1]);
    const shown = async (v: number) => (await x.pad([1, 0], v).data())[0];
    expect(await shown(Infinity)).toBe(Infinity);
    expect(await shown(-Infinity)).toBe(-Infinity);
    expect(await shown(Number.NaN)).toBeNaN();
    const both = full([1], Infinity)
      .sub(full([1], 1))
      .add(full([1], -Infinity).mul(0).isnan().float());
    expect(await both.item()).toBe(Infinity);
    expect(Object.is((await full([1], -0).data())[0], -0)).toBe(true);
    expect(Object.is((await full([1], 0).data())[0], 0)).toBe(true);
  });
});

describe("host actions in a compiled function", () => {
  it("happen in the order in which they are written", async () => {
    const w = tensor([0], { requiresGrad: true });
    const opt = new optim.SGD([w], { lr: 1 });
    const schedule = new optim.LambdaLR(opt, (n) => n + 1);
    const step = compile(() => {
      opt.zeroGrad();
      w.sum().backward();
      opt.step();
      schedule.step();
    });
    const moves = [];
    let before = 0;
    for (let i = 0; i < 3; i++) {
      await step();
      const now = await w.item();
      moves.push(before - now);
      before = now;
    }
    expect(moves).toEqual([1, 2, 3]);
    expect([opt.steps, schedule.steps]).toEqual([3, 3]);
  });

  it("count two steps of one function as two", async () => {
    const run = async (compiled: boolean) => {
      const w = tensor([1, -3], { requiresGrad: true });
      const opt = new optim.Adam([w], { lr: 0.1 });
      const first = new optim.LambdaLR(opt, (n) => 1 / (n + 1));
      const body = () => {
        for (let i = 0; i < 2; i++) {
          opt.zeroGrad();
          w.square().sum().backward();
          opt.step();
          first.step();
        }
      };
      const step = compiled ? compile(body) : body;
      for (let i = 0; i < 4; i++) await step();
      expect(opt.steps).toBe(8);
      return w.data();
    };
    const [plain, compiled] = [await run(false), await run(true)];
    for (const [i, v] of [...plain].entries()) expect(compiled[i]).toBeCloseTo(v, 6);
  });

  it("serve two schedules and an EMA, each in its place", async () => {
    const run = async (compiled: boolean) => {
      const net = new nn.Linear(1, 1, { bias: false });
      net.weight.copy_(1);
      const [a, b] = [
        new optim.SGD(net.parameters(), { lr: 0.1 }),
        new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 0.3 }),
      ];
      const ema = new optim.EMA(net, { decay: 0.5 });
      const [sa, sb] = [new optim.LambdaLR(a, (n) => n + 1), new optim.CosineAnnealingLR(b, 5)];
      const other = b.groups[0]!.params[0]!;
      const body = () => {
        a.zeroGrad();
        b.zeroGrad();
        net.weight.square().sum().add(other.square().sum()).backward();
        sa.step();
        a.step();
        ema.update();
        b.step();
        sb.step();
      };
      const step = compiled ? compile(body) : body;
      for (let i = 0; i < 4; i++) await step();
      return [await net.weight.item(), await other.item(), await ema.stateDict().weight!.item()];
    };
    const [plain, compiled] = [await run(false), await run(true)];
    for (const [i, v] of plain.entries()) expect(compiled[i]).toBeCloseTo(v, 6);
  });

  it("are undone with the call: counters, rates, random numbers", async () => {
    const w = tensor([1], { requiresGrad: true });
    const opt = new optim.Adam([w], { lr: 0.1 });
    const schedule = new optim.LambdaLR(opt, (n) => 1 / (n + 1));
    const generator = new Generator(3);
    const step = compile(() => {
      opt.zeroGrad();
      const noise = randn([1], { generator });
      w.mul(noise).sum().backward();
      opt.step();
      schedule.step();
      return noise;
    });
    await step();
    const before = [opt.steps, schedule.steps, opt.lr, await w.item()];
    const noise = await step().item();
    step.undo();
    expect([opt.steps, schedule.steps, opt.lr, await w.item()]).toEqual(before);
    expect(await step().item()).toBe(noise);
    step.undo();
    step.undo();
    expect([opt.steps, schedule.steps, opt.lr, await w.item()]).toEqual(before);
  });

  it("are undone where the call fails", async () => {
    const w = tensor([1], { requiresGrad: true });
    const opt = new optim.Adam([w], { lr: 0.1 });
    const table = tensor([[1], [2]]);
    const step = compile((index: Tensor) => {
      opt.zeroGrad();
      w.mul(table.indexSelect(0, index)).sum().backward();
      opt.step();
    });
    const good = tensor([0, 1], { dtype: "int64" });
    await step(good);
    const before = await w.item();
    await expect(step(tensor([0, 9], { dtype: "int64" }))).rejects.toThrow(/out of range/);
    expect([opt.steps, await w.item()]).toEqual([1, before]);
    await step(good);
    expect(opt.steps).toBe(2);
    const fails = compile(() => {
      opt.zeroGrad();
      w.sum().backward();
      opt.step();
      w.add(zeros([2, 3])).add(zeros([4]));
    });
    await expect(fails()).rejects.toThrow("do not match");
    expect(opt.steps).toBe(2);
  });

  it("and weights are read in the order of the calls, also when nobody waits", async () => {
    const w = tensor([1], { requiresGrad: true });
    const opt = new optim.SGD([w], { lr: 1 });
    const step = compile(() => {
      opt.zeroGrad();
      w.sum().backward();
      opt.step();
    });
    const read = compile(() => w.mul(1));
    const seen = [];
    for (let i = 0; i < 3; i++) {
      void step();
      seen.push(read());
      opt.lr += 1;
    }
    const later = w.mul(1);
    expect(await Promise.all(seen.map((r) => r.item()))).toEqual([0, -2, -5]);
    expect(await later.item()).toBe(-5);
  });
});

describe("tensors that a compiled function changes in place", () => {
  it("are plain afterwards, also where the new values had gradients", async () => {
    const w = tensor([2], { requiresGrad: true });
    const h = tensor([1]);
    const opt = new optim.SGD([w], { lr: 0.5 });
    const step = compile(() => {
      opt.zeroGrad();
      h.copy_(h.mul(w));
      h.sum().backward();
      opt.step();
    });
    await step();
    expect([await h.item(), await w.item(), h.requiresGrad]).toEqual([2, 1.5, false]);
    await step();
    expect([await h.item(), await w.item(), h.requiresGrad]).toEqual([3, 0.5, false]);
    expect(step.traces).toBe(1);
  });

  it("and graphs that were written down before lead to the weights as before", async () => {
    const w = tensor([3], { requiresGrad: true });
    const before = w.square().sum();
    const step = compile(() => noGrad(() => w.copy_(w.sub(1))));
    await step();
    before.backward();
    expect([await w.grad!.item(), await w.item()]).toEqual([6, 2]);
  });

  it("may have been changed outside and not computed yet", async () => {
    const total = tensor([1]);
    const step = compile((x: Tensor) => total.add_(x));
    total.add_(1);
    expect(await step(tensor([10])).item()).toBe(12);
    total.mul_(2);
    const seen = total.mul(1);
    await step(tensor([1]));
    total.mul_(3);
    await step(tensor([1]));
    expect([await seen.item(), await total.item()]).toEqual([24, 76]);
  });
});
