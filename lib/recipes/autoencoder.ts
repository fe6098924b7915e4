import { AutoencoderKL, DataLoader, nn, optim, type Tensor, TensorDataset, world, worldJudge } from "../index.ts";
import { latentScale, psnr } from "./figures.ts";
import type { Recipe, Run } from "./run.ts";
import { bytesOf, scaled } from "./world-data.ts";

/** Pictures of 64x64x3 to latents of 8x8x4 and back: 12,288 numbers to 256, 48 times fewer. */
export const autoencoder: Recipe = {
  about: "an autoencoder, from 64x64x3 pictures to 8x8x4 latents and back",
  steps: 1600,
  train,
};

async function train(run: Run): Promise<void> {
  const { l1Loss, mseLoss } = nn.functional;
  const data = new DataLoader(await TensorDataset.from(bytesOf(world({ n: run.examples(12_000), seed: run.seed }))), {
    ...{ batchSize: run.batch(16), shuffle: true, dropLast: true, seed: run.seed },
  });
  const eye = await worldJudge(run.scratch("world-eye"));
  const vae = new AutoencoderKL({
    ...{ sampleSize: 64, blockOutChannels: [16, 32, 32, 64], layersPerBlock: 1, normNumGroups: 8 },
    ...{ midBlockAddAttention: false, scalingFactor: 1 },
    downBlockTypes: ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
    upBlockTypes: ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
  });
  const optimizer = new optim.AdamW(vae.parameters(), { lr: 2e-3, weightDecay: 0 });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr: 2e-3, totalSteps: run.steps, pctStart: 0.1 });

  const objective = (pixels: Tensor) => {
    const x = scaled(pixels);
    const { latentDist } = vae.encode(x);
    const { sample } = vae.decode(latentDist.sample());
    const pixel = l1Loss(sample, x).add(mseLoss(sample, x));
    // Equal pixels are not all: strokes and shapes should be where they were.
    const seen = eye.features(x);
    const perceptual = eye
      .features(sample)
      .slice(0, 3)
      .map((features, i) => mseLoss(features, seen[i]!))
      .reduce((sum, part) => sum.add(part));
    const kl = latentDist.kl().mean().div(256);
    return { loss: pixel.add(perceptual.mul(0.1)).add(kl.mul(3e-4)), pixel, perceptual, kl };
  };
  await run.fit({ model: vae, optimizer, data, schedule, clipNorm: 1, objective });

  const fresh = world({ n: run.examples(512), seed: run.seed + 1, split: "all" });
  const trained = new AutoencoderKL({ ...vae.config, scalingFactor: await latentScale(vae.eval(), fresh) });
  trained.loadStateDict(vae.stateDict());
  const folder = run.path("tiny-sd", "vae");
  await trained.savePretrained(folder, { dtype: "float16" });
  await run.readme(folder, {
    figures: {
      "numbers in, numbers out": "12,288, 256",
      "scaling factor (1 / the latents' standard deviation)": trained.config.scaling_factor.toFixed(5),
      "PSNR of new pictures": `${(await psnr(trained, fresh)).toFixed(2)} dB`,
    },
  });
}
