import { show } from "../graph/shape.ts";
import { hasHooks } from "../nn/hooks.ts";
import * as init from "../nn/init.ts";
import { Embedding } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { LayerNorm } from "../nn/norm.ts";
import { plural } from "../printed.ts";
import { arange } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type CLIPTextConfig, type CLIPTextSettings, readTextConfig } from "./clip-config.ts";
import { CLIPEncoder } from "./clip-parts.ts";
import { Model } from "./model.ts";

/** What a text becomes. */
export interface CLIPTextOutput {
  /** After the last layer and the final norm, `[B, N, hidden_size]`: what Stable Diffusion reads. */
  readonly lastHiddenState: Tensor;
  /** The last hidden state at the end of the text, `[B, hidden_size]`. */
  readonly poolerOutput: Tensor;
  /** What goes into the first layer and what comes out of each, without the final norm. */
  readonly hiddenStates: readonly Tensor[];
}

class CLIPTextEmbeddings extends Module {
  tokenEmbedding: Embedding;
  positionEmbedding: Embedding;

  constructor(config: CLIPTextConfig) {
    super();
    this.tokenEmbedding = embedding(config.vocab_size, config.hidden_size, 0.02 * config.initializer_factor);
    this.positionEmbedding = embedding(
      config.max_position_embeddings,
      config.hidden_size,
      0.02 * config.initializer_factor,
    );
  }

  forward(ids: Tensor): Tensor {
    const [longest, length] = [this.positionEmbedding.weight.shape[0]!, ids.shape[1]!];
    if (length > longest) {
      throw new RangeError(
        `CLIPTextModel: ${plural(length, "token")}, but the model takes at most ${longest}; let the tokenizer truncate the text`,
      );
    }
    return this.tokenEmbedding.forward(ids).add(positions(this.positionEmbedding, length));
  }
}

/** The vectors of the first places. Only where somebody watches the layer are they looked up one by one. */
export function positions(layer: Embedding, length: number): Tensor {
  if (!hasHooks(layer)) return layer.weight.narrow(0, 0, length);
  return layer.forward(arange(length, { dtype: "int64" }));
}

export function embedding(count: number, width: number, std: number): Embedding {
  const layer = init.withoutInit(() => new Embedding(count, width));
  layer.weight = init.normal([count, width], std);
  return layer;
}

/** The transformer itself, as `CLIPTextModel` and `CLIPModel` hold it. */
export class CLIPTextTransformer extends Module {
  embeddings: CLIPTextEmbeddings;
  encoder: CLIPEncoder;
  finalLayerNorm: LayerNorm;
  readonly eosTokenId: number;

  constructor(config: CLIPTextConfig) {
    super();
    this.embeddings = new CLIPTextEmbeddings(config);
    this.encoder = new CLIPEncoder(config);
    this.finalLayerNorm = new LayerNorm(config.hidden_size, { eps: config.layer_norm_eps });
    this.eosTokenId = config.eos_token_id;
  }

  forward(ids: Tensor): CLIPTextOutput {
    if (ids.ndim !== 2 || ids.dtype !== "int64") {
      throw new TypeError(`CLIPTextModel: input ids ${ids.dtype} ${show(ids.shape)}; expected int64 [B, tokens]`);
    }
    const hiddenStates = this.encoder.forward(this.embeddings.forward(ids), true);
    const lastHiddenState = this.finalLayerNorm.forward(hiddenStates.at(-1)!);
    // Old configs say 2, which is wrong: there the end has the largest id of all.
    const end = this.eosTokenId === 2 ? ids.argmax(1) : ids.eq(this.eosTokenId).int().argmax(1);
    const index = end.reshape(-1, 1, 1).expand(-1, 1, lastHiddenState.shape[2]!); // [B, 1, hidden_size]
    return { lastHiddenState, poolerOutput: lastHiddenState.gather(1, index).squeeze(1), hiddenStates };
  }
}

/**
 * CLIP's text encoder: token ids to hidden states, each of which knows the tokens before it.
 * @see Radford et al. 2021: https://arxiv.org/abs/2103.00020
 */
export class CLIPTextModel extends Model {
  readonly config: CLIPTextConfig;
  readonly weightsName: string = "model";
  /** The transformer itself. */
  textModel: CLIPTextTransformer;

  /** @param settings - transformers' config, in its keys or in camelCase; its defaults where left out */
  constructor(settings: CLIPTextSettings = {}) {
    super();
    this.config = readTextConfig("CLIPTextModel", settings);
    this.textModel = new CLIPTextTransformer(this.config);
  }

  override get unneeded(): RegExp {
    return unneededInCLIP;
  }

  override otherNames(name: string): readonly string[] {
    return [name.replace(/^text_model\./, "")];
  }

  /** @param inputIds - int64 `[B, tokens]`, at most `max_position_embeddings` of them */
  forward(inputIds: Tensor): CLIPTextOutput {
    return this.textModel.forward(inputIds);
  }

  protected override configToSave(): object {
    // Learned words have rows of their own.
    const vocab_size = this.textModel.embeddings.tokenEmbedding.weight.shape[0]!;
    return { architectures: ["CLIPTextModel"], model_type: "clip_text_model", ...this.config, vocab_size };
  }
}

/** Positions that transformers used to save, and the other half of a whole CLIP. */
export const unneededInCLIP = /position_ids$|^vision_model\.|^visual_projection\.|^text_projection\.|^logit_scale$/;
