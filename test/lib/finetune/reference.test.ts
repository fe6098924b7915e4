import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getScheduler, textualInversion } from "../../../lib/finetune/index.ts";
import { NoiseObjective, trainingScheduler } from "../../../lib/finetune/objective.ts";
import type { Image } from "../../../lib/images/index.ts";
import { loadTensors } from "../../../lib/io/tensors.ts";
import { AdamW } from "../../../lib/optim/index.ts";
import { StableDiffusionPipeline } from "../../../lib/pipelines/index.ts";
import { manualSeed } from "../../../lib/random/index.ts";
import { openSafetensors } from "../../../lib/safetensors/index.ts";
import { DDIMScheduler } from "../../../lib/schedulers/index.ts";
import { cat, zeros } from "../../../lib/tensor/create.ts";
import type { Tensor } from "../../../lib/tensor/tensor.ts";
import recorded from "../../reference/finetune.json" with { type: "json" };
import { type Pictures, worst } from "../pipelines/compare.ts";
import { recorded as tiny, writeTiny } from "../pipelines/tiny.ts";
import { noisePictures } from "./pictures.ts";

let home: string;
let own: Image[];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-finetune-"));
  await writeTiny(join(home, "tiny"));
  own = await noisePictures(5);
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function fresh(prediction = "epsilon"): Promise<StableDiffusionPipeline> {
  const pipe = await StableDiffusionPipeline.fromPretrained(join(home, "tiny"));
  pipe.scheduler = DDIMScheduler.fromConfig({ ...tiny.configs.scheduler, prediction_type: prediction });
  return pipe;
}

/** As the recorded trainings: one batch of four an epoch, nothing drawn but noise and timesteps. */
const like = { maxTrainSteps: recorded.steps, seed: recorded.seed, trainBatchSize: 4, repeats: 1, quiet: true };
const three = { numInferenceSteps: 3, guidanceScale: 3, seed: 42, progress: false };

/** Largest difference, as a share of the size of the numbers. */
function off(ours: readonly number[], theirs: readonly number[]): number {
  expect(ours.length).toBe(theirs.length);
  const size = Math.max(...theirs.map(Math.abs));
  return Math.max(...ours.map((v, i) => Math.abs(v - theirs[i]!))) / size;
}

async function layout(path: string) {
  const file = await openSafetensors(path);
  const tensors = [...file.tensors.values()].map(({ name, dtype, shape }) => [name, { dtype, shape: [...shape] }]);
  return { metadata: file.metadata, tensors: Object.fromEntries(tensors) };
}

function asRecorded({ metadata, tensors }: { metadata: object; tensors: Readonly<Record<string, readonly number[]>> }) {
  return {
    metadata,
    tensors: Object.fromEntries(Object.entries(tensors).map(([k, shape]) => [k, { dtype: "F32", shape }])),
  };
}

async function paintedOff(pipe: StableDiffusionPipeline, prompt: string, expected: Pictures): Promise<number> {
  const { images } = await pipe.generate({ prompt, ...three });
  pipe.close();
  return worst(images, expected);
}

/** Gradients of the first step, as the training has them: the same pictures in the same order, the same noise. */
async function firstGradients(
  pipe: StableDiffusionPipeline,
  images: readonly (readonly [Image, string])[],
  loss: (errors: Tensor) => Tensor,
): Promise<void> {
  const { unet, textEncoder, vae, tokenizer } = pipe;
  const noise = new NoiseObjective({ unet, textEncoder, vae }, trainingScheduler(pipe.scheduler));
  const pixels = cat(images.map(([image]) => image.toTensor()));
  const ids = tokenizer.batch(images.map(([, prompt]) => prompt)).inputIds;
  manualSeed(recorded.seed);
  loss(noise.errors(pixels, ids)).backward();
}

/** The order of the first epoch. */
async function ordered(images: readonly Image[]): Promise<Image[]> {
  const { DataLoader } = await import("../../../lib/train/data-loader.ts");
  const seen: number[] = [];
  const dataset = {
    length: images.length,
    tensors(indices: Int32Array) {
      seen.push(...indices);
      return [];
    },
  };
  new DataLoader(dataset, { batchSize: 4, shuffle: true, seed: recorded.seed }).next();
  return seen.map((i) => images[i]!);
}

describe("the trainings of diffusers' scripts, on a small random checkpoint", { timeout: 300_000 }, () => {
  it("textual inversion: ten losses, the new row, its gradient, its file and the picture", async () => {
    const expected = recorded.textual_inversion;
    const pipe = await fresh();
    const learnt = await textualInversion(pipe, {
      ...{ ...like, data: own, templates: ["the {}"], learningRate: 5e-2 },
      ...{ placeholderToken: "<toy>", initializerToken: "moon" },
    });
    expect(off(learnt.losses, expected.losses)).toBeLessThan(2e-5);
    expect(learnt.learnt).toMatch(/^1 of [\d,]+ rows of the text encoder's table \(12 numbers\): <toy>$/);
    const path = await learnt.save(join(home, "word"));
    expect(await layout(path)).toEqual(asRecorded(expected.file));
    const row = (await loadTensors(path))["<toy>"]!;
    expect(off(Array.from(await row.data()), expected.learnt)).toBeLessThan(2e-4);
    expect(await paintedOff(pipe, "the <toy>", expected.painted)).toBeLessThanOrEqual(1);

    const other = await fresh();
    expect(await paintedOff(other, "the horse and the moon", recorded.before)).toBeLessThanOrEqual(1);
    await other.loadTextualInversion(path);
    expect(await paintedOff(other, "the <toy>", expected.painted)).toBeLessThanOrEqual(1);
  });

  it("textual inversion: the gradient of the new row alone", async () => {
    const pipe = await fresh();
    const { tokenizer, textEncoder } = pipe;
    tokenizer.addTokens("<toy>");
    const table = textEncoder.textModel.embeddings.tokenEmbedding;
    for (const model of [pipe.unet, textEncoder, pipe.vae]) model.requiresGrad_(false);
    const [moon] = tokenizer.encode("moon", { addSpecialTokens: false });
    table.weight = cat([table.weight, table.weight.narrow(0, moon!, 1)])
      .detach()
      .requiresGrad_();
    const images = await ordered(own);
    await firstGradients(
      pipe,
      images.map((image) => [image, "the <toy>"]),
      (errors) => errors.mean(),
    );
    const row = table.weight.grad!.narrow(0, table.weight.shape[0]! - 1, 1);
    expect(off(Array.from(await row.data()), recorded.textual_inversion.gradient)).toBeLessThan(1e-4);
  });
});

describe("courses of the learning rate", () => {
  it.each(Object.entries(recorded.courses))("%s goes as in diffusers", (key, expected) => {
    const [name, more] = JSON.parse(key) as [Parameters<typeof getScheduler>[0], Record<string, number>];
    const optimizer = new AdamW([zeros([1]).requiresGrad_()], { lr: 0.01 });
    const settings = { numWarmupSteps: 4, numTrainingSteps: 20, numCycles: more.num_cycles, power: more.power };
    const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
    const course = getScheduler(name, optimizer, given);
    const rates = expected.map(() => {
      const { lr } = optimizer;
      course.step();
      return lr;
    });
    for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[i]!, 8);
  });
});
