/** Functions of layers without parameters of their own, with PyTorch's names and meaning. */
export {
  cosineSimilarity,
  elu,
  gelu,
  leakyRelu,
  logSoftmax,
  logsumexp,
  mish,
  normalize,
  relu,
  sigmoid,
  silu,
  softmax,
  softplus,
  tanh,
} from "./activations.ts";
export { type AttentionOptions, attentionProbs, scaledDotProductAttention } from "./attention.ts";
export {
  type Conv1dOptions,
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv2dPadded,
  convTranspose2d,
  linear,
  type Pair,
  pair,
} from "./conv.ts";
export { dropout } from "./dropout.ts";
export { embedding, oneHot } from "./embedding.ts";
export { type InterpolateOptions, interpolate, interpolationModes } from "./interpolate.ts";
export {
  type BceOptions,
  type BceWithLogitsOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type CrossEntropyOptions,
  crossEntropy,
  type HuberOptions,
  huberLoss,
  type KlDivOptions,
  klDiv,
  type LossOptions,
  l1Loss,
  mseLoss,
  type NllOptions,
  nllLoss,
  type Reduction,
  type SmoothL1Options,
  smoothL1Loss,
} from "./loss.ts";
export { batchNorm, groupNorm, layerNorm, rmsNorm } from "./norm.ts";
export { type PadMode, pad, padModes } from "./pad.ts";
export { pixelShuffle, pixelUnshuffle } from "./pixel-shuffle.ts";
export {
  type AvgPoolOptions,
  adaptiveAvgPool2d,
  avgPool2d,
  type MaxPoolOptions,
  maxPool2d,
} from "./pool.ts";
export { unfold } from "./unfold.ts";
export { upsampleNearest } from "./upsample.ts";
