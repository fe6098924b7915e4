import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StableDiffusionImg2ImgPipeline, StableDiffusionPipeline } from "../../../lib/index.ts";
import { recorded, writeTiny } from "./tiny.ts";

let home: string;
let folder: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-defaults-"));
  folder = await writeTiny(join(home, "tiny"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const says = (text: string) => writeFile(join(folder, "generation_config.json"), text);

async function painted(pipe: StableDiffusionPipeline, more: object = {}): Promise<unknown[]> {
  const { latents, metadata } = await pipe.generate({ prompt: recorded.prompt, seed: 1, progress: false, ...more });
  return [Array.from(await latents.data(), Number), metadata.guidanceScale, metadata.steps];
}

describe("a checkpoint's defaults", () => {
  it("hold where a call does not say, also in pipelines made of it, and are saved with it", async () => {
    await says('{ "guidance_scale": 3, "num_inference_steps": 2 }');
    const pipe = await StableDiffusionPipeline.fromPretrained(folder);
    const expected = await painted(pipe, { guidanceScale: 3, numInferenceSteps: 2 });
    expect(expected.slice(1)).toEqual([3, 2]);
    expect(await painted(pipe)).toEqual(expected);
    expect(await painted(pipe, { guidanceScale: undefined })).toEqual(expected);
    expect((await painted(pipe, { guidanceScale: 7.5 }))[0]).not.toEqual(expected[0]);
    expect(StableDiffusionImg2ImgPipeline.fromPipe(pipe).defaults).toEqual(pipe.defaults);

    const copy = join(home, "copy");
    await pipe.savePretrained(copy);
    expect(JSON.parse(await readFile(join(copy, "generation_config.json"), "utf8"))).toEqual({
      ...{ guidance_scale: 3, num_inference_steps: 2 },
    });
    expect(await painted(await StableDiffusionPipeline.fromPretrained(copy))).toEqual(expected);
  });

  it("are Stable Diffusion's 7.5 and 50 where there are none", async () => {
    await rm(join(folder, "generation_config.json"));
    const pipe = await StableDiffusionPipeline.fromPretrained(folder);
    expect(pipe.defaults).toEqual({});
    expect((await painted(pipe, { numInferenceSteps: 2 })).slice(1)).toEqual([7.5, 2]);
  });

  it.each([
    ['{ "guidance_scale": "much" }', /generation_config\.json: guidance_scale is "much"; expected a number/],
    ['{ "num_inference_steps": 0 }', /generation_config\.json: num_inference_steps is 0; expected a whole number/],
    ['{ "guidance_scale": ', /generation_config\.json/],
  ])("that are none are refused: %s", async (text, message) => {
    await says(text);
    await expect(StableDiffusionPipeline.fromPretrained(folder)).rejects.toThrow(message);
  });
});
