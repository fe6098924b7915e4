import {
  DataLoader,
  DDPMScheduler,
  digits,
  nn,
  optim,
  randint,
  randn,
  type Tensor,
  UNet2DModel,
  where,
} from "../index.ts";
import { mean } from "./figures.ts";
import type { Recipe, Run } from "./run.ts";
import { savePixelModel } from "./save.ts";

/** Digits of 28x28 out of noise, any digit or the one asked for: the networks of the lesson's first half. */
export const pixels: Recipe = {
  about: "a U-Net that paints digits of 28x28",
  steps: 1200,
  train: (run) => train(run, {}),
};

/** The class is one of ten digits, or 10 for "any", which guidance compares it with. */
export const pixelsByClass: Recipe = {
  about: "a U-Net that paints the digit asked for",
  steps: 1200,
  seed: 1,
  train: (run) => train(run, { numClassEmbeds: 11 }),
};

async function train(run: Run, { numClassEmbeds }: { numClassEmbeds?: number }): Promise<void> {
  const data = new DataLoader(digits({ n: run.examples(20_000), seed: run.seed }), {
    ...{ batchSize: run.batch(32), shuffle: true, dropLast: true, seed: run.seed, range: [-1, 1] },
  });
  const model = new UNet2DModel({
    ...{ sampleSize: 28, inChannels: 1, outChannels: 1, layersPerBlock: 1, blockOutChannels: [16, 32, 64] },
    ...{ normNumGroups: 8, numClassEmbeds: numClassEmbeds ?? null },
    downBlockTypes: ["DownBlock2D", "DownBlock2D", "AttnDownBlock2D"],
    upBlockTypes: ["AttnUpBlock2D", "UpBlock2D", "UpBlock2D"],
  });
  for (const [name, layer] of model.namedModules()) {
    if (/(conv2|conv_out)$/.test(name)) (layer as nn.Conv2d).weight.copy_(0);
  }
  const scheduler = new DDPMScheduler();
  const optimizer = new optim.AdamW(model.parameters(), { lr: 2e-3 });
  const ema = new optim.EMA(model, { decay: 0.995, warmup: true });

  const objective = (clean: Tensor, labels: Tensor) => {
    const noise = randn(clean.shape);
    const t = randint(0, 1000, [clean.shape[0]!]);
    const noisy = scheduler.addNoise(clean, noise, t);
    if (!numClassEmbeds) return nn.functional.mseLoss(model.forward(noisy, t).sample, noise);
    // One picture in ten without its class, so that the network knows both.
    const any = randint(0, 10, labels.shape).eq(0);
    const classLabels = where(any, 10, labels);
    return nn.functional.mseLoss(model.forward(noisy, t, { classLabels }).sample, noise);
  };
  const schedule = new optim.OneCycleLR(optimizer, { maxLr: 2e-3, totalSteps: run.steps });
  const { losses } = await run.fit({ model, optimizer, data, schedule, ema, clipNorm: 1, objective });

  ema.copyTo(model);
  const folder = run.path(run.name);
  await savePixelModel(folder, model, scheduler);
  await run.finish(folder, {
    figures: { weights: model.numParameters(), "loss (1 is a guess of zero)": mean(losses.slice(-100)).toFixed(4) },
  });
}
