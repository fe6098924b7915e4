import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StableDiffusionPipeline, type Tensor } from "../../../lib/index.ts";
import { writeTiny } from "./tiny.ts";

describe("forward hooks in a pipeline", () => {
  let folder: string;
  let pipe: StableDiffusionPipeline;
  const latents = async () => (await pipe.generate(options)).latents.data();
  let before: Awaited<ReturnType<typeof latents>>;
  beforeAll(async () => {
    folder = await writeTiny(await mkdtemp(join(tmpdir(), "difflab-hooks-")));
    pipe = await StableDiffusionPipeline.fromPretrained(folder);
    before = await latents();
  });
  afterAll(async () => {
    pipe.close();
    await rm(folder, { recursive: true, force: true });
  });
  const options = {
    prompt: "the horse and the moon",
    numInferenceSteps: 3,
    guidanceScale: 3,
    seed: 1,
    progress: false,
  };

  it.each([
    "",
    "mid_block",
    "mid_block.attentions.0.transformer_blocks.0.attn2.probs",
    "down_blocks.0.attentions.0.transformer_blocks.0.ff.net.0.proj",
    "down_blocks.0.downsamplers.0.conv",
    "time_embedding.linear_1",
  ])("each call of the U-Net's part %j is seen, and the picture stays the same", async (name) => {
    const part = [...pipe.unet.namedModules()].find(([each]) => each === name)![1];
    const seen: unknown[] = [];
    const handle = part.registerForwardHook((_, __, out) => void seen.push(out));
    const after = await latents();
    handle.remove();
    // PNDM takes one more call than it has steps.
    expect(seen.length).toBe(4);
    expect(Math.max(...after.map((v, i) => Math.abs(v - before[i]!)))).toBeLessThan(1e-4);
    const kept = (seen[3] as { sample?: Tensor }).sample ?? (seen[3] as Tensor);
    expect(Number.isFinite(await kept.sum().item())).toBe(true);
  });

  it("the text encoder's and the autoencoder's parts are seen, too", async () => {
    const seen: string[] = [];
    const { textModel } = pipe.textEncoder;
    const handles = [
      textModel.embeddings.positionEmbedding.registerForwardHook((_, __, out) => void seen.push(`place ${out.shape}`)),
      textModel.encoder.layers[1]!.selfAttn.probs.registerForwardHook((_, __, p) => void seen.push(`reads ${p.shape}`)),
      pipe.vae.decoder.convOut.registerForwardHook((_, __, out) => void seen.push(`paints ${out.shape}`)),
    ];
    await pipe.generate(options);
    for (const handle of handles) handle.remove();
    expect(seen).toEqual(["place 16,12", "reads 1,2,16,16", "place 16,12", "reads 1,2,16,16", "paints 1,3,64,64"]);
  });
});
