/** difflab: tensors, training and Stable Diffusion in TypeScript. */

export { LoraLayers, type LoraOptions, readLora, readTextualInversion } from "./adapters/index.ts";
export { type Compiled, compile } from "./compile/compile.ts";
export {
  captionOf,
  Dice,
  digits,
  drawScene,
  fashionMnist,
  ImageDataset,
  mnist,
  parseIdx,
  showWorld,
  WORLD,
  WorldDataset,
  type WorldOptions,
  world,
} from "./datasets/index.ts";
export * from "./explore/index.ts";
export * from "./finetune/index.ts";
// Tensors
export { type DType, dtypes, type TypedArray } from "./graph/dtype.ts";
export type { NumberArray } from "./graph/numbers.ts";
export type { Shape } from "./graph/shape.ts";
// Files and data
export { HubError, login, logout, pushToHub, resolveFiles, whoami } from "./hub/index.ts";
export { Image } from "./images/index.ts";
export { saveOnnx, toOnnx } from "./io/onnx.ts";
export { loadTensors, type SaveOptions, saveTensors } from "./io/tensors.ts";
export { type CoverageOptions, coverage, frechetDistance, kernelDistance } from "./judge/distances.ts";
export { DigitJudge, digitJudge } from "./judge/judge.ts";
export { JUDGED, type Judged, WorldJudge, type WorldJudgeConfig, worldJudge } from "./judge/world-judge.ts";
export * from "./models/index.ts";
export { PointDenoiser, type PointTraining, pointsOf } from "./models/point-denoiser.ts";
export { SmallUNet, type SmallUNetOptions } from "./models/small-unet.ts";
// Networks and their training
export * as nn from "./nn/index.ts";
export * as optim from "./optim/index.ts";
export * from "./pipelines/index.ts";
// Figures
export * from "./plots/index.ts";
// Randomness
export { defaultGenerator, Generator, manualSeed } from "./random/index.ts";
// Where it runs
export { availableDevices, type Device, devices, getDevice, setDevice } from "./runtime/devices.ts";
export { getNumThreads, setNumThreads } from "./runtime/settings.ts";
export {
  openSafetensors,
  parseSafetensors,
  SafetensorsFile,
  saveCheckpoint,
  saveSafetensors,
} from "./safetensors/index.ts";
// Diffusion
export * from "./schedulers/index.ts";
export * from "./tensor/create.ts";
export { einsum } from "./tensor/einsum.ts";
export * from "./tensor/functions.ts";
export { grad, noGrad, valueAndGrad } from "./tensor/grad.ts";
export type { Nested } from "./tensor/nested.ts";
export * from "./tensor/random.ts";
export { type Operand, Tensor } from "./tensor/tensor.ts";
export { realize } from "./tensor/values.ts";
// Prompts
export { CLIPTokenizer } from "./tokenizer/index.ts";
export {
  type Callback,
  CancelBatch,
  CancelEpoch,
  CancelFit,
  type LearnerOptions,
  type Training,
} from "./train/callback.ts";
export { ProgressCallback } from "./train/callbacks/progress-callback.ts";
export { Recorder } from "./train/callbacks/recorder.ts";
export { type CheckpointOptions, SaveCheckpoints } from "./train/callbacks/save-checkpoints.ts";
export { Diverged, StopOnDivergence } from "./train/callbacks/stop-on-divergence.ts";
export { StopOnInterrupt } from "./train/callbacks/stop-on-interrupt.ts";
export { DataLoader, type DataLoaderOptions, type Dataset, TensorDataset } from "./train/data-loader.ts";
export { type FitResult, Learner, type Objective } from "./train/learner.ts";
export { type LRFindOptions, LRFound, lrFind } from "./train/lr-finder.ts";
export { accuracy } from "./train/metrics.ts";
// Widgets
export * from "./widgets/index.ts";
