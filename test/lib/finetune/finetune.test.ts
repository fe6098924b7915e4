import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dreambooth, loraFinetune, textualInversion } from "../../../lib/finetune/index.ts";
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

describe("a training that is stopped in the middle", { timeout: 300_000 }, () => {
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
      /"moon<\/w>" is in the vocabulary already; choose another/,
    ],
    ["no word", ti({ placeholderToken: " " }), /placeholderToken is " "; expected a text such as "<cat-toy>"/],
    ["a start of several tokens", ti({ initializerToken: "mooncat" }), /is \d+ tokens .*expected a word that is one/],
    ["a template without the word", ti({ templates: ["a picture"] }), /"a picture" has no \{\}/],
    [
      "an unknown property",
      ti({ learnableProperty: "thing" }),
      /unknown learnableProperty "thing"; expected "object" or "style"/,
    ],
    ["a name of Python's", ti({ learning_rate: 1 }), /unknown option learning_rate; it is learningRate here/],
    ["a rate that is no number", ti({ learningRate: "1e-4" }), /learningRate is "1e-4", expected a number/],
    ["no steps", ti({ maxTrainSteps: 0 }), /maxTrainSteps is 0/],
    ["a size that does not fit", ti({ resolution: 100 }), /resolution is 100; expected a multiple of 16, such as 96/],
    ["an unknown course", ti({ lrScheduler: "cosinus" }), /unknown lrScheduler "cosinus"/],
    ["captions missing", lora({ prompt: undefined }), /4 of 4 pictures have no caption/],
    [
      "a rank larger than the layer",
      lora({ rank: 64 }),
      /rank 64 is larger than the layer down_blocks.*choose a smaller rank/,
    ],
    ["no such layers", lora({ targets: /nothing/ }), /no linear layer or convolution .* fits \/nothing\//],
    ["a class without preservation", booth({ classPrompt: "a cat" }), /add withPriorPreservation: true/],
    [
      "preservation without a class",
      booth({ withPriorPreservation: true }),
      /classPrompt is undefined; expected a text/,
    ],
    ["no such weights", booth({ targets: /nothing/ }), /no weight of the U-Net fits/],
    ["no prompt", booth({ instancePrompt: undefined }), /instancePrompt is undefined/],
  ])("%s", async (_, run, message) => {
    const words = pipe.tokenizer.vocabSize;
    await expect(run()).rejects.toThrow(message);
    expect(pipe.tokenizer.vocabSize).toBe(words);
    expect(pipe.getActiveAdapters()).toEqual([]);
  });
});
