import {
  CLIPModel,
  CLIPTextModel,
  CLIPTokenizer,
  DataLoader,
  nn,
  optim,
  type Tensor,
  WORLD,
  type WorldJudge,
  world,
  worldJudge,
} from "../index.ts";
import { percent, retrieval } from "./figures.ts";
import type { Recipe, Run } from "./run.ts";
import { captionedAndLabelled, scaled } from "./world-data.ts";

/** Captions and pictures in one space. Half of it, the text encoder, is what tells the U-Net what to paint. */
export const clip: Recipe = {
  about: "a CLIP pair, which brings captions and pictures into one space, and its tokenizer",
  steps: 600,
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

/**
 * The pair and, while it learns, what helps it to see. A contrast with 95 others is soon won by colours alone, so a linear layer for
 * each question about a picture, shared by captions and pictures, makes it look at shapes as well. Transformers are slow to
 * find shapes on their own, so each patch also has to predict what a trained convolutional network sees there (the third stage of the
 * eye has a place for each patch), as in https://arxiv.org/abs/1412.6550. Only the pair ships.
 */
class Taught extends nn.Module {
  readonly answers = [WORLD.things, WORLD.inks, WORLD.backgrounds, WORLD.manners].map(
    (names) => new nn.Linear(128, names.length),
  );
  readonly hint = new nn.Linear(128, 96);
  readonly pair: CLIPModel;
  readonly #eye: WorldJudge;

  constructor(pair: CLIPModel, eye: WorldJudge) {
    super();
    this.pair = pair;
    this.#eye = eye;
  }

  loss(ids: Tensor, pixels: Tensor, labels: readonly Tensor[]) {
    const { loss: contrast, textEmbeds, imageEmbeds, visionModelOutput } = this.pair.forward(ids, pixels);
    const { crossEntropy, mseLoss } = nn.functional;
    const asked = (embeds: Tensor) =>
      labels
        .map((label, k) => crossEntropy(this.answers[k]!.forward(embeds.mul(16)), label))
        .reduce((sum, loss) => sum.add(loss));
    const [fromCaptions, fromPictures] = [asked(textEmbeds), asked(imageEmbeds)];
    const seen = this.#eye.features(pixels)[2]!.flatten(2).transpose(1, 2); // [B, patches, 96]
    const patches = visionModelOutput.hiddenStates[2]!.slice(1, 1);
    const unlikeEye = mseLoss(this.hint.forward(patches), seen).div(seen.square().mean());
    const loss = contrast.add(fromCaptions).add(fromPictures).add(unlikeEye.mul(3));
    return { loss, contrast, fromCaptions, fromPictures, unlikeEye };
  }
}

async function train(run: Run): Promise<void> {
  // Each picture is seen once, as long as they all fit into memory: the picture tower learns a few thousand by heart.
  const batchSize = run.batch(96);
  const n = run.examples(Math.min(150_000, Math.max(60_000, run.steps * batchSize)));
  const pictures = world({ n, seed: run.seed });
  const tokenizer = run.options.shipped
    ? await CLIPTokenizer.fromPretrained(run.path("tiny-clip"))
    : CLIPTokenizer.learn(pictures.captions, { vocabSize: 1000, modelMaxLength: 32 });
  const data = new DataLoader(await captionedAndLabelled(pictures, tokenizer), {
    ...{ batchSize, shuffle: true, dropLast: true, seed: run.seed },
  });
  const model = run.options.shipped ? await locked(run) : untrained(tokenizer);
  const taught = new Taught(model, await worldJudge(run.scratch("world-eye")));
  const optimizer = new optim.AdamW(taught.parameters(), { lr: 1e-3, weightDecay: 0.05 });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr: 1e-3, totalSteps: run.steps, pctStart: 0.15 });

  const objective = (ids: Tensor, pixels: Tensor, ...labels: Tensor[]) => taught.loss(ids, scaled(pixels), labels);
  await run.fit({ model: taught, optimizer, data, schedule, clipNorm: 1, objective });

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
