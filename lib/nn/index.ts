/** Layers, with PyTorch's names, weights' shapes and initial values. */
export { MultiheadAttention } from "./attention.ts";
export {
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
export * as init from "./init.ts";
export { withoutInit } from "./init.ts";
export { Conv2d, type Conv2dOptions, ConvTranspose2d, Embedding, Linear } from "./layers.ts";
export { keyOf, type Layer, Module, Parameter, type StateDict } from "./module.ts";
export { BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm } from "./norm.ts";
export { outputShapes } from "./shapes.ts";
