import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import recorded from "../../reference/pipelines.json" with { type: "json" };
import { type Keys, weights, writeModel } from "../models/reference.ts";

export { recorded };

type UNetName = "unet" | "unet9" | "unet_lcm";

const unetExtras = { unet: {}, unet9: { in_channels: 9 }, unet_lcm: { time_cond_proj_dim: 8 } } as const;

/** Writes the small random Stable Diffusion of `test/reference/pipelines.py`, in diffusers' layout. */
export async function writeTiny(folder: string, unet: UNetName = "unet", scheduler = "PNDMScheduler"): Promise<string> {
  const { configs, keys, vocab, merges, length } = recorded;
  for (const part of ["unet", "vae", "text_encoder", "tokenizer", "scheduler"]) {
    await mkdir(join(folder, part), { recursive: true });
  }
  const write = (path: string, value: unknown) => writeFile(join(folder, path), JSON.stringify(value));
  await writeModel(join(folder, "unet"), { ...configs.unet, ...unetExtras[unet] }, weights(keys[unet] as Keys));
  await writeModel(join(folder, "vae"), configs.vae, weights(keys.vae as unknown as Keys));
  const text = weights(keys.text_encoder as unknown as Keys);
  await writeModel(join(folder, "text_encoder"), configs.text_encoder, text, "model.safetensors");
  await write("tokenizer/vocab.json", Object.fromEntries(vocab.map((token, i) => [token, i])));
  await writeFile(join(folder, "tokenizer", "merges.txt"), `#version: 0.2\n${merges.join("\n")}\n`);
  await write("tokenizer/tokenizer_config.json", { model_max_length: length, pad_token: "<|endoftext|>" });
  await write("scheduler/scheduler_config.json", {
    _class_name: scheduler,
    ...configs.scheduler,
    ...(scheduler === "PNDMScheduler" ? { skip_prk_steps: true } : {}),
  });
  await write("model_index.json", {
    _class_name: "StableDiffusionPipeline",
    safety_checker: [null, null],
    scheduler: ["diffusers", scheduler],
    text_encoder: ["transformers", "CLIPTextModel"],
    tokenizer: ["transformers", "CLIPTokenizer"],
    unet: ["diffusers", "UNet2DConditionModel"],
    vae: ["diffusers", "AutoencoderKL"],
  });
  return folder;
}
