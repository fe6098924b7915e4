import {
  AutoencoderKL,
  CLIPTextModel,
  CLIPTokenizer,
  cat,
  DataLoader,
  DDIMScheduler,
  DiagonalGaussianDistribution,
  fromArray,
  LoraLayers,
  loadTensors,
  noGrad,
  optim,
  randint,
  randn,
  type Tensor,
  TensorDataset,
  UNet2DConditionModel,
  where,
  world,
} from "../index.ts";
import { mean } from "./figures.ts";
import { momentsOf } from "./latents.ts";
import type { Recipe, Run } from "./run.ts";

/** The teacher's guidance, which the student learns with the rest: it needs none of its own. */
const GUIDANCE = 5;
/** The student learns at the timesteps of a run of 50, ... */
const STRIDE = 1000 / 50;
/** ... and the teacher takes two of its steps at once: what the student hands down to itself passes through fewer hands. */
const TAKEN = 2 * STRIDE;

/** From 51 steps to 4: consistency distillation, as low-rank changes. https://arxiv.org/abs/2311.05556 */
export const fewSteps: Recipe = {
  about: "low-rank changes that let the tiny Stable Diffusion paint in 4 steps (LCM-LoRA)",
  steps: 400,
  seed: 9,
  train,
};

async function train(run: Run): Promise<void> {
  const pictures = world({ n: run.examples(12_000), seed: run.seed });
  const folder = run.path("tiny-sd");
  const vae = await AutoencoderKL.fromPretrained(folder, { subfolder: "vae" });
  const tokenizer = await CLIPTokenizer.fromPretrained(folder, { subfolder: "tokenizer" });
  const textEncoder = await CLIPTextModel.fromPretrained(folder, { subfolder: "text_encoder" });
  const unet = await UNet2DConditionModel.fromPretrained(folder, { subfolder: "unet" });
  for (const model of [textEncoder, unet]) model.requiresGrad_(false);

  const ids = tokenizer.batch(pictures.captions).inputIds;
  const data = new DataLoader(await TensorDataset.from(await momentsOf(vae, pictures), ids), {
    ...{ batchSize: run.batch(24), shuffle: true, dropLast: true, seed: run.seed },
  });
  const lora = new LoraLayers(unet, { rank: 16, targets: /attn|ff\.|proj_|conv1|conv2|time_emb_proj|samplers/ });
  if (run.options.shipped) {
    const known = await loadTensors(run.path("tiny-sd-lcm", "pytorch_lora_weights.safetensors"));
    for (const [name, matrix] of Object.entries(lora.namedMatrices("unet"))) matrix.copy_(known[name]!.float());
  }
  const maxLr = run.options.shipped ? 5e-4 : 1e-3;
  const optimizer = new optim.AdamW(lora.parameters(), { lr: maxLr, weightDecay: 0 });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr, totalSteps: run.steps, pctStart: 0.1 });
  const ema = new optim.EMA(lora, { decay: 0.99, warmup: true });
  const scheduler = new DDIMScheduler({ betaSchedule: "scaled_linear", betaStart: 0.00085, betaEnd: 0.012 });
  const kept = fromArray("float32", [1000], scheduler.alphasCumprod);
  const nothing = tokenizer.batch("").inputIds;

  /** The clean latents that follow from a prediction of the noise. */
  const clean = (noisy: Tensor, noisePred: Tensor, t: Tensor) => {
    const alphaBar = kept.indexSelect(0, t).reshape(-1, 1, 1, 1);
    return noisy.sub(noisePred.mul(alphaBar.neg().add(1).sqrt())).div(alphaBar.sqrt());
  };
  /** The student goes to the clean latents at once; where nothing is left to do, it changes nothing. */
  const jump = (noisy: Tensor, t: Tensor, text: Tensor) => {
    const x0 = clean(
      noisy,
      lora.apply(() => unet.forward(noisy, t, text).sample),
      t,
    );
    return where(t.eq(0).reshape(-1, 1, 1, 1), noisy, x0);
  };
  const objective = (moments: Tensor, captions: Tensor) => {
    const latents = new DiagonalGaussianDistribution(moments).sample().mul(vae.config.scaling_factor);
    const b = latents.shape[0]!;
    const text = textEncoder.forward(captions).lastHiddenState;
    const empty = textEncoder.forward(nothing).lastHiddenState.expand(b, -1, -1);
    const t = randint(1, 51, [b]).mul(STRIDE).sub(1);
    const noisy = scheduler.addNoise(latents, randn(latents.shape), t);
    const target = noGrad(() => {
      // The teacher takes one step with guidance. From there the student should arrive where it does from here.
      const before = t.sub(TAKEN).clamp(0);
      const out = unet.forward(cat([noisy, noisy]), cat([t, t]), cat([empty, text])).sample;
      const [without, withText] = out.chunk(2, 0) as [Tensor, Tensor];
      const guided = without.add(withText.sub(without).mul(GUIDANCE));
      return jump(scheduler.addNoise(clean(noisy, guided, t), guided, before), before, text);
    });
    // Pseudo-Huber: not so much is made of the few that are far off.
    return jump(noisy, t, text).sub(target).square().add(1e-6).sqrt().sub(1e-3).mean();
  };
  const { losses } = await run.fit({ model: lora, optimizer, data, schedule, ema, clipNorm: 1, objective });

  ema.copyTo(lora);
  await lora.save(run.path("tiny-sd-lcm"), { dtype: "float16" });
  await run.finish(run.path("tiny-sd-lcm"), {
    figures: { weights: lora.numParameters(), loss: mean(losses.slice(-100)).toFixed(4), "guidance learnt": GUIDANCE },
  });
}
