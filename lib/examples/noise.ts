/**
 * A small U-Net learns to predict the noise in pictures of clothes:
 * `node dist/lib/examples/noise.js FOLDER [STEPS] [CURVE.svg]`, with Fashion-MNIST's IDX files in FOLDER.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import {
  compile,
  DataLoader,
  fashionMnist,
  fromArray,
  manualSeed,
  nn,
  optim,
  randint,
  randn,
  type Tensor,
} from "../index.ts";
import { SmallUNet } from "../models/small-unet.ts";

const { positionals } = parseArgs({ allowPositionals: true });
const [folder, steps = "400", file] = positionals;
if (!folder) {
  console.error(
    "usage: node dist/lib/examples/noise.js FOLDER [STEPS] [CURVE.svg], with Fashion-MNIST's IDX files in FOLDER",
  );
  process.exit(2);
}

manualSeed(0);
const pictures = await fashionMnist({ folder });
const data = new DataLoader(pictures, { batchSize: 32, shuffle: true, dropLast: true, range: [-1, 1] });

// How much of the picture is left at each of 1,000 timesteps: the linear schedule of Ho et al. 2020.
const kept = new Float32Array(1000);
for (let t = 0, product = 1; t < 1000; t++) {
  product *= 1 - (1e-4 + ((0.02 - 1e-4) * t) / 999);
  kept[t] = product;
}
const alphasCumprod = fromArray("float32", [1000], kept);

const model = new SmallUNet({ channels: [16, 32, 64] });
const optimizer = new optim.AdamW(model.parameters(), { lr: 2e-3 });
const schedule = new optim.OneCycleLR(optimizer, { maxLr: 2e-3, totalSteps: Number(steps) });

const step = compile((pictures: Tensor) => {
  optimizer.zeroGrad();
  const x = pictures.pad([2, 2, 2, 2], -1); // 28x28 -> 32x32
  const noise = randn(x.shape);
  const t = randint(0, 1000, [x.shape[0]!]);
  const left = alphasCumprod.indexSelect(0, t).reshape(-1, 1, 1, 1);
  const noisy = x.mul(left.sqrt()).add(noise.mul(left.neg().add(1).sqrt()));
  const loss = nn.functional.mseLoss(model.forward(noisy, t), noise);
  loss.backward();
  optimizer.step();
  return loss;
});

const losses: number[] = [];
const start = performance.now();
for (let i = 0; i < Number(steps); i++) {
  losses.push(await (await step(data.next()[0]!)).item());
  schedule.step();
  if ((i + 1) % 50 === 0) console.log(`step ${i + 1}  loss ${mean(losses.slice(-50)).toFixed(4)}  ${seconds()}`);
}
console.log(
  `${model.numParameters()} weights, loss ${mean(losses.slice(-50)).toFixed(4)} (1 is a guess of zero) after ${seconds()}`,
);
if (file) await writeFile(file, curve(losses));

function seconds(): string {
  return `${((performance.now() - start) / 1000).toFixed(0)} s`;
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** The losses as a line from 1 (top) to 0. */
function curve(values: readonly number[]): string {
  const smooth = values.map((_, i) => mean(values.slice(Math.max(0, i - 9), i + 1)));
  const points = smooth.map(
    (v, i) => `${((600 * i) / values.length).toFixed(1)},${(200 * (1 - Math.min(1, v))).toFixed(1)}`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 200"><polyline fill="none" stroke="#36c" points="${points.join(" ")}"/></svg>\n`;
}
