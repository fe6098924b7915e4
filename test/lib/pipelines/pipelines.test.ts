import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { Image } from "../../../lib/images/index.ts";
import { UNet2DConditionModel } from "../../../lib/models/index.ts";
import { mseLoss } from "../../../lib/nn/functional/index.ts";
import {
  DiffusionPipeline,
  type GenerateOptions,
  StableDiffusionImg2ImgPipeline,
  StableDiffusionInpaintPipeline,
  StableDiffusionPipeline,
  type Step,
} from "../../../lib/pipelines/index.ts";
import { fillUniform, Generator } from "../../../lib/random/index.ts";
import {
  DDIMScheduler,
  EulerAncestralDiscreteScheduler,
  EulerDiscreteScheduler,
  LCMScheduler,
} from "../../../lib/schedulers/index.ts";
import { tensor } from "../../../lib/tensor/create.ts";
import { noGrad } from "../../../lib/tensor/grad.ts";
import type { Tensor } from "../../../lib/tensor/tensor.ts";
import { FakeHub } from "../hub/fake-hub.ts";
import { draw, expectClose } from "../models/reference.ts";
import { hasGpu, onGpu } from "../runtime/gpu.ts";
import { type Pictures, worst as worstOf } from "./compare.ts";
import { recorded, writeTiny } from "./tiny.ts";

const { prompt, cases } = recorded;
let home: string;
let pipe: StableDiffusionPipeline;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-pipelines-"));
  pipe = await StableDiffusionPipeline.fromPretrained(await writeTiny(join(home, "tiny")));
});
afterAll(async () => {
  pipe.close();
  await rm(home, { recursive: true, force: true });
});
afterEach(() => void vi.restoreAllMocks());

const ddim = () => DDIMScheduler.fromConfig(recorded.configs.scheduler);

/** Largest difference of the pictures from those that diffusers painted, in 1/255. */
const worst = (images: readonly Image[], name: keyof typeof cases) => worstOf(images, cases[name] as Pictures);

/** The pictures that `pipelines.py` makes for the others to start from. */
function picture(seed: number, width = 64, height = 72): Image {
  const raw = fillUniform(new Float32Array(width * height * 3), { generator: new Generator(seed) });
  return Image.fromRaw(
    Uint8Array.from(raw, (v) => Math.fround(v * 255)),
    { width, height },
  );
}

function halfMask(width = 64, height = 72): Image {
  const raw = Uint8Array.from({ length: width * height }, (_, i) => (i % width >= width / 2 + 3 ? 255 : 0));
  return Image.fromRaw(raw, { width, height, mode: "L" });
}

describe("StableDiffusionPipeline", () => {
  it("paints the picture that diffusers paints, within 1 of 255", async () => {
    const { images, metadata } = await pipe.generate({ prompt, numInferenceSteps: 6, guidanceScale: 3, seed: 42 });
    expect(worst(images, "pndm")).toBeLessThanOrEqual(1);
    expect(metadata).toEqual({
      ...{ prompt, seed: "42", steps: 6, guidanceScale: 3 },
      ...{ scheduler: "PNDMScheduler", size: "64x64" },
    });
    const file = join(home, "picture.png");
    await images[0]!.save(file, { metadata });
    expect((await Image.open(file)).metadata).toMatchObject({ prompt, seed: "42" });
  });

  it("can be called like a function", async () => {
    const { images } = await pipe({ prompt, numInferenceSteps: 6, guidanceScale: 3, seed: 42 });
    expect(worst(images, "pndm")).toBeLessThanOrEqual(1);
    expect(pipe).toBeInstanceOf(StableDiffusionPipeline);
  });

  it("takes several prompts, negative prompts, pictures for each, a size, eta and rescaled guidance", async () => {
    const two = StableDiffusionPipeline.fromPipe(pipe);
    two.scheduler = ddim();
    const { images } = await two.generate({
      prompt: [prompt, "cat"],
      negativePrompt: ["moon", ""],
      ...{ numImagesPerPrompt: 2, numInferenceSteps: 3, guidanceScale: 2.5, eta: 0.5, guidanceRescale: 0.7 },
      ...{ generator: new Generator(7), height: 64, width: 48 },
    });
    expect(worst(images, "two")).toBeLessThanOrEqual(1);
    two.close();
  });

  it("takes a generator for each picture, leaves out layers of the text encoder, and runs without guidance", async () => {
    const many = StableDiffusionPipeline.fromPipe(pipe);
    many.scheduler = ddim();
    const generator = [new Generator(1), new Generator(2)];
    const options = { prompt, numImagesPerPrompt: 2, numInferenceSteps: 2, guidanceScale: 1, generator, clipSkip: 1 };
    expect(worst((await many.generate(options)).images, "many")).toBeLessThanOrEqual(1);
    const latents = draw(99, 1, 4, 8, 8);
    const given = await many.generate({ prompt, numInferenceSteps: 2, guidanceScale: 4, latents });
    await expectClose(given.latents, cases.latents, 1e-3);
    many.close();
  });

  it("swaps the scheduler in one line, random and distilled ones too", async () => {
    const other = StableDiffusionPipeline.fromPipe(pipe);
    other.scheduler = EulerAncestralDiscreteScheduler.fromConfig(recorded.configs.scheduler);
    const ancestral = await other.generate({ prompt, numInferenceSteps: 4, guidanceScale: 3, seed: 3 });
    expect(worst(ancestral.images, "ancestral")).toBeLessThanOrEqual(1);
    other.close();
    const folder = await writeTiny(join(home, "lcm"), "unet_lcm");
    const unet = await UNet2DConditionModel.fromPretrained(folder, { subfolder: "unet" });
    const scheduler = LCMScheduler.fromConfig(recorded.configs.scheduler);
    const lcm = new StableDiffusionPipeline({ ...pipe.components, unet, scheduler });
    const { images } = await lcm.generate({ prompt, numInferenceSteps: 3, guidanceScale: 8, seed: 4 });
    expect(worst(images, "lcm")).toBeLessThanOrEqual(1);
    lcm.close();
  });

  it("takes embeddings in place of prompts", async () => {
    const text = await pipe.encodePrompt(prompt);
    await expectClose(text, recorded.embeds);
    const run = { numInferenceSteps: 6, guidanceScale: 3, seed: 42 };
    const { images } = await pipe.generate({ promptEmbeds: text, ...run });
    expect(worst(images, "pndm")).toBeLessThanOrEqual(1);
  });

  it("sets the settings of old checkpoints right, as diffusers does", async () => {
    const said = vi.spyOn(console, "log").mockImplementation(() => {});
    const folder = await writeTiny(join(home, "old"), "unet", "DDIMScheduler");
    const { configs } = recorded;
    const change = async (path: string, config: object) => writeFile(join(folder, path), JSON.stringify(config));
    const scheduler = { _class_name: "DDIMScheduler", ...configs.scheduler, clip_sample: true, skip_prk_steps: true };
    await change("scheduler/scheduler_config.json", { ...scheduler, steps_offset: undefined });
    await change("unet/config.json", { ...configs.unet, sample_size: 8, _diffusers_version: "0.6.0" });
    const old = await StableDiffusionPipeline.fromPretrained(folder);
    expect(said.mock.calls).toEqual([
      [expect.stringMatching(/outdated; using, as diffusers does, steps_offset 1 in place of 0 and clip_sample false/)],
    ]);
    const generator = [new Generator(1), new Generator(2)];
    const options = { prompt, numImagesPerPrompt: 2, numInferenceSteps: 2, guidanceScale: 1, generator, clipSkip: 1 };
    const { images } = await old.generate({ ...options, height: 64, width: 64 });
    expect(worst(images, "many")).toBeLessThanOrEqual(1);
    expect(EulerDiscreteScheduler.fromConfig(old.scheduler.config).toJSON()).toMatchObject({
      ...{ steps_offset: 1, clip_sample: false, skip_prk_steps: true },
    });
    // Its U-Net was trained on 512x512, whatever the file says.
    await expect(old.generate({ ...options, latents: draw(1, 2, 4, 8, 8) })).rejects.toThrow(/for 2 of 512x512/);
    old.close();
    said.mockRestore();
  });

  it("goes step by step, with latents, predicted pictures and previews", async () => {
    const steps: Step[] = [];
    const seen: number[] = [];
    const options: GenerateOptions = { prompt, numInferenceSteps: 3, guidanceScale: 3, seed: 42 };
    for await (const step of pipe.steps({ ...options, callback: ({ index }) => seen.push(index) })) steps.push(step);
    // PNDM calls the U-Net once more than it has steps.
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(steps.map((step) => step.timestep)).toEqual([667, 334, 334, 1]);
    expect(steps[1]!.latents.shape).toEqual([1, 4, 8, 8]);
    const preview = await steps[1]!.preview();
    expect(preview.shape).toEqual([1, 3, 64, 64]);
    const { images } = await pipe.generate(options);
    const last = await Image.fromTensor(await pipe.decode(steps.at(-1)!.latents));
    expect(last.toRaw()).toEqual(images[0]!.toRaw());
  });

  it("shows its pictures in a notebook", async () => {
    const output = await pipe.generate({ prompt: [prompt, "cat"], numInferenceSteps: 1, seed: 1 });
    const shown = output as unknown as Record<symbol, () => Promise<object>>;
    expect(await shown[Symbol.for("Jupyter.display")]!()).toHaveProperty("image/png");
  });

  it("paints with the weights that the networks have at the time", async () => {
    const options: GenerateOptions = { prompt, numInferenceSteps: 1, guidanceScale: 1, seed: 1 };
    const before = (await (await pipe.generate(options)).latents.data()) as Float32Array;
    const { bias } = pipe.unet.convOut;
    const old = await bias!.data();
    bias!.add_(1);
    const changed = (await (await pipe.generate(options)).latents.data()) as Float32Array;
    const furthest = (a: Float32Array) => Math.max(...before.map((v, i) => Math.abs(v - a[i]!)));
    expect(furthest(changed)).toBeGreaterThan(0.01);
    bias!.copy_(tensor(old as Float32Array));
    const again = (await (await pipe.generate(options)).latents.data()) as Float32Array;
    // But for roundings: what was changed is not a constant any more.
    expect(furthest(again)).toBeLessThan(1e-4 * Math.max(...before.map(Math.abs)));
  });

  it("is none the worse for a run that was left early, interrupted by another or aborted", async () => {
    const options: GenerateOptions = { prompt, numInferenceSteps: 6, guidanceScale: 3, seed: 42 };
    for await (const step of pipe.steps(options)) if (step.index === 2) break;
    const old = pipe.steps(options);
    await old.next();
    const { images } = await pipe.generate(options);
    expect(worst(images, "pndm")).toBeLessThanOrEqual(1);
    // Each has a scheduler of its own.
    let end = await old.next();
    while (!end.done) end = await old.next();
    expect(worst(await Image.fromBatch(await pipe.decode(end.value)), "pndm")).toBeLessThanOrEqual(1);
    const stop = new AbortController();
    const callback = () => stop.abort(new Error("enough"));
    await expect(pipe.generate({ ...options, signal: stop.signal, callback })).rejects.toThrow("enough");
    expect(worst((await pipe.generate(options)).images, "pndm")).toBeLessThanOrEqual(1);
  });

  it("shows its progress in the notebook's bar, and closes it whatever happens", async () => {
    const [update, close] = [vi.fn(), vi.fn()];
    vi.stubGlobal("progress", { bar: () => ({ update, close }) });
    try {
      await pipe.generate({ prompt, numInferenceSteps: 2, seed: 1 });
      expect(update.mock.calls.map(([done]) => done)).toEqual([1, 2, 3]);
      const stop = () => {
        throw new Error("stop");
      };
      await expect(pipe.generate({ prompt, numInferenceSteps: 2, callback: stop })).rejects.toThrow("stop");
      expect(close).toHaveBeenCalledTimes(2);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it("decodes large pictures in tiles, as the autoencoder itself does", async () => {
    const latents = draw(8, 1, 4, 12, 14);
    const whole = (await (await pipe.decode(latents)).data()) as Float32Array;
    pipe.enableVaeTiling();
    const tiled = await pipe.decode(latents);
    const own = noGrad(() => pipe.vae.decode(latents.div(pipe.vae.config.scaling_factor)).sample);
    expect(tiled.shape).toEqual([1, 3, 96, 112]);
    const [a, b] = [(await tiled.data()) as Float32Array, (await own.data()) as Float32Array];
    const furthest = (x: Float32Array, y: Float32Array) => Math.max(...x.map((v, i) => Math.abs(v - y[i]!)));
    expect(furthest(a, b)).toBeLessThan(1e-4);
    expect(furthest(a, whole)).toBeGreaterThan(1e-2);
    pipe.enableVaeTiling(false);
    expect(furthest((await (await pipe.decode(latents)).data()) as Float32Array, whole)).toBeLessThan(1e-4);
  });

  it("saves what fromPretrained reads", async () => {
    const folder = join(home, "saved");
    await pipe.savePretrained(folder);
    expect((await readdir(folder)).sort()).toEqual([
      ...["model_index.json", "scheduler", "text_encoder", "tokenizer", "unet", "vae"],
    ]);
    const again = await StableDiffusionPipeline.fromPretrained(folder);
    const { images } = await again.generate({ prompt, numInferenceSteps: 6, guidanceScale: 3, seed: 42 });
    expect(worst(images, "pndm")).toBeLessThanOrEqual(1);
    again.close();
  });

  it("follows a loss of the predicted picture", async () => {
    const guided = StableDiffusionPipeline.fromPipe(pipe);
    guided.scheduler = ddim();
    const blue = async (image: Image) => {
      return image.toTensor().narrow(1, 2, 1).mean().item();
    };
    const options: GenerateOptions = { prompt, numInferenceSteps: 4, guidanceScale: 2, seed: 5 };
    const plain = await blue((await guided.generate(options)).images[0]!);
    for (const through of ["x0", "model"] as const) {
      const losses: number[] = [];
      const { images } = await guided.generate({
        ...options,
        guidance: { loss: (x0) => x0.narrow(1, 2, 1).sub(0.9).abs().mean(), scale: 200, through },
        callback: async ({ loss }) => losses.push(await loss!.item()),
      });
      expect(await blue(images[0]!)).toBeGreaterThan(plain + 0.02);
      expect(losses).toHaveLength(4);
    }
    await expect(guided.generate({ ...options, guidance: { loss: (x0) => x0.mean(1) } })).rejects.toThrow(
      /expected a scalar/,
    );
    guided.close();
  });
});

describe("StableDiffusionImg2ImgPipeline", () => {
  it("repaints a picture as diffusers does", async () => {
    const other = StableDiffusionImg2ImgPipeline.fromPipe(pipe);
    other.scheduler = ddim();
    const image = picture(11);
    const options = { prompt, image, strength: 0.6, numInferenceSteps: 5, guidanceScale: 3, seed: 5 };
    expect(worst((await other.generate(options)).images, "img2img")).toBeLessThanOrEqual(1);
    other.scheduler = EulerDiscreteScheduler.fromConfig(recorded.configs.scheduler);
    const euler = await other.generate({ ...options, strength: 0.75, numInferenceSteps: 4 });
    expect(worst(euler.images, "img2img-euler")).toBeLessThanOrEqual(1);
    await expect(other.generate({ ...options, strength: 0 })).rejects.toThrow(/strength is 0; expected above 0/);
    await expect(other.generate({ ...options, strength: 0.1 })).rejects.toThrow(
      /leaves no steps to run; use more steps/,
    );
    await expect(other.generate({ ...options, image: undefined as unknown as Image })).rejects.toThrow(/no image/);
    other.close();
  });
});

describe("StableDiffusionInpaintPipeline", () => {
  for (const strength of [1, 0.5]) {
    it(`fills in a part of a picture as diffusers does, with strength ${strength}`, async () => {
      const image = picture(11);
      const options = {
        prompt,
        image,
        maskImage: halfMask(),
        strength,
        numInferenceSteps: 4,
        guidanceScale: 3,
        seed: 6,
      };
      const name = strength === 1 ? "1.0" : "0.5";
      const other = StableDiffusionInpaintPipeline.fromPipe(pipe);
      other.scheduler = ddim();
      expect(worst((await other.generate(options)).images, `inpaint-${name}`)).toBeLessThanOrEqual(1);
      other.close();
      const folder = await writeTiny(join(home, `inpaint-${name}`), "unet9", "DDIMScheduler");
      const nine = await StableDiffusionInpaintPipeline.fromPretrained(folder);
      expect(worst((await nine.generate(options)).images, `inpaint9-${name}`)).toBeLessThanOrEqual(1);
      nine.close();
      await expect(StableDiffusionPipeline.fromPretrained(folder)).rejects.toThrow(
        /use StableDiffusionInpaintPipeline/,
      );
    });
  }
});

describe("bad input", () => {
  const wrong: [string, object, RegExp][] = [
    ["no prompt", {}, /give either prompt or promptEmbeds/],
    ["an empty list of prompts", { prompt: [] }, /prompt is an empty list/],
    ["a prompt that is no text", { prompt: 3 }, /prompt is 3; expected a string, or a list of strings/],
    ["a list with a prompt that is no text", { prompt: ["a", 3] }, /prompt holds 3; expected a string, or a list/],
    ["a negative prompt that is no text", { negativePrompt: [null] }, /negativePrompt holds null; expected a string/],
    ["a generator that is none", { generator: 3 }, /generator is 3; expected new Generator\(seed\)/],
    ["a number of steps as a text", { numInferenceSteps: "3" }, /numInferenceSteps is "3"; expected a whole number/],
    [
      "an option as Python spells it",
      { guidance_scale: 3 },
      /unknown option guidance_scale; it is called guidanceScale here/,
    ],
    ["an option of another pipeline", { strength: 0.5 }, /unknown option strength; expected one of prompt, /],
    [
      "a share of a LoRA as diffusers says it",
      { crossAttentionKwargs: { scale: 0.5 } },
      /crossAttentionKwargs is no option here: call pipe\.setAdapters\("default_0", 0\.5\) before the run/,
    ],
    ["the same as Python spells it", { cross_attention_kwargs: {} }, /cross_attention_kwargs is no option here/],
    ["another kind of result", { outputType: "latent" }, /outputType is no option here: the result has both/],
    ["a callback that is none", { callback: 3 }, /callback is 3; expected a function/],
    ["a guidance without loss", { guidance: {} }, /guidance: loss must be a function of a tensor/],
    [
      "a guidance on something else",
      { guidance: { loss: mseLoss, on: "pixels" } },
      /guidance: unknown on "pixels"; expected "image" or "latents"/,
    ],
    ["a guidance scale that is NaN", { guidanceScale: Number.NaN }, /guidanceScale is NaN; expected a number/],
    ["no steps", { numInferenceSteps: 0 }, /numInferenceSteps is 0; expected a whole number from 1 up/],
    [
      "far more pixels than it was trained on",
      { height: 4096, width: 4096 },
      /4096 x 4096 pixels are too many for a model trained on (\d+) x \1: .* enlarge it with image\.resize/,
    ],
    ["a size that 8 does not divide", { height: 65 }, /height is 65; expected a multiple of 8, such as 64/],
    ["a size of 0", { width: 0 }, /width is 0/],
    ["a seed beside a generator", { seed: 1, generator: new Generator(1) }, /either seed or generator/],
    ["too many generators", { generator: [new Generator(1), new Generator(1)] }, /2 generators for 1 picture/],
    ["latents of another size", { latents: draw(1, 1, 4, 4, 4) }, /expected \[1, 4, 8, 8\] for 1 of 64x64/],
    [
      "negative prompts that do not match",
      { negativePrompt: ["a", "b"] },
      /2 negative prompts for 1 prompt; expected one/,
    ],
    [
      "embeddings of another width",
      { prompt: undefined, promptEmbeds: draw(1, 1, 16, 5) },
      /expected \[1, tokens, 12\]/,
    ],
    ["a share as a text", { guidanceRescale: "0.5" }, /guidanceRescale is "0.5"; expected 0 to 1/],
    ["latents that are whole numbers", { latents: draw(1, 1, 4, 8, 8).long() }, /latents is of int64, expected floats/],
    ["latents that are no tensor", { latents: [1] }, /StableDiffusionPipeline: latents is \[1\]; expected a tensor/],
    [
      "embeddings that are no tensor",
      { prompt: undefined, promptEmbeds: [1] },
      /promptEmbeds is \[1\]; expected a tensor/,
    ],
    [
      "negative prompts as texts and as embeddings",
      { negativePrompt: "x", negativePromptEmbeds: draw(1, 1, 16, 12) },
      /give either negativePrompt or negativePromptEmbeds/,
    ],
    ["a signal that is none", { signal: 3 }, /signal is 3; expected that of new AbortController/],
    [
      "a callback's tensors as a text",
      { callbackOnStepEnd: () => ({}), callbackOnStepEndTensorInputs: "latents" },
      /callbackOnStepEndTensorInputs is "latents"; expected a list of some of latents, /,
    ],
    ["an interval as an object", { guidanceInterval: { low: 1 } }, /guidanceInterval is \{ low \}; expected two noise/],
    ["layers to skip as a text", { clipSkip: "1" }, /StableDiffusionPipeline: clipSkip is "1"; expected 0 to 2/],
    ["a seed as a text", { seed: "1" }, /seed is "1", expected a whole number/],
    ["eta beyond 1", { eta: 2 }, /eta is 2; expected 0 to 1/],
    ["more layers to skip than there are", { clipSkip: 3 }, /clipSkip is 3; expected 0 to 2/],
  ];
  for (const [what, options, message] of wrong) {
    it(`is refused: ${what}`, async () => {
      const some = "promptEmbeds" in options || what === "no prompt" ? {} : { prompt };
      await expect(pipe.generate({ ...some, numInferenceSteps: 2, ...options })).rejects.toThrow(message);
    });
  }

  it("is refused as an image: what is none, and a tensor that is no batch of three channels", async () => {
    const other = StableDiffusionImg2ImgPipeline.fromPipe(pipe);
    const inpaint = StableDiffusionInpaintPipeline.fromPipe(pipe);
    const image = draw(1, 1, 3, 64, 64).clamp(-1, 1);
    const from = (given: unknown) => other.generate({ prompt, numInferenceSteps: 2, image: given as Tensor });
    const expected = /^StableDiffusionImg2ImgPipeline: image is .*; expected an Image \(await Image\.open\(file\)\)/;
    for (const given of ["seven.png", 5, [], [5], {}]) await expect(from(given)).rejects.toThrow(expected);
    await expect(from(draw(1, 3, 64, 64))).rejects.toThrow(
      "StableDiffusionImg2ImgPipeline: image [3, 64, 64]; expected [B, 3, H, W], a batch: x.unsqueeze(0)",
    );
    await expect(inpaint.generate({ prompt, image, maskImage: 5 as unknown as Tensor })).rejects.toThrow(
      /^StableDiffusionInpaintPipeline: mask is 5; expected an Image .*tensor \[B, 1, H, W\]/,
    );
    expect((await from(image.gt(0))).images).toHaveLength(1);
    await expect(from(image.add(1).mul(127.5))).rejects.toThrow(
      /the image's values go from .* to .*; expected -1 to 1; write x\.float\(\)\.div\(127\.5\)\.sub\(1\) for bytes$/,
    );
    await expect(from(image.add(Number.NaN))).rejects.toThrow(
      "the image's values go from NaN to NaN; expected -1 to 1",
    );
  });

  it("is refused where there are no options, or the scheduler is none", async () => {
    await expect(pipe.generate(undefined as unknown as GenerateOptions)).rejects.toThrow(
      /got undefined; expected options, such as \{ prompt:/,
    );
    const other = StableDiffusionPipeline.fromPipe(pipe);
    other.scheduler = DDIMScheduler as unknown as DDIMScheduler;
    await expect(other.generate({ prompt })).rejects.toThrow(
      /the scheduler is DDIMScheduler; expected one, such as DDIMScheduler\.fromConfig\(pipe\.scheduler\.config\)/,
    );
  });

  it("is refused in a checkpoint: weights of a variant that is not asked for, a single file", async () => {
    const folder = await writeTiny(join(home, "variant"));
    for (const part of ["unet", "vae", "text_encoder"]) {
      const name = part === "text_encoder" ? "model" : "diffusion_pytorch_model";
      await rename(join(folder, part, `${name}.safetensors`), join(folder, part, `${name}.fp16.safetensors`));
    }
    await expect(StableDiffusionPipeline.fromPretrained(folder)).rejects.toThrow(
      /has only weights of the variant "fp16"; use \{ variant: "fp16" \}/,
    );
    (await StableDiffusionPipeline.fromPretrained(folder, { variant: "fp16" })).close();
    const single = join(folder, "unet", "diffusion_pytorch_model.fp16.safetensors");
    await expect(StableDiffusionPipeline.fromPretrained(single)).rejects.toThrow(
      /is a file; expected a model's folder; a checkpoint in one file has to be converted/,
    );
  });

  it("is refused in a checkpoint: other kinds of models, parts that do not fit, files cut short", async () => {
    const folder = await writeTiny(join(home, "other"));
    const index = JSON.parse(await readFile(join(folder, "model_index.json"), "utf8"));
    const withIndex = (change: object) =>
      writeFile(join(folder, "model_index.json"), JSON.stringify({ ...index, ...change }));
    await withIndex({
      _class_name: "StableDiffusionXLPipeline",
      text_encoder_2: ["transformers", "CLIPTextModelWithProjection"],
    });
    await expect(StableDiffusionPipeline.fromPretrained(folder)).rejects.toThrow(
      /StableDiffusionXLPipeline\) is not a Stable Diffusion 1\.x or 2\.x checkpoint: it has a text_encoder_2/,
    );
    await withIndex({ unet: ["diffusers", "FluxTransformer2DModel"] });
    await expect(StableDiffusionPipeline.fromPretrained(folder)).rejects.toThrow(
      /unet is a FluxTransformer2DModel; expected UNet2DConditionModel/,
    );
    await expect(StableDiffusionPipeline.fromPretrained(join(folder, "unet"))).rejects.toThrow(
      /has no model_index\.json\. It contains a single model/,
    );
    await withIndex({});
    await writeFile(join(folder, "unet", "diffusion_pytorch_model.safetensors"), "cut off");
    await expect(StableDiffusionPipeline.fromPretrained(folder)).rejects.toThrow(/safetensors/);
  });

  it("is made of the kind that a checkpoint names, or says which kinds there are", async () => {
    const folder = await writeTiny(join(home, "generic"));
    const index = JSON.parse(await readFile(join(folder, "model_index.json"), "utf8"));
    for (const kind of [StableDiffusionPipeline, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline]) {
      await writeFile(join(folder, "model_index.json"), JSON.stringify({ ...index, _class_name: kind.name }));
      const made = await DiffusionPipeline.fromPretrained(folder);
      expect(made.constructor).toBe(kind);
      expect(made).toBeInstanceOf(DiffusionPipeline);
      made.close();
    }
    const generic = await DiffusionPipeline.fromPretrained("difflab/tiny-sd");
    expect((await generic.generate({ prompt: "a red seven", numInferenceSteps: 1 })).metadata).toEqual({
      ...{
        prompt: "a red seven",
        steps: 1,
        guidanceScale: generic.defaults.guidanceScale,
        scheduler: generic.scheduler.constructor.name,
      },
      size: "64x64",
    });
    generic.close();
    await writeFile(join(folder, "model_index.json"), JSON.stringify({ ...index, _class_name: "FancyPipeline" }));
    await expect(DiffusionPipeline.fromPretrained(folder)).rejects.toThrow(
      /is a FancyPipeline; expected one of StableDiffusionPipeline, .* StableDiffusionPipeline\.fromPretrained loads them/,
    );
  });

  it("is refused: a device that is none", async () => {
    await expect(pipe.to("gpu" as never)).rejects.toThrow(/unknown device "gpu"; expected one of cpu, webgpu/);
  });

  it("is said where latents become NaN", async () => {
    const latents = draw(1, 1, 4, 8, 8).mul(Number.POSITIVE_INFINITY);
    await expect(pipe.generate({ prompt, numInferenceSteps: 2, latents })).rejects.toThrow(
      /latents became NaN at step 1 of 3 \(timestep \d+\)/,
    );
  });
});

describe("from the hub", () => {
  it("a pipeline comes through the cache and its links, and the second time without network", async () => {
    const folder = await writeTiny(join(home, "to-upload"));
    const files: Record<string, Buffer> = {};
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) files[relative(folder, path)] = await readFile(path);
    }
    const hub = await new FakeHub().start();
    hub.put("models/someone/tiny", { ...files, "unet/diffusion_pytorch_model.bin": Buffer.from("not wanted") });
    const options = { hubUrl: hub.url, cacheDir: join(home, "cache"), onProgress: null };
    const run = { prompt, numInferenceSteps: 6, guidanceScale: 3, seed: 42 };
    try {
      const fresh = await StableDiffusionPipeline.fromPretrained("someone/tiny", options);
      expect(worst((await fresh.generate(run)).images, "pndm")).toBeLessThanOrEqual(1);
      fresh.close();
      expect(hub.requests.some((request) => request.includes(".bin"))).toBe(false);
      const unet = await UNet2DConditionModel.fromPretrained("someone/tiny", { ...options, subfolder: "unet" });
      expect(unet.mapped).toBe(true);
    } finally {
      await hub.stop();
    }
    const offline = await StableDiffusionPipeline.fromPretrained("someone/tiny", { ...options, localFilesOnly: true });
    expect(worst((await offline.generate(run)).images, "pndm")).toBeLessThanOrEqual(1);
    offline.close();
  });
});

describe("on webgpu", () => {
  it("the picture is that of the CPU, within 2 of 255", async (context) => {
    if (!(await hasGpu())) {
      context.skip("no Vulkan driver: install a graphics driver, or Debian's chromium for one in software");
    }
    const folder = await writeTiny(join(home, "gpu"));
    const off = await onGpu(`
      const pipe = await d.StableDiffusionPipeline.fromPretrained(${JSON.stringify(folder)});
      const small = { height: 32, width: 32, guidanceScale: 3 };
      const run = { ...small, prompt: ${JSON.stringify(prompt)}, numInferenceSteps: 2 };
      // What the caller gives lies on the CPU.
      const latents = d.randn([1, 4, 4, 4], { generator: new d.Generator(7) });
      const promptEmbeds = await pipe.encodePrompt("something");
      const given = { ...small, promptEmbeds, negativePromptEmbeds: promptEmbeds.mul(0.5), latents, numInferenceSteps: 1 };
      const runs = [{ ...run, seed: 42 }, given];
      const paint = async () => {
        const painted = [];
        for (const run of runs) painted.push((await pipe.generate(run)).images[0].toRaw().data);
        return painted;
      };
      const cpu = await paint();
      await pipe.to("webgpu");
      const gpu = await paint();
      console.log(JSON.stringify(cpu.map((data, k) => data.reduce((most, v, i) => Math.max(most, Math.abs(v - gpu[k][i])), 0))));
      process.exit(0);
    `);
    for (const most of off as number[]) expect(most).toBeLessThanOrEqual(2);
  }, 240_000);
});
