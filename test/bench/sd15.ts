import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configText } from "../../lib/config/write.ts";
import { AutoencoderKL, CLIPTextModel, type Model, UNet2DConditionModel } from "../../lib/models/index.ts";
import { withoutInit } from "../../lib/nn/init.ts";
import { fillNormal, Generator } from "../../lib/random/index.ts";

/** Stable Diffusion 1.5's own settings, where they are not the classes' defaults. */
const parts = {
  unet: () => new UNet2DConditionModel({ cross_attention_dim: 768, sample_size: 64 }),
  text_encoder: () =>
    new CLIPTextModel({ hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12, eos_token_id: 2 }),
  vae: () =>
    new AutoencoderKL({
      block_out_channels: [128, 256, 512, 512],
      down_block_types: new Array(4).fill("DownEncoderBlock2D"),
      up_block_types: new Array(4).fill("UpDecoderBlock2D"),
      layers_per_block: 2,
      sample_size: 512,
    }),
};
export type Part = keyof typeof parts;

/**
 * Writes networks of Stable Diffusion 1.5's size with random weights in diffusers' layout, calls `use` with the folder,
 * and deletes it. The U-Net takes 3.4 GB of disk, the others 0.9 GB.
 */
export async function withRandomWeights<T>(names: readonly Part[], use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "difflab-sd15-"));
  try {
    for (const name of names) await writePart(join(folder, name), withoutInit<Model>(parts[name]));
    if (names.length === 3) await writeRest(folder);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writePart(folder: string, model: Model): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, "config.json"), configText({ _class_name: model.constructor.name, ...model.config }));
  const header: Record<string, unknown> = {};
  const list = Object.entries(model.stateDict());
  let at = 0;
  for (const [name, { shape }] of list) {
    const bytes = shape.reduce((n, d) => n * d, 4);
    header[name] = { dtype: "F32", shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = JSON.stringify(header);
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = await open(join(folder, `${model.weightsName}.safetensors`), "w");
  try {
    await file.write(length);
    await file.write(json);
    // Drawing a billion numbers would take longer than the benchmark: a million are drawn and used again and again.
    const drawn = fillNormal(new Float32Array(1 << 20), { generator: new Generator(0) });
    for (const [name, { shape }] of list) await writeTensor(file, name, shape, drawn);
  } finally {
    await file.close();
  }
}

async function writeTensor(
  file: Awaited<ReturnType<typeof open>>,
  name: string,
  shape: readonly number[],
  drawn: Float32Array,
): Promise<void> {
  const flat = shape.length === 1;
  const [centre, scale] = !flat
    ? [0, 1 / Math.sqrt(shape.slice(1).reduce((n, d) => n * d, 1))]
    : name.endsWith("weight")
      ? [1, 0.1]
      : [0, 0.1];
  const values = drawn.map((v) => centre + scale * v);
  for (let left = shape.reduce((n, d) => n * d, 1); left > 0; left -= values.length) {
    await file.write(values.subarray(0, Math.min(left, values.length)));
  }
}

/** What a pipeline needs beside its networks: a tokenizer that knows single letters, and a scheduler. */
async function writeRest(folder: string): Promise<void> {
  await mkdir(join(folder, "tokenizer"));
  await mkdir(join(folder, "scheduler"));
  const json = (path: string, value: object) => writeFile(join(folder, path), JSON.stringify(value));
  const letters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
  const tokens = [...letters, ...letters.map((letter) => `${letter}</w>`), "<|startoftext|>", "<|endoftext|>"];
  await json("tokenizer/vocab.json", Object.fromEntries(tokens.map((token, i) => [token, i])));
  await writeFile(join(folder, "tokenizer", "merges.txt"), "#version: 0.2\n");
  await json("tokenizer/tokenizer_config.json", { model_max_length: 77 });
  await json("scheduler/scheduler_config.json", {
    ...{ _class_name: "DDIMScheduler", beta_schedule: "scaled_linear", beta_start: 0.00085, beta_end: 0.012 },
    ...{ clip_sample: false, set_alpha_to_one: false, steps_offset: 1 },
  });
  await json("model_index.json", {
    _class_name: "StableDiffusionPipeline",
    scheduler: ["diffusers", "DDIMScheduler"],
    text_encoder: ["transformers", "CLIPTextModel"],
    tokenizer: ["transformers", "CLIPTokenizer"],
    unet: ["diffusers", "UNet2DConditionModel"],
    vae: ["diffusers", "AutoencoderKL"],
  });
}
