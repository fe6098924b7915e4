import { describe, expect, it } from "vitest";
import { compile, manualSeed, nn, randn, type Tensor, tensor, zeros } from "../../../lib/index.ts";
import reference from "../../reference/nn.json" with { type: "json" };

interface Stored {
  shape: number[];
  data: number[];
  dtype?: string;
}
interface Recorded {
  input: Stored;
  init: Record<string, Stored>;
  output: Stored;
  grads: Record<string, Stored>;
  after: Record<string, Stored>;
}

const recorded = reference.layers as unknown as Record<string, Recorded>;

const layers: Record<string, () => nn.Module & nn.Layer> = {
  linear: () => new nn.Linear(6, 4),
  conv2d: () => new nn.Conv2d(3, 5, 3, { stride: 2, padding: 1 }),
  conv2dGroups: () => new nn.Conv2d(4, 6, 3, { groups: 2, bias: false }),
  convTranspose2d: () => new nn.ConvTranspose2d(4, 3, 4, { stride: 2, padding: 1 }),
  embedding: () => new nn.Embedding(9, 5),
  groupNorm: () => new nn.GroupNorm(2, 6),
  layerNorm: () => new nn.LayerNorm(5),
  batchNorm: () => new nn.BatchNorm2d(3),
  batchNormEval: () => {
    const norm = new nn.BatchNorm2d(3).eval();
    norm.runningMean.copy_(tensor([-1, 0, 1]));
    norm.runningVar.copy_(tensor([0.5, 1.25, 2]));
    return norm;
  },
  multiheadAttention: () => new nn.MultiheadAttention(8, 2),
  sequential: () =>
    new nn.Sequential(
      new nn.Linear(4, 8),
      new nn.GELU(),
      new nn.Sequential(new nn.Linear(8, 8), new nn.SiLU()),
      new nn.Linear(8, 2),
    ),
};

async function expectClose(ours: Tensor, theirs: Stored, limit: number, what: string): Promise<void> {
  expect([...ours.shape], what).toEqual(theirs.shape);
  const data = (await ours.data()) as Float32Array;
  const scale = Math.max(1, ...theirs.data.map(Math.abs));
  const worst = Math.max(...theirs.data.map((v, i) => Math.abs(v - Number(data[i])) / scale));
  expect(worst, what).toBeLessThan(limit);
}

describe("every layer", () => {
  it("is in the table that PyTorch recorded", () => {
    expect(Object.keys(layers).sort()).toEqual(Object.keys(recorded).sort());
  });

  for (const [name, c] of Object.entries(recorded)) {
    it(`${name} starts with PyTorch's weights for the same seed, under the same names`, async () => {
      manualSeed(7);
      const state = layers[name]!().stateDict();
      expect(Object.keys(state)).toEqual(Object.keys(c.init));
      if (name === "batchNormEval") return;
      for (const [key, theirs] of Object.entries(c.init)) await expectClose(state[key]!, theirs, 2e-6, key);
    });

    it(`${name} gives PyTorch's output, gradients and buffers`, async () => {
      manualSeed(7);
      const layer = layers[name]!();
      const x = tensor(c.input.data, c.input.shape, { dtype: c.input.dtype as "float32" });
      const y = layer.forward(x);
      const wave = tensor(Array.from({ length: y.numel() }, (_, i) => Math.cos(i))).reshape(y.shape);
      y.mul(wave).sum().backward();
      await expectClose(y, c.output, 3e-6, "output");
      for (const [key, p] of layer.namedParameters())
        await expectClose(p.grad!, c.grads[key]!, 1e-5, `gradient of ${key}`);
      for (const [key, tensor] of Object.entries(layer.stateDict()))
        await expectClose(tensor, c.after[key]!, 3e-6, key);
    });
  }
});

describe("Module", () => {
  class Net extends nn.Module {
    convIn = new nn.Conv2d(1, 2, 3);
    blocks = [new nn.Linear(2, 2), new nn.Linear(2, 2)];
    bn = new nn.BatchNorm2d(2);
  }

  it("names parameters after its fields by one rule", () => {
    expect([...new Net().namedParameters()].map(([name]) => name)).toEqual([
      "conv_in.weight",
      "conv_in.bias",
      "blocks.0.weight",
      "blocks.0.bias",
      "blocks.1.weight",
      "blocks.1.bias",
      "bn.weight",
      "bn.bias",
    ]);
    expect(Object.keys(new Net().stateDict())).toContain("bn.running_mean");
  });

  it("reports every name and shape that does not fit, and then loads nothing", async () => {
    const net = new Net();
    const before = await net.blocks[0]!.weight.tolist();
    const { "bn.bias": _, ...state } = new Net().stateDict();
    const wrong = { ...state, "blocks.1.bias": zeros([3]), extra: zeros([1]) };
    expect(() => net.loadStateDict(wrong)).toThrow(
      /nothing loaded, 3 problems:\n {2}blocks.1.bias is \[3\], expected \[2\]\n {2}bn.bias is missing\n {2}extra is unexpected/,
    );
    expect(await net.blocks[0]!.weight.tolist()).toEqual(before);
  });

  it("loads another module's state, and is independent of it afterwards", async () => {
    const [a, b] = [new nn.Linear(3, 2), new nn.Linear(3, 2)];
    b.loadStateDict(a.stateDict());
    const before = await a.weight.tolist();
    expect(await b.weight.tolist()).toEqual(before);
    a.weight.mul_(2);
    expect(await b.weight.tolist()).toEqual(before);
  });

  it("loads common names only where it is not strict, and says which others there are", () => {
    const { "bn.bias": _, ...state } = new Net().stateDict();
    const result = new Net().loadStateDict({ ...state, extra: zeros([1]) }, { strict: false });
    expect(result).toEqual({ missing: ["bn.bias"], unexpected: ["extra"] });
  });

  it("switches all its parts between training and evaluation", () => {
    const net = new nn.Sequential(new nn.Dropout(0.5), new nn.Sequential(new nn.Dropout(0.1))).eval();
    expect([...net.namedModules()].map(([, m]) => m.training)).toEqual([false, false, false, false]);
  });

  it("drops nothing in evaluation, and in training keeps the mean", async () => {
    const drop = new nn.Dropout(0.25);
    const x = randn([10_000]).abs();
    const y = (await drop.forward(x).data()) as Float32Array;
    const zero = y.filter((v) => v === 0).length / y.length;
    expect(zero).toBeGreaterThan(0.22);
    expect(zero).toBeLessThan(0.28);
    drop.eval();
    expect(drop.forward(x)).toBe(x);
  });

  it("normalises a group without any variation to its bias, in training too", async () => {
    const norm = new nn.GroupNorm(1, 16);
    const x = tensor(new Float32Array(2 * 16 * 64).fill(1234.5), [2, 16, 8, 8], { requiresGrad: true });
    const y = norm.forward(x);
    y.square().sum().backward();
    for (const t of [y, x.grad!]) expect(await t.isfinite().all().item()).toBe(1);
    expect(await y.abs().max().item()).toBeLessThan(0.5);
  });

  it("draws another dropout at every call of a compiled function", async () => {
    const drop = new nn.Dropout(0.5);
    const f = compile((x: Tensor) => drop.forward(x));
    const x = tensor(new Float32Array(64).fill(1));
    expect(await (await f(x)).tolist()).not.toEqual(await (await f(x)).tolist());
  });
});
