import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import {
  AutoencoderTiny,
  manualSeed,
  noGrad,
  StableDiffusionImg2ImgPipeline,
  StableDiffusionPipeline,
} from "../../../lib/index.ts";
import recorded from "../../reference/autoencoder-tiny.json" with { type: "json" };
import { draw, expectClose, inFolder, type Keys, weights, writeModel } from "./reference.ts";

const { small, taef2 } = recorded;
const real = fileURLToPath(new URL("../../../../shared/data/real", import.meta.url));

it("encodes and decodes as diffusers' does, and saves what diffusers reads", async () => {
  await inFolder(async (folder) => {
    await writeModel(folder, small.config, weights(small.keys as Keys));
    const model = await AutoencoderTiny.fromPretrained(folder);
    const x = draw(1001, 2, 3, 16, 12).tanh();
    const { latents, latentDist } = noGrad(() => model.encode(x));
    await expectClose(latents, small.latents);
    await expectClose(latentDist.sample(), small.latents);
    await expectClose(
      noGrad(() => model.decode(draw(1002, 1, 4, 3, 5)).sample),
      small.decoded,
    );
    await expectClose(
      noGrad(() => model.forward(x).sample),
      small.forward,
    );
    expect(Object.fromEntries(Object.entries(model.stateDict()).map(([k, t]) => [k, [...t.shape]]))).toEqual(
      small.keys,
    );
    const saved = await mkdtemp(join(tmpdir(), "difflab-tiny-"));
    await model.savePretrained(saved);
    const config = JSON.parse(await readFile(join(saved, "config.json"), "utf8"));
    expect(config).toMatchObject({ _class_name: "AutoencoderTiny", ...small.config });
    expect(config).not.toHaveProperty("use_midblock_gn");
    await rm(saved, { recursive: true });
  });
});

it.skipIf(!existsSync(real))(
  "encodes and decodes with TAEF2's own weights (skipped where ../shared/data/real is absent)",
  async () => {
    const files = { encoder: join(real, "taef2_encoder.pth"), decoder: join(real, "taef2_decoder.pth") };
    const model = await AutoencoderTiny.fromTaesd(files);
    expect([model.config.latent_channels, model.scale]).toEqual([32, 8]);
    const image = draw(1003, 1, 3, 32, 48).sigmoid();
    await expectClose(
      noGrad(() => model.encode(image.mul(2).sub(1)).latents),
      taef2.latents,
    );
    const decoded = noGrad(() => model.decode(draw(1004, 1, 32, 3, 4)).sample);
    await expectClose(decoded.add(1).div(2), taef2.decoded);
    await expect(AutoencoderTiny.fromTaesd({ ...files, decoder: files.encoder })).rejects.toThrow(
      /"1.weight" is missing/,
    );
  },
);

it("refuses images of a wrong size, towers that change their width, and files that are none", async () => {
  const model = new AutoencoderTiny(small.config);
  expect(() => model.encode(draw(1, 1, 3, 10, 12))).toThrow(
    "AutoencoderTiny: image [1, 3, 10, 12] has sides that 4 does not divide",
  );
  expect(() => model.decode(draw(1, 1, 3, 4, 4))).toThrow(
    "AutoencoderTiny: latents [1, 3, 4, 4], expected [B, 4, h, w]",
  );
  const uneven = { encoderBlockOutChannels: [8, 16, 8], numEncoderBlocks: [1, 1, 1] };
  expect(() => new AutoencoderTiny(uneven)).toThrow(/\[8, 16, 8\]; expected the same number everywhere/);
  const folder = await mkdtemp(join(tmpdir(), "difflab-tiny-"));
  const path = join(folder, "none.pth");
  await writeFile(path, "nothing");
  await expect(AutoencoderTiny.fromTaesd({ encoder: path, decoder: path })).rejects.toThrow(/none\.pth/);
  await rm(folder, { recursive: true });
});

it("takes the other autoencoder's place in a pipeline, also from a picture, and is saved with it", async () => {
  manualSeed(0);
  const vae = new AutoencoderTiny();
  const pipe = await StableDiffusionPipeline.fromPretrained("difflab/tiny-sd", { components: { vae } });
  const options = { prompt: "a red seven", seed: 1, numInferenceSteps: 2, progress: false };
  const { images, latents } = await pipe.generate(options);
  const plain = await StableDiffusionPipeline.fromPretrained("difflab/tiny-sd");
  expect(await latents.tolist()).toEqual(await (await plain.generate(options)).latents.tolist());
  expect([images[0]!.width, images[0]!.height]).toEqual([64, 64]);
  const sketched = StableDiffusionImg2ImgPipeline.fromPipe(pipe);
  const again = await sketched.generate({ ...options, image: images[0]!, strength: 0.5 });
  expect(again.images[0]!.width).toBe(64);
  pipe.enableVaeTiling();
  const folder = await mkdtemp(join(tmpdir(), "difflab-tiny-"));
  await pipe.savePretrained(join(folder, "pipe"));
  const loaded = await StableDiffusionPipeline.fromPretrained(join(folder, "pipe"));
  expect(loaded.vae).toBeInstanceOf(AutoencoderTiny);
  const once = await loaded.generate(options);
  expect(await once.images[0]!.toPng()).toEqual(await images[0]!.toPng());
  await rm(folder, { recursive: true });
});
