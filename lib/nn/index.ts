/** Layers, with PyTorch's names, weights' shapes and initial values. */
export { ELU, LeakyReLU, LogSoftmax, Mish, Softplus } from "./activations.ts";
export { MultiheadAttention } from "./attention.ts";
export { AttentionProbs } from "./attention-probs.ts";
export {
  AdaptiveAvgPool2d,
  AvgPool2d,
  Dropout,
  Flatten,
  GELU,
  Identity,
  MaxPool2d,
  QuickGELU,
  ReLU,
  Sequential,
  Sigmoid,
  SiLU,
  Softmax,
  Tanh,
  Upsample,
} from "./containers.ts";
export * as functional from "./functional/index.ts";
export type { ForwardArgs, ForwardHook, ForwardOutput, ForwardPreHook, HookOptions, RemovableHandle } from "./hooks.ts";
export * as init from "./init.ts";
export { withoutInit } from "./init.ts";
export {
  Conv1d,
  type Conv1dOptions,
  Conv2d,
  type Conv2dOptions,
  ConvTranspose2d,
  type ConvTranspose2dOptions,
  Embedding,
  Linear,
  type PaddingMode,
} from "./layers.ts";
export {
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MSELoss,
  NLLLoss,
  SmoothL1Loss,
} from "./losses.ts";
export { keyOf, type Layer, Module, Parameter, type StateDict } from "./module.ts";
export { ModuleList } from "./module-list.ts";
export { BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm, RMSNorm } from "./norm.ts";
export { outputShapes } from "./shapes.ts";
