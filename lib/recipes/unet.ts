import {
  AutoencoderKL,
  CLIPTextModel,
  CLIPTokenizer,
  DataLoader,
  DDIMScheduler,
  DiagonalGaussianDistribution,
  fromArray,
  nn,
  optim,
  rand,
  randn,
  StableDiffusionPipeline,
  type Tensor,
  TensorDataset,
  UNet2DConditionModel,
  where,
  world,
} from "../index.ts";
import { mean } from "./figures.ts";
import { momentsOf } from "./latents.ts";
import type { Recipe, Run } from "./run.ts";

/** A caption becomes latents: the heart of it. */
export const unet: Recipe = {
  about: "the U-Net of the tiny Stable Diffusion, which paints latents from captions",
  steps: 5000,
  seed: 5,
  train,
};

function untrained(crossAttentionDim: number): UNet2DConditionModel {
  const model = new UNet2DConditionModel({
    ...{ sampleSize: 8, layersPerBlock: 1, blockOutChannels: [64, 160], normNumGroups: 16 },
    ...{ crossAttentionDim, attentionHeadDim: 4 },
    downBlockTypes: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    upBlockTypes: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
  });
  // Blocks that add nothing at first, as in https://arxiv.org/abs/2105.05233: learning starts from the shortest path.
  for (const [name, layer] of model.namedModules()) {
    if (/(conv2|proj_out|conv_out)$/.test(name)) (layer as nn.Conv2d).weight.copy_(0);
  }
  return model;
}

async function train(run: Run): Promise<void> {
  const pictures = world({ n: run.examples(50_000), seed: run.seed });
  const folder = run.path("tiny-sd");
  const vae = await AutoencoderKL.fromPretrained(folder, { subfolder: "vae" });
  const tokenizer = await CLIPTokenizer.fromPretrained(folder, { subfolder: "tokenizer" });
  const textEncoder = await CLIPTextModel.fromPretrained(folder, { subfolder: "text_encoder" });
  textEncoder.requiresGrad_(false);

  // The autoencoder does not change any more, so each picture goes through it once.
  const ids = tokenizer.batch(pictures.captions).inputIds;
  const data = new DataLoader(await TensorDataset.from(await momentsOf(vae, pictures), ids), {
    ...{ batchSize: run.batch(32), shuffle: true, dropLast: true, seed: run.seed },
  });

  const model = run.options.shipped
    ? await UNet2DConditionModel.fromPretrained(folder, { subfolder: "unet" })
    : untrained(textEncoder.config.hidden_size);
  // The noise of Stable Diffusion 1.5. DDIM, as its own PNDM loses colours in 16 steps with more than a little guidance;
  // `skip_prk_steps` is for those who make one of this.
  const scheduler = DDIMScheduler.fromConfig({
    ...{ beta_schedule: "scaled_linear", beta_start: 0.00085, beta_end: 0.012 },
    ...{ skip_prk_steps: true, set_alpha_to_one: false, steps_offset: 1, clip_sample: false },
  });
  const maxLr = run.options.shipped ? 5e-4 : 1e-3;
  const optimizer = new optim.AdamW(model.parameters(), { lr: maxLr });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr, totalSteps: run.steps, pctStart: 0.1 });
  const ema = new optim.EMA(model, { decay: 0.999, warmup: true });

  // Min-SNR: the steps with little noise are many and easy, so they count less. https://arxiv.org/abs/2303.09556
  const weights = fromArray(
    "float32",
    [1000],
    scheduler.alphasCumprod.map((kept) => Math.min(1, (5 * (1 - kept)) / kept)),
  );
  const nothing = tokenizer.batch("").inputIds;

  const objective = (moments: Tensor, captions: Tensor) => {
    const latents = new DiagonalGaussianDistribution(moments).sample().mul(vae.config.scaling_factor);
    const b = latents.shape[0]!;
    const noise = randn(latents.shape);
    // What is painted is decided half-way between noise and picture, so those steps are drawn more often than either end.
    const t = rand([b])
      .mul(800)
      .add(rand([b]).mul(200))
      .long();
    // One caption in ten is left out: guidance compares with what is painted then.
    const kept = where(rand([b, 1]).lt(0.1), nothing, captions);
    const text = textEncoder.forward(kept).lastHiddenState;
    const noisePred = model.forward(scheduler.addNoise(latents, noise, t), t, text).sample;
    const errors = nn.functional.mseLoss(noisePred, noise, "none").mean([1, 2, 3]);
    return { loss: errors.mul(weights.indexSelect(0, t)).mean(), error: errors.mean() };
  };
  const { losses } = await run.fit({ model, optimizer, data, schedule, ema, clipNorm: 1, objective });

  ema.copyTo(model);
  const pipe = new StableDiffusionPipeline({
    ...{ tokenizer, textEncoder, unet: model, vae, scheduler },
    defaults: { guidanceScale: 5 },
  });
  await pipe.savePretrained(folder, { dtype: "float16" });
  await run.finish(folder, {
    figures: { weights: model.numParameters(), "weighted loss": mean(losses.slice(-100)).toFixed(4) },
  });
}
