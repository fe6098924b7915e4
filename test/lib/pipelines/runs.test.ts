import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  EulerAncestralDiscreteScheduler,
  EulerDiscreteScheduler,
  Generator,
  PNDMScheduler,
  StableDiffusionImg2ImgPipeline,
  StableDiffusionInpaintPipeline,
  StableDiffusionPipeline,
  type Step,
  type Tensor,
  UniPCMultistepScheduler,
} from "../../../lib/index.ts";
import { saveSafetensors } from "../../../lib/safetensors/index.ts";
import { draw } from "../models/reference.ts";
import { recorded, writeTiny } from "./tiny.ts";

let home: string;
let pipe: StableDiffusionPipeline;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-runs-"));
  pipe = await StableDiffusionPipeline.fromPretrained(await writeTiny(join(home, "tiny")));
  pipe.scheduler = EulerAncestralDiscreteScheduler.fromConfig(recorded.configs.scheduler);
});
afterAll(async () => {
  pipe.close();
  await rm(home, { recursive: true, force: true });
});

const { prompt } = recorded;
const options = { prompt, numInferenceSteps: 3, guidanceScale: 3, seed: 1, progress: false };
const numbers = async (x: Tensor) => Array.from(await x.data(), Number);
const furthest = (a: number[], b: number[]) => {
  expect(a.length).toBe(b.length);
  return Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));
};
const latents = async (more: object = {}) => numbers((await pipe.generate({ ...options, ...more })).latents);

describe("runs", () => {
  it("of one seed are equal to the last bit, however many there were before", async () => {
    const first = await latents();
    for (let i = 0; i < 5; i++) expect(await latents()).toEqual(first);
  });

  it("may go on at once, on one pipeline and on pipelines that share all parts", async () => {
    const other = StableDiffusionPipeline.fromPipe(pipe);
    const alone = [await latents(), await latents({ numInferenceSteps: 5, seed: 2 })];
    const both = await Promise.all([
      latents(),
      other.generate({ ...options, numInferenceSteps: 5, seed: 2 }).then(({ latents: x }) => numbers(x)),
    ]);
    expect(both).toEqual(alone);
    expect(await Promise.all([latents(), latents({ numInferenceSteps: 5, seed: 2 })])).toEqual(alone);
    other.close();
  });

  it("step in turns, each with a scheduler of its own, and keep it if the pipeline is given another", async () => {
    const own = StableDiffusionPipeline.fromPipe(pipe);
    const runs = [3, 4].map((numInferenceSteps) => ({ ...options, numInferenceSteps, seed: numInferenceSteps }));
    const config = { ...recorded.configs.scheduler, skip_prk_steps: true };
    for (const scheduler of [PNDMScheduler.fromConfig(config), UniPCMultistepScheduler.fromConfig(config)]) {
      own.scheduler = scheduler;
      const alone = [];
      for (const run of runs) alone.push(await numbers((await own.generate(run)).latents));
      const going = runs.map((run) => own.steps(run));
      const ends: number[][] = [];
      while (Object.keys(ends).length < runs.length) {
        for (const [i, run] of going.entries()) {
          const { done, value } = await run.next();
          if (done && value) ends[i] = await numbers(value);
        }
        own.scheduler = pipe.scheduler;
      }
      expect(ends, scheduler.constructor.name).toEqual(alone);
    }
    own.close();
  });

  it("draw each picture's noise from its own generator", async () => {
    const of = (generator: Generator | Generator[], n: number) =>
      latents({ seed: undefined, generator, prompt: new Array(n).fill(prompt) });
    const together = await of([new Generator(5), new Generator(6)], 2);
    const alone = [...(await of(new Generator(5), 1)), ...(await of(new Generator(6), 1))];
    expect(furthest(together, alone)).toBeLessThan(1e-3);
  });

  it("draw each picture's own also where all come of one image", async () => {
    const painter = StableDiffusionImg2ImgPipeline.fromPipe(pipe);
    const image = draw(3, 1, 3, 16, 16).clamp(-1, 1);
    const of = async (generator: Generator | Generator[], n: number) => {
      const given = { ...options, seed: undefined, generator, image, strength: 0.7, numImagesPerPrompt: n };
      return numbers((await painter.generate(given as never)).latents);
    };
    const together = await of([new Generator(5), new Generator(6)], 2);
    const alone = [...(await of(new Generator(5), 1)), ...(await of(new Generator(6), 1))];
    expect(furthest(together, alone)).toBeLessThan(1e-3);
    const mask = draw(4, 1, 1, 16, 16);
    const repair = StableDiffusionInpaintPipeline.fromPipe(pipe);
    const generator = [new Generator(5), new Generator(6)];
    const shown = await repair.generate({
      ...{ prompt, numInferenceSteps: 2, progress: false, generator, image, maskImage: mask, numImagesPerPrompt: 2 },
      strength: 0.9,
    });
    expect(shown.images).toHaveLength(2);
    painter.close();
    repair.close();
  });

  it("tell their steps in the picture's metadata, however they were chosen", async () => {
    const euler = StableDiffusionPipeline.fromPipe({
      ...pipe.components,
      scheduler: EulerDiscreteScheduler.fromConfig(recorded.configs.scheduler),
    });
    const rest = { prompt, progress: false, guidanceScale: 1, seed: 1 };
    const timed = await euler.generate({ ...rest, timesteps: [900, 400] });
    expect(timed.metadata).toMatchObject({ steps: 2, timesteps: [900, 400], scheduler: "EulerDiscreteScheduler" });
    const levels = await euler.generate({ ...rest, sigmas: [10, 3, 1, 0] });
    expect(levels.metadata).toMatchObject({ steps: 3, sigmas: [10, 3, 1, 0] });
    await expect(pipe.generate({ ...rest, sigmas: [10, 0] })).rejects.toThrow(
      "EulerAncestralDiscreteScheduler.setTimesteps: takes no sigmas; expected a number of steps",
    );
    euler.close();
  });
});

describe("callbacks", () => {
  it("may return latents, prompts and guidance for the steps to come", async () => {
    const plain = await latents();
    expect(await latents({ callback: (step: Step) => [step].push(step) })).toEqual(plain);
    const zeroed = await latents({ callback: ({ latents: x }: Step) => ({ latents: x.mul(0) }) });
    expect(Math.max(...zeroed.map(Math.abs))).toBe(0);
    const scaled = await latents({ callback: () => ({ guidanceScale: 6 }) });
    expect(furthest(scaled, plain)).toBeGreaterThan(1e-3);
    await expect(latents({ callback: () => ({ latents: draw(1, 2, 2) }) })).rejects.toThrow(
      /callback returned latents \[2, 2\]; expected a tensor \[1, 4, 8, 8\]|callback returned latents \[2, 2\]/,
    );
  });

  it("in diffusers' form turn guidance off on the way, each for its own run", async () => {
    const seen: unknown[] = [];
    const off = (at: number) => ({
      callbackOnStepEndTensorInputs: ["latents", "promptEmbeds"] as const,
      callbackOnStepEnd: (
        p: StableDiffusionPipeline,
        step: number,
        timestep: number,
        kwargs: { promptEmbeds?: Tensor },
      ) => {
        seen.push([step, Number.isFinite(timestep), Object.keys(kwargs).join()]);
        if (step !== at) return kwargs;
        p.guidanceScale = 0;
        return { ...kwargs, promptEmbeds: kwargs.promptEmbeds!.chunk(2)[1] };
      },
    });
    const plain = await latents();
    const [half, whole] = await Promise.all([latents(off(0)), latents(off(9))]);
    expect(whole).toEqual(plain);
    expect(furthest(half, plain)).toBeGreaterThan(1e-3);
    expect(seen).toContainEqual([2, true, "latents,promptEmbeds"]);
    // By hand: one step with guidance, the others without.
    const byHand = await latents({ callback: () => ({ guidanceScale: 0 }) });
    expect(furthest(half, byHand)).toBeLessThan(1e-5);
    await expect(pipe.generate({ ...options, callbackOnStepEndTensorInputs: ["noise" as never] })).rejects.toThrow(
      'callbackOnStepEndTensorInputs has "noise"; expected some of latents, promptEmbeds, negativePromptEmbeds',
    );
  });
});

describe("what is learnt", () => {
  const query = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
  async function writeLora(name: string, seed: number): Promise<string> {
    const path = join(home, `${name}.safetensors`);
    const matrices = { A: draw(seed, 2, 16), B: draw(seed + 1, 16, 2) };
    const entries = Object.entries(matrices).map(
      async ([letter, x]) =>
        [
          `unet.${query}.lora_${letter}.weight`,
          { dtype: "F32" as const, shape: x.shape, data: await x.bits() },
        ] as const,
    );
    await saveSafetensors(path, new Map(await Promise.all(entries)));
    return path;
  }
  const weight = () => pipe.unet.stateDict()[`${query}.weight`]!;
  const delta = (seed: number) => draw(seed + 1, 16, 2).matmul(draw(seed, 2, 16));

  it("as LoRA may come at once, twice, and go in any order", async () => {
    const [one, two] = [await writeLora("one", 21), await writeLora("two", 31)];
    const before = await numbers(weight());
    const with_ = async (...parts: [number, number][]) => {
      let sum = delta(1).mul(0);
      for (const [seed, scale] of parts) sum = sum.add(delta(seed).mul(scale));
      return (await numbers(sum)).map((v, i) => v + before[i]!);
    };
    await Promise.all([pipe.loadLoraWeights(one), pipe.loadLoraWeights(two, { adapterName: "second" })]);
    expect(furthest(await numbers(weight()), await with_([21, 1], [31, 1]))).toBeLessThan(1e-5);
    await pipe.loadLoraWeights(one, { scale: 0.5 });
    expect(pipe.getActiveAdapters()).toEqual(["second", "default_0"]);
    expect(furthest(await numbers(weight()), await with_([21, 0.5], [31, 1]))).toBeLessThan(1e-5);
    await expect(pipe.loadLoraWeights(one, { adapterName: "second" })).rejects.toThrow(
      'the name "second" is already in use',
    );
    pipe.setAdapters("second", 2);
    expect(furthest(await numbers(weight()), await with_([31, 2]))).toBeLessThan(1e-5);
    expect(() => pipe.setAdapters("third")).toThrow('no LoRA is called "third"; expected some of second, default_0');
    // A sibling shares the networks, and what lies on them.
    const sibling = StableDiffusionPipeline.fromPipe(pipe);
    const seen = await numbers((await sibling.generate(options)).latents);
    pipe.fuseLora({ loraScale: 0.5 });
    expect(furthest(await numbers(weight()), await with_([31, 1]))).toBeLessThan(1e-5);
    expect(furthest(await numbers((await sibling.generate(options)).latents), seen)).toBeGreaterThan(1e-4);
    pipe.unfuseLora();
    sibling.deleteAdapters("second");
    pipe.unloadLoraWeights();
    expect(await numbers(weight())).toEqual(before);
    sibling.close();
  });

  it("as a word is known to all pipelines that share the networks", async () => {
    const sibling = StableDiffusionPipeline.fromPipe(pipe);
    await sibling.encodePrompt("a moon");
    const x = draw(41, 12);
    const path = join(home, "word.safetensors");
    await saveSafetensors(path, new Map([["<word>", { dtype: "F32", shape: x.shape, data: await x.bits() }]]));
    await pipe.loadTextualInversion(path);
    const [mine, its] = [await pipe.encodePrompt("a <word>"), await sibling.encodePrompt("a <word>")];
    expect(await numbers(its)).toEqual(await numbers(mine));
    sibling.close();
  });
});

describe("saving over a pipeline", () => {
  it("leaves the one before where it is broken off, and other files in any case", async () => {
    const folder = await writeTiny(join(home, "kept"));
    const own = await StableDiffusionPipeline.fromPretrained(folder);
    await writeFile(join(folder, "README.md"), "mine");
    const before = await readFile(join(folder, "unet", "diffusion_pytorch_model.safetensors"));
    own.unet.convOut.bias!.add_(1);
    const broken = vi.spyOn(own.textEncoder, "savePretrained").mockRejectedValue(new Error("no power"));
    await expect(own.savePretrained(folder)).rejects.toThrow("no power");
    expect((await readFile(join(folder, "unet", "diffusion_pytorch_model.safetensors"))).equals(before)).toBe(true);
    expect((await readdir(home)).filter((name) => name.startsWith(".kept"))).toEqual([]);
    broken.mockRestore();
    await own.savePretrained(folder);
    expect(await readFile(join(folder, "README.md"), "utf8")).toBe("mine");
    const again = await StableDiffusionPipeline.fromPretrained(folder);
    expect(await numbers(again.unet.convOut.bias!)).toEqual(await numbers(own.unet.convOut.bias!));
    for (const one of [own, again]) one.close();
  });
});
