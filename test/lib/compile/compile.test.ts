import { beforeEach, describe, expect, it } from "vitest";
import {
  compile,
  manualSeed,
  nn,
  optim,
  randn,
  setNumThreads,
  type Tensor,
  tensor,
  zeros,
} from "../../../lib/index.ts";
import { closeSessions, openSessions } from "../../../lib/runtime/sessions.ts";
import { memory } from "../../../lib/runtime/storage.ts";

const { functional: F } = nn;

describe("compile", () => {
  it("traces once for each shape and dtype of the arguments", async () => {
    const f = compile((x: Tensor) => x.mul(2).sum());
    for (let i = 0; i < 3; i++) expect(await (await f(tensor([1, 2]))).item()).toBe(6);
    expect(f.traces).toBe(1);
    await f(tensor([1, 2, 3]));
    await f(tensor([1, 2], { dtype: "int64" }));
    expect(f.traces).toBe(3);
  });

  it("returns what the function returns: a tensor, a list, a record or nothing", async () => {
    const x = tensor([1, 2]);
    const list = await compile((x: Tensor) => [x.add(1), x.sum()])(x);
    expect(await list[0]!.tolist()).toEqual([2, 3]);
    const record = await compile((x: Tensor) => ({ a: x.neg() }))(x);
    expect(await record.a.tolist()).toEqual([-1, -2]);
    expect(await compile(() => {})()).toBeUndefined();
  });

  it("changes tensors in place, and looks up those that others have changed meanwhile", async () => {
    const total = zeros([2]);
    const weight = tensor([10, 20]);
    const f = compile((x: Tensor) => {
      total.add_(x.mul(weight));
      return total.sum();
    });
    expect(await (await f(tensor([1, 1]))).item()).toBe(30);
    expect(await (await f(tensor([1, 1]))).item()).toBe(60);
    weight.copy_(tensor([1, 1]));
    total.zero_();
    expect(await (await f(tensor([1, 1]))).item()).toBe(2);
    expect(await total.tolist()).toEqual([1, 1]);
    expect(f.traces).toBe(1);
  });

  it("does not take a tensor made inside for one that lasts", async () => {
    const f = compile(() => zeros([1]).add_(1));
    await f();
    expect(await (await f()).item()).toBe(1);
  });

  it("draws the same random numbers as the plain function, and others at each call", async () => {
    const f = () => randn([4]);
    manualSeed(5);
    const plain = [await f().tolist(), await f().tolist()];
    manualSeed(5);
    const compiled = compile(f);
    expect([await (await compiled()).tolist(), await (await compiled()).tolist()]).toEqual(plain);
  });

  it("reads weights anew in a form traced after somebody looked at them", async () => {
    const net = new nn.Linear(2, 1);
    const opt = new optim.SGD(net.parameters(), { lr: 0.1 });
    const step = compile((x: Tensor) => {
      opt.zeroGrad();
      const loss = net.forward(x).square().mean();
      loss.backward();
      opt.step();
      return loss;
    });
    const [a, b] = [randn([4, 2]), randn([3, 2])];
    for (const x of [a, b, a, b, b, a]) {
      await net.weight.data();
      const plain = await net.forward(x).square().mean().item();
      expect(await (await step(x)).item()).toBeCloseTo(plain, 6);
    }
  });

  it("undoes what the last call has changed", async () => {
    const x = tensor([1]);
    const f = compile(() => {
      x.mul_(2);
    });
    await f();
    await f();
    f.undo();
    expect(await x.item()).toBe(2);
    await f();
    expect(await x.item()).toBe(4);
  });

  it("runs calls one after the other, also when nobody waits in between", async () => {
    const n = zeros([1]);
    const f = compile(() => n.add_(1));
    const results = await Promise.all(Array.from({ length: 5 }, () => f()));
    expect(await Promise.all(results.map((r) => r.item()))).toEqual([1, 2, 3, 4, 5]);
  });

  it("leaves gradients and values of its tracing nowhere", async () => {
    const w = tensor([3], { requiresGrad: true });
    const f = compile((x: Tensor) => {
      const loss = w.mul(x).sum();
      loss.backward();
      return w.grad!;
    });
    expect(await (await f(tensor([2]))).item()).toBe(2);
    expect(w.grad).toBeNull();
  });

  it("says what is wrong with a function that it cannot trace", async () => {
    await expect(compile((async () => {}) as never)()).rejects.toThrow(/async/);
    await expect(compile((() => 3) as never)()).rejects.toThrow(/returns tensors/);
    const closed = compile((x: Tensor) => x.add(1));
    await closed(tensor([1]));
    closed.close();
    await expect(closed(tensor([1]))).rejects.toThrow(/after close/);
  });

  it("reports a shape that does not fit as the plain function would, and can be called again", async () => {
    const f = compile((x: Tensor, y: Tensor) => x.add(y));
    await expect(f(zeros([2]), zeros([3]))).rejects.toThrow("add: shapes [2] and [3] do not match");
    expect(await (await f(zeros([2]), zeros([2]))).tolist()).toEqual([0, 0]);
  });

  it("reports an index out of range while running, and can be called again with nothing changed", async () => {
    const count = zeros([1]);
    const table = tensor([[1], [2]]);
    const f = compile((i: Tensor) => {
      count.add_(1);
      return table.indexSelect(0, i);
    });
    const bad = tensor([0, 1, 5, 5], { dtype: "int64" });
    await expect(f(bad)).rejects.toThrow(/index 5 is out of range; the indexed dimension has 2 elements/);
    await f(tensor([0, 1, 1, 0], { dtype: "int64" }));
    expect(await count.item()).toBe(1);
  });
});

describe("the engine", () => {
  // A full cache would close a session for each one that it opens.
  beforeEach(closeSessions);

  it("shares one session among graphs of equal structure, whatever their numbers", async () => {
    const before = openSessions();
    const x = randn([7, 3]);
    for (let i = 0; i < 10; i++)
      await x
        .mul(i)
        .add(0.5 * i)
        .slice(0, i % 5, (i % 5) + 2)
        .data();
    expect(openSessions() - before).toBe(1);
  });

  it("computes the gradients of one backward() in one run, whoever asks for them", async () => {
    const net = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 3));
    const [input, target] = [randn([5, 4]), randn([5, 3])];
    const expected: number[] = [];
    for (const p of net.parameters()) {
      p.grad = null;
      nn.functional.mseLoss(net.forward(input), target).backward();
      expected.push(await p.grad!.square().sum().item());
      for (const q of net.parameters()) q.grad = null;
    }
    nn.functional.mseLoss(net.forward(input), target).backward();
    const parameters = [...net.parameters()];
    const squares = [await parameters[0]!.grad!.square().sum().item()];
    for (const p of parameters) expect(p.grad!.node.storage).not.toBeNull();
    const before = openSessions();
    for (const p of parameters.slice(1)) squares.push(await p.grad!.square().sum().item());
    // Only the squares of the other shapes are new: nothing goes forward and backward again.
    expect(openSessions() - before).toBeLessThanOrEqual(3);
    for (const [i, square] of squares.entries()) expect(square).toBeCloseTo(expected[i]!, 6);

    // A gradient that was put away is not computed along.
    nn.functional.mseLoss(net.forward(input), target).backward();
    const [first, second] = parameters as [Tensor, Tensor];
    const away = second.grad!;
    second.grad = null;
    await first.grad!.data();
    expect(away.node.storage).toBeNull();
  });

  it("keeps few large sessions open: each holds memory of its own", async () => {
    const before = openSessions();
    for (let length = 70; length < 90; length++) {
      let x = randn([2, 2]);
      for (let i = 0; i < length; i++) x = x.mul(0.5).add(1).tanh();
      await x.data();
    }
    expect(openSessions() - before).toBeLessThanOrEqual(8);
  });

  it("answers timers while a computation runs", async () => {
    const x = randn([1000, 1000]);
    await x.realize();
    const f = compile((x: Tensor) => {
      let y = x;
      for (let i = 0; i < 8; i++) y = y.matmul(x).mul(1e-2);
      return y.sum();
    });
    await f(x);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const running = f(x);
    const ends: string[] = [];
    await Promise.race([
      running.then(() => ends.push("run")),
      new Promise((r) => setTimeout(r, 5)).then(() => ends.push("timer")),
    ]);
    await running;
    clearInterval(timer);
    expect(ends[0]).toBe("timer");
    expect(ticks).toBeGreaterThan(2);
  });

  it("holds no more memory after many steps than after a few", async () => {
    const net = new nn.Sequential(new nn.Linear(64, 256), new nn.ReLU(), new nn.Linear(256, 64));
    const opt = new optim.AdamW(net.parameters());
    const step = compile((x: Tensor) => {
      opt.zeroGrad();
      const loss = F.mseLoss(net.forward(x), x);
      loss.backward();
      opt.step();
      return loss;
    });
    const x = randn([32, 64]);
    for (let i = 0; i < 20; i++) await step(x);
    const held = memory.bytes;
    for (let i = 0; i < 200; i++) await step(x);
    expect(memory.bytes).toBeLessThanOrEqual(held);
  });

  it("refuses a disposed tensor and goes on", async () => {
    const x = randn([100, 100]);
    await x.realize();
    const y = await compile((x: Tensor) => x.add(1))(x);
    y.dispose();
    await expect(y.sum().item()).rejects.toThrow(/after dispose/);
    expect(await x.sub(x).sum().item()).toBe(0);
  });

  it("refuses a number of threads that is none", () => {
    expect(() => setNumThreads(0)).toThrow("setNumThreads: got 0, expected an integer above 0");
  });
});
