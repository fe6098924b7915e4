import {
  AutoencoderKL,
  DataLoader,
  nn,
  optim,
  type Tensor,
  TensorDataset,
  tensor,
  type WorldDataset,
  type WorldJudge,
  world,
  worldJudge,
} from "../index.ts";
import { latentScale, psnr } from "./figures.ts";
import type { Recipe, Run } from "./run.ts";
import { bytesOf, scaled } from "./world-data.ts";

/** Pictures of 64x64x3 to latents of 8x8x4 and back: 12,288 numbers to 256, 48 times fewer. */
export const autoencoder: Recipe = {
  about: "an autoencoder, from 64x64x3 pictures to 8x8x4 latents and back",
  steps: 3600,
  train,
};

/** Its decoder alone, trained on: the latents stay what they are, so it may go on beside the U-Net or after it. */
export const decoder: Recipe = {
  about: "the autoencoder's decoder, trained further with its latents unchanged",
  steps: 900,
  seed: 11,
  train: trainDecoder,
};

/** How far pictures are from what they should be: pixel by pixel, in small, and to the eye. */
function reconstruction(sample: Tensor, x: Tensor, eye: WorldJudge) {
  const { avgPool2d, l1Loss, mseLoss } = nn.functional;
  const pixel = l1Loss(sample, x).add(mseLoss(sample, x));
  // Colours are little of what pixels differ in, so they count again in small.
  const colour = mseLoss(avgPool2d(sample, 8), avgPool2d(x, 8));
  // Equal pixels are not all: strokes and shapes should be where they were. A quarter of each picture is enough for that.
  const [seen, wanted] = [sample, x].map((y) => eye.features(y.slice(2, 16, 48).slice(3, 16, 48)));
  const perceptual = wanted!.map((features, i) => mseLoss(seen![i]!, features)).reduce((sum, part) => sum.add(part));
  return { loss: pixel.add(colour.mul(4)).add(perceptual.mul(0.25)), pixel, colour, perceptual };
}

/**
 * Initial weights with which colours go straight through and residual blocks add nothing: the network begins as one that
 * gives each block of pixels the colour of one of them, and has the rest to learn. From PyTorch's usual weights it takes
 * ten times as long to find colours.
 */
async function straight(vae: AutoencoderKL): Promise<void> {
  for (const [name, layer] of vae.namedModules()) {
    if (!(layer instanceof nn.Conv2d) || name.endsWith("conv1")) continue;
    // Of eight channels of moments the first four are means.
    const means = name === "encoder.conv_out" || name === "quant_conv" ? 4 : undefined;
    const usual = layer.weight.mul(0.5).add(nn.init.dirac(layer.weight.shape, means));
    layer.weight.copy_(name.endsWith("conv2") ? 0 : await usual.detach().realize());
  }
}

async function untrained(): Promise<AutoencoderKL> {
  const vae = new AutoencoderKL({
    ...{ sampleSize: 64, blockOutChannels: [16, 32, 64, 128], layersPerBlock: 1, normNumGroups: 2 },
    ...{ midBlockAddAttention: false, scalingFactor: 1 },
    downBlockTypes: ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
    upBlockTypes: ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
  });
  await straight(vae);
  // Latents that are exact at first, for the noise would hide what there is to learn; log-variances are the last four.
  vae.quantConv!.bias!.copy_(tensor([0, 0, 0, 0, -4, -4, -4, -4]));
  return vae;
}

async function pictures(run: Run): Promise<DataLoader> {
  const all = world({ n: run.examples(12_000), seed: run.seed });
  // Of lines thinner than the block of pixels that becomes a latent, more: they are what is hardest to keep.
  const fine = world({ n: run.examples(6000), seed: run.seed, manners: ["woodcut", "chalk"] });
  return new DataLoader(await TensorDataset.from(bytesOf(all, fine)), {
    ...{ batchSize: run.batch(16), shuffle: true, dropLast: true, seed: run.seed },
  });
}

async function train(run: Run): Promise<void> {
  const data = await pictures(run);
  const eye = await worldJudge(run.scratch("world-eye"));
  const vae = run.options.shipped
    ? await AutoencoderKL.fromPretrained(run.path("tiny-sd"), { subfolder: "vae" })
    : await untrained();
  const maxLr = run.options.shipped ? 1e-3 : 2e-3;
  const optimizer = new optim.AdamW(vae.parameters(), { lr: maxLr, weightDecay: 0 });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr, totalSteps: run.steps, pctStart: 0.1 });

  const objective = (pixels: Tensor) => {
    const x = scaled(pixels);
    const { latentDist } = vae.encode(x);
    const { loss, ...parts } = reconstruction(vae.decode(latentDist.sample()).sample, x, eye);
    const kl = latentDist.kl().mean().div(256);
    return { loss: loss.add(kl.mul(3e-4)), ...parts, kl };
  };
  await run.fit({ model: vae, optimizer, data, schedule, clipNorm: 1, objective });

  const fresh = world({ n: run.examples(512), seed: run.seed + 1, split: "all" });
  const trained = new AutoencoderKL({ ...vae.config, scalingFactor: await latentScale(vae.eval(), fresh) });
  trained.loadStateDict(vae.stateDict());
  await finish(run, trained, fresh);
}

async function trainDecoder(run: Run): Promise<void> {
  const data = await pictures(run);
  const eye = await worldJudge(run.scratch("world-eye"));
  const vae = await AutoencoderKL.fromPretrained(run.path("tiny-sd"), { subfolder: "vae" });
  for (const part of [vae.encoder, vae.quantConv!]) part.requiresGrad_(false);
  const parts = [vae.postQuantConv!, vae.decoder].flatMap((part) => part.parameters());
  const optimizer = new optim.AdamW(parts, { lr: 1e-3, weightDecay: 0 });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr: 1e-3, totalSteps: run.steps, pctStart: 0.1 });
  const objective = (pixels: Tensor) => {
    const x = scaled(pixels);
    return reconstruction(vae.decode(vae.encode(x).latentDist.sample()).sample, x, eye);
  };
  await run.fit({ model: vae, optimizer, data, schedule, objective });
  await finish(run, vae.eval(), world({ n: run.examples(512), seed: run.seed + 1, split: "all" }));
}

async function finish(run: Run, vae: AutoencoderKL, fresh: WorldDataset): Promise<void> {
  const folder = run.path("tiny-sd", "vae");
  await vae.savePretrained(folder, { dtype: "float16" });
  await run.finish(folder, {
    model: run.path("tiny-sd"),
    figures: {
      "numbers in, numbers out": "12,288, 256",
      "scaling factor (1 / the latents' standard deviation)": vae.config.scaling_factor.toFixed(5),
      "PSNR of new pictures": `${(await psnr(vae, fresh)).toFixed(2)} dB`,
    },
  });
}
