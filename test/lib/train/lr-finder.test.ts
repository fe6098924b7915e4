import { expect, it } from "vitest";
import {
  DataLoader,
  Learner,
  LRFound,
  lrFind,
  manualSeed,
  nn,
  optim,
  rand,
  randn,
  type Tensor,
  TensorDataset,
} from "../../../lib/index.ts";

async function learner() {
  manualSeed(2);
  const x = randn([64, 8]);
  const data = new DataLoader(await TensorDataset.from(x, x.sum(1, { keepdim: true })), {
    batchSize: 16,
    shuffle: true,
  });
  const model = new nn.Sequential(new nn.Linear(8, 16), new nn.ReLU(), new nn.Linear(16, 1));
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
  const objective = (x?: Tensor, y?: Tensor) => nn.functional.mseLoss(model.forward(x!), y!);
  return new Learner({ model, optimizer, data, objective, quiet: true });
}

it("suggests a rate with which a training learns, below the one at which it blows up", async () => {
  const l = await learner();
  const found = await lrFind(l);
  expect(found).toBeInstanceOf(LRFound);
  expect(found.rates[0]).toBeCloseTo(1e-7, 12);
  expect(found.rates.at(-1)).toBeLessThan(10);
  expect(found.suggestion).toBeGreaterThan(1e-4);
  expect(found.suggestion).toBeLessThan(found.rates.at(-1)! / 3);
  l.options.optimizer.lr = found.suggestion;
  await l.fit(20);
  expect(l.losses.at(-1)).toBeLessThan(l.losses[0]! / 2);
  expect(await found.plot().svg()).toContain("learning rate");
});

it("leaves everything as it was", async () => {
  const untouched = await learner();
  await untouched.fit(2);
  const drawn = await rand([3]).tolist();
  const l = await learner();
  await l.fit(1);
  await lrFind(l, { numSteps: 20 });
  expect([l.step, l.options.optimizer.lr]).toEqual([4, 0.01]);
  await l.fit(2);
  expect(l.losses).toEqual(untouched.losses);
  expect(await rand([3]).tolist()).toEqual(drawn);
});

it("refuses rates that do not rise", async () => {
  const l = await learner();
  await expect(lrFind(l, { startLr: 1, endLr: 0.1 })).rejects.toThrow(
    /startLr is 1 and endLr 0.1; expected 0 < startLr < endLr/,
  );
  await expect(lrFind(l, { numSteps: 1 })).rejects.toThrow(/numSteps/);
});
