import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { compile, loadTensors, manualSeed, nn, noGrad, randn, saveTensors, type Tensor } from "../../../lib/index.ts";
import * as F from "../../../lib/nn/functional/index.ts";
import { OnnxGraph } from "../../../lib/onnx/model.ts";
import { engine } from "../../../lib/runtime/engine.ts";
import { settings } from "../../../lib/runtime/settings.ts";

/** One layer of each kind that a gradient passes on its way through Stable Diffusion's networks. */
class Layers extends nn.Module {
  readonly conv = new nn.Conv2d(16, 32, 3, { padding: 1 });
  readonly pointwise = new nn.Conv2d(32, 16, 1);
  readonly halving = new nn.Conv2d(16, 16, 3, { stride: 2, padding: 1 });
  readonly upsampled = new nn.Conv2d(16, 32, 3, { padding: 1 });
  readonly linear = new nn.Linear(32, 24);
  readonly noBias = new nn.Linear(24, 8, { bias: false });

  forward(x: Tensor): Tensor {
    const small = this.halving.forward(this.pointwise.forward(this.conv.forward(x).silu()));
    const image = this.upsampled.forward(F.upsampleNearest(small, 2));
    const tokens = image.flatten(2).transpose(1, 2);
    return this.noBias.forward(this.linear.forward(tokens).silu());
  }
}

let home: string;
let layers: Layers;
const inPlaceFrom = settings.inPlaceFrom;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-in-place-"));
  manualSeed(3);
  const path = join(home, "weights.safetensors");
  layers = new Layers();
  await saveTensors(path, layers.stateDict());
  layers.loadStateDict(await loadTensors(path));
  for (const weight of layers.parameters()) weight.requiresGrad = false;
});
afterEach(() => {
  settings.inPlaceFrom = inPlaceFrom;
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** The gradient for an input, what was made of weights alone on the way there, and how the session was opened. */
async function gradient(from: number) {
  settings.inPlaceFrom = from;
  const weights = new Set<string>();
  const others = new Set<string>();
  const made: string[] = [];
  const { initializer, addMany } = OnnxGraph.prototype;
  vi.spyOn(OnnxGraph.prototype, "initializer").mockImplementation(function (this: OnnxGraph, ...args) {
    const name = initializer.apply(this, args);
    (ArrayBuffer.isView(args[2]) ? others : weights).add(name);
    return name;
  });
  vi.spyOn(OnnxGraph.prototype, "addMany").mockImplementation(function (this: OnnxGraph, ...args) {
    const [type, inputs, outputs] = args;
    // A reshaped constant is not copied.
    if (inputs.every((name) => weights.has(name) || others.has(name)) && inputs.some((name) => weights.has(name))) {
      for (const name of outputs) weights.add(name);
      if (type !== "Reshape") made.push(type);
    }
    addMany.apply(this, args);
  });
  const request = vi.spyOn(engine, "request");
  const step = compile((x: Tensor) => {
    const input = x.detach().requiresGrad_();
    layers.forward(input).square().sum().backward();
    return input.grad!.detach();
  });
  manualSeed(4);
  const data = Array.from(await step(randn([2, 16, 8, 8])).data(), Number);
  step.close();
  const opened = request.mock.calls.map(([r]) => r).findLast((r) => r.type === "open");
  vi.restoreAllMocks();
  return { data, made, options: opened?.type === "open" ? opened.options : undefined };
}

it("large weights in a file are read where they lie, forwards and backwards", async () => {
  const { made, options } = await gradient(0);
  expect(made).toEqual([]);
  expect(options).toMatchObject({ level: "extended", prepacking: false });
});

it("small ones are laid out for speed, the matrices of linear layers once", async () => {
  const { made, options } = await gradient(Number.POSITIVE_INFINITY);
  expect(made.length).toBeGreaterThan(0);
  expect(made.filter((type) => type === "Transpose").length).toBeLessThanOrEqual(4);
  expect(options?.prepacking).toBeUndefined();
});

it("both give the same gradient", async () => {
  const [there, anew] = [await gradient(0), await gradient(Number.POSITIVE_INFINITY)];
  const scale = Math.max(...anew.data.map(Math.abs));
  expect(Math.max(...anew.data.map((v, i) => Math.abs(v - there.data[i]!))) / scale).toBeLessThan(1e-5);
});

/** The gradient for a convolution that is learnt behind frozen layers, and how the session was opened. */
async function learnt(channels: number) {
  manualSeed(5);
  const head = new nn.Conv2d(8, channels, 5);
  const request = vi.spyOn(engine, "request");
  const step = compile((x: Tensor) => {
    const image = noGrad(() => layers.forward(x).transpose(1, 2)).reshape(2, 8, 16, 16);
    head.zeroGrad();
    head.forward(image).square().mean().backward();
    return head.weight.grad!.detach();
  });
  const data = Array.from(await step(randn([2, 16, 16, 16])).data(), Number);
  step.close();
  const opened = request.mock.calls.map(([r]) => r).findLast((r) => r.type === "open");
  vi.restoreAllMocks();
  return { data, options: opened?.type === "open" ? opened.options : undefined };
}

it("frozen weights in a file do not slow down the opening of a larger network that is learnt behind them", async () => {
  expect((await learnt(96)).options).toMatchObject({ folder: home, level: "disabled" });
  expect((await learnt(16)).options?.level).toBeUndefined();
});

it("whose gradient is the same", async () => {
  const { data } = await learnt(96);
  const tuned = settings.tuned;
  settings.tuned = false;
  const plain = await learnt(96).finally(() => {
    settings.tuned = tuned;
  });
  const scale = Math.max(...plain.data.map(Math.abs));
  expect(Math.max(...plain.data.map((v, i) => Math.abs(v - data[i]!))) / scale).toBeLessThan(1e-5);
});
