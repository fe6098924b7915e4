/**
 * Trains the digit judge on digits drawn by this library and writes its weights:
 * `node dist/lib/judge/train.js [--steps 2500] [--out FILE] [--mnist FOLDER]`. With a folder of MNIST's IDX files it is tested on
 * their 10,000 real pictures, of which it sees none in training.
 */
import { parseArgs } from "node:util";
import { compile } from "../compile/compile.ts";
import type { ImageDataset } from "../datasets/image-dataset.ts";
import { digits, mnist } from "../datasets/index.ts";
import { saveTensors } from "../io/tensors.ts";
import { binaryCrossEntropyWithLogits } from "../nn/functional/index.ts";
import { AdamW, OneCycleLR } from "../optim/index.ts";
import { Generator, manualSeed } from "../random/index.ts";
import { dataPath } from "../shipped.ts";
import { oneHot, tensor } from "../tensor/create.ts";
import { randn } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { DigitJudge } from "./judge.ts";
import { lessons } from "./pictures.ts";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "2500" },
    out: { type: "string", default: dataPath("digit-judge", "model.safetensors") },
    mnist: { type: "string" },
  },
});
const steps = Number(values.steps);
const seed = 0;
const batch = 128;

manualSeed(seed);
const judge = new DigitJudge();
const optimizer = new AdamW(judge.parameters(), { lr: 1e-3, weightDecay: 0.02 });
const schedule = new OneCycleLR(optimizer, { maxLr: 3e-3, totalSteps: steps });
const step = compile((images: Tensor, labels: Tensor, likeness: Tensor) => {
  optimizer.zeroGrad();
  const out = judge.forward(images);
  // Which digit is asked only where there is one.
  const known = labels.ge(0).float();
  const picked = out.digit
    .logSoftmax(1)
    .mul(oneHot(labels.clamp(0).long(), 10))
    .sum(1);
  const which = picked.mul(known).sum().div(known.sum()).neg();
  const whether = binaryCrossEntropyWithLogits(out.likeness, likeness);
  which.add(whether).backward();
  optimizer.step();
  schedule.step();
  return { which, whether };
});

const start = performance.now();
const source = lessons({ batch, drawn: 20_000, seed });
for (let i = 0; i < steps; i++) {
  const { images, labels, likeness } = source.next().value;
  const losses = await step(
    tensor(images, [batch, 1, 28, 28]),
    tensor(Float32Array.from(labels), [batch]),
    tensor(likeness, [batch]),
  );
  if (i % 250 === 249) {
    const [which, whether] = [await losses.which.item(), await losses.whether.item()];
    console.log(`step ${i + 1}  which ${which.toFixed(3)}  whether ${whether.toFixed(3)}`);
  }
}
const seconds = (performance.now() - start) / 1000;
judge.eval();

/** Share of pictures whose digit is found, and their mean likeness. */
async function test(data: ImageDataset): Promise<string> {
  let [right, sum] = [0, 0];
  for (let from = 0; from < data.length; from += 500) {
    const part = data.slice(from, from + 500);
    const { images, shape } = part.batch();
    const out = judge.forward(tensor(images, shape));
    const found = await out.digit.argmax(1).data();
    for (const [i, label] of part.labels.entries()) if (found[i] === label) right++;
    sum += await out.likeness.sigmoid().sum().item();
  }
  return `${((100 * right) / data.length).toFixed(2)} % right, mean likeness ${(sum / data.length).toFixed(3)}`;
}

await saveTensors(values.out, judge.stateDict(), {
  dtype: "float16",
  metadata: { trainedBy: "lib/judge/train.ts", seed: String(seed), steps: String(steps), batch: String(batch) },
});
console.log(`${judge.numParameters()} weights, ${steps} steps of ${batch} in ${seconds.toFixed(0)} s -> ${values.out}`);
console.log(`new digits of ours: ${await test(digits({ n: 5000, seed: 1 }))}`);
if (values.mnist)
  console.log(`MNIST's test set:   ${await test(await mnist({ folder: values.mnist, split: "test" }))}`);
const noise = judge.score(randn([500, 28, 28], { generator: new Generator(1) }));
console.log(
  `noise: mean likeness ${(await noise.mean().item()).toFixed(3)}, greatest ${(await noise.max().item()).toFixed(3)}`,
);
