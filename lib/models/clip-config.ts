import {
  absent,
  type ConfigOf,
  choice,
  finite,
  integer,
  kept,
  only,
  orNull,
  positiveInteger,
  type Settings,
} from "../config/fields.ts";
import { readConfig } from "../config/read.ts";
import { type Activation, activations } from "./activations.ts";

// What the configs of both of CLIP's transformers hold.
const transformer = {
  projection_dim: orNull(positiveInteger(512), 512),
  num_hidden_layers: positiveInteger(12),
  hidden_act: choice<Activation>(activations, "quick_gelu"),
  layer_norm_eps: finite(1e-5),
  // Of training alone.
  attention_dropout: only(0),
  initializer_factor: finite(1),
  initializer_range: finite(0.02),
  quantization_config: absent(),
};

/** Keys of a text encoder's config. */
export const clipTextFields = {
  ...transformer,
  vocab_size: positiveInteger(49408),
  hidden_size: positiveInteger(512),
  intermediate_size: positiveInteger(2048),
  num_attention_heads: positiveInteger(8),
  max_position_embeddings: positiveInteger(77),
  eos_token_id: integer(49407),
};

/** Keys of an image encoder's config. */
export const clipVisionFields = {
  ...transformer,
  hidden_size: positiveInteger(768),
  intermediate_size: positiveInteger(3072),
  num_attention_heads: positiveInteger(12),
  num_channels: positiveInteger(3),
  image_size: positiveInteger(224),
  patch_size: positiveInteger(32),
};

/** What a text encoder's `config.json` holds, in transformers' keys. */
export type CLIPTextConfig = ConfigOf<typeof clipTextFields>;
/** Settings of a text encoder: transformers' keys or their camelCase form. */
export type CLIPTextSettings = Settings<CLIPTextConfig>;
/** What an image encoder's `config.json` holds, in transformers' keys. */
export type CLIPVisionConfig = ConfigOf<typeof clipVisionFields>;
/** Settings of an image encoder: transformers' keys or their camelCase form. */
export type CLIPVisionSettings = Settings<CLIPVisionConfig>;

/** Keys of a whole CLIP's config. */
export const clipFields = {
  text_config: kept<CLIPTextSettings>({}),
  vision_config: kept<CLIPVisionSettings>({}),
  // The same once more, as the first version wrote it; where both are there these are right.
  text_config_dict: kept<CLIPTextSettings | null>(null),
  vision_config_dict: kept<CLIPVisionSettings | null>(null),
  projection_dim: positiveInteger(512),
  logit_scale_init_value: finite(2.6592),
  initializer_factor: finite(1),
  quantization_config: absent(),
};

/** Settings of a whole CLIP: transformers' keys or their camelCase form. */
export type CLIPSettings = Settings<ConfigOf<typeof clipFields>>;
/** A whole CLIP's config, with those of its parts. */
export type CLIPConfig = Omit<ConfigOf<typeof clipFields>, "text_config" | "vision_config" | `${string}_dict`> & {
  /** The text encoder's config. */
  readonly text_config: CLIPTextConfig;
  /** The image encoder's config. */
  readonly vision_config: CLIPVisionConfig;
};

/** What transformers writes into every config, of all versions, and what concerns no CLIP's numbers. */
const harmless = new Set(
  [
    "architectures model_type transformers_version torch_dtype dtype use_bfloat16 torchscript tf_legacy_loss attn_implementation",
    "return_dict output_hidden_states output_attentions chunk_size_feed_forward pruned_heads problem_type finetuning_task dropout",
    "id2label label2id task_specific_params tokenizer_class prefix is_encoder_decoder",
    "bos_token_id eos_token_id pad_token_id sep_token_id decoder_start_token_id",
    "is_decoder add_cross_attention cross_attention_hidden_size tie_word_embeddings tie_encoder_decoder",
    // Of the generation of texts
    "max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature top_k top_p",
    "typical_p repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids",
    "num_return_sequences output_scores return_dict_in_generate forced_bos_token_id forced_eos_token_id",
    "remove_invalid_values exponential_decay_length_penalty suppress_tokens begin_suppress_tokens",
    "use_cache gradient_checkpointing",
  ].flatMap((line) => line.split(" ")),
);

/** A text encoder's config, or the part of a whole CLIP's that describes it. */
export function readTextConfig(name: string, given: object): CLIPTextConfig {
  return readConfig(name, clipTextFields, partOf(name, given, "text_config"), { harmless });
}

/** An image encoder's config, or the part of a whole CLIP's that describes it. */
export function readVisionConfig(name: string, given: object): CLIPVisionConfig {
  return readConfig(name, clipVisionFields, partOf(name, given, "vision_config"), { harmless });
}

/** A whole CLIP's config, both of its parts read too. */
export function readClipConfig(name: string, given: object): CLIPConfig {
  const { text_config_dict, vision_config_dict, ...config } = readConfig(name, clipFields, given, { harmless });
  return {
    ...config,
    text_config: readTextConfig(`${name}: text_config`, { ...config, text_config_dict }),
    vision_config: readVisionConfig(`${name}: vision_config`, { ...config, vision_config_dict }),
  };
}

/**
 * The part of a whole CLIP's config that describes one of its encoders; any other config as it is.
 *
 * @throws TypeError for settings of the encoder beside the part, as in `{ ...clip.config, hidden_size: 64 }`: they had no effect
 */
function partOf(owner: string, config: object, name: "text_config" | "vision_config"): object {
  const parts = config as Readonly<Record<string, object | null | undefined>>;
  const [part, older] = [parts[name], parts[`${name}_dict`]];
  if (!part && !older) return config;
  readConfig(owner, clipFields, config, { harmless });
  return { ...part, ...older };
}
