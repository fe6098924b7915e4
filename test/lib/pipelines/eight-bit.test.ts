import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  AutoencoderTiny,
  LCMScheduler,
  noGrad,
  optim,
  StableDiffusionPipeline,
  type Tensor,
  UNet2DConditionModel,
} from "../../../lib/index.ts";
import { settings } from "../../../lib/runtime/settings.ts";
import { openSafetensors, saveSafetensors } from "../../../lib/safetensors/index.ts";
import { ROOT } from "../../root.ts";
import { draw, inFolder, type Keys, weights, writeModel } from "../models/reference.ts";
import { writeTiny } from "./tiny.ts";

let home: string;
let full: StableDiffusionPipeline;
let eight: StableDiffusionPipeline;
const said: string[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-eight-bit-"));
  vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
  full = await StableDiffusionPipeline.fromPretrained("difflab/tiny-sd");
  eight = await StableDiffusionPipeline.fromPretrained("difflab/tiny-sd", { precision: "int8" });
});
beforeEach(() => void said.splice(0));
afterAll(async () => {
  full.close();
  eight.close();
  vi.restoreAllMocks();
  await rm(home, { recursive: true, force: true });
});

const numbers = async (x: Tensor) => Array.from(await x.data(), Number);
const rms = (values: readonly number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
/** How far numbers are from others, as a share of their size. */
const apart = (a: readonly number[], b: readonly number[]) => rms(a.map((v, i) => v - b[i]!)) / rms(b);

/** How alike two pictures are, in dB: 30 is hard to see. */
async function likeness(more: object, one = eight, other = full): Promise<number> {
  const paint = async (pipe: StableDiffusionPipeline) => {
    const { images } = await pipe.generate({
      ...{ numInferenceSteps: 8, progress: false, guidanceScale: 3 },
      ...more,
    } as never);
    return numbers(images[0]!.toTensor());
  };
  const [a, b] = [await paint(one), await paint(other)];
  return 20 * Math.log10(2 / rms(a.map((v, i) => v - b[i]!)));
}

describe("a pipeline in 8 bits", () => {
  it("paints nearly the same pictures as in float32, and not the very same", async () => {
    const prompts = [
      "a red seven",
      "a blue house on paper",
      "a green cat in chalk",
      "a yellow star at night",
      "a fish",
    ];
    const found: number[] = [];
    for (const [seed, prompt] of prompts.entries()) found.push(await likeness({ prompt, seed }));
    found.sort((a, b) => a - b);
    expect(found[2]).toBeGreaterThan(30);
    expect(found[4]).toBeLessThan(80);
    expect([eight.unet.precision, eight.vae.precision, full.unet.precision]).toEqual(["int8", "int8", "float32"]);
  });

  it("gives the same picture for the same seed, however many there were before, and leaves no files", async () => {
    const options = { prompt: "a red seven", seed: 1, numInferenceSteps: 3, progress: false };
    const first = await numbers((await eight.generate(options)).latents);
    expect(await numbers((await eight.generate({ ...options, numInferenceSteps: 14 })).latents)).not.toEqual(first);
    expect(await numbers((await eight.generate(options)).latents)).toEqual(first);
    const own = (await readdir(tmpdir())).filter(
      (name) => name.includes(`-${process.pid}-`) && name.endsWith(".weights"),
    );
    expect(own).toEqual([]);
  });

  it("takes a LoRA in before rounding, as much of it as is asked for, and gives it back", {
    timeout: 180_000,
  }, async () => {
    const [plain, rounded] = [full, eight].map((pipe) => StableDiffusionPipeline.fromPipe(pipe)) as [
      StableDiffusionPipeline,
      StableDiffusionPipeline,
    ];
    const options = { prompt: "a red seven", seed: 2, numInferenceSteps: 2, guidanceScale: 1, progress: false };
    const paint = async (pipe: StableDiffusionPipeline) => numbers((await pipe.generate(options)).latents);
    const before = await paint(rounded);
    for (const pipe of [plain, rounded]) {
      await pipe.loadLoraWeights("difflab/tiny-sd-lcm");
      pipe.scheduler = LCMScheduler.fromConfig(pipe.scheduler.config);
    }
    const whole = await paint(rounded);
    const off = apart(whole, await paint(plain));
    expect(off).toBeLessThan(0.1);
    // Weights that were not rounded would give the same.
    expect(off).toBeGreaterThan(1e-3);
    rounded.setAdapters("default_0", 0.5);
    expect(apart(await paint(rounded), whole)).toBeGreaterThan(off);
    for (const pipe of [plain, rounded]) pipe.unloadLoraWeights();
    rounded.scheduler = eight.scheduler;
    expect(await paint(rounded)).toEqual(before);
    for (const pipe of [plain, rounded]) pipe.close();
  });

  it("may have parts in float32, and decode with an AutoencoderTiny in 8 bits", async () => {
    const { unet } = full;
    const mixed = await StableDiffusionPipeline.fromPretrained("difflab/tiny-sd", {
      precision: "int8",
      components: { unet },
    });
    expect([mixed.unet.precision, mixed.vae.precision]).toEqual(["float32", "int8"]);
    const tiny = new AutoencoderTiny();
    await tiny.savePretrained(join(home, "tiny-vae"));
    const x = draw(4, 1, 4, 8, 8);
    const decode = async (precision: "int8" | "float32") => {
      const vae = await AutoencoderTiny.fromPretrained(join(home, "tiny-vae"), { precision });
      return numbers(noGrad(() => vae.decodeTile(x)));
    };
    const off = apart(await decode("int8"), await decode("float32"));
    expect(off).toBeGreaterThan(1e-4);
    expect(off).toBeLessThan(0.05);
  });
});

describe("a U-Net of Stable Diffusion's shape, with random weights", () => {
  it("is a few percent off where it is narrow, in one call and in a compiled one", async () => {
    const config = { block_out_channels: [64, 128, 256, 256], cross_attention_dim: 64, attention_head_dim: 8 };
    const shapes = Object.entries(new UNet2DConditionModel(config).stateDict()).map(([name, { shape }]) => [
      name,
      shape,
    ]);
    await inFolder(async (folder) => {
      await writeModel(folder, config, weights(Object.fromEntries(shapes) as Keys));
      const call = async (precision: "int8" | "float32") => {
        const unet = await UNet2DConditionModel.fromPretrained(folder, { precision });
        return numbers(noGrad(() => unet.forward(draw(1, 2, 4, 16, 16), 601, draw(2, 2, 77, 64)).sample));
      };
      const off = apart(await call("int8"), await call("float32"));
      expect(off).toBeGreaterThan(0.005);
      expect(off).toBeLessThan(0.03);
    });
  });
});

describe("the precision", () => {
  const load = async (precision: string, folder = join(ROOT, "data/tiny-sd")) =>
    StableDiffusionPipeline.fromPretrained(folder, { precision: precision as "auto" });

  it("is told where it is not plain, and only once", async () => {
    const here = settings.eightBit;
    try {
      settings.eightBit = "unsigned";
      expect((await load("auto")).unet.precision).toBe("float32");
      expect(said).toEqual([
        "StableDiffusionPipeline: this processor has no instructions for products in 8 bits (VNNI); computing in float32",
      ]);
      expect((await load("int8")).unet.precision).toBe("int8");
      expect(said.slice(1)).toEqual([
        "StableDiffusionPipeline: this processor has no instructions for products in 8 bits (VNNI); computing in them all the same, which gains little",
      ]);
      said.splice(0);
      expect((await load("float32")).unet.precision).toBe("float32");
      expect(said).toEqual([]);
      settings.eightBit = "signed";
      const fast = process.arch === "x64";
      expect((await load("auto")).unet.precision).toBe(fast ? "int8" : "float32");
      expect(said[0]).toContain(
        fast ? "computing in 8 bits, for which this processor has instructions" : "computing in float32",
      );
    } finally {
      settings.eightBit = here;
    }
  });

  it("is refused where there is none of that name, and goes back to float32 on devices without 8 bits", async () => {
    await expect(load("int4")).rejects.toThrow(
      'StableDiffusionPipeline: unknown precision "int4"; expected "float32", "int8" or "auto"',
    );
    const unet = await UNet2DConditionModel.fromPretrained(join(ROOT, "data/tiny-sd/unet"), { precision: "int8" });
    said.splice(0);
    await unet.to("webgpu");
    expect(unet.precision).toBe("float32");
    expect(said).toEqual(['UNet2DConditionModel: "webgpu" has no products in 8 bits; computing in float32 there']);
    const device = settings.device;
    settings.device = "webgpu";
    try {
      said.splice(0);
      const other = await UNet2DConditionModel.fromPretrained(join(ROOT, "data/tiny-sd/unet"), { precision: "int8" });
      expect(other.precision).toBe("float32");
      expect(said).toEqual(['UNet2DConditionModel: "webgpu" has no products in 8 bits; computing in float32']);
    } finally {
      settings.device = device;
    }
  });

  it("freezes the weights: an optimizer has nothing to train", () => {
    expect(eight.unet.parameters().some((weight) => weight.requiresGrad)).toBe(false);
    const step = () => {
      const optimizer = new optim.AdamW(eight.unet.parameters(), { lr: 1e-3 });
      eight.unet
        .forward(draw(1, 1, 4, 8, 8), 5, draw(2, 1, 77, eight.textEncoder.config.hidden_size))
        .sample.sum()
        .backward();
      optimizer.step();
    };
    expect(step).toThrow();
  });

  it("refuses weights that are whole numbers already", async () => {
    await writeTiny(join(home, "quantised"));
    const path = join(home, "quantised", "unet", "diffusion_pytorch_model.safetensors");
    const file = await openSafetensors(path);
    const tensors = new Map();
    for (const [name, { dtype, shape }] of file.tensors)
      tensors.set(name, { dtype, shape, data: await file.read(name) });
    const first = [...tensors].find(([name]) => name.endsWith("to_q.weight"))!;
    tensors.set(first[0], { ...first[1], dtype: "I8", data: new Int8Array(first[1].data.length) });
    await saveSafetensors(path, tensors);
    await expect(load("int8", join(home, "quantised"))).rejects.toThrow(
      /UNet2DConditionModel: .*to_q.weight holds whole numbers .*is it quantised already\? Use weights in float16 or float32/s,
    );
  });
});
