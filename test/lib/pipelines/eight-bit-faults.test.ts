import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  loadTensors,
  noGrad,
  optim,
  StableDiffusionPipeline,
  saveTensors,
  type Tensor,
  tensor,
} from "../../../lib/index.ts";
import { ROOT } from "../../root.ts";
import { draw } from "../models/reference.ts";

let home: string;
const said: string[] = [];
const shipped = join(ROOT, "data/tiny-sd");
const weightsFile = "unet/diffusion_pytorch_model.safetensors";

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-eight-bit-faults-"));
  vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
});
beforeEach(() => void said.splice(0));
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(home, { recursive: true, force: true });
});

const load = (precision: "int8" | "float32", folder = shipped) =>
  StableDiffusionPipeline.fromPretrained(folder, { precision });
const paint = async (pipe: StableDiffusionPipeline) => {
  const options = { prompt: "a red seven", seed: 1, numInferenceSteps: 2, progress: false };
  return Array.from(await (await pipe.generate(options)).latents.data());
};
const rms = (values: readonly number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
const apart = (a: readonly number[], b: readonly number[]) => rms(a.map((v, i) => v - b[i]!)) / rms(b);

/** The model that ships with one number of a weight changed. */
async function damaged(name: string, value: number): Promise<string> {
  const folder = join(home, "damaged");
  await cp(shipped, folder, { recursive: true });
  const state = await loadTensors(join(shipped, weightsFile), { copy: true });
  const data = Array.from(await state[name]!.data());
  data[5] = value;
  state[name] = tensor(data, state[name]!.shape).half();
  await saveTensors(join(folder, weightsFile), state);
  return folder;
}

describe("a folder for temporary files", () => {
  const here = process.env.TMPDIR;
  const within = async (folder: string, use: () => Promise<void>) => {
    process.env.TMPDIR = folder;
    try {
      await use();
    } finally {
      if (here === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = here;
    }
  };

  it("that is missing, or is none, is named with what to do; the same pipeline paints afterwards", async () => {
    const pipe = await load("int8");
    await writeFile(join(home, "file"), "");
    await within(join(home, "nowhere"), () =>
      expect(paint(pipe)).rejects.toThrow(
        /^precision "int8": cannot write \d+ MB of weights in 8 bits to .*nowhere: there is no such folder. Set TMPDIR to a folder with room for them, or load with precision: "float32"$/,
      ),
    );
    await within(join(home, "file"), () =>
      expect(paint(pipe)).rejects.toThrow(/to .*file: it is not a folder. Set TMPDIR/),
    );
    expect(await paint(pipe)).toHaveLength(256);
    pipe.close();
  });

  it("loses what a process left there that was killed, and keeps what others need", async () => {
    const folder = join(home, "left");
    await mkdir(folder);
    const machine = hostname().replaceAll(/[^\w]/g, "_");
    const gone = spawnSync(process.execPath, ["-e", ""]).pid;
    const names = [
      `difflab-${machine}-${gone}-0123456789ab.weights`,
      `difflab-${machine}-${process.ppid}-0123456789ab.weights`,
      `difflab-another_machine-${gone}-0123456789ab.weights`,
      `difflab-${machine}-${gone}.txt`,
    ];
    for (const name of names) await writeFile(join(folder, name), "");
    const pipe = await load("int8");
    await within(folder, async () => expect(await paint(pipe)).toHaveLength(256));
    expect((await readdir(folder)).sort()).toEqual(names.slice(1).sort());
    pipe.close();
  });
});

describe("weights in 8 bits", () => {
  it("that are no numbers are an error, also those of norms: at the next layer they would vanish unseen", async () => {
    const conv = "down_blocks.1.resnets.0.conv1.weight";
    for (const value of [Number.NaN, -Infinity]) {
      await expect(load("int8", await damaged(conv, value)).then(paint)).rejects.toThrow(
        /precision "int8": a weight of 160 x 576 in .*damaged\/unet\/.* holds NaN or infinity, in row 0: it is damaged/,
      );
    }
    const norm = "down_blocks.1.resnets.0.norm2.weight";
    await expect(load("int8", await damaged(norm, Number.NaN)).then(paint)).rejects.toThrow(
      `UNet2DConditionModel: ${norm} [160] holds NaN: the checkpoint is damaged`,
    );
  });

  it("are rounded anew where others are loaded, and stay exact in a network that takes them over", async () => {
    const [eight, full] = [await load("int8"), await load("float32")];
    const before = await paint(eight);
    const exact = await paint(full);
    full.unet.loadStateDict(eight.unet.stateDict());
    expect(await paint(full)).toEqual(exact);
    const larger = Object.entries(full.unet.stateDict()).map(([name, w]): [string, Tensor] => [name, w.mul(1.02)]);
    for (const { unet } of [eight, full]) unet.loadStateDict(Object.fromEntries(larger));
    const [rounded, other] = [await paint(eight), await paint(full)];
    expect(apart(other, exact)).toBeGreaterThan(0.01);
    expect(apart(rounded, other)).toBeLessThan(0.05);
    // Weights that were not rounded would give the same.
    expect(apart(rounded, other)).toBeGreaterThan(1e-3);
    expect(rounded).not.toEqual(before);
    for (const pipe of [eight, full]) pipe.close();
  });

  it("that have been trained are computed with as they are, which is said once", async () => {
    const [eight, full] = [await load("int8"), await load("float32")];
    const { unet } = eight;
    unet.requiresGrad_();
    const optimizer = new optim.SGD(unet.parameters(), { lr: 1e-3 });
    const text = draw(2, 1, 77, eight.textEncoder.config.hidden_size);
    unet
      .forward(draw(1, 1, 4, 8, 8), 5, text)
      .sample.square()
      .mean()
      .backward();
    optimizer.step();
    unet.requiresGrad_(false);
    said.splice(0);
    const trained = await paint(eight);
    expect(await paint(eight)).toEqual(trained);
    expect(said).toEqual([
      'UNet2DConditionModel: its weights have been trained; computing in float32. Save it, and load it with precision: "int8"',
    ]);
    expect([unet.precision, eight.vae.precision]).toEqual(["float32", "int8"]);
    noGrad(() => full.unet.loadStateDict(unet.stateDict()));
    expect(apart(trained, await paint(full))).toBeLessThan(1e-5);
    for (const pipe of [eight, full]) pipe.close();
  });
});
