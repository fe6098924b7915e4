import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noGrad, StableDiffusionPipeline } from "../../../lib/index.ts";
import { writeTiny } from "./tiny.ts";

let home: string;
let pipe: StableDiffusionPipeline;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-compile-"));
  pipe = await StableDiffusionPipeline.fromPretrained(await writeTiny(join(home, "tiny")));
});
afterAll(async () => {
  pipe.close();
  await rm(home, { recursive: true, force: true });
});

describe("a pipeline, after its networks were compiled", () => {
  const paint = async () =>
    (await pipe.generate({ prompt: "a", numInferenceSteps: 1, seed: 1, progress: false })).latents.data();

  // A weight that lies in memory is multiplied by another kernel than one in a file: the same but for roundings.
  const apart = async (first: Awaited<ReturnType<typeof paint>>) =>
    Math.max(...Array.from(await paint(), (value, i) => Math.abs(Number(value) - Number(first[i]))));

  it("sees weights that are replaced or changed, in each of its networks", async () => {
    const first = await paint();
    expect(await paint()).toEqual(first);
    const layers = [pipe.unet.convIn, pipe.textEncoder.textModel.finalLayerNorm] as {
      weight: typeof pipe.unet.convIn.weight;
    }[];
    for (const layer of layers) {
      const old = layer.weight;
      layer.weight = noGrad(() => old.mul(1.5));
      expect(await apart(first)).toBeGreaterThan(1e-3);
      layer.weight = old;
      expect(await apart(first)).toBeLessThan(1e-6);
      const kept = await old.detach().mul(1).realize();
      noGrad(() => old.mul_(1.5));
      expect(await apart(first)).toBeGreaterThan(1e-3);
      noGrad(() => old.copy_(kept));
      expect(await apart(first)).toBeLessThan(1e-6);
    }
  });
});
