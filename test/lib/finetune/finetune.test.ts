import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dreambooth, finetune, loraFinetune, textualInversion } from "../../../lib/finetune/index.ts";
import { Frozen } from "../../../lib/finetune/learnable.ts";
import { Image } from "../../../lib/images/index.ts";
import { loadTensors } from "../../../lib/io/tensors.ts";
import { StableDiffusionPipeline } from "../../../lib/pipelines/index.ts";
import { writeTiny } from "../pipelines/tiny.ts";
import { noisePictures } from "./pictures.ts";

let home: string;
let own: Image[];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-finetune-"));
  await writeTiny(join(home, "tiny"));
  own = await noisePictures(5);
});
afterAll(() => rm(home, { recursive: true, force: true }));

const fresh = () => StableDiffusionPipeline.fromPretrained(join(home, "tiny"));
const word = { placeholderToken: "<toy>", initializerToken: "moon" };
const quiet = { quiet: true, trainBatchSize: 2, seed: 7 };

describe("a training that is stopped in the middle", { timeout: 900_000 }, () => {
  const how = { ...quiet, ...word, maxTrainSteps: 6, randomFlip: true, learningRate: 5e-2 };

  it("keeps what was learnt, and goes on with the very losses that an unbroken one has", async () => {
    const outputDir = join(home, "out");
    const whole = await textualInversion(await fresh(), { ...how, data: own });
    expect(whole.interrupted).toBe(false);

    const pipe = await fresh();
    const stop = new AbortController();
    const { generate } = pipe;
    // Pictures are painted before the first step, and after the third.
    let calls = 0;
    pipe.generate = (options) => {
      if (++calls === 2) stop.abort();
      return generate.call(pipe, options);
    };
    const validation = {
      ...{ validationPrompt: "a <toy>", validationSteps: 3 },
      sampling: { numInferenceSteps: 1, guidanceScale: 1 },
    };
    const first = await textualInversion(pipe, { ...how, data: own, outputDir, signal: stop.signal, ...validation });
    expect([first.interrupted, first.steps]).toEqual([true, 3]);
    expect(first.losses).toEqual(whole.losses.slice(0, 3));
    expect(first.validation.map(({ step, images }) => [step, images.length])).toEqual([
      [0, 1],
      [3, 1],
    ]);
    const pictures = first.validation.map(({ images }) => images[0]!.toRaw().data);
    expect(pictures[0]).not.toEqual(pictures[1]);
    expect((await Image.open(join(outputDir, "validation", "step-000003.png"))).width).toBe(64);
    const { weight } = pipe.textEncoder.textModel.embeddings.tokenEmbedding;
    const rowOf = async (path: string) => (await loadTensors(path, { copy: true }))["<toy>"]!.tolist();
    const kept = await rowOf(join(outputDir, "learned_embeds.safetensors"));
    expect(await weight.narrow(0, weight.shape[0]! - 1, 1).tolist()).toEqual(kept);
    expect(String(first[Symbol.for("nodejs.util.inspect.custom") as never] && first.learnt)).toContain("1 of");

    const again = await textualInversion(await fresh(), { ...how, data: own, outputDir, resumeFromCheckpoint: true });
    expect(again.losses).toEqual(whole.losses);
    expect(await rowOf(again.saved!)).toEqual(await rowOf(await whole.save(join(home, "whole"))));
  });

  it("says so where there is no checkpoint to go on from", async () => {
    const outputDir = join(home, "empty");
    const again = textualInversion(await fresh(), { ...how, data: own, outputDir, resumeFromCheckpoint: true });
    await expect(again).rejects.toThrow(/empty.checkpoint\.safetensors: there is no such checkpoint/);
    const nowhere = textualInversion(await fresh(), { ...how, data: own, resumeFromCheckpoint: true });
    await expect(nowhere).rejects.toThrow(/resumeFromCheckpoint without outputDir/);
  });
});

describe("what changes and what does not", { timeout: 900_000 }, () => {
  it("Dreambooth with some of the weights: those alone, and class pictures are painted once", async () => {
    const pipe = await fresh();
    const before = Object.fromEntries(
      await Promise.all(
        [...pipe.unet.namedParameters()].map(async ([name, p]) => [name, Float32Array.from(await p.data())] as const),
      ),
    );
    const outputDir = join(home, "dreambooth");
    const options = {
      ...{ ...quiet, data: own, instancePrompt: "the horse", targets: /attn2/, maxTrainSteps: 2, learningRate: 1e-2 },
      ...{ withPriorPreservation: true, classPrompt: "the cat", numClassImages: 3, outputDir },
      sampling: { numInferenceSteps: 1, guidanceScale: 1 },
    };
    const learnt = await dreambooth(pipe, options);
    const changed: string[] = [];
    for (const [name, p] of pipe.unet.namedParameters()) {
      if (Array.from(await p.data()).some((v, i) => v !== before[name]![i])) changed.push(name);
      expect(p.requiresGrad, name).toBe(true);
    }
    expect(changed).toEqual(Object.keys(before).filter((name) => name.includes("attn2")));
    expect(learnt.learnt).toMatch(
      new RegExp(`^${changed.length} of ${Object.keys(before).length} tensors of the U-Net`),
    );
    const paint = pipe.generate;
    pipe.generate = () => {
      throw new Error("painted again");
    };
    await dreambooth(pipe, { ...options, resumeFromCheckpoint: true });
    pipe.generate = paint;
    expect((await Image.open(join(outputDir, "class", "0002.png"))).width).toBe(64);
  });

  it("a change of anything else would be noticed", async () => {
    const { unet, vae } = await fresh();
    const frozen = await Frozen.all({ unet, vae }, new Set(unet.parameters()));
    expect([unet, vae].map((part) => part.parameters().every((p) => p.requiresGrad))).toEqual([true, false]);
    unet.convIn.weight.copy_(0);
    expect(await frozen.check()).toBe(vae.numParameters());
    vae.decoder.convIn.bias!.copy_(0);
    await expect(frozen.check()).rejects.toThrow(
      /1 tensor changed although it was not meant to be trained: vae\.decoder\.conv_in\.bias/,
    );
    frozen.release();
    expect(vae.parameters().every((p) => p.requiresGrad)).toBe(true);
  });

  it("LoRA of both networks in one file, which another model refuses", async () => {
    const pipe = await fresh();
    const learnt = await loraFinetune(pipe, {
      ...{ ...quiet, data: own.map((image) => ({ image, text: "the horse" })), maxTrainSteps: 2, learningRate: 1e-2 },
      ...{ trainTextEncoder: true, adapterName: "style" },
    });
    expect(learnt.learnt).toMatch(
      /LoRA matrices .* of the U-Net and 24 LoRA matrices of rank 4 beside 12 layers of the text/,
    );
    expect(pipe.getActiveAdapters()).toEqual(["style"]);
    const path = await learnt.save(join(home, "style"));
    const run = { prompt: "the horse", numInferenceSteps: 2, guidanceScale: 3, seed: 1, progress: false };
    const { latents } = await pipe.generate(run);
    pipe.deleteAdapters("style");
    const plain = (await pipe.generate(run)).latents;
    expect(await latents.sub(plain).abs().max().item()).toBeGreaterThan(1e-3);
    await pipe.loadLoraWeights(path);
    expect(await (await pipe.generate(run)).latents.sub(latents).abs().max().item()).toBeLessThan(1e-5);
    const other = await StableDiffusionPipeline.fromPretrained("difflab/tiny-sd");
    await expect(other.loadLoraWeights(path)).rejects.toThrow(/trained for a different model/);
  });
});

describe("a loss that is lost", { timeout: 900_000 }, () => {
  it("ends the training with its reason; what was learnt before is kept, in the pipeline and on disk", async () => {
    const pipe = await fresh();
    const outputDir = join(home, "diverged");
    const run = finetune(pipe, {
      ...{
        ...quiet,
        data: own,
        prompt: "the horse",
        maxTrainSteps: 40,
        learningRate: 1e12,
        maxGradNorm: null,
        outputDir,
      },
    });
    await expect(run).rejects.toThrow(
      /^finetune: the loss is .*Everything learned before is kept in the pipeline, and in .*diverged.*learningRate is 1000000000000/s,
    );
    const saved = await StableDiffusionPipeline.fromPretrained(join(outputDir, "pipeline"));
    for (const [name, p] of pipe.unet.namedParameters()) {
      const here = await p.data();
      expect(here.every(Number.isFinite), name).toBe(true);
      expect(await saved.unet.stateDict()[name]!.data(), name).toEqual(here);
    }
  });
});

describe("what is refused before anything is learnt", () => {
  let pipe: StableDiffusionPipeline;
  beforeAll(async () => {
    pipe = await fresh();
  });
  const ti = (options: object) => () => textualInversion(pipe, { data: own, ...word, quiet: true, ...options });
  const lora = (options: object) => () => loraFinetune(pipe, { data: own, prompt: "x", quiet: true, ...options });
  const booth = (options: object) => () =>
    dreambooth(pipe, { data: own, instancePrompt: "x", quiet: true, ...options });
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ["no pictures", ti({ data: [] }), /textualInversion: got no pictures/],
    [
      "a word that is there",
      ti({ placeholderToken: "moon</w>" }),
      /"moon<\/w>" is already in the vocabulary; choose another/,
    ],
    ["no word", ti({ placeholderToken: " " }), /placeholderToken is " "; expected a string such as "<cat-toy>"/],
    [
      "a start of several tokens",
      ti({ initializerToken: "mooncat" }),
      /is \d+ tokens .*expected a word that is a single token/,
    ],
    ["a template without the word", ti({ templates: ["a picture"] }), /"a picture" has no \{\}/],
    [
      "an unknown property",
      ti({ learnableProperty: "thing" }),
      /unknown learnableProperty "thing"; expected "object" or "style"/,
    ],
    ["a name of Python's", ti({ learning_rate: 1 }), /unknown option learning_rate; it is called learningRate here/],
    ["a rate that is no number", ti({ learningRate: "1e-4" }), /learningRate is "1e-4", expected a number/],
    ["no steps", ti({ maxTrainSteps: 0 }), /maxTrainSteps is 0/],
    ["a size that does not fit", ti({ resolution: 100 }), /resolution is 100; expected a multiple of 16, such as 96/],
    ["an unknown course", ti({ lrScheduler: "cosinus" }), /unknown lrScheduler "cosinus"/],
    ["captions missing", lora({ prompt: undefined }), /4 of 4 pictures have no caption/],
    [
      "a rank larger than the layer",
      lora({ rank: 64 }),
      /rank 64 is larger than the layer down_blocks.*use a smaller rank/,
    ],
    ["no such layers", lora({ targets: /nothing/ }), /no linear layer or convolution .* matches \/nothing\//],
    ["a class without preservation", booth({ classPrompt: "a cat" }), /add withPriorPreservation: true/],
    [
      "preservation without a class",
      booth({ withPriorPreservation: true }),
      /classPrompt is undefined; expected a string/,
    ],
    ["no such weights", booth({ targets: /nothing/ }), /no weight of the U-Net matches/],
    ["no prompt", booth({ instancePrompt: undefined }), /instancePrompt is undefined/],
  ])("%s", async (_, run, message) => {
    const words = pipe.tokenizer.vocabSize;
    await expect(run()).rejects.toThrow(message);
    expect(pipe.tokenizer.vocabSize).toBe(words);
    expect(pipe.getActiveAdapters()).toEqual([]);
  });
});
