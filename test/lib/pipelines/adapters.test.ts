import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StableDiffusionPipeline } from "../../../lib/pipelines/index.ts";
import { saveSafetensors } from "../../../lib/safetensors/index.ts";
import { DDIMScheduler } from "../../../lib/schedulers/index.ts";
import type { Tensor } from "../../../lib/tensor/tensor.ts";
import adapted from "../../reference/adapted.json" with { type: "json" };
import { draw } from "../models/reference.ts";
import { worst } from "./compare.ts";
import { recorded, writeTiny } from "./tiny.ts";

let home: string;
let pipe: StableDiffusionPipeline;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-adapters-"));
  pipe = await StableDiffusionPipeline.fromPretrained(await writeTiny(join(home, "tiny")));
});
afterAll(async () => {
  pipe.close();
  await rm(home, { recursive: true, force: true });
});

const run = { prompt: recorded.prompt, numInferenceSteps: 2, guidanceScale: 3, seed: 1 };
const paint = async () => (await (await pipe.generate(run)).latents.data()) as Float32Array;
const furthest = (a: Float32Array, b: Float32Array) => Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));
const numbers = async (x: Tensor) => ({ dtype: "F32" as const, shape: x.shape, data: await x.bits() });

async function writeLora(name: string, tensors: Record<string, Tensor>): Promise<string> {
  const path = join(home, `${name}.safetensors`);
  const entries = Object.entries(tensors).map(async ([key, x]) => [key, await numbers(x)] as const);
  await saveSafetensors(path, new Map(await Promise.all(entries)));
  return path;
}

describe("the pictures that diffusers paints", () => {
  type File = keyof typeof adapted.files;
  const three = { numInferenceSteps: 3, guidanceScale: 3, seed: 42 };
  let other: StableDiffusionPipeline;

  beforeAll(async () => {
    for (const [name, data] of Object.entries(adapted.files)) {
      await writeFile(join(home, `${name}.safetensors`), Buffer.from(data, "base64"));
    }
    other = await StableDiffusionPipeline.fromPretrained(await writeTiny(join(home, "other")));
    other.scheduler = DDIMScheduler.fromConfig(recorded.configs.scheduler);
  });
  afterAll(() => other.close());

  const cases: [keyof typeof adapted.cases, string, [File, number][]][] = [
    ["diffusers", "attention in both networks, in diffusers' layout", [["diffusers", 1]]],
    ["convolutions", "convolutions and all kinds of linear layers", [["convolutions", 1]]],
    ["kohya", "kohya's layout, with alphas", [["kohya", 1]]],
    ["half", "half the strength", [["diffusers", 0.5]]],
    [
      "two",
      "two files at once, one of them taken away",
      [
        ["diffusers", 0.75],
        ["kohya", -0.5],
      ],
    ],
  ];
  it.each(cases)("with LoRA weights come out within 1 of 255: %s (%s)", async (name, _, files) => {
    for (const [file, scale] of files) await other.loadLoraWeights(join(home, `${file}.safetensors`), { scale });
    const { images } = await other.generate({ prompt: recorded.prompt, ...three });
    expect(worst(images, adapted.cases[name])).toBeLessThanOrEqual(1);
    other.unloadLoraWeights();
    const plain = await other.generate({ prompt: recorded.prompt, ...three });
    expect(worst(plain.images, adapted.cases.plain)).toBeLessThanOrEqual(1);
    expect(worst(plain.images, adapted.cases[name])).toBeGreaterThan(20);
  });

  it("are found in a folder or a repository by the file's name", async () => {
    await other.loadLoraWeights(home, { weightName: "kohya.safetensors", scale: 1 });
    const { images } = await other.generate({ prompt: recorded.prompt, ...three });
    expect(worst(images, adapted.cases.kohya)).toBeLessThanOrEqual(1);
    other.unloadLoraWeights();
    await expect(other.loadLoraWeights(home)).rejects.toThrow(/Name the file with \{ weightName \}/);
  });

  it("with learned words of one and of several vectors come out within 1 of 255", async () => {
    await other.loadTextualInversion(join(home, "word.safetensors"));
    await other.loadTextualInversion(join(home, "words.safetensors"), { token: "<style>" });
    const options = { prompt: "the <toy> and <style> moon", negativePrompt: "<style>", ...three };
    const { images } = await other.generate(options);
    expect(worst(images, adapted.cases.learned)).toBeLessThanOrEqual(1);
  });
});

describe("LoRA weights", () => {
  it("change layers of both networks by scale * up * down, and are taken away without a trace", async () => {
    const plain = await paint();
    const query = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    const text = "text_model.encoder.layers.1.self_attn.v_proj";
    const path = await writeLora("both", {
      [`unet.${query}.lora_A.weight`]: draw(1, 2, 8),
      [`unet.${query}.lora_B.weight`]: draw(2, 8, 2),
      "unet.conv_in.lora_A.weight": draw(3, 2, 4, 3, 3),
      "unet.conv_in.lora_B.weight": draw(4, 8, 2, 1, 1),
      [`text_encoder.${text}.lora_A.weight`]: draw(5, 2, 12),
      [`text_encoder.${text}.lora_B.weight`]: draw(6, 12, 2),
    });
    const weight = pipe.unet.stateDict()[`${query}.weight`]!;
    const before = await weight.data();
    await pipe.loadLoraWeights(path, { scale: 0.5 });
    const delta = await draw(2, 8, 2)
      .matmul(draw(1, 2, 8))
      .mul(0.5)
      .data();
    const after = await weight.data();
    for (const [i, v] of before.entries()) expect(Number(after[i])).toBeCloseTo(Number(v) + Number(delta[i]), 5);
    const changed = await paint();
    expect(furthest(plain, changed)).toBeGreaterThan(0.01);
    // The same picture as a checkpoint in which the sum was saved.
    const merged = join(home, "merged");
    await pipe.savePretrained(merged);
    const again = await StableDiffusionPipeline.fromPretrained(merged);
    const same = (await (await again.generate(run)).latents.data()) as Float32Array;
    expect(furthest(same, changed)).toBeLessThan(1e-3);
    again.close();
    pipe.unloadLoraWeights();
    // Equal but for the roundings of a session that is prepared otherwise.
    expect(furthest(await paint(), plain)).toBeLessThan(1e-4);
    expect(await weight.data()).toEqual(before);
  });

  it("for another model change nothing", async () => {
    const plain = await paint();
    const good = {
      "unet.conv_in.lora_A.weight": draw(3, 2, 4, 3, 3),
      "unet.conv_in.lora_B.weight": draw(4, 8, 2, 1, 1),
    };
    const strange = await writeLora("strange", {
      ...good,
      "unet.down_blocks.7.to_q.lora_A.weight": draw(1, 2, 8),
      "unet.down_blocks.7.to_q.lora_B.weight": draw(1, 8, 2),
    });
    await expect(pipe.loadLoraWeights(strange)).rejects.toThrow(/trained for a different model/);
    const wide = await writeLora("wide", {
      ...good,
      "unet.conv_out.lora_A.weight": draw(1, 2, 9, 3, 3),
      "unet.conv_out.lora_B.weight": draw(1, 4, 2, 1, 1),
    });
    await expect(pipe.loadLoraWeights(wide)).rejects.toThrow(
      /conv_out: changes a weight \[4,9,3,3\], but the model's is \[4,8,3,3\]/,
    );
    await expect(pipe.loadLoraWeights(wide, { scale: Number.NaN })).rejects.toThrow(/scale is NaN/);
    // Equal but for the roundings of a session that is prepared otherwise.
    expect(furthest(await paint(), plain)).toBeLessThan(1e-4);
  });
});

describe("textual inversion", () => {
  it("teaches words of one and of several vectors", async () => {
    const table = pipe.textEncoder.textModel.embeddings.tokenEmbedding.weight;
    const row = (token: string) => table.narrow(0, pipe.tokenizer.tokenToId(token)!, 1);
    const path = await writeLora("toy", { "<toy>": row("cat</w>").reshape(-1) });
    expect(await pipe.loadTextualInversion(path)).toBe("<toy>");
    expect(await (await pipe.encodePrompt("the <toy>")).data()).toEqual(
      await (await pipe.encodePrompt("the cat")).data(),
    );
    const several = await writeLora("several", { emb_params: draw(1, 3, 12) });
    expect(await pipe.loadTextualInversion(several, { token: "<style>" })).toBe("<style>");
    const text = await pipe.encodePrompt("<style> moon");
    expect(text.shape).toEqual([1, 16, 12]);
    expect(pipe.tokenizer.encode("<style>")).toHaveLength(3);
    // Saved and loaded, the words are still known.
    await pipe.savePretrained(join(home, "taught"));
    const again = await StableDiffusionPipeline.fromPretrained(join(home, "taught"));
    expect(await (await again.encodePrompt("<style> moon")).data()).toEqual(await text.data());
    again.close();
  });

  it("refuses vectors of another model, and words that are taken", async () => {
    const wide = await writeLora("wide-concept", { "<wide>": draw(1, 768) });
    await expect(pipe.loadTextualInversion(wide)).rejects.toThrow(/has width 768, this text encoder 12/);
    const taken = await writeLora("taken", { "cat</w>": draw(1, 12) });
    await expect(pipe.loadTextualInversion(taken)).rejects.toThrow(/already in the vocabulary/);
  });
});
