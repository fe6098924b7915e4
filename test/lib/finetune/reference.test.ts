import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LoraLayers } from "../../../lib/adapters/index.ts";
import { dreambooth, finetune, getScheduler, loraFinetune, textualInversion } from "../../../lib/finetune/index.ts";
import { NoiseObjective, trainingScheduler } from "../../../lib/finetune/objective.ts";
import type { Image } from "../../../lib/images/index.ts";
import { loadTensors } from "../../../lib/io/tensors.ts";
import { AdamW } from "../../../lib/optim/index.ts";
import { StableDiffusionPipeline } from "../../../lib/pipelines/index.ts";
import { manualSeed } from "../../../lib/random/index.ts";
import { openSafetensors } from "../../../lib/safetensors/index.ts";
import { DDIMScheduler } from "../../../lib/schedulers/index.ts";
import { cat, zeros } from "../../../lib/tensor/create.ts";
import { realize, type Tensor } from "../../../lib/tensor/tensor.ts";
import recorded from "../../reference/finetune.json" with { type: "json" };
import { type Pictures, worst } from "../pipelines/compare.ts";
import { recorded as tiny, writeTiny } from "../pipelines/tiny.ts";
import { noisePictures } from "./pictures.ts";

let home: string;
let own: Image[];
let others: Image[];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-finetune-"));
  await writeTiny(join(home, "tiny"));
  [own, others] = [await noisePictures(5), await noisePictures(6)];
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

async function norms(tensors: Iterable<readonly [string, Tensor]>): Promise<Record<string, number>> {
  const sizes = [...tensors].map(([name, x]) => [name, x.square().sum().sqrt()] as const);
  // All at once: one by one each gradient would compute the whole network anew.
  await realize(...sizes.map(([, size]) => size));
  return Object.fromEntries(await Promise.all(sizes.map(async ([name, size]) => [name, await size.item()] as const)));
}

/** Largest difference of norms by name, each as a share of its own size or of a hundredth of the largest. */
function normsOff(ours: Readonly<Record<string, number>>, theirs: Readonly<Record<string, number>>): number {
  expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
  const least = Math.max(...Object.values(theirs)) / 100;
  return Math.max(...Object.entries(theirs).map(([k, v]) => Math.abs(ours[k]! - v) / Math.max(v, least)));
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
  apply: (f: () => Tensor) => Tensor = (f) => f(),
): Promise<void> {
  const { unet, textEncoder, vae, tokenizer } = pipe;
  const noise = new NoiseObjective({ unet, textEncoder, vae }, trainingScheduler(pipe.scheduler));
  const pixels = cat(images.map(([image]) => image.toTensor()));
  const ids = tokenizer.batch(images.map(([, prompt]) => prompt)).inputIds;
  manualSeed(recorded.seed);
  apply(() => loss(noise.errors(pixels, ids))).backward();
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

describe("the trainings of diffusers' scripts, on a small random checkpoint", { timeout: 900_000 }, () => {
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

  it("LoRA: ten losses, gradients, matrices, file and picture", async () => {
    const expected = recorded.lora;
    const pipe = await fresh();
    const options = { ...like, data: own, prompt: "the horse", rank: 2, learningRate: 1e-2 };
    const learnt = await loraFinetune(pipe, { ...options, lrScheduler: "cosine", lrWarmupSteps: 2 });
    expect(off(learnt.losses, expected.losses)).toBeLessThan(2e-5);
    const path = await learnt.save(join(home, "lora"));
    // The script's names are older than PEFT's; diffusers reads both.
    const newer = (name: string) => name.replace(".lora.down.", ".lora_A.").replace(".lora.up.", ".lora_B.");
    const renamed = <T>(record: Readonly<Record<string, T>>) =>
      Object.fromEntries(Object.entries(record).map(([name, value]) => [newer(name), value]));
    const file = { ...expected.file, tensors: renamed<readonly number[]>(expected.file.tensors) };
    expect(await layout(path)).toEqual(asRecorded(file));
    const matrices = await norms(Object.entries(await loadTensors(path)));
    expect(normsOff(matrices, renamed<number>(expected.learnt))).toBeLessThan(1e-3);
    expect(learnt.learnt).toContain(`${expected.names.length} LoRA matrices of rank 2`);
    expect(pipe.getActiveAdapters()).toEqual(["lora"]);
    expect(await paintedOff(pipe, "the horse", expected.painted)).toBeLessThanOrEqual(1);

    const other = await fresh();
    await other.loadLoraWeights(path);
    expect(await paintedOff(other, "the horse", expected.painted)).toBeLessThanOrEqual(1);

    pipe.unloadLoraWeights();
    for (const model of [pipe.unet, pipe.textEncoder, pipe.vae]) model.requiresGrad_(false);
    manualSeed(recorded.seed);
    const lora = new LoraLayers(pipe.unet, {
      ...{ rank: 2, targets: /\.to_(q|k|v|out\.0)$/, initLoraWeights: "gaussian" },
    });
    const images = await ordered(own);
    await firstGradients(
      pipe,
      images.map((image) => [image, "the horse"]),
      (errors) => errors.mean(),
      (f) => lora.apply(f),
    );
    const gradients = lora.changes.flatMap(({ down, up }) => [down.grad!, up.grad!]);
    const ours = await norms(gradients.map((x, i) => [expected.names[i]!, x] as const));
    const theirs = Object.fromEntries(expected.gradients.map((v, i) => [expected.names[i]!, v]));
    expect(normsOff(ours, theirs)).toBeLessThan(1e-3);
  });

  it("Dreambooth with prior preservation: ten losses, gradients, all weights, and the picture from its folder", async () => {
    const expected = recorded.dreambooth;
    const pipe = await fresh();
    const images = await ordered(own);
    const classes = await ordered(others);
    pipe.textEncoder.requiresGrad_(false);
    pipe.vae.requiresGrad_(false);
    await firstGradients(
      pipe,
      [...images.map((image) => [image, "the horse"] as const), ...classes.map((image) => [image, "the cat"] as const)],
      (errors) => {
        const [mine, prior] = errors.chunk(2, 0) as [Tensor, Tensor];
        return mine.mean().add(prior.mean().mul(0.5));
      },
    );
    const gradients = [...pipe.unet.namedParameters()].map(([name, p]) => [name, p.grad ?? zeros([1])] as const);
    expect(normsOff(await norms(gradients), expected.gradients)).toBeLessThan(1e-3);
    pipe.unet.zeroGrad();

    const learnt = await dreambooth(pipe, {
      ...{ ...like, data: own, instancePrompt: "the horse", learningRate: 2e-3 },
      ...{ withPriorPreservation: true, classPrompt: "the cat", classData: others, priorLossWeight: 0.5 },
      ...{ lrScheduler: "linear", lrWarmupSteps: 2 },
    });
    expect(off(learnt.losses, expected.losses)).toBeLessThan(1e-4);
    const path = await learnt.save(join(home, "dreambooth"));
    const other = await StableDiffusionPipeline.fromPretrained(path);
    expect(normsOff(await norms(other.unet.namedParameters()), expected.learnt)).toBeLessThan(1e-3);
    expect(await paintedOff(other, "the horse", expected.painted)).toBeLessThanOrEqual(1);
    expect(await paintedOff(pipe, "the horse", expected.painted)).toBeLessThanOrEqual(1);
  });

  it("a whole model that predicts velocity: weighed errors, offset noise, accumulated gradients, a running mean", async () => {
    const expected = recorded.finetune;
    const pipe = await fresh("v_prediction");
    const learnt = await finetune(pipe, {
      ...{
        ...like,
        trainBatchSize: 2,
        gradientAccumulationSteps: 2,
        data: own,
        prompt: "the horse",
        learningRate: 2e-3,
      },
      ...{ snrGamma: 5, noiseOffset: 0.1, useEma: true },
    });
    expect(off(learnt.losses, expected.losses)).toBeLessThan(1e-4);
    expect(normsOff(await norms(pipe.unet.namedParameters()), expected.learnt)).toBeLessThan(1e-3);
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
