import {
  absent,
  type ConfigOf,
  choice,
  eachOrAll,
  finite,
  flag,
  kept,
  listOf,
  only,
  orNull,
  positiveInteger,
  type Settings,
} from "../config/fields.ts";
import { plural } from "../printed.ts";
import { type Activation, activations } from "./activations.ts";

const act = choice<Activation>(activations, "silu");
const size = kept<number | readonly number[] | null>(null);
const timeScaleShift = choice(["default", "scale_shift"], "default");

/** Keys of a `UNet2DModel`'s config. */
export const unet2DFields = {
  sample_size: size,
  in_channels: positiveInteger(3),
  out_channels: positiveInteger(3),
  center_input_sample: flag(false),
  time_embedding_type: only("positional"),
  time_embedding_dim: orNull(positiveInteger(1)),
  freq_shift: finite(0),
  flip_sin_to_cos: flag(true),
  down_block_types: listOf(choice(["DownBlock2D", "AttnDownBlock2D"], "DownBlock2D"), [
    "DownBlock2D",
    "AttnDownBlock2D",
    "AttnDownBlock2D",
    "AttnDownBlock2D",
  ]),
  mid_block_type: orNull(choice(["UNetMidBlock2D"], "UNetMidBlock2D"), "UNetMidBlock2D"),
  up_block_types: listOf(choice(["UpBlock2D", "AttnUpBlock2D"], "UpBlock2D"), [
    "AttnUpBlock2D",
    "AttnUpBlock2D",
    "AttnUpBlock2D",
    "UpBlock2D",
  ]),
  block_out_channels: listOf(positiveInteger(1), [224, 448, 672, 896]),
  layers_per_block: positiveInteger(2),
  mid_block_scale_factor: finite(1),
  downsample_padding: choice([0, 1], 1),
  downsample_type: only("conv"),
  upsample_type: only("conv"),
  dropout: finite(0),
  act_fn: act,
  attention_head_dim: orNull(positiveInteger(8), 8),
  norm_num_groups: positiveInteger(32),
  attn_norm_num_groups: orNull(positiveInteger(32)),
  norm_eps: finite(1e-5),
  resnet_time_scale_shift: timeScaleShift,
  add_attention: flag(true),
  class_embed_type: orNull(choice(["timestep", "identity"], "timestep")),
  num_class_embeds: orNull(positiveInteger(1)),
  num_train_timesteps: kept<number | null>(null),
  quantization_config: absent(),
};

/** What `config.json` of a `UNet2DModel` holds, in diffusers' keys. */
export type UNet2DConfig = ConfigOf<typeof unet2DFields>;
/** Settings of a `UNet2DModel`: diffusers' keys or their camelCase form. */
export type UNet2DSettings = Settings<UNet2DConfig>;

const downBlock = choice(["DownBlock2D", "CrossAttnDownBlock2D", "AttnDownBlock2D"], "DownBlock2D");
const upBlock = choice(["UpBlock2D", "CrossAttnUpBlock2D", "AttnUpBlock2D"], "UpBlock2D");

/** Keys of a `UNet2DConditionModel`'s config. */
export const unetConditionFields = {
  sample_size: size,
  in_channels: positiveInteger(4),
  out_channels: positiveInteger(4),
  center_input_sample: flag(false),
  flip_sin_to_cos: flag(true),
  freq_shift: finite(0),
  down_block_types: listOf(downBlock, [
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "CrossAttnDownBlock2D",
    "DownBlock2D",
  ]),
  mid_block_type: orNull(
    choice(["UNetMidBlock2DCrossAttn", "UNetMidBlock2D"], "UNetMidBlock2D"),
    "UNetMidBlock2DCrossAttn",
  ),
  up_block_types: listOf(upBlock, ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]),
  only_cross_attention: eachOrAll(flag(false)),
  block_out_channels: listOf(positiveInteger(1), [320, 640, 1280, 1280]),
  layers_per_block: eachOrAll(positiveInteger(2)),
  downsample_padding: choice([0, 1], 1),
  mid_block_scale_factor: finite(1),
  dropout: finite(0),
  act_fn: act,
  norm_num_groups: positiveInteger(32),
  norm_eps: finite(1e-5),
  cross_attention_dim: eachOrAll(positiveInteger(1280)),
  transformer_layers_per_block: eachOrAll(positiveInteger(1)),
  reverse_transformer_layers_per_block: only(null),
  encoder_hid_dim: only(null),
  encoder_hid_dim_type: only(null),
  // diffusers' first versions called the number of heads by this name, and so do all checkpoints since.
  attention_head_dim: eachOrAll(positiveInteger(8)),
  num_attention_heads: only(null),
  dual_cross_attention: only(false),
  use_linear_projection: flag(false),
  class_embed_type: orNull(choice(["timestep", "identity", "projection", "simple_projection"], "timestep")),
  addition_embed_type: only(null),
  addition_time_embed_dim: only(null),
  num_class_embeds: orNull(positiveInteger(1)),
  // Only matters below float32, in which nothing is computed here.
  upcast_attention: kept<boolean | null>(false),
  resnet_time_scale_shift: timeScaleShift,
  // Of blocks that Stable Diffusion has none of.
  resnet_skip_time_act: kept(false),
  resnet_out_scale_factor: kept<number>(1),
  time_embedding_type: only("positional"),
  time_embedding_dim: orNull(positiveInteger(1)),
  time_embedding_act_fn: orNull(act),
  timestep_post_act: orNull(act),
  time_cond_proj_dim: orNull(positiveInteger(1)),
  conv_in_kernel: positiveInteger(3),
  conv_out_kernel: positiveInteger(3),
  projection_class_embeddings_input_dim: orNull(positiveInteger(1)),
  attention_type: only("default"),
  class_embeddings_concat: flag(false),
  mid_block_only_cross_attention: only(null),
  cross_attention_norm: only(null),
  addition_embed_type_num_heads: kept(64),
  quantization_config: absent(),
};

/** What `config.json` of a `UNet2DConditionModel` holds, in diffusers' keys. */
export type UNet2DConditionConfig = ConfigOf<typeof unetConditionFields>;
/** Settings of a `UNet2DConditionModel`: diffusers' keys or their camelCase form. */
export type UNet2DConditionSettings = Settings<UNet2DConditionConfig>;

/** Checks that lists which describe the same blocks have the same length. */
export function checkBlocks(name: string, config: UNet2DConfig | UNet2DConditionConfig): void {
  const count = config.block_out_channels.length;
  for (const key of ["down_block_types", "up_block_types"] as const) {
    if (config[key].length !== count) {
      throw new RangeError(
        `${name}: ${key} has ${config[key].length} blocks, block_out_channels has ${count}; expected the same number`,
      );
    }
  }
  for (const channels of config.block_out_channels) {
    if (channels % config.norm_num_groups !== 0) {
      throw new RangeError(
        `${name}: norm_num_groups ${config.norm_num_groups} does not divide ${channels} of block_out_channels [${config.block_out_channels}]`,
      );
    }
  }
}

/** One value for each of `count` blocks. */
export function perBlock<T>(name: string, key: string, value: T | readonly T[], count: number): readonly T[] {
  if (!Array.isArray(value)) return new Array<T>(count).fill(value as T);
  if (value.length !== count) {
    throw new RangeError(`${name}: ${key} has ${plural(value.length, "value")}; expected ${count}, one for each block`);
  }
  return value;
}
