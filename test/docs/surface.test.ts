import { expect, test } from "vitest";
import { publicNames } from "./surface.ts";

const names = publicNames();
const docs = new Map(names.map(({ name, doc }) => [name, doc]));

test("every public name, member and option of the library says in the editor what it is", () => {
  expect(names.length).toBeGreaterThan(1000);
  for (const name of ["Tensor.add", "nn.SiLU", "ImagesOptions.captions", "StableDiffusionPipeline", "optim.AdamW"]) {
    expect([...docs.keys()]).toContain(name);
  }
  expect(names.filter(({ doc }) => doc === "").map(({ name, file }) => `${name} (${file})`)).toEqual([]);
});

/** What the first hour of a beginner is made of. */
const common = [
  ..."add sub mul div pow square sum mean exp log sqrt gt lt maximum softmax reshape permute at norm matmul item tolist data to backward"
    .split(" ")
    .map((method) => `Tensor.${method}`),
  ..."tensor zeros ones full arange linspace eye stack cat where randn rand randint manualSeed grad valueAndGrad compile digits".split(
    " ",
  ),
  ..."showImages showRows showPixels showHeatmap filmStrip animate linePlot lossCurve histogram barChart showProbabilities scatterPlot drawUNet drawNetwork".split(
    " ",
  ),
  "nn.Linear",
  "nn.Conv2d",
  "nn.Sequential",
  "nn.ReLU",
  "optim.SGD",
  "optim.AdamW",
  "DataLoader",
  "Learner",
  "StableDiffusionPipeline",
  "CLIPTokenizer.fromPretrained",
  "DDIMScheduler",
  "digitJudge",
  "setDevice",
  "Image",
  "Image.open",
];

test.each(common)("%s is explained with an example", (name) => {
  // Code that can be typed: a call, between backticks or in a block.
  expect(docs.get(name)).toMatch(/`[^`]*\([^`]*`|```ts/);
});
