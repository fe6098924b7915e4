/** Teaching a pipeline something new: a word, one particular thing, a manner, a whole set of pictures. */
export { type DenoisingLossOptions, denoisingLoss } from "./denoising-loss.ts";
export { type DreamboothOptions, dreambooth } from "./dreambooth.ts";
export { type FinetuneOptions, finetune } from "./finetune.ts";
export { type LoraFinetuneOptions, loraFinetune } from "./lora.ts";
export { getScheduler, type LrScheduler, type LrSchedulerOptions } from "./lr-scheduler.ts";
export type { TrainingOptions } from "./options.ts";
export type { PictureSource } from "./pictures.ts";
export { FineTuned } from "./result.ts";
export { type TextualInversionOptions, textualInversion } from "./textual-inversion.ts";
