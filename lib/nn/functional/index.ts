/** Functions of layers without parameters of their own, with PyTorch's names and meaning. */
export { scaledDotProductAttention } from "./attention.ts";
export {
  type ConvOptions,
  type ConvTransposeOptions,
  conv2d,
  conv2dPadded,
  convTranspose2d,
  linear,
  type Pair,
  pair,
} from "./conv.ts";
export { dropout } from "./dropout.ts";
export { embedding } from "./embedding.ts";
export {
  type BceOptions,
  type BceWithLogitsOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type CrossEntropyOptions,
  crossEntropy,
  huberLoss,
  type KlDivOptions,
  klDiv,
  type LossOptions,
  l1Loss,
  mseLoss,
  nllLoss,
  type Reduction,
  type SmoothL1Options,
  smoothL1Loss,
} from "./loss.ts";
export { batchNorm, groupNorm, layerNorm, rmsNorm } from "./norm.ts";
export { pixelShuffle, pixelUnshuffle } from "./pixel-shuffle.ts";
export {
  type AvgPoolOptions,
  adaptiveAvgPool2d,
  avgPool2d,
  type MaxPoolOptions,
  maxPool2d,
} from "./pool.ts";
export { upsampleNearest } from "./upsample.ts";
