import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CLIPTextModel,
  CLIPTokenizer,
  DDIMScheduler,
  LoraLayers,
  mnist,
  StableDiffusionPipeline,
  UNet2DConditionModel,
} from "../../../lib/index.ts";
import { writeTiny } from "./tiny.ts";

let folder: string;
let tiny: string;
let pipe: StableDiffusionPipeline;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "difflab-loader-options-"));
  tiny = await writeTiny(join(folder, "tiny"));
  pipe = await StableDiffusionPipeline.fromPretrained(tiny);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Each loader and saver: what it takes, how it says so. */
const calls: Record<string, (options: never) => unknown> = {
  "StableDiffusionPipeline.fromPretrained": (o) => StableDiffusionPipeline.fromPretrained(tiny, o),
  "UNet2DConditionModel.fromPretrained": (o) => UNet2DConditionModel.fromPretrained(join(tiny, "unet"), o),
  "CLIPTextModel.fromPretrained": (o) => CLIPTextModel.fromPretrained(join(tiny, "text_encoder"), o),
  "CLIPTokenizer.fromPretrained": (o) => CLIPTokenizer.fromPretrained(join(tiny, "tokenizer"), o),
  loadLoraWeights: (o) => pipe.loadLoraWeights("none.safetensors", o),
  loadTextualInversion: (o) => pipe.loadTextualInversion("none.safetensors", o),
  "StableDiffusionPipeline.savePretrained": (o) => pipe.savePretrained(join(folder, "saved"), o),
  "UNet2DConditionModel.savePretrained": (o) => pipe.unet.savePretrained(join(folder, "saved"), o),
  fuseLora: async (o) => pipe.fuseLora(o),
  LoraLayers: async (o) => new LoraLayers(pipe.unet, o),
  mnist: (o) => mnist(o),
};

describe("an option that is not known", () => {
  test.each(Object.keys(calls))("is refused by %s, whatever its value", async (name) => {
    for (const [option, value] of [
      ["torch_dtype", "float16"],
      ["weight_decay", 0.1],
      ["lr", "0.1"],
    ] as const) {
      await expect(calls[name]!({ [option]: value } as never)).rejects.toThrow(
        `${name}: unknown option ${option}; expected `,
      );
    }
    await expect(calls[name]!(null as never)).rejects.toThrow(`${name}: got null, expected an object of options`);
  });

  test.each([
    ["StableDiffusionPipeline.fromPretrained", "cache_dir", "cacheDir"],
    ["UNet2DConditionModel.fromPretrained", "subFolder", "subfolder"],
    ["CLIPTokenizer.fromPretrained", "local_files_only", "localFilesOnly"],
    ["loadLoraWeights", "adapter_name", "adapterName"],
    ["loadLoraWeights", "weight_name", "weightName"],
    ["loadTextualInversion", "weight_name", "weightName"],
    ["fuseLora", "lora_scale", "loraScale"],
  ])("and %s says what %s is called here", async (name, option, meant) => {
    await expect(calls[name]!({ [option]: undefined } as never)).rejects.toThrow(
      `${name}: unknown option ${option}; it is called ${meant} here`,
    );
  });

  test("is found among a pipeline's components too", async () => {
    const options = { components: { text_encoder: pipe.textEncoder } } as never;
    await expect(StableDiffusionPipeline.fromPretrained(tiny, options)).rejects.toThrow(
      "StableDiffusionPipeline.fromPretrained: components: unknown option text_encoder; it is called textEncoder here",
    );
  });
});

describe("a pipeline of another one's parts", () => {
  test("has all of them, with what the checkpoint paints with", () => {
    pipe.defaults = { guidanceScale: 3 };
    const scheduler = DDIMScheduler.fromConfig(pipe.scheduler.config);
    const other = new StableDiffusionPipeline({ ...pipe.components, scheduler });
    expect(other.components).toEqual({ ...pipe.components, scheduler });
    expect(other.unet).toBe(pipe.unet);
    expect(other.defaults).toEqual({ guidanceScale: 3 });
    expect(new StableDiffusionPipeline({ ...pipe }).components).toEqual(pipe.components);
    pipe.defaults = {};
  });

  test("says which part is missing, and which has its name from Python", () => {
    const { unet, vae, ...rest } = pipe.components;
    expect(() => new StableDiffusionPipeline(rest as never)).toThrow(
      "StableDiffusionPipeline: there is no unet and no vae; those of another pipeline are { ...pipe.components }",
    );
    const named = { ...pipe.components, text_encoder: pipe.textEncoder };
    expect(() => new StableDiffusionPipeline(named)).toThrow(
      "unknown part text_encoder; it is called textEncoder here",
    );
  });

  test("takes the checkpoint's for what is undefined", async () => {
    const components = { unet: undefined, textEncoder: pipe.textEncoder };
    const loaded = await StableDiffusionPipeline.fromPretrained(tiny, { components });
    expect(loaded.textEncoder).toBe(pipe.textEncoder);
    expect(loaded.unet.config).toEqual(pipe.unet.config);
  });
});

test("a value of the wrong kind is refused by name", async () => {
  await expect(pipe.loadLoraWeights("none.safetensors", { scale: "0.5" } as never)).rejects.toThrow(
    'loadLoraWeights: scale is "0.5", expected a number',
  );
  await expect(pipe.loadLoraWeights("none.safetensors", { adapterName: 3 } as never)).rejects.toThrow(
    "loadLoraWeights: adapterName is 3, expected a string",
  );
  await expect(pipe.unet.savePretrained(join(folder, "saved"), { dtype: "bfloat16" } as never)).rejects.toThrow(
    'UNet2DConditionModel.savePretrained: unknown dtype "bfloat16"; expected "float32" or "float16"',
  );
});
