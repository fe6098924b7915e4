/** Whole runs of Stable Diffusion, by diffusers' names. */

export type { CallbackKwargs } from "./callbacks.ts";
export type { Components, PipelineOptions } from "./components.ts";
export type { GenerationDefaults } from "./defaults.ts";
export type { ImageInput } from "./from-image.ts";
export { classifierFree } from "./guidance.ts";
export { type Img2ImgOptions, StableDiffusionImg2ImgPipeline } from "./img2img.ts";
export { type InpaintOptions, StableDiffusionInpaintPipeline } from "./inpaint.ts";
export type { LossGuidance } from "./loss-guidance.ts";
export type { GenerateOptions } from "./options.ts";
export { PipelineOutput } from "./output.ts";
export { DiffusionPipeline } from "./pipeline.ts";
export { StableDiffusionPipeline } from "./stable-diffusion.ts";
export type { Step, StepChanges } from "./step.ts";
