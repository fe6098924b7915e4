import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  DataLoader,
  type Dataset,
  Learner,
  type LearnerOptions,
  manualSeed,
  nn,
  optim,
  randn,
  saveTensors,
  type Tensor,
  TensorDataset,
  tensor,
} from "../../../lib/index.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "difflab-learner-faults-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Make = (p: Tensor[]) => optim.Optimizer;

async function learner(make: Make, more: Partial<LearnerOptions> = {}, layers: nn.Module[] = []) {
  manualSeed(1);
  const model = new nn.Sequential(new nn.Linear(4, 8), ...(layers as never[]), new nn.Tanh(), new nn.Linear(8, 1));
  const x = randn([20, 4]);
  const data = new DataLoader(await TensorDataset.from(x, x.sum(1)), {
    batchSize: 8,
    shuffle: true,
  });
  const optimizer = make(model.parameters());
  return new Learner({
    model,
    optimizer,
    data,
    objective: (x, y) => nn.functional.mseLoss(model.forward(x!), y!.reshape(-1, 1)),
    quiet: true,
    ...more,
  });
}

describe("a Learner's checkpoint", () => {
  const optimizers: Record<string, Make> = {
    SGD: (p) => new optim.SGD(p, { lr: 0.05 }),
    "SGD with momentum": (p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9 }),
    "SGD with groups": (p) =>
      new optim.SGD([{ params: p.slice(0, 2), momentum: 0.9 }, { params: p.slice(2) }], { lr: 0.05 }),
    Adam: (p) => new optim.Adam(p, { lr: 0.05 }),
    AdamW: (p) => new optim.AdamW(p, { lr: 0.05 }),
    RMSprop: (p) => new optim.RMSprop(p, { lr: 0.01, momentum: 0.5, centered: true }),
  };
  for (const [name, make] of Object.entries(optimizers)) {
    it(`is taken up after more training, in the same Learner and in a new one: ${name}`, async () => {
      const path = join(folder, `${name}.safetensors`);
      const build = async () => {
        const l = await learner(make);
        const { model, optimizer } = l.options;
        return new Learner({
          ...l.options,
          schedule: new optim.CosineAnnealingLR(optimizer, 40),
          ema: new optim.EMA(model, { decay: 0.9 }),
        });
      };
      const one = await build();
      await one.fit(5);
      await one.save(path);
      await one.fit(8);
      const losses = [...one.losses];
      const mean = await one.options.ema!.stateDict()["0.weight"]!.data();
      await one.load(path);
      await one.fit(8);
      expect(one.losses).toEqual(losses);
      expect(await one.options.ema!.stateDict()["0.weight"]!.data()).toEqual(mean);
      const two = await build();
      await two.fit(1);
      await two.load(path);
      await two.fit(8);
      expect(two.losses).toEqual(losses);
    });
  }

  it("that does not fit changes nothing: not the model, the optimizer, the place in the data, the random numbers", async () => {
    const path = join(folder, "wrong.safetensors");
    const wrong = await learner((p) => new optim.Adam(p, { lr: 0.05 }));
    await wrong.fit(1);
    await wrong.save(path);
    const mine = await learner((p) => new optim.SGD(p, { lr: 0.05, momentum: 0.9 }));
    await mine.fit(2);
    const look = async () => [
      await mine.options.model.parameters()[0]!.data(),
      mine.options.optimizer.steps,
      await mine.options.optimizer.stateDict().tensors["0.momentum_buffer"]!.data(),
      mine.options.data.state,
      mine.step,
      [...mine.losses],
    ];
    const before = await look();
    await expect(mine.load(path)).rejects.toThrow(/a different kind of optimizer/);
    expect(await look()).toEqual(before);
    const withEma = new Learner({ ...mine.options, ema: new optim.EMA(mine.options.model) });
    const own = join(folder, "own.safetensors");
    await mine.save(own);
    await mine.fit(3);
    const now = await look();
    await expect(withEma.load(own)).rejects.toThrow(/EMA: "0.weight" is missing/);
    expect(await look()).toEqual(now);
    const small = new DataLoader(await TensorDataset.from(randn([4, 4]), randn([4])), { batchSize: 4 });
    const elsewhere = new Learner({ ...mine.options, data: small });
    const middle = new AbortController();
    const stopped = new Learner({ ...mine.options, callbacks: [{ afterBatch: () => middle.abort() }] });
    stopped.options.data.state = { epoch: 0, position: 0 };
    await stopped.fit(9, { signal: middle.signal });
    await stopped.save(own);
    const after = await look();
    await expect(elsewhere.load(own)).rejects.toThrow(/the data set is not the one that the state was saved with/);
    expect(await look()).toEqual(after);
  });
});

describe("a Learner", () => {
  it("leaves tensors that the data set owns alone", async () => {
    const [x, y] = [randn([100, 64]).mul(1), randn([100, 1]).mul(1)];
    await x.realize();
    await y.realize();
    const owned: Dataset = { length: 100, tensors: () => [x, y] };
    const model = new nn.Linear(64, 1);
    const data = new DataLoader(owned, { batchSize: 100 });
    const l = new Learner({
      model,
      optimizer: new optim.SGD(model.parameters(), { lr: 0.01 }),
      data,
      validation: data,
      objective: (x, y) => nn.functional.mseLoss(model.forward(x!), y!),
      quiet: true,
    });
    await l.fit(3);
    expect(Number.isFinite(await x.sum().item())).toBe(true);
    expect(await l.validate(data)).toHaveProperty("loss");
  });

  it("names the layer that a last batch of one is too small for, and goes on when told to leave it out", async () => {
    const base = await learner((p) => new optim.SGD(p, { lr: 0.05 }));
    const model = new nn.Sequential(new nn.Linear(4, 8), new nn.BatchNorm1d(8), new nn.Linear(8, 1));
    const x = randn([9, 4]);
    const data = new DataLoader(await TensorDataset.from(x, x), { batchSize: 4 });
    const l = new Learner({
      ...base.options,
      model,
      optimizer: new optim.SGD(model.parameters(), { lr: 0.05 }),
      data,
      objective: (x) => model.forward(x!).square().mean(),
    });
    const message =
      /the last batch of the epoch has 1 example, and BatchNorm1d "1" needs at least two values.*dropLast = true/;
    await expect(l.fit(2)).rejects.toThrow(message);
    await expect(l.fit(2)).rejects.toThrow(message);
    expect([l.step, l.epochs.length]).toEqual([2, 0]);
    data.dropLast = true;
    const { epochs, steps } = await l.fit(2);
    expect([epochs.length, steps, data.length]).toEqual([2, 4, 2]);
    expect(Number.isFinite(epochs[0]!.loss)).toBe(true);
    expect(() => {
      new DataLoader(data.dataset, { batchSize: 20 }).dropLast = true;
    }).toThrow(/do not fill a batch/);
  });

  it("does not begin what its schedule does not reach, and takes no step beyond its end", async () => {
    const make: Make = (p) => new optim.SGD(p, { lr: 0.05 });
    const base = await learner(make);
    const l = new Learner({
      ...base.options,
      schedule: new optim.OneCycleLR(base.options.optimizer, { maxLr: 0.1, totalSteps: 6 }),
    });
    const weight = () => l.options.model.parameters()[0]!.data();
    const before = await weight();
    await expect(l.fit(3)).rejects.toThrow(/OneCycleLR: step 9 of 6/);
    expect([l.step, l.losses.length, await weight()]).toEqual([0, 0, before]);
    await l.fit(2);
    expect(l.step).toBe(6);
    const end = await weight();
    await expect(l.fit(3)).rejects.toThrow(/OneCycleLR/);
    await expect(l.fit(Number.POSITIVE_INFINITY)).rejects.toThrow(/OneCycleLR: step 7 of 6/);
    expect([l.step, l.losses.length, await weight()]).toEqual([6, 6, end]);
  });

  it("does not take a step twice that a callback has failed after", async () => {
    const base = await learner((p) => new optim.SGD(p, { lr: 0.05 }));
    let fails = true;
    const l = new Learner({
      ...base.options,
      callbacks: [
        {
          afterBatch: ({ step }) => {
            if (step === 2 && fails) throw new Error("no space left for the picture");
          },
        },
      ],
    });
    await expect(l.fit(1)).rejects.toThrow("no space left");
    expect([l.step, l.options.data.state.position]).toEqual([2, 2]);
    fails = false;
    expect((await l.fit(1)).steps).toBe(3);
  });

  it("trains what was frozen once it is unfrozen, and counts, rates and random numbers are those before a bad step", async () => {
    const l = await learner((p) => new optim.Adam(p, { lr: 0.05 }), {}, [new nn.Dropout(0.2)]);
    const { model, optimizer } = l.options;
    const first = model.parameters()[0]!;
    first.requiresGrad_(false);
    const start = await first.data();
    await l.fit(1);
    expect(await first.data()).toEqual(start);
    first.requiresGrad_(true);
    await l.fit(2);
    expect(await first.data()).not.toEqual(start);
    const { steps } = optimizer;
    const good = await first.data();
    first.copy_(Number.NaN);
    await expect(l.fit(3)).rejects.toThrow(/the loss is NaN/);
    expect(optimizer.steps).toBe(steps);
    first.copy_(tensor(good, first.shape));
    await l.fit(3);
    expect(l.losses.every(Number.isFinite)).toBe(true);
  });

  it("loads long histories", async () => {
    const path = join(folder, "long.safetensors");
    const l = await learner((p) => new optim.SGD(p, { lr: 0.05 }));
    for (let i = 0; i < 200_000; i++) l.recorder.losses.push(0.5);
    await l.save(path);
    await l.load(path);
    expect(l.losses).toHaveLength(200_000);
    await saveTensors(path, { x: tensor([1]) });
    await expect(l.load(path)).rejects.toThrow(/not a Learner checkpoint/);
  });
});
