import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { afterEach, describe, expect, it, vi } from "vitest";
import { compile, nn, optim, randn, realize, type Tensor, tensor, zeros } from "../../../lib/index.ts";
import { engine } from "../../../lib/runtime/engine.ts";
import { closeSessions } from "../../../lib/runtime/sessions.ts";
import { settings } from "../../../lib/runtime/settings.ts";
import { memory } from "../../../lib/runtime/storage.ts";

describe("after the engine's thread has died", () => {
  it("graphs and compiled functions known before work again, and lost tensors say so", async () => {
    const plain = (x: Tensor) => x.mul(3).sum();
    const f = compile(plain);
    const w = tensor([1], { requiresGrad: true });
    const opt = new optim.SGD([w], { lr: 1 });
    const step = compile(() => {
      opt.zeroGrad();
      w.sum().backward();
      opt.step();
    });
    const held = randn([100, 100]).mul(2);
    await held.realize();
    expect(await plain(tensor([1, 2])).item()).toBe(9);
    expect(await f(tensor([1, 2])).item()).toBe(9);
    await step();
    await step();

    await engine.stop();
    expect(await plain(tensor([1, 2])).item()).toBe(9);
    expect(await f(tensor([1, 2])).item()).toBe(9);
    await expect(held.sum().item()).rejects.toThrow(/\[100,100\] is lost.*[Ll]oad or create it again/);
    await expect(held.data()).rejects.toThrow(/is lost/);
    await expect(step()).rejects.toThrow(/is lost/);
    w.copy_(5);
    await step();
    expect(await w.item()).toBe(4);
    await step();
    expect(await w.item()).toBe(3);
  });

  it("what was asked of it then fails, and what is asked next does not", async () => {
    const f = compile((x: Tensor) => x.matmul(x).sum());
    await f(zeros([3, 3]));
    const stopped = engine.stop();
    const [compiled, plain] = [
      f(randn([3, 3])),
      randn([3, 3])
        .matmul(randn([3, 3]))
        .data(),
    ];
    for (const one of [compiled, plain]) one.catch(() => {});
    await stopped;
    await expect(compiled).rejects.toThrow(/the computing thread stopped.*a new thread starts by itself/);
    await expect(plain).rejects.toThrow(/the computing thread stopped/);
    expect(await f(zeros([3, 3])).item()).toBe(0);
    expect(await tensor([1]).add(1).item()).toBe(2);
  });

  it("weights that lie in files, and what is loaded anew, go on", async () => {
    const net = new nn.Linear(2, 1);
    const saved = await Promise.all(
      Object.entries(net.stateDict()).map(async ([n, t]) => [n, await t.tolist()] as const),
    );
    const opt = new optim.AdamW(net.parameters(), { lr: 0.1 });
    const step = compile((x: Tensor) => {
      opt.zeroGrad();
      const loss = net.forward(x).square().sum();
      loss.backward();
      opt.step();
      return loss;
    });
    const x = [[1, 2]];
    const first = await step(tensor(x)).item();
    await engine.stop();
    const state = { ...opt.stateDict(), steps: 0, paramSteps: [0, 0], tensors: {} };
    net.loadStateDict(Object.fromEntries(saved.map(([n, values]) => [n, tensor(values as number[])])));
    opt.loadStateDict(state);
    expect(await step(tensor(x)).item()).toBeCloseTo(first, 6);
  });
});

describe("a synchronous answer", () => {
  afterEach(() => vi.restoreAllMocks());

  it("that comes too late is not taken for that of a later question", async () => {
    const [a, b, c] = [tensor([1]).add(0.5), tensor([2]).add(0.5), tensor([3]).add(0.5)];
    expect(String(a)).toContain("1.5");
    const wait = vi.spyOn(Atomics, "wait").mockReturnValueOnce("timed-out");
    String(b);
    expect(wait).toHaveBeenCalled();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(String(c)).toContain("3.5");
    expect(String(b)).toContain("2.5");
  });
});

describe("large computations", () => {
  it("a chain of 50,000 operations is computed in parts, of every kind", async () => {
    const kinds: [string, number, (x: Tensor) => Tensor][] = [
      ["add", 50_000, (x) => x.add(1)],
      ["detach", 9_000, (x) => x.detach()],
      ["transpose", 3_000, (x) => x.unsqueeze(0).transpose(0, 1).squeeze(1)],
    ];
    for (const [name, times, f] of kinds) {
      let x: Tensor = zeros([4]);
      for (let i = 0; i < times; i++) x = f(x);
      expect(await x.tolist(), name).toEqual(new Array(4).fill(name === "add" ? times : 0));
    }
  });

  it("a chain of products of matrices does not overflow the stack", async () => {
    const turn = tensor([
      [0, -1],
      [1, 0],
    ]);
    let x = turn;
    for (let i = 0; i < 4_400; i++) x = x.matmul(turn);
    expect(await x.tolist()).toEqual(await turn.tolist());
  });

  it("gradients go through a long chain, and many results are computed at once", async () => {
    const w = tensor([1], { requiresGrad: true });
    let x = w.mul(1);
    for (let i = 0; i < 5_000; i++) x = x.add(w);
    x.sum().backward();
    expect(await w.grad!.item()).toBe(5_001);
    const many = Array.from({ length: 4_200 }, (_, i) => tensor([i]).mul(2));
    await realize(...many);
    expect(await many[4_199]!.item()).toBe(8_398);
  });
});

describe("the forms of a compiled function", () => {
  it("are given up where there are many: the least recently used ones first", async () => {
    const net = new nn.Sequential(new nn.Linear(64, 64), new nn.Tanh(), new nn.Linear(64, 64));
    const f = compile((x: Tensor) => net.forward(x).sum());
    const before = memory.bytes;
    const call = async (n: number) => Number.isFinite(await f(zeros([n, 64])).item());
    for (let n = 1; n <= 25; n++) expect(await call(n)).toBe(true);
    expect(f.traces).toBe(25);
    // One that is in use stays, one from long ago is made again.
    expect(await call(25)).toBe(true);
    expect(await call(20)).toBe(true);
    expect(f.traces).toBe(25);
    expect(await call(1)).toBe(true);
    expect(f.traces).toBe(26);
    expect(memory.bytes - before).toBeLessThan(2 ** 20);
  });
});

describe("onnxruntime's threads", () => {
  it("are started for what can be shared out between them, not for a few numbers", async () => {
    const { threads } = settings;
    settings.threads = 3;
    const request = vi.spyOn(engine, "request");
    closeSessions();
    try {
      for (const size of [7, 100_000]) await zeros([size]).add(1).sum().item();
      const opened = request.mock.calls.flatMap(([each]) => (each.type === "open" ? [each.options.threads] : []));
      expect(opened).toEqual([1, 3]);
    } finally {
      settings.threads = threads;
      request.mockRestore();
      closeSessions();
    }
  });
});

describe("JavaScript's garbage collector", () => {
  it("is called once for all that ask for memory at the same time: each call takes as long as the heap is large", async () => {
    const collections: PerformanceEntry[] = [];
    const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));
    observer.observe({ entryTypes: ["gc"] });
    const much = 2 ** 40;
    memory.add(much);
    const relieved = Promise.all(Array.from({ length: 20 }, () => memory.relieve()));
    memory.add(-much);
    await relieved;
    await vi.waitFor(() => expect(collections.filter(isForced)).not.toEqual([]), 20_000);
    observer.disconnect();
    expect(collections.filter(isForced)).toHaveLength(1);
  });

  const isForced = ({ detail }: PerformanceEntry & { detail?: { kind: number; flags: number } }) =>
    detail!.kind === constants.NODE_PERFORMANCE_GC_MAJOR &&
    (detail!.flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0;
});
