import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  CLIPModel,
  CLIPTokenizer,
  Generator,
  noGrad,
  randn,
  StableDiffusionImg2ImgPipeline,
  StableDiffusionInpaintPipeline,
  StableDiffusionPipeline,
} from "../../../lib/index.ts";
import { ROOT } from "../../root.ts";
import { type Pictures, worst } from "./compare.ts";

interface Numbers {
  readonly shape: number[];
  readonly data: number[];
}

const recorded = JSON.parse(readFileSync(join(ROOT, "test/reference/shipped.json"), "utf8")) as {
  weights: Record<string, string>;
  prompts: string[];
  pndm: Pictures;
  clip: { ids: number[][]; text: Numbers; image: Numbers };
};
const data = (...parts: string[]) => join(ROOT, "data", ...parts);

let pipe: StableDiffusionPipeline;
beforeAll(async () => {
  pipe = await StableDiffusionPipeline.fromPretrained("difflab/tiny-sd");
});

describe("the tiny Stable Diffusion that ships", () => {
  it("is the one that the reference pictures were painted with", () => {
    for (const [file, sha256] of Object.entries(recorded.weights)) {
      expect(
        createHash("sha256")
          .update(readFileSync(data(file)))
          .digest("hex"),
        file,
      ).toBe(sha256);
    }
  });

  it("paints what diffusers paints, within 1 of 255", async () => {
    const { images } = await pipe.generate({
      prompt: recorded.prompts,
      ...{ numInferenceSteps: 16, guidanceScale: 3, progress: false },
      generator: [new Generator(1), new Generator(2)],
    });
    expect(worst(images, recorded.pndm)).toBeLessThanOrEqual(1);
  });

  it("paints something for words that it does not know, and says what it leaves out of a long caption", async () => {
    const said: string[] = [];
    const log = console.log;
    console.log = (line: string) => said.push(line);
    try {
      const prompt = `Labrador in the style of Vermeer, ${"with a pearl earring, ".repeat(8)}`;
      const { images } = await pipe.generate({ prompt, numInferenceSteps: 2, seed: 1, progress: false });
      expect([images[0]!.width, images[0]!.height]).toEqual([64, 64]);
    } finally {
      console.log = log;
    }
    expect(said.join("\n")).toMatch(/the prompt has \d+ tokens including start and end, but only 32 fit; cut off: /);
  });

  it("changes pictures, and fills holes in them", async () => {
    const options = { prompt: "a blue house on paper", numInferenceSteps: 4, seed: 1, progress: false };
    const [image] = (await pipe.generate(options)).images;
    const changed = await StableDiffusionImg2ImgPipeline.fromPipe(pipe).generate({
      ...options,
      ...{ prompt: "a red house on paper", image: image!, strength: 0.75 },
    });
    expect([changed.images[0]!.width, changed.images[0]!.height]).toEqual([64, 64]);
    const mask = new Array(64).fill(0).map(() => Array.from({ length: 64 }, (_, x) => (x < 32 ? 1 : 0)));
    const { tensor, Image } = await import("../../../lib/index.ts");
    const filled = await StableDiffusionInpaintPipeline.fromPipe(pipe).generate({
      ...options,
      ...{ image: image!, maskImage: await Image.fromTensor(tensor([mask]), { range: [0, 1] }) },
    });
    expect([filled.images[0]!.width, filled.images[0]!.height]).toEqual([64, 64]);
  });

  it("takes at most 40 MB with all that ships beside it", () => {
    const weights = readdirSync(data(), { recursive: true })
      .map(String)
      .filter((file) => file.endsWith(".safetensors"));
    const bytes = weights.reduce((sum, file) => sum + statSync(data(file)).size, 0);
    expect(bytes).toBeLessThan(40e6);
  });
});

describe("the CLIP pair that ships", () => {
  it("gives transformers' ids and embeddings", async () => {
    const tokenizer = await CLIPTokenizer.fromPretrained("difflab/tiny-clip");
    const { inputIds } = tokenizer.batch([...recorded.prompts, "Labrador in the style of Vermeer"]);
    expect(JSON.stringify(await inputIds.tolist(), (_, id) => (typeof id === "bigint" ? Number(id) : id))).toBe(
      JSON.stringify(recorded.clip.ids),
    );
    const clip = await CLIPModel.fromPretrained("difflab/tiny-clip");
    const pixels = randn([2, 3, 64, 64], { generator: new Generator(4) });
    const { textEmbeds, imageEmbeds } = noGrad(() => clip.forward(inputIds, pixels));
    expect(await apart(textEmbeds, recorded.clip.text)).toBeLessThan(1e-4);
    expect(await apart(imageEmbeds, recorded.clip.image)).toBeLessThan(1e-4);
  });
});

async function apart(x: import("../../../lib/index.ts").Tensor, expected: Numbers): Promise<number> {
  expect(x.shape).toEqual(expected.shape);
  const data = await x.data();
  return Math.max(...expected.data.map((value, i) => Math.abs(value - Number(data[i]))));
}
