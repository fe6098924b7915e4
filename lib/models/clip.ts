import { show } from "../graph/shape.ts";
import { crossEntropy } from "../nn/functional/index.ts";
import * as init from "../nn/init.ts";
import { Conv2d, type Embedding, type Linear } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { LayerNorm } from "../nn/norm.ts";
import { arange, cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { batchHint } from "./batch-hint.ts";
import {
  type CLIPConfig,
  type CLIPSettings,
  type CLIPVisionConfig,
  type CLIPVisionSettings,
  readClipConfig,
  readVisionConfig,
} from "./clip-config.ts";
import { CLIPEncoder, linear } from "./clip-parts.ts";
import { CLIPTextTransformer, embedding, positions } from "./clip-text.ts";
import { Model } from "./model.ts";

/** What an image becomes. */
export interface CLIPVisionOutput {
  /** After the last layer: `[B, 1 + patches, hidden_size]`. */
  readonly lastHiddenState: Tensor;
  /** The first of them after a norm: the whole image, `[B, hidden_size]`. */
  readonly poolerOutput: Tensor;
  /** What goes into the first layer and what comes out of each: `[B, 1 + patches, hidden_size]`. */
  readonly hiddenStates: readonly Tensor[];
}

class CLIPVisionEmbeddings extends Module {
  classEmbedding: Tensor;
  patchEmbedding: Conv2d;
  positionEmbedding: Embedding;

  constructor(config: CLIPVisionConfig) {
    super();
    const { hidden_size: d, patch_size: patch, image_size: size, initializer_factor: factor } = config;
    if (size % patch !== 0) throw new RangeError(`CLIP: patch_size ${patch} does not divide image_size ${size}`);
    const std = config.initializer_range * factor;
    this.classEmbedding = init.normal([d], d ** -0.5 * factor);
    this.patchEmbedding = init.withoutInit(
      () => new Conv2d(config.num_channels, d, patch, { stride: patch, bias: false }),
    );
    this.patchEmbedding.weight = init.normal([d, config.num_channels, patch, patch], std);
    this.positionEmbedding = embedding((size / patch) ** 2 + 1, d, std);
  }

  forward(pixels: Tensor): Tensor {
    const patches = this.patchEmbedding.forward(pixels).flatten(2).transpose(1, 2); // [B, patches, d]
    const classToken = this.classEmbedding.expand(pixels.shape[0]!, 1, -1);
    return cat([classToken, patches], 1).add(positions(this.positionEmbedding, patches.shape[1]! + 1));
  }
}

class CLIPVisionTransformer extends Module {
  embeddings: CLIPVisionEmbeddings;
  // Misspelt in the first checkpoint, and so in all.
  preLayrnorm: LayerNorm;
  encoder: CLIPEncoder;
  postLayernorm: LayerNorm;
  readonly #inputShape: readonly number[];

  constructor(config: CLIPVisionConfig) {
    super();
    this.embeddings = new CLIPVisionEmbeddings(config);
    this.preLayrnorm = new LayerNorm(config.hidden_size, { eps: config.layer_norm_eps });
    this.encoder = new CLIPEncoder(config);
    this.postLayernorm = new LayerNorm(config.hidden_size, { eps: config.layer_norm_eps });
    this.#inputShape = [config.num_channels, config.image_size, config.image_size];
  }

  forward(pixels: Tensor): CLIPVisionOutput {
    if (pixels.ndim !== 4 || show(pixels.shape.slice(1)) !== show(this.#inputShape)) {
      const hint = batchHint(pixels) || "; resize and crop the images first";
      throw new RangeError(
        `CLIPVisionModel: pixels ${show(pixels.shape)}; expected [B, ${this.#inputShape.join(", ")}]${hint}`,
      );
    }
    const hiddenStates = this.encoder.forward(this.preLayrnorm.forward(this.embeddings.forward(pixels)), false);
    const lastHiddenState = hiddenStates.at(-1)!;
    return { lastHiddenState, poolerOutput: this.postLayernorm.forward(lastHiddenState.select(1, 0)), hiddenStates };
  }
}

/** CLIP's image encoder, a vision transformer. @see https://arxiv.org/abs/2103.00020 */
export class CLIPVisionModel extends Model {
  readonly config: CLIPVisionConfig;
  readonly weightsName: string = "model";
  /** The vision transformer itself. */
  visionModel: CLIPVisionTransformer;

  /** @param settings - transformers' config, in its keys or in camelCase; its defaults where left out */
  constructor(settings: CLIPVisionSettings = {}) {
    super();
    this.config = readVisionConfig("CLIPVisionModel", settings);
    this.visionModel = new CLIPVisionTransformer(this.config);
  }

  override get unneeded(): RegExp {
    return /position_ids$|^text_model\.|^visual_projection\.|^text_projection\.|^logit_scale$/;
  }

  override otherNames(name: string): readonly string[] {
    return [name.replace(/^vision_model\./, "")];
  }

  /** @param pixelValues - normalised images `[B, num_channels, image_size, image_size]` */
  forward(pixelValues: Tensor): CLIPVisionOutput {
    return this.visionModel.forward(pixelValues);
  }

  protected override configToSave(): object {
    return { architectures: ["CLIPVisionModel"], model_type: "clip_vision_model", ...this.config };
  }
}

/** How well texts and images fit. */
export interface CLIPOutput {
  /** Score of every text for every image, `[images, texts]`. */
  readonly logitsPerImage: Tensor;
  /** Score of every image for every text, `[texts, images]`. */
  readonly logitsPerText: Tensor;
  /** Projected and of length 1, `[texts, projection_dim]`. */
  readonly textEmbeds: Tensor;
  /** Projected and of length 1, `[images, projection_dim]`. */
  readonly imageEmbeds: Tensor;
  /** The image encoder's output, before its projection. */
  readonly visionModelOutput: CLIPVisionOutput;
  /** The contrastive loss, where text i belongs to image i. */
  readonly loss: Tensor;
}

/** Texts and images in one space. @see Radford et al. 2021: https://arxiv.org/abs/2103.00020 */
export class CLIPModel extends Model {
  readonly config: CLIPConfig;
  readonly weightsName: string = "model";
  /** Logarithm of the factor by which similarities are multiplied, a scalar that is learned. */
  logitScale: Tensor;
  /** The text encoder. */
  textModel: CLIPTextTransformer;
  /** The image encoder. */
  visionModel: CLIPVisionTransformer;
  /** From the image encoder's width to the common space. */
  visualProjection: Linear;
  /** From the text encoder's width to the common space. */
  textProjection: Linear;

  /** @param settings - transformers' config, in its keys or in camelCase; its defaults where left out */
  constructor(settings: CLIPSettings = {}) {
    super();
    const config = readClipConfig("CLIPModel", settings);
    const { text_config: text, vision_config: vision } = config;
    this.config = config;
    const d = config.projection_dim;
    this.logitScale = init.filled([], config.logit_scale_init_value);
    this.textModel = new CLIPTextTransformer(text);
    this.visionModel = new CLIPVisionTransformer(vision);
    this.visualProjection = linear(vision.hidden_size, d, vision.hidden_size ** -0.5, false);
    this.textProjection = linear(text.hidden_size, d, text.hidden_size ** -0.5, false);
  }

  override get unneeded(): RegExp {
    return /position_ids$/;
  }

  /** The text's place in the common space, `[B, projection_dim]`; not yet of length 1. */
  getTextFeatures(inputIds: Tensor): Tensor {
    return this.textProjection.forward(this.textModel.forward(inputIds).poolerOutput);
  }

  /** The image's place in the common space, `[B, projection_dim]`; not yet of length 1. */
  getImageFeatures(pixelValues: Tensor): Tensor {
    return this.visualProjection.forward(this.visionModel.forward(pixelValues).poolerOutput);
  }

  /**
   * @param inputIds - int64 `[texts, tokens]`
   * @param pixelValues - `[images, channels, image_size, image_size]`
   */
  forward(inputIds: Tensor, pixelValues: Tensor): CLIPOutput {
    const visionModelOutput = this.visionModel.forward(pixelValues);
    const imageEmbeds = unit(this.visualProjection.forward(visionModelOutput.poolerOutput));
    const textEmbeds = unit(this.getTextFeatures(inputIds));
    const logitsPerText = textEmbeds.matmul(imageEmbeds.T).mul(this.logitScale.exp());
    const logitsPerImage = logitsPerText.T;
    return {
      logitsPerImage,
      logitsPerText,
      textEmbeds,
      imageEmbeds,
      visionModelOutput,
      // Only where texts and images come in pairs is there something to contrast.
      get loss() {
        return contrastiveLoss(logitsPerText);
      },
    };
  }

  protected override configToSave(): object {
    return { architectures: ["CLIPModel"], model_type: "clip", ...this.config };
  }
}

function unit(x: Tensor): Tensor {
  return x.div(x.square().sum(-1, true).sqrt());
}

/**
 * Cross-entropy both ways: of finding the image of each text, and the text of each image.
 *
 * @param logitsPerText - `[n, n]`; what belongs together is on the diagonal
 */
export function contrastiveLoss(logitsPerText: Tensor): Tensor {
  const [n, m] = logitsPerText.shape;
  if (logitsPerText.ndim !== 2 || n !== m) {
    throw new RangeError(
      `contrastiveLoss: logits ${show(logitsPerText.shape)}; expected the same number texts as images`,
    );
  }
  const own = arange(n!);
  return crossEntropy(logitsPerText, own).add(crossEntropy(logitsPerText.T, own)).div(2);
}
