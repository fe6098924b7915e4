import { CLIPModel, CLIPTextModel, CLIPTokenizer, DataLoader, optim, type Tensor, world } from "../index.ts";
import { percent, retrieval } from "./figures.ts";
import type { Recipe, Run } from "./run.ts";
import { captioned, scaled } from "./world-data.ts";

/** Captions and pictures in one space. Half of it, the text encoder, is what tells the U-Net what to paint. */
export const clip: Recipe = {
  about: "a CLIP pair, which brings captions and pictures into one space, and its tokenizer",
  steps: 1000,
  seed: 3,
  train,
};

function untrained(tokenizer: CLIPTokenizer): CLIPModel {
  const tower = {
    hiddenSize: 128,
    intermediateSize: 512,
    numHiddenLayers: 3,
    numAttentionHeads: 4,
    projectionDim: 128,
  };
  const { vocabSize, bosTokenId, eosTokenId, padTokenId } = tokenizer;
  // The last two are notes for transformers.
  const ends = { vocabSize, maxPositionEmbeddings: 32, eosTokenId, bos_token_id: bosTokenId, pad_token_id: padTokenId };
  return new CLIPModel({
    projectionDim: 128,
    textConfig: { ...tower, ...ends },
    visionConfig: { ...tower, imageSize: 64, patchSize: 8 },
  });
}

/** The pair that ships, whose text encoder the U-Net has learnt to read: the other half alone is trained on. */
async function locked(run: Run): Promise<CLIPModel> {
  const model = await CLIPModel.fromPretrained(run.path("tiny-clip"));
  model.textModel.requiresGrad_(false);
  return model;
}

async function train(run: Run): Promise<void> {
  const pictures = world({ n: run.examples(16_000), seed: run.seed });
  const tokenizer = run.options.shipped
    ? await CLIPTokenizer.fromPretrained(run.path("tiny-clip"))
    : CLIPTokenizer.learn(pictures.captions, { vocabSize: 1000, modelMaxLength: 32 });
  const data = new DataLoader(await captioned(pictures, tokenizer), {
    ...{ batchSize: run.batch(96), shuffle: true, dropLast: true, seed: run.seed },
  });
  const model = run.options.shipped ? await locked(run) : untrained(tokenizer);
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3, weightDecay: 0.05 });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr: 1e-3, totalSteps: run.steps, pctStart: 0.15 });

  const objective = (pixels: Tensor, ids: Tensor) => model.forward(ids, scaled(pixels)).loss;
  await run.fit({ model, optimizer, data, schedule, clipNorm: 1, objective });

  await model.savePretrained(run.path("tiny-clip"), { dtype: "float16" });
  await tokenizer.savePretrained(run.path("tiny-clip"));
  const fresh = world({ n: run.examples(1024), seed: run.seed + 1, split: "all" });
  const found = await retrieval(model.eval(), tokenizer, fresh);
  await run.finish(run.path("tiny-clip"), {
    figures: {
      "picture of a caption found among 64": percent(found.picture),
      "caption of a picture found among 64": percent(found.caption),
    },
  });

  const text = await CLIPTextModel.fromPretrained(run.path("tiny-clip"));
  await text.savePretrained(run.path("tiny-sd", "text_encoder"), { dtype: "float16" });
  await tokenizer.savePretrained(run.path("tiny-sd", "tokenizer"));
}
