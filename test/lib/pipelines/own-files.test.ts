import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  manualSeed,
  type nn,
  noGrad,
  randn,
  StableDiffusionPipeline,
  saveTensors,
  type Tensor,
  tensor,
  type UNet2DConditionModel,
} from "../../../lib/index.ts";
import { writeTiny } from "./tiny.ts";

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-own-files-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe("models over their own files", () => {
  const text = "text_encoder/model.safetensors";
  const weightOf = ({ unet }: { unet: UNet2DConditionModel }) => unet.convIn.weight;
  const load = async (name: string) => StableDiffusionPipeline.fromPretrained(join(home, name));
  const furthest = async (a: Tensor, b: Tensor) => a.sub(b).abs().max().item();

  it("saving changes nothing, and the copy may be deleted", async () => {
    await writeTiny(join(home, "tiny"));
    const pipe = await load("tiny");
    const before = await weightOf(pipe).data();
    await pipe.savePretrained(join(home, "copy"), { dtype: "float16" });
    expect(await weightOf(pipe).data()).toEqual(before);
    await rm(join(home, "copy"), { recursive: true });
    expect(await weightOf(pipe).data()).toEqual(before);
    expect(
      await (await pipe.generate({ prompt: "a", numInferenceSteps: 1, seed: 1 })).latents.mean().item(),
    ).toBeTypeOf("number");
    pipe.close();
    expect(existsSync(join(home, "tiny", text))).toBe(true);
  });

  it("two models of one folder: one is trained and saved there, the other stays", async () => {
    await writeTiny(join(home, "shared"));
    const [a, b] = [await load("shared"), await load("shared")];
    const old = await weightOf(a).detach().mul(1).realize();
    noGrad(() => weightOf(a).copy_(weightOf(a).add(1)));
    await a.savePretrained(join(home, "shared"));
    expect(await furthest(weightOf(b), old)).toBe(0);
    expect(await furthest(weightOf(a), old.add(1))).toBe(0);
    expect(await furthest(weightOf(await load("shared")), old.add(1))).toBe(0);
    await b.unet.savePretrained(join(home, "shared", "unet"));
    expect(await furthest(weightOf(await load("shared")), old)).toBe(0);
    for (let epoch = 0; epoch < 3; epoch++) {
      const c = await load("shared");
      noGrad(() => weightOf(c).copy_(weightOf(c).add(1)));
      await c.savePretrained(join(home, "shared"));
    }
    expect(await furthest(weightOf(await load("shared")), old.add(3))).toBeLessThan(1e-6);
  });

  it("a LoRA is loaded, the pipeline saved over its own folder, the LoRA taken away: the weights are the old ones", async () => {
    await writeTiny(join(home, "adapted"));
    const pipe = await load("adapted");
    const target = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    const layer = Object.fromEntries(pipe.unet.namedModules()) as unknown as Record<string, nn.Linear>;
    const [out, inn] = layer[target]!.weight.shape as [number, number];
    manualSeed(0);
    const lora = join(home, "lora.safetensors");
    await saveTensors(lora, {
      [`unet.${target}.lora_A.weight`]: randn([2, inn]),
      [`unet.${target}.lora_B.weight`]: randn([out, 2]),
    });
    const old = await layer[target]!.weight.data();
    await pipe.loadLoraWeights(lora);
    const changed = await layer[target]!.weight.data();
    expect(changed).not.toEqual(old);
    await saveTensors(lora, { x: tensor([1]) });
    await pipe.savePretrained(join(home, "adapted"));
    expect(await layer[target]!.weight.data()).toEqual(changed);
    pipe.unloadLoraWeights();
    expect(await layer[target]!.weight.data()).toEqual(old);
  });
});
