/**
 * A convolutional classifier of handwritten digits: `node dist/lib/examples/mnist.js FOLDER [EPOCHS]`, with the four IDX
 * files of MNIST in FOLDER. Three epochs reach 99.4 % of the test images.
 */
import { parseArgs } from "node:util";
import { accuracy, DataLoader, Learner, manualSeed, mnist, nn, optim } from "../index.ts";

const { positionals } = parseArgs({ allowPositionals: true });
const [folder, epochs = "3"] = positionals;
if (!folder) {
  console.error("usage: node dist/lib/examples/mnist.js FOLDER [EPOCHS], with MNIST's four IDX files in FOLDER");
  process.exit(2);
}

manualSeed(0);
const [train, test] = [await mnist({ folder }), await mnist({ folder, split: "test" })];
const data = new DataLoader(train, { batchSize: 128, shuffle: true, seed: 0 });
const validation = new DataLoader(test, { batchSize: 500 });

const model = new nn.Sequential(
  new nn.Conv2d(1, 32, 3, { padding: 1, bias: false }),
  new nn.BatchNorm2d(32),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Conv2d(32, 64, 3, { padding: 1, bias: false }),
  new nn.BatchNorm2d(64),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Conv2d(64, 64, 3, { padding: 1, bias: false }),
  new nn.BatchNorm2d(64),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
  new nn.Linear(64 * 9, 10),
);
const optimizer = new optim.AdamW(model.parameters());
const schedule = new optim.OneCycleLR(optimizer, { maxLr: 5e-3, totalSteps: Number(epochs) * data.length });

const learner = new Learner({
  model,
  optimizer,
  data,
  validation,
  schedule,
  objective: (images, labels) => {
    const scores = model.forward(images!);
    return { loss: nn.functional.crossEntropy(scores, labels!), accuracy: accuracy(scores, labels!) };
  },
});
const { elapsed, epochs: history } = await learner.fit(Number(epochs));
const last = history.at(-1)!;
console.log(`test accuracy ${(100 * last.validAccuracy!).toFixed(2)} % after ${(elapsed / 1000).toFixed(0)} s`);
