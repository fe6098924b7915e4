import { arange, DataLoader, nn, optim, randint, type Tensor, WORLD, WorldJudge, world } from "../index.ts";
import { JUDGED } from "../judge/world-judge.ts";
import { accuracies } from "./figures.ts";
import type { Recipe, Run } from "./run.ts";
import { labelled, scaled } from "./world-data.ts";

/** Reads thing, ink, background and manner: the measure of all that follows, so it learns from pictures of its own. */
export const judge: Recipe = {
  about: "a classifier of the small world's pictures, used to measure the other networks",
  steps: 6500,
  seed: 1000,
  train: (run) => train(run, true),
};

/** The same from other, fewer pictures: its features are the autoencoder's perceptual loss, and a hint for CLIP. */
export const eye: Recipe = {
  about: "a classifier whose features the autoencoder and the CLIP pair learn from",
  steps: 2400,
  seed: 2000,
  train: (run) => train(run, false),
};

/** Pictures moved by a few pixels, another way at each step: what they show is the same. */
function shifted(pixels: Tensor): Tensor {
  const places = () =>
    arange(64)
      .add(randint(-6, 7, [1]))
      .clamp(0, 63);
  return pixels.indexSelect(2, places()).indexSelect(3, places());
}

async function train(run: Run, ships: boolean): Promise<void> {
  const pictures = world({ n: run.examples(ships ? 40_000 : 14_000), seed: run.seed, split: "all" });
  const data = new DataLoader(await labelled(pictures), {
    ...{ batchSize: run.batch(64), shuffle: true, dropLast: true, seed: run.seed },
  });
  const { things, inks, backgrounds, manners } = WORLD;
  const model = new WorldJudge({ things, inks, backgrounds, manners });
  const optimizer = new optim.AdamW(model.parameters(), { lr: 3e-3, weightDecay: 0.05 });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr: 3e-3, totalSteps: run.steps, pctStart: 0.15 });

  const objective = (pixels: Tensor, ...answers: Tensor[]) => {
    const scores = model.forward(scaled(shifted(pixels)));
    const losses = JUDGED.map((kind, k) => nn.functional.crossEntropy(scores[kind], answers[k]!));
    return losses.reduce((sum, loss) => sum.add(loss));
  };
  await run.fit({ model, optimizer, data, schedule, clipNorm: 1, objective });

  const folder = ships ? run.path(run.name) : run.scratch(run.name);
  await model.savePretrained(folder, { dtype: "float16" });
  const fresh = world({ n: run.examples(2000), seed: run.seed + 1, split: "all" });
  await run.finish(folder, { figures: await accuracies(model.eval(), fresh) });
}
