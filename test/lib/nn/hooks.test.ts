import { describe, expect, it } from "vitest";
import { compile, manualSeed, nn, noGrad, optim, randn, type Tensor, tensor } from "../../../lib/index.ts";

const values = async (x: Tensor) => [...(await x.data())].map((v) => Number(v.toFixed(4)));

class Double extends nn.Module {
  forward(x: Tensor, options: { times?: number } = {}): Tensor {
    return x.mul(options.times ?? 2);
  }
}

describe("forward hooks", () => {
  it("see what goes in and comes out, in their order, until they are removed", async () => {
    const layer = new Double();
    const seen: string[] = [];
    const handles = [
      layer.registerForwardHook((module, [x], out) => {
        seen.push(`first ${module === layer} ${x.shape} ${out.shape}`);
      }),
      layer.registerForwardHook(() => void seen.push("second")),
      layer.registerForwardHook(() => void seen.push("before both"), { prepend: true }),
      layer.registerForwardPreHook((_, [x, options]) => void seen.push(`pre ${x.shape} ${options?.times}`)),
    ];
    await layer.forward(tensor([1, 2]), { times: 3 }).realize();
    expect(seen).toEqual(["pre 2 3", "before both", "first true 2 2", "second"]);
    for (const handle of handles) handle.remove();
    for (const handle of handles) handle.remove();
    layer.forward(tensor([1]));
    expect(seen.length).toBe(4);
    expect(Object.getOwnPropertyNames(layer)).not.toContain("forward");
  });

  it("replace outputs and arguments, each seeing what the one before has made", async () => {
    const layer = new Double();
    layer.registerForwardPreHook((_, [x]) => [x.add(1), { times: 10 }]);
    layer.registerForwardPreHook((_, [x]) => x.add(1));
    layer.registerForwardHook((_, __, out) => out.neg());
    layer.registerForwardHook((_, __, out) => out.sub(0.5));
    // (1 + 1 + 1) with the second hook's single value: the options are gone, as in PyTorch.
    expect(await values(layer.forward(tensor([1])))).toEqual([-6.5]);
  });

  it("leave names, weights and the printed tree as they are", () => {
    const net = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU());
    const before = [Object.keys(net.stateDict()), String(net)];
    for (const [, part] of net.namedModules()) part.registerForwardHook(() => {});
    expect([Object.keys(net.stateDict()), String(net)]).toEqual(before);
    expect(Object.keys(net)).not.toContain("forward");
  });

  it("let outputShapes look beside them", async () => {
    const net = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU());
    let calls = 0;
    net.layers[0]!.registerForwardHook(() => void calls++);
    const shapes = () => nn.outputShapes(net, () => net.forward(randn([4, 2])));
    expect(shapes()).toEqual(shapes());
    expect(calls).toBe(2);
    net.forward(randn([1, 2]));
    expect(calls).toBe(3);
  });

  it("refuse what is no function, async ones, and modules without forward", () => {
    const layer = new Double();
    expect(() => layer.registerForwardHook(3 as never)).toThrow("Double.registerForwardHook: got number, expected a");
    layer.registerForwardHook((async () => {}) as never);
    expect(() => layer.forward(tensor([1]))).toThrow("forward hook: the hook is async; store the tensor");
    class Bare extends nn.Module {}
    expect(() => new Bare().registerForwardPreHook(() => {})).toThrow(
      "Bare.registerForwardPreHook: Bare has no forward(); register the hook on its submodules",
    );
    expect(() => layer.registerForwardHook(() => {}, { prepnd: true } as never)).toThrow("unknown option prepnd");
  });

  it("one that throws reaches the caller, and the next call works", async () => {
    const layer = new Double();
    const handle = layer.registerForwardHook(() => {
      throw new RangeError("no");
    });
    const f = compile((x: Tensor) => layer.forward(x));
    await expect(f(tensor([1]))).rejects.toThrow("no");
    handle.remove();
    expect(await values(await f(tensor([1])))).toEqual([2]);
  });
});

describe("forward hooks in compiled functions", () => {
  it("keep what they see and what they make of it, at each call the values of that call", async () => {
    const net = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU(), new nn.Linear(3, 1));
    const f = compile((x: Tensor) => noGrad(() => net.forward(x)));
    await f(tensor([[1, 2]]));
    expect(f.traces).toBe(1);
    const seen: Tensor[] = [];
    const handle = net.layers[0]!.registerForwardHook((_, [x], out) => {
      seen.push(x, out, out.detach(), out.mean());
    });
    const expected = async (x: Tensor) => values(noGrad(() => net.layers[0]!.forward(x)));
    const inputs = [tensor([[1, 2]]), tensor([[3, -4]]), tensor([[0.5, 8]])];
    for (const x of inputs) await f(x);
    // A hook that only looks leads to one more form, which is used again.
    expect(f.traces).toBe(2);
    handle.remove();
    expect(seen.length).toBe(12);
    for (const [i, x] of inputs.entries()) {
      const [given, out, cut, mean] = seen.slice(4 * i, 4 * i + 4) as [Tensor, Tensor, Tensor, Tensor];
      const right = await expected(x);
      expect(await values(given)).toEqual(await values(x));
      expect(await values(out)).toEqual(right);
      expect(await values(cut)).toEqual(right);
      expect(await mean.item()).toBeCloseTo(right.reduce((a, b) => a + b, 0) / 3, 4);
      expect([out.requiresGrad, out.shape]).toEqual([false, [1, 3]]);
      // They are tensors as any other.
      expect(await values(out.add(1).sub(cut))).toEqual([1, 1, 1]);
    }
    await f(tensor([[1, 2]]));
    expect(f.traces).toBe(2);
  });

  it("are seen at once, and change the result as long as they are there", async () => {
    const net = new nn.Sequential(new Double(), new Double());
    const f = compile((x: Tensor) => net.forward(x));
    expect(await values(await f(tensor([1])))).toEqual([4]);
    const handle = net.layers[0]!.registerForwardHook((_, __, out) => (out as Tensor).add(100));
    expect(await values(await f(tensor([1])))).toEqual([204]);
    handle.remove();
    expect(await values(await f(tensor([1])))).toEqual([4]);
    expect(f.traces).toBe(2);
  });

  it("work in a training step: what they keep has no gradient, and the loss goes on", async () => {
    manualSeed(3);
    const net = new nn.Sequential(new nn.Linear(2, 4), new nn.Tanh(), new nn.Linear(4, 1));
    const optimizer = new optim.AdamW(net.parameters(), { lr: 0.05 });
    const activations: Tensor[] = [];
    net.layers[1]!.registerForwardHook((_, __, out) => void activations.push(out as Tensor));
    const step = compile((x: Tensor) => {
      const loss = net.forward(x).sub(1).square().mean();
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    });
    const x = randn([8, 2]);
    const losses: number[] = [];
    for (let i = 0; i < 20; i++) losses.push(await step(x).item());
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect(activations.length).toBe(20);
    expect(await values(activations[0]!)).not.toEqual(await values(activations[19]!));
    expect(step.traces).toBeLessThanOrEqual(2);
  });

  it("in a step that has to be written down again, all that was kept has its value", async () => {
    const [first, second] = [new nn.Linear(2, 2), new nn.Linear(2, 2)];
    const optimizer = new optim.SGD([...first.parameters(), ...second.parameters()], { lr: 0.1 });
    const kept: Tensor[] = [];
    first.registerForwardHook((_, __, out) => void kept.push(out));
    const step = compile((x: Tensor, both: boolean) => {
      const h = first.forward(x);
      const loss = (both ? second.forward(h) : h).square().mean();
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    });
    const x = randn([3, 2]);
    // The second layer has a gradient only from the second call on: the optimizer divides its row then.
    for (const both of [false, true, false, true]) await step(x, both);
    expect(kept.length).toBeGreaterThan(4);
    for (const out of kept) expect((await values(out)).every(Number.isFinite)).toBe(true);
  });

  it("do not change what else is made inside: that is gone after the call, with an error that says so", async () => {
    const layer = new Double();
    layer.registerForwardHook(() => {});
    let inside: Tensor | undefined;
    const f = compile((x: Tensor) => {
      inside = x.add(1);
      return layer.forward(inside.mul(3)).sum();
    });
    await f(tensor([1]));
    await expect(async () => inside!.add(1)).rejects.toThrow("no longer exists");
  });
});

describe("attention's probabilities", () => {
  it("are computed where a hook asks for them, with the same result", async () => {
    manualSeed(1);
    const layer = new nn.MultiheadAttention(8, 2);
    const x = randn([2, 5, 8]);
    for (const causal of [false, true]) {
      const before = await values(noGrad(() => layer.forward(x, x, x, { causal })));
      const seen: Tensor[] = [];
      const handle = layer.probs.registerForwardHook((_, __, probs) => void seen.push(probs));
      expect(await values(noGrad(() => layer.forward(x, x, x, { causal })))).toEqual(before);
      handle.remove();
      expect(seen[0]!.shape).toEqual([2, 2, 5, 5]);
      const rows = [...(await seen[0]!.sum(-1).data())];
      for (const sum of rows) expect(sum).toBeCloseTo(1, 5);
      if (causal) expect(await seen[0]!.triu(1).abs().max().item()).toBe(0);
    }
  });

  it("can be replaced: all of it on the first place reads that alone", async () => {
    const layer = new nn.MultiheadAttention(4, 2);
    const x = randn([1, 3, 4]);
    layer.probs.registerForwardHook((_, __, probs) => {
      const first = probs.narrow(-1, 0, 1);
      return nn.functional.pad(first.mul(0).add(1), [0, 2]);
    });
    const out = (await layer.forward(x).tolist()) as number[][][];
    expect(out[0]![1]).toEqual(out[0]![0]);
    expect(out[0]![2]).toEqual(out[0]![0]);
  });
});
