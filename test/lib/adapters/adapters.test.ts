import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loraDelta, matchLora, readLora, readTextualInversion } from "../../../lib/adapters/index.ts";
import { serializeSafetensors, type TensorsToSave } from "../../../lib/safetensors/index.ts";
import { FakeHub } from "../hub/fake-hub.ts";

interface Reference {
  inversion: Record<
    "diffusersBin" | "diffusersSafe" | "severalBin" | "a1111" | "first" | "embParams" | "bare" | "sdxl",
    string
  > & {
    vector: number[];
    vectors: number[][];
  };
  modules: { unet: string[]; text_encoder: string[] };
  lora: Record<"diffusers" | "kohya" | "oldBin" | "peft", string> & {
    deltas: Record<"unet" | "text_encoder", Record<string, number[]>>;
    kohyaModules: string[];
    oldModules: string[];
  };
  legacy: { file: string };
}
const reference: Reference = JSON.parse(
  readFileSync(new URL("../../reference/adapters.json", import.meta.url), "utf8"),
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "difflab-adapters-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function fileOf(name: string, contents: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof contents === "string" ? Buffer.from(contents, "base64") : contents);
  return path;
}
const safe = (tensors: TensorsToSave, metadata?: Record<string, string>) => serializeSafetensors(tensors, { metadata });
const f32 = (shape: number[], value = 0.5) => ({
  dtype: "F32" as const,
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
});

describe("textual inversion", () => {
  const { vector, vectors } = reference.inversion;
  test.each([
    ["diffusersBin", "learned_embeds.bin", "<cat-toy>", 1],
    ["diffusersSafe", "learned_embeds.safetensors", "<cat-toy>", 1],
    ["severalBin", "several.bin", "<cat-toy>", 3],
    ["a1111", "whatever.pt", "my-style", 3],
    ["first", "embeddings_gs-5000.pt", "embeddings_gs-5000", 3],
    ["embParams", "easynegative.safetensors", "easynegative", 3],
    ["bare", "bare.bin", "bare", 3],
  ] as const)("is read from the layout %s", async (kind, name, token, count) => {
    const concept = await readTextualInversion(await fileOf(name, reference.inversion[kind]));
    expect({ ...concept, data: [...concept.data] }).toEqual({
      token,
      vectors: count,
      width: 8,
      data: (count === 1 ? vector : vectors.flat()).map(Math.fround),
    });
  });

  test("goes by the name that is given", async () => {
    const path = await fileOf("learned_embeds.bin", reference.inversion.diffusersBin);
    expect((await readTextualInversion(path, { token: "<my-cat>" })).token).toBe("<my-cat>");
    await expect(readTextualInversion(path, { token: " " })).rejects.toThrow("the concept has no name");
  });

  test("is told apart by its contents, whatever the file is called", async () => {
    const path = await fileOf("mislabelled.safetensors", reference.inversion.diffusersBin);
    expect((await readTextualInversion(path)).token).toBe("<cat-toy>");
  });

  test("says what is wrong with a file", async () => {
    const failing = async (name: string, contents: string | Uint8Array) =>
      readTextualInversion(await fileOf(name, contents));
    await expect(failing("xl.safetensors", reference.inversion.sdxl)).rejects.toThrow(
      "a concept for Stable Diffusion XL",
    );
    await expect(failing("lora.safetensors", reference.lora.kohya)).rejects.toThrow(
      /lora\.safetensors: contains \d+ tensors; expected a concept/,
    );
    await expect(failing("cube.safetensors", safe({ a: f32([2, 2, 2]) }))).rejects.toThrow(
      "a tensor [2,2,2]; expected [width]",
    );
    await expect(failing("nan.safetensors", safe({ a: f32([4], Number.NaN) }))).rejects.toThrow(
      "contain NaN or infinite",
    );
    await expect(failing("old.bin", reference.legacy.file)).rejects.toThrow("format before PyTorch 1.6");
    await expect(failing("text.bin", Buffer.from("hello, this is a text"))).rejects.toThrow(/text\.bin/);
    await expect(readTextualInversion(join(folder, "none.bin"))).rejects.toThrow("none.bin: there is no such file");
  });
});

describe("an adapter on the hub", () => {
  test("is found by its usual name, or by the one given, and says what there is where it is not", async () => {
    const hub = await new FakeHub().start();
    try {
      const concept = Buffer.from(reference.inversion.diffusersBin, "base64");
      const style = Buffer.from(reference.inversion.embParams, "base64");
      hub.put("models/sd-concepts-library/cat-toy", { "learned_embeds.bin": concept, "README.md": "a toy" });
      hub.put("models/org/styles", { "style.safetensors": style, "other.safetensors": style });
      hub.put("models/org/lora", {
        "sub/pytorch_lora_weights.safetensors": Buffer.from(reference.lora.kohya, "base64"),
      });
      const at = { hubUrl: hub.url, cacheDir: join(folder, "cache"), onProgress: null, hfToken: false } as const;
      expect((await readTextualInversion("sd-concepts-library/cat-toy", at)).token).toBe("<cat-toy>");
      const named = { ...at, weightName: "style.safetensors", token: "<style>" };
      expect((await readTextualInversion("org/styles", named)).token).toBe("<style>");
      expect((await readLora("org/lora", { ...at, subfolder: "sub" })).layers.length).toBeGreaterThan(50);
      await expect(readTextualInversion("org/styles", at)).rejects.toThrow(
        "readTextualInversion: org/styles: has no learned_embeds.bin. It has style.safetensors, other.safetensors. " +
          "Nor does it have learned_embeds.safetensors. Name the file with { weightName }.",
      );
      await expect(readLora("org/none", at)).rejects.toThrow(/No repository org\/none(?!.*weightName)/);
      await hub.stop();
      const offline = { ...at, localFilesOnly: true };
      expect((await readTextualInversion("sd-concepts-library/cat-toy", offline)).token).toBe("<cat-toy>");
    } finally {
      await hub.stop();
    }
    // A folder on disk is searched the same way.
    await fileOf("learned_embeds.bin", reference.inversion.diffusersBin);
    expect((await readTextualInversion(folder)).token).toBe("<cat-toy>");
    await expect(readLora(join(folder, "none.safetensors"))).rejects.toThrow("none.safetensors: there is no such file");
  });
});

describe("LoRA", () => {
  const { deltas } = reference.lora;
  /** Sums and first values of every change, as the reference has them. */
  async function changesOf(contents: string, component: "unet" | "text_encoder") {
    const lora = await readLora(await fileOf("lora.safetensors", contents));
    const found: Record<string, number[]> = {};
    for (const [path, layer] of matchLora(lora, component, reference.modules[component])) {
      const data = (await loraDelta(layer).data()) as Float32Array;
      found[path] = [data.length, data.reduce((a, b) => a + b, 0), ...data.slice(0, 3)];
    }
    return found;
  }
  function expectClose(found: Record<string, number[]>, expected: Record<string, number[]>) {
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
    for (const [path, numbers] of Object.entries(expected)) {
      for (const [i, number] of numbers.entries()) expect(found[path]![i], `${path} ${i}`).toBeCloseTo(number, 4);
    }
  }

  test.each(["diffusers", "kohya"] as const)(
    "of %s gives PEFT's change to every layer, alphas included",
    async (kind) => {
      expectClose(await changesOf(reference.lora[kind], "unet"), deltas.unet);
      expectClose(await changesOf(reference.lora[kind], "text_encoder"), deltas.text_encoder);
    },
  );

  test("of kohya changes the layers that diffusers finds", async () => {
    expect(Object.keys(await changesOf(reference.lora.kohya, "unet")).sort()).toEqual(reference.lora.kohyaModules);
  });

  test("of PEFT's own files, and of diffusers' first ones, has no alpha: the rank stands for it", async () => {
    // The recorded changes have alpha 3 and rank 2.
    const full = ([count, ...numbers]: number[]) => [count!, ...numbers.map((number) => number / 1.5)];
    const expected = Object.entries(deltas.unet).map(([path, numbers]) => [path, full(numbers)] as const);
    expectClose(await changesOf(reference.lora.peft, "unet"), Object.fromEntries(expected));
    const old = expected.filter(([path]) => reference.lora.oldModules.includes(path));
    expect(old).toHaveLength(32);
    expectClose(await changesOf(reference.lora.oldBin, "unet"), Object.fromEntries(old));
    expect(await changesOf(reference.lora.oldBin, "text_encoder")).toEqual({});
  });

  test("of diffusers' first text encoders names the projections as CLIP does", async () => {
    const at = "text_encoder.text_model.encoder.layers.0.self_attn";
    const names = { to_q_lora: "q_proj", to_out_lora: "out_proj" };
    const tensors = Object.fromEntries(
      Object.keys(names).flatMap((name) => [
        [`${at}.${name}.down.weight`, f32([2, 8])],
        [`${at}.${name}.up.weight`, f32([8, 2])],
      ]),
    );
    const lora = await readLora(await fileOf("text.safetensors", safe(tensors)));
    const found = matchLora(lora, "text_encoder", reference.modules.text_encoder);
    expect([...found.keys()].sort()).toEqual([
      "encoder.layers.0.self_attn.out_proj",
      "encoder.layers.0.self_attn.q_proj",
    ]);
    // Also where the model keeps the wrapping name.
    const wrapped = reference.modules.text_encoder.map((path) => `text_model.${path}`);
    expect([...matchLora(lora, "text_encoder", wrapped).keys()].sort()[1]).toBe(
      "text_model.encoder.layers.0.self_attn.q_proj",
    );
    const linear = {
      "text_encoder.a.q_proj.lora_linear_layer.down.weight": f32([1, 8]),
      "text_encoder.a.q_proj.lora_linear_layer.up.weight": f32([8, 1]),
    };
    expect((await readLora(await fileOf("linear.safetensors", safe(linear)))).layers[0]!.target).toBe("a.q_proj");
  });

  test("for another model is refused as a whole", async () => {
    const lora = await readLora(await fileOf("lora.safetensors", reference.lora.kohya));
    expect(() => matchLora(lora, "unet", reference.modules.unet.slice(8))).toThrow(
      /lora\.safetensors: changes \d+ layers that this unet does not have, such as "down_blocks_.*trained for a different model\./,
    );
  });

  test("says what is wrong with a file", async () => {
    const failing = async (tensors: TensorsToSave) => readLora(await fileOf("bad.safetensors", safe(tensors)));
    const down = { "unet.a.lora_A.weight": f32([2, 8]) };
    await expect(failing(down)).rejects.toThrow("unet, a: has only the down matrix");
    await expect(failing({ ...down, "unet.a.lora_B.weight": f32([8, 3]) })).rejects.toThrow(
      "matrices [2,8] and [8,3] do not match",
    );
    await expect(failing({ ...down, "unet.a.lora_B.weight": f32([8, 2], Number.NaN) })).rejects.toThrow("contains NaN");
    await expect(failing({ "lora_unet_a.alpha": f32([]), "conv_in.weight": f32([4]) })).rejects.toThrow(
      'an unknown kind (1 tensor, such as "conv_in.weight")',
    );
    await expect(failing({})).rejects.toThrow("contains no tensors");
    const others = {
      "lora_unet_a.dora_scale": "DoRA",
      "lora_unet_a.hada_w1_a": "LoHa",
      "lora_unet_a.lokr_w1": "LoKr",
      "lora_te2_a.lora_down.weight": "XL",
    };
    for (const [key, kind] of Object.entries(others))
      await expect(failing({ [key]: f32([2, 2]) })).rejects.toThrow(kind);
    await expect(readLora(await fileOf("bare.bin", reference.inversion.bare))).rejects.toThrow(
      "contains no dictionary of tensors",
    );
  });
});
