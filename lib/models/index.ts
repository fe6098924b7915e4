/** Stable Diffusion's networks, by diffusers' and transformers' names, built from their configs and weights. */
export { AutoencoderKL, type AutoencoderKLConfig, type AutoencoderKLSettings } from "./autoencoder-kl.ts";
export { AutoencoderTiny, type AutoencoderTinyConfig, type AutoencoderTinySettings } from "./autoencoder-tiny.ts";
export {
  CLIPModel,
  type CLIPOutput,
  CLIPVisionModel,
  type CLIPVisionOutput,
  contrastiveLoss,
} from "./clip.ts";
export type {
  CLIPConfig,
  CLIPSettings,
  CLIPTextConfig,
  CLIPTextSettings,
  CLIPVisionConfig,
  CLIPVisionSettings,
} from "./clip-config.ts";
export { CLIPTextModel, type CLIPTextOutput } from "./clip-text.ts";
export { timestepEmbedding } from "./embeddings.ts";
export { DiagonalGaussianDistribution } from "./gaussian.ts";
export { Model, type ModelOptions } from "./model.ts";
export type { Precision } from "./precision.ts";
export type { Timestep, UNetOutput } from "./unet.ts";
export { UNet2DModel } from "./unet-2d.ts";
export { UNet2DConditionModel } from "./unet-2d-condition.ts";
export type {
  UNet2DConditionConfig,
  UNet2DConditionSettings,
  UNet2DConfig,
  UNet2DSettings,
} from "./unet-config.ts";
