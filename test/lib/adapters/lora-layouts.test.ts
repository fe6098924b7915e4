import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { LORA_COMPONENTS, type LoraComponent, loraDelta, matchLora, readLora } from "../../../lib/adapters/index.ts";
import { serializeSafetensors, type TensorsToSave } from "../../../lib/safetensors/index.ts";

interface Layout {
  files: Record<string, string>;
  deltas: Partial<Record<LoraComponent, Record<string, number[]>>>;
}
const reference: {
  layouts: Record<string, Layout>;
  others: Record<string, { shapes: Record<string, number[]>; config: object }>;
  cloneofsimo: string;
} = JSON.parse(readFileSync(new URL("../../reference/lora-layouts.json", import.meta.url), "utf8"));

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function folderOf(files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "difflab-lora-layouts-"));
  folders.push(folder);
  for (const [name, contents] of Object.entries(files)) await writeFile(join(folder, name), contents);
  return folder;
}
const decoded = (files: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text, "base64")]));
const filled = (shape: readonly number[]) => ({
  dtype: "F32" as const,
  shape: [...shape],
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5),
});
const tensorsOf = (shapes: Readonly<Record<string, readonly number[]>>): TensorsToSave =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, filled(shape)]));

/** What `readLora` says about a file of these tensors. */
async function refusalOf(
  shapes: Readonly<Record<string, readonly number[]>>,
  {
    config,
    metadata,
    name = "lora.safetensors",
  }: { config?: object; metadata?: Record<string, string>; name?: string } = {},
): Promise<string> {
  const settings: Record<string, string> =
    config === undefined ? {} : { "adapter_config.json": JSON.stringify(config) };
  const folder = await folderOf({ [name]: serializeSafetensors(tensorsOf(shapes), { metadata }), ...settings });
  return readLora(join(folder, name)).then(
    () => "no error",
    (error: Error) => error.message,
  );
}

describe("a layout of LoRA whose scale stands beside its matrices", () => {
  test.each(Object.keys(reference.layouts))("%s: changes the weights as PEFT and diffusers do", async (kind) => {
    const { files, deltas } = reference.layouts[kind]!;
    const folder = await folderOf(decoded(files));
    const only = Object.keys(files)[0]!;
    const lora = await readLora(kind.startsWith("kohya") ? join(folder, only) : folder);
    for (const component of LORA_COMPONENTS) {
      const expected = deltas[component] ?? {};
      const found = matchLora(lora, component, Object.keys(expected));
      expect([...found.keys()].sort()).toEqual(Object.keys(expected).sort());
      for (const [path, layer] of found) {
        const data = [...((await loraDelta(layer).data()) as Float32Array)];
        const sums = [data.reduce((a, b) => a + b, 0), data.reduce((a, b, i) => a + b * Math.cos(i), 0)];
        const [count, ...numbers] = expected[path]!;
        expect(data.length).toBe(count);
        for (const [i, number] of [...sums, ...data.slice(0, 3)].entries()) {
          expect(Math.abs(number - numbers[i]!), `${component} ${path} ${i}`).toBeLessThan(1e-5);
        }
      }
    }
  });

  test("PEFT's matrices mean nothing without adapter_config.json, which is said", async () => {
    const { files } = reference.layouts.peft!;
    const folder = await folderOf(decoded({ "adapter_model.safetensors": files["adapter_model.safetensors"]! }));
    await expect(readLora(folder)).rejects.toThrow(/cannot read its settings, .*adapter_config\.json/);
  });
});

describe("an adapter that is not read", () => {
  const said: Record<string, RegExp> = {
    DoRA: /kind of adapter: DoRA \(2 tensors, .*next to 4 tensors of plain LoRA/,
    "LoRA with biases": /kind of adapter: LoRA with biases \(2 tensors, .*next to 4 tensors/,
    "biases of the layers": /kind of adapter: LoRA with biases \(2 tensors, .*next to 4 tensors/,
    modules_to_save:
      /kind of adapter: full layers in addition to LoRA \(modules_to_save\) \(2 tensors, .*next to 4 tensors/,
    embedding: /kind of adapter: LoRA of an embedding table \(2 tensors, .*next to 4 tensors/,
    LoHa: /kind of adapter: LoHa \(8 tensors/,
    LoKr: /kind of adapter: LoKr \(5 tensors/,
    AdaLoRA: /kind of adapter: AdaLoRA \(6 tensors/,
    OFT: /kind of adapter: OFT \(2 tensors/,
    BOFT: /kind of adapter: BOFT \(4 tensors/,
    VeRA: /kind of adapter: VeRA \(4 tensors/,
    IA3: /kind of adapter: IA3 \(2 tensors/,
  };
  test.each(Object.keys(reference.others))("of PEFT's is named: %s", async (kind) => {
    const { shapes, config } = reference.others[kind]!;
    const message = await refusalOf(shapes, { config, name: "adapter_model.safetensors" });
    expect(message).toMatch(said[kind]!);
    expect(message).not.toContain("an unknown kind");
  });

  test("is named by its settings where its tensors look like plain LoRA", async () => {
    const shapes = { "base_model.model.a.lora_A.weight": [2, 4], "base_model.model.a.lora_B.weight": [4, 2] };
    const config = { r: 2, lora_alpha: 4, fan_in_fan_out: true, init_lora_weights: "pissa" };
    const message = await refusalOf(shapes, { config, name: "adapter_model.safetensors" });
    expect(message).toContain("LoRA of transposed layers (fan_in_fan_out is true)");
    expect(message).toContain('init_lora_weights is "pissa"');
  });

  test("is named with all kinds that one file mixes, and how many tensors each has", async () => {
    const message = await refusalOf({
      "lora_unet_a.lora_down.weight": [2, 4],
      "lora_unet_a.lora_up.weight": [4, 2],
      "lora_unet_a.alpha": [],
      "lora_unet_a.dora_scale": [4],
      "lora_unet_b.hada_w1_a": [4, 2],
      "lora_unet_b.hada_w1_b": [2, 4],
      "lora_te_c.lokr_w1": [2, 2],
      "bundle_emb.word.string_to_param.*": [2, 4],
      "bundle_emb.other.string_to_param.*": [1, 4],
      "something.else": [1],
    });
    for (const part of [
      'DoRA (1 tensor, such as "lora_unet_a.dora_scale")',
      "LoHa (2 tensors, such as",
      "LoKr (1 tensor, such as",
      "textual inversion bundled with a LoRA (bundle_emb) (2 tensors, such as",
      'an unknown kind (1 tensor, such as "something.else")',
      "next to 3 tensors of plain LoRA",
    ]) {
      expect(message).toContain(part);
    }
  });

  test("of cloneofsimo's lora_diffusion is named, as safetensors with learned words and as a list of matrices", async () => {
    const shapes = {
      "unet:0:up": [4, 1],
      "unet:0:down": [1, 4],
      "text_encoder:0:up": [4, 1],
      "text_encoder:0:down": [1, 4],
      "<s1>": [4],
    };
    const metadata = { unet: '["CrossAttention"]', "unet:0:rank": "1", "text_encoder:0:rank": "1", "<s1>": "<embed>" };
    const message = await refusalOf(shapes, { metadata });
    expect(message).toContain("lora_diffusion (cloneofsimo's), whose matrices have no names (4 tensors");
    expect(message).toContain('textual inversion bundled with a LoRA (lora_diffusion\'s) (1 tensor, such as "<s1>")');
    const list = await folderOf({ "lora.pt": Buffer.from(reference.cloneofsimo, "base64") });
    await expect(readLora(join(list, "lora.pt"))).rejects.toThrow(/lora_diffusion \(cloneofsimo's\).*\(4 tensors/);
  });
});
