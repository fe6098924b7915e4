import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AutoencoderKL,
  CLIPModel,
  CLIPTokenizer,
  nn,
  optim,
  StableDiffusionPipeline,
  type Tensor,
  UNet2DModel,
  WorldJudge,
} from "../../../lib/index.ts";
import { recipes } from "../../../lib/recipes/index.ts";
import { follow, type Recipe, Run, type RunOptions } from "../../../lib/recipes/run.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "difflab-recipes-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As a recipe is tried out: a few steps with a few pictures. */
function tried(more: RunOptions = {}): RunOptions {
  const places = { out: join(folder, "data"), checkpoints: join(folder, "checkpoints") };
  return { steps: 3, examples: 24, batch: 4, quiet: true, ...places, ...more };
}

describe("the recipes of the models that ship", { timeout: 300_000 }, () => {
  // In this order each finds what those before it have made.
  it.each(Object.entries(recipes))("%s trains a few steps and writes its model", async (name, recipe) => {
    expect(recipe.about).not.toBe("");
    await follow(name, recipe, tried());
    expect(existsSync(join(folder, "checkpoints", `${name}.safetensors`))).toBe(true);
  });

  it("writes models that the library loads by their classes, and the pipeline paints with", async () => {
    const at = (...parts: string[]) => join(folder, "data", ...parts);
    const judge = await WorldJudge.fromPretrained(at("world-judge"));
    expect(judge.namesOf("ink")).toContain("red");
    expect((await CLIPModel.fromPretrained(at("tiny-clip"))).config.text_config.max_position_embeddings).toBe(32);
    expect((await UNet2DModel.fromPretrained(at("tiny-digits-by-class", "unet"))).config.num_class_embeds).toBe(11);
    const pipe = await StableDiffusionPipeline.fromPretrained(at("tiny-sd"));
    const paint = () => pipe.generate({ prompt: "a red seven", numInferenceSteps: 2, seed: 1, progress: false });
    const { images, latents } = await paint();
    expect([images[0]!.width, images[0]!.height]).toEqual([64, 64]);
    await pipe.loadLoraWeights(at("tiny-sd-lcm"));
    expect(await (await paint()).latents.sub(latents).abs().max().item()).toBeGreaterThan(0);
    expect(pipe.scheduler.config).toMatchObject({
      beta_start: 0.00085,
      beta_schedule: "scaled_linear",
      steps_offset: 1,
    });
  });

  it("measures the autoencoder's scaling factor from its latents", async () => {
    const vae = await AutoencoderKL.fromPretrained(join(folder, "data", "tiny-sd", "vae"));
    expect(vae.config.scaling_factor).toBeGreaterThan(0);
    expect(vae.config.scaling_factor).not.toBe(1);
    expect(vae.scale).toBe(8);
  });

  it("writes beside the weights what they are and how they were made, and their checksums", () => {
    const readme = readFileSync(join(folder, "data", "tiny-clip", "README.md"), "utf8");
    expect(readme).toMatch(/\| command \| npm run train -- clip \|/);
    expect(readme).toMatch(/\| seed \| 3 \|/);
    expect(readme).toMatch(/\| steps \| 3 of 4 examples \|/);
    const checksums = JSON.parse(readFileSync(join(folder, "data", "tiny-clip", "checksums.json"), "utf8"));
    expect(checksums["model.safetensors"].sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it("learns a tokenizer in which any text has tokens", async () => {
    const tokenizer = await CLIPTokenizer.fromPretrained(join(folder, "data", "tiny-sd", "tokenizer"));
    const ids = tokenizer.encode("Zanzibar 猫");
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("zanzibar 猫");
    expect(ids.at(-1)).toBe(tokenizer.vocabSize - 1);
  });
});

/** A recipe that takes no time. */
function small(more: { lr?: number; spoil?: (step: number) => number } = {}): Recipe & { losses: number[] } {
  const losses: number[] = [];
  return {
    about: "a straight line",
    steps: 40,
    losses,
    async train(run) {
      const { DataLoader, TensorDataset, randn } = await import("../../../lib/index.ts");
      const x = randn([64, 2]);
      const data = new DataLoader(await TensorDataset.from(x, x.sum(1, true)), { batchSize: 8, shuffle: true });
      const model = new nn.Linear(2, 1);
      const optimizer = new optim.SGD(model.parameters(), { lr: more.lr ?? 0.1 });
      const objective = (a?: Tensor, b?: Tensor) => nn.functional.mseLoss(model.forward(a!), b!);
      const callbacks = [{ afterBatch: ({ step }: { step: number }) => more.spoil?.(step) }];
      losses.push(...(await run.fit({ model, optimizer, data, objective, callbacks })).losses);
    },
  };
}

describe("a run", () => {
  it("goes on after a kill with the losses of an unbroken one", async () => {
    const whole = small();
    await follow("whole", whole, tried({ steps: 40 }));
    const first = small({
      spoil: (step) => {
        if (step === 17) throw new Error("killed");
        return step;
      },
    });
    const options = tried({ steps: 40, every: 0 });
    await expect(follow("broken", first, options)).rejects.toThrow(/train broken: killed/);
    const second = small();
    await follow("broken", second, options);
    expect(second.losses).toEqual(whole.losses);
  });

  it("stops where the loss is no number, says at which step, and keeps the last good checkpoint", async () => {
    const recipe = small({ lr: 1e30 });
    const options = tried({ steps: 40, every: 0 });
    await expect(follow("wild", recipe, options)).rejects.toThrow(
      /train wild: .* step \d+.*The last good checkpoint is .*wild\.safetensors/s,
    );
    const { loadTensors } = await import("../../../lib/index.ts");
    const kept = await loadTensors(join(folder, "checkpoints", "wild.safetensors"), { copy: true });
    expect(await kept["model.weight"]!.isfinite().all().item()).toBe(1);
  });

  it("stops where the loss rises for good", async () => {
    const { StopOnDivergence } = await import("../../../lib/index.ts");
    const watch = new StopOnDivergence();
    const rising = () => {
      for (let step = 1; step <= 200; step++) watch.afterBatch({ step, numbers: { loss: step < 100 ? 0.1 : 0.9 } });
    };
    expect(rising).toThrow(/the loss rose to 0\.9\d* at step 150, from 0\.1/);
  });

  it("refuses a checkpoint that is damaged, and leaves it alone", async () => {
    const { writeFileSync } = await import("node:fs");
    const path = join(folder, "checkpoints", "hurt.safetensors");
    writeFileSync(path, "half a check");
    const recipe = small();
    await expect(follow("hurt", recipe, tried())).rejects.toThrow(
      /train hurt: the checkpoint cannot be used: .*--fresh to start without it/s,
    );
    expect(readFileSync(path, "utf8")).toBe("half a check");
    await follow("hurt", recipe, tried({ fresh: true }));
    expect(recipe.losses).toHaveLength(3);
  });

  it("refuses a number of steps that is none", () => {
    const wrong = [{ steps: 0 }, { steps: 1.5 }, { batch: Number.NaN }, { examples: -1 }];
    for (const options of wrong) {
      const [[what, count]] = Object.entries(options) as [[string, number]];
      const message = `train x: ${what} is ${count}; expected a whole number from 1 up`;
      expect(() => new Run("x", small(), options)).toThrow(message);
    }
  });
});
