/** The safetensors format: checkpoints opened lazily, checked before they are trusted, and written. */

export { float16ToFloat32, float32ToFloat16 } from "../graph/half.ts";
export type { SafetensorsDtype, TensorData } from "./dtypes.ts";
export { bfloat16ToFloat32, float32ToBfloat16, toFloat32 } from "./half.ts";
export { parseSafetensors, SafetensorsFile, type StoredTensor } from "./read.ts";
export { openSafetensors, saveCheckpoint } from "./sharded.ts";
export { saveSafetensors, serializeSafetensors, type TensorsToSave, type TensorToSave } from "./write.ts";
