/** Optimizers, with PyTorch's formulas and defaults. */
export { Adam, type AdamSettings, AdamW } from "./adam.ts";
export { clipGradNorm, clipGradValue } from "./clip.ts";
export { EMA } from "./ema.ts";
export { Optimizer, type OptimizerState } from "./optimizer.ts";
export {
  CosineAnnealingLR,
  CosineWithWarmup,
  LambdaLR,
  OneCycleLR,
  type OneCycleOptions,
  Schedule,
} from "./schedule.ts";
export { RMSprop, type RmspropSettings, SGD, type SgdSettings } from "./sgd.ts";
export {
  ExponentialLR,
  LinearLR,
  MultiStepLR,
  type PlateauOptions,
  ReduceLROnPlateau,
  StepLR,
} from "./step-schedules.ts";
