/** What people add to a checkpoint: learned words (textual inversion) and low-rank changes (LoRA), read from their files. */
export { ADAPTER_OPTIONS, type AdapterOptions } from "./find.ts";
export {
  type Lora,
  type LoraLayer,
  loraDelta,
  matchLora,
  readLora,
} from "./lora.ts";
export { LoraLayers, type LoraOptions, saveLoraWeights } from "./lora-layers.ts";
export { LORA_COMPONENTS, type LoraComponent } from "./lora-scales.ts";
export { type LearnedConcept, readTextualInversion } from "./textual-inversion.ts";
export type { Weights } from "./weights-file.ts";
