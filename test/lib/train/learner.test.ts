import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  accuracy,
  type Callback,
  CancelBatch,
  CancelEpoch,
  CancelFit,
  DataLoader,
  Learner,
  manualSeed,
  nn,
  optim,
  randn,
  SaveCheckpoints,
  type Tensor,
  TensorDataset,
  tensor,
} from "../../../lib/index.ts";
import { line } from "../../../lib/train/progress.ts";

let folder: string;
let data: TensorDataset;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "difflab-learner-"));
  manualSeed(0);
  const x = randn([50, 4]);
  data = await TensorDataset.from(x, x.sum(1).gt(0).long());
});
afterAll(() => rmSync(folder, { recursive: true }));

function learner(
  options: { callbacks?: ConstructorParameters<typeof Learner>[0]["callbacks"]; lr?: number; dropout?: boolean } = {},
) {
  manualSeed(1);
  const model = new nn.Sequential(
    new nn.Linear(4, 16),
    new nn.ReLU(),
    new nn.Dropout(options.dropout ? 0.1 : 0),
    new nn.Linear(16, 2),
  );
  const optimizer = new optim.AdamW(model.parameters(), { lr: options.lr ?? 1e-2 });
  return new Learner({
    model,
    optimizer,
    data: new DataLoader(data, { batchSize: 16, shuffle: true, seed: 3 }),
    validation: new DataLoader(data, { batchSize: 25 }),
    schedule: new optim.OneCycleLR(optimizer, { maxLr: options.lr ?? 1e-2, totalSteps: 40 }),
    ema: new optim.EMA(model, { decay: 0.9 }),
    objective: (x, y) => {
      const scores = model.forward(x!);
      return { loss: nn.functional.crossEntropy(scores, y!), accuracy: accuracy(scores, y!) };
    },
    quiet: true,
    callbacks: options.callbacks ?? [],
  });
}

const weights = async (l: Learner) =>
  Promise.all(
    Object.values(l.options.model.stateDict()).map(async (w: Tensor) => [...((await w.data()) as Float32Array)]),
  );

describe("DataLoader", () => {
  it("gives every example once an epoch, in another order each time, the same for the same seed", async () => {
    const numbers = await TensorDataset.from(tensor(Array.from({ length: 10 }, (_, i) => i)));
    const epoch = async (l: DataLoader) =>
      (await Promise.all([...l].map(async ([x]) => (await x!.tolist()) as number[]))).flat();
    const loader = new DataLoader(numbers, { batchSize: 4, shuffle: true, seed: 1 });
    expect(loader.length).toBe(3);
    const [a, b] = [await epoch(loader), await epoch(loader)];
    expect([...a].sort((p, q) => p - q)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(b).not.toEqual(a);
    expect(await epoch(new DataLoader(numbers, { batchSize: 4, shuffle: true, seed: 1 }))).toEqual(a);
    expect(new DataLoader(numbers, { batchSize: 4, dropLast: true }).length).toBe(2);
  });

  it("refuses settings that give no batch", () => {
    expect(() => new DataLoader(data, { batchSize: 0 })).toThrow("batchSize is 0");
    expect(() => new DataLoader(data, { batchSize: 51, dropLast: true })).toThrow(
      "50 examples do not fill a batch of 51",
    );
  });
});

describe("Learner", () => {
  it("learns, and reports means of each epoch for training and validation", async () => {
    const l = learner();
    const { epochs, interrupted, steps } = await l.fit(10);
    expect(steps).toBe(40);
    expect(interrupted).toBe(false);
    expect(epochs).toHaveLength(10);
    expect(Object.keys(epochs[9]!)).toEqual(["loss", "accuracy", "validLoss", "validAccuracy"]);
    expect(epochs[9]!.validAccuracy).toBeGreaterThanOrEqual(0.85);
    expect(epochs[9]!.loss).toBeLessThan(epochs[0]!.loss);
  });

  it("goes on from a checkpoint in the middle of an epoch exactly as if it had not stopped", async () => {
    const path = join(folder, "middle.safetensors");
    const save = {
      afterBatch: async (learner: Learner) => (learner.step === 6 ? learner.save(path) : undefined),
    };
    const whole = learner({ callbacks: [save], dropout: true });
    await whole.fit(4);
    const resumed = learner({ dropout: true });
    await resumed.load(path);
    expect(resumed.step).toBe(6);
    await resumed.fit(4);
    expect(resumed.losses).toEqual(whole.losses);
    expect(resumed.epochs).toEqual(whole.epochs);
    expect(await weights(resumed)).toEqual(await weights(whole));
    const means = async (l: Learner) => l.options.ema!.stateDict()["0.weight"]!.tolist();
    expect(await means(resumed)).toEqual(await means(whole));
  });

  it("goes on from a checkpoint of a network that its optimizer keeps in several rows", async () => {
    const path = join(folder, "rows.safetensors");
    const large = () => {
      manualSeed(1);
      const model = new nn.Sequential(new nn.Linear(4, 40_000), new nn.ReLU(), new nn.Linear(40_000, 4));
      const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
      const loader = new DataLoader(data, { batchSize: 16 });
      const objective = (x?: Tensor, y?: Tensor) => nn.functional.crossEntropy(model.forward(x!), y!);
      return new Learner({ model, optimizer, data: loader, objective, quiet: true });
    };
    const whole = large();
    await whole.fit(1, { steps: 2 });
    await whole.save(path);
    await whole.fit(1);
    const resumed = large();
    await resumed.load(path);
    await resumed.fit(1);
    expect(resumed.losses).toEqual(whole.losses);
    expect(resumed.losses).toHaveLength(4);
  });

  it("stops after a number of steps, in the middle of an epoch too, and counts the time over several runs", async () => {
    const l = learner();
    const first = await l.fit(Number.POSITIVE_INFINITY, { steps: 6 });
    expect([first.steps, first.interrupted, l.epochs.length]).toEqual([6, false, 1]);
    const elapsed = l.elapsed;
    expect(elapsed).toBeGreaterThan(0);
    await l.fit(Number.POSITIVE_INFINITY, { steps: 8 });
    expect(l.step).toBe(8);
    expect(l.elapsed).toBeGreaterThan(elapsed);
    const whole = learner();
    await whole.fit(2);
    expect(l.losses).toEqual(whole.losses);
  });

  it("stops where the norm of the gradient is no number, though the loss still is", async () => {
    manualSeed(0);
    const model = new nn.Linear(4, 1);
    const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2 });
    const before = await model.weight.tolist();
    const objective = (x?: Tensor) => model.forward(x!).mul(0).abs().sqrt().mean();
    const l = new Learner({ model, optimizer, data: new DataLoader(data), objective, clipNorm: 1, quiet: true });
    await expect(l.fit(1)).rejects.toThrow(/the norm of the gradient is NaN at step 1/);
    expect(await model.weight.tolist()).toEqual(before);
  });

  it("stops after the step at hand when asked to, keeps the weights, and goes on later", async () => {
    const whole = learner();
    await whole.fit(3);
    const abort = new AbortController();
    const l = learner({ callbacks: [{ afterBatch: ({ step }) => (step === 5 ? abort.abort() : undefined) }] });
    const first = await l.fit(3, { signal: abort.signal });
    expect(first.interrupted).toBe(true);
    expect(first.steps).toBe(5);
    await l.fit(3);
    expect(l.losses).toEqual(whole.losses);
    expect(await weights(l)).toEqual(await weights(whole));
  });

  it("stops at Ctrl+C in a terminal", async () => {
    const l = learner({ callbacks: [{ afterBatch: ({ step }) => (step === 3 ? process.emit("SIGINT") : undefined) }] });
    expect((await l.fit(3)).steps).toBe(3);
  });

  it("stops when a callback throws CancelFit", async () => {
    const stop = ({ epoch }: Learner) => {
      if (epoch === 2) throw new CancelFit();
    };
    const l = learner({ callbacks: [{ afterEpoch: stop }] });
    const result = await l.fit(5);
    expect([result.epochs.length, result.interrupted]).toEqual([2, true]);
  });

  it("calls its callbacks around the fit, the epochs and the batches", async () => {
    const seen: string[] = [];
    const moments = [
      "beforeFit",
      "beforeEpoch",
      "beforeBatch",
      "afterBatch",
      "afterEpoch",
      "afterFit",
      "cleanUp",
    ] as const;
    const note = Object.fromEntries(moments.map((m) => [m, (l: Learner) => seen.push(`${m} ${l.epoch}:${l.step}`)]));
    await learner({ callbacks: [note] }).fit(2, { steps: 5 });
    expect(seen.slice(0, 5)).toEqual([
      "beforeFit 0:0",
      "beforeEpoch 0:0",
      "beforeBatch 0:0",
      "afterBatch 0:1",
      "beforeBatch 0:1",
    ]);
    expect(seen.slice(10)).toEqual([
      "afterEpoch 1:4",
      "beforeEpoch 1:4",
      "beforeBatch 1:4",
      "afterBatch 1:5",
      "afterFit 1:5",
      "cleanUp 1:5",
    ]);
  });

  it("lets go of things even if the training fails", async () => {
    const seen: string[] = [];
    const afterBatch = () => {
      throw new Error("no space left");
    };
    const l = learner({
      callbacks: [{ afterBatch, afterFit: () => seen.push("fit"), cleanUp: () => seen.push("clean") }],
    });
    await expect(l.fit(1)).rejects.toThrow("no space left");
    expect(seen).toEqual(["clean"]);
  });

  it("trains on the batch that a callback puts in place of another", async () => {
    const sizes: number[] = [];
    const half: Callback = {
      beforeBatch: (l) => {
        l.batch = l.batch.map((x) => x.narrow(0, 0, 2));
      },
      afterBatch: (l) => sizes.push(l.batch[0]!.shape[0]!),
    };
    const l = learner({ callbacks: [half] });
    const whole = learner();
    await l.fit(1);
    await whole.fit(1);
    expect(sizes).toEqual([2, 2, 2, 2]);
    expect(l.losses[0]).not.toBe(whole.losses[0]);
  });

  it("skips a batch when a callback throws CancelBatch, and the rest of an epoch for CancelEpoch", async () => {
    let batches = 0;
    const skipSecond: Callback = {
      beforeBatch: () => {
        if (++batches === 2) throw new CancelBatch();
      },
    };
    const l = learner({ callbacks: [skipSecond] });
    const whole = learner();
    await whole.fit(1);
    const { interrupted } = await l.fit(1);
    expect([l.step, l.epochs.length, interrupted]).toEqual([3, 1, false]);
    expect(l.losses[0]).toBe(whole.losses[0]);
    expect(l.losses[1]).not.toBe(whole.losses[1]);

    const short: Callback = {
      afterBatch: ({ step }) => {
        if (step === 2) throw new CancelEpoch();
      },
    };
    const m = learner({ callbacks: [short] });
    await m.fit(2);
    expect([m.step, m.epochs.length, m.options.data.state.epoch]).toEqual([6, 2, 2]);
    expect(m.losses.slice(0, 2)).toEqual(whole.losses.slice(0, 2));
  });

  it("saves checkpoints every few steps, and where it ends", async () => {
    const path = join(folder, "every.safetensors");
    const saved: number[] = [];
    const l = learner({ callbacks: [new SaveCheckpoints(path, { steps: 2 })] });
    const save = l.save.bind(l);
    l.save = async (to: string) => {
      saved.push(l.step);
      await save(to);
    };
    await l.fit(1, { steps: 3 });
    expect(saved).toEqual([2, 3]);
    const resumed = learner();
    await resumed.load(path);
    expect(resumed.step).toBe(3);
    await l.fit(1);
    await resumed.fit(1);
    expect(resumed.losses).toEqual(l.losses);
    expect(saved).toEqual([2, 3, 4]);
  });

  it("stops at a loss that is no number, says where it comes from, and keeps the weights before it", async () => {
    const l = learner();
    await l.fit(1);
    const good = await weights(l);
    const layer = (l.options.model as nn.Sequential).layers[3] as nn.Linear;
    layer.weight.copy_(Number.NaN);
    await expect(l.fit(2)).rejects.toThrow(
      /the loss is NaN at step 5; the first tensor with NaN or infinite values is the weight "3.weight"/,
    );
    layer.weight.copy_(tensor(good[2]!, [2, 16]));
    expect(await weights(l)).toEqual(good);
    expect((await l.fit(2)).steps).toBe(8);
  });

  it("names the layer whose output overflows", async () => {
    const l = learner();
    ((l.options.model as nn.Sequential).layers[0] as nn.Linear).weight.copy_(3e38);
    await expect(l.fit(1)).rejects.toThrow(/the output of "0"/);
  });

  it("refuses a file that is no checkpoint of its own", async () => {
    const l = learner();
    const path = join(folder, "other.safetensors");
    await l.save(path);
    const other = new nn.Linear(2, 2);
    const optimizer = new optim.SGD(other.parameters());
    const wrong = new Learner({
      model: other,
      optimizer,
      data: l.options.data,
      objective: (x) => other.forward(x!).sum(),
      quiet: true,
    });
    await expect(wrong.load(path)).rejects.toThrow(/nothing loaded/);
  });

  it("shows a bar and a curve in a notebook, with the time left", async () => {
    const shown: unknown[] = [];
    vi.stubGlobal("display", (value: unknown) => {
      shown.push(value);
      return { update: (next: unknown) => shown.push(next) };
    });
    try {
      const l = learner();
      const loud = new Learner({ ...l.options, quiet: false });
      await loud.fit(2);
    } finally {
      vi.unstubAllGlobals();
    }
    const last = shown.at(-1) as { [key: symbol]: () => Record<string, string> };
    const bundle = last[Symbol.for("Jupyter.display")]!();
    // Without the style sheet, in a page that has not been run, the curve's text would stand there by itself.
    expect(bundle["text/html"]).toMatch(/<style>[^<]*<\/style><div class="difflab-curve" style="display:none"><svg /);
    expect(bundle["text/plain"]).toMatch(/^epoch 2\/2 {2}8\/8 {2}loss /);
    const status = {
      title: "epoch 1/2",
      done: 5,
      total: 20,
      elapsed: 10_000,
      doneHere: 5,
      numbers: { loss: 0.5 },
      curve: [],
    };
    expect(line(status)).toBe("epoch 1/2  5/20  loss 0.5  10 s, 30 s left");
  });
});

describe("a batch computed in parts", () => {
  it("gives the step of the whole batch, also where the parts differ in size", async () => {
    const take = async (accumulate: number) => {
      manualSeed(1);
      const model = new nn.Sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.Linear(16, 2));
      const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 });
      const batches = new DataLoader(data, { batchSize: 10, shuffle: true });
      const objective = (x: Tensor, y: Tensor) => {
        const scores = model.forward(x);
        return { loss: nn.functional.crossEntropy(scores, y), accuracy: accuracy(scores, y) };
      };
      const l = new Learner({ model, optimizer, data: batches, objective, clipNorm: 0.1, accumulate, quiet: true });
      const { epochs, steps } = await l.fit(2);
      l.close();
      return { losses: [...l.losses], weights: (await weights(l)).flat(), epochs, steps };
    };
    const whole = await take(1);
    for (const parts of [2, 3, 10]) {
      const some = await take(parts);
      expect(some.steps).toBe(whole.steps);
      for (const [i, loss] of some.losses.entries()) expect(loss).toBeCloseTo(whole.losses[i]!, 5);
      for (const [i, weight] of some.weights.entries()) expect(weight).toBeCloseTo(whole.weights[i]!, 4);
      for (const name of ["accuracy", "gradNorm"]) {
        expect(some.epochs[1]![name]!).toBeCloseTo(whole.epochs[1]![name]!, 4);
      }
    }
  });

  it("refuses a number of parts that is none", () => {
    const model = new nn.Linear(1, 1);
    const optimizer = new optim.SGD(model.parameters(), { lr: 1 });
    const make = () =>
      new Learner({ model, optimizer, data: new DataLoader(data), objective: (x) => x!.mean(), accumulate: 0 });
    expect(make).toThrow(/accumulate is 0, expected an integer of at least 1/);
  });
});
