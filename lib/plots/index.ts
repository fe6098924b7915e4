/** Figures that show themselves: pictures, plots, diagrams. */
export { Animation, animate } from "./animation.ts";
export { type AttentionLike, type AttentionOptions, showAttention } from "./attention.ts";
export { barChart, showProbabilities } from "./bars.ts";
export { type FieldOptions, showField } from "./field.ts";
export { Figure } from "./figure.ts";
export { filmStrip } from "./film-strip.ts";
export { showImages, showRows } from "./grid.ts";
export { type GuidedRunLike, showGuidance } from "./guidance.ts";
export { showHeatmap } from "./heatmap.ts";
export { histogram } from "./histogram.ts";
export { type LatentsOptions, type PokedLike, showLatents, showPoke } from "./latents.ts";
export { linePlot } from "./line-plot.ts";
export { type LossByTimestepLike, plotLossByTimestep } from "./loss-by-timestep.ts";
export { LossCurve, lossCurve } from "./loss-curve.ts";
export { showNearest, type WordSumLike } from "./nearest.ts";
export { drawNetwork, type LayerShape } from "./network-diagram.ts";
export {
  type NoiseScheduleOptions,
  plotNoiseSchedule,
  plotTimesteps,
  type ScheduleLike,
  type ScheduleQuantity,
  type TimestepsOptions,
} from "./noise-schedule.ts";
export { showPixels } from "./pixel-view.ts";
export { scatterPlot } from "./scatter.ts";
export { sideBySide } from "./side-by-side.ts";
export { type SimilarityOptions, showSimilarity } from "./similarity.ts";
export { plotTrajectories, type TrajectoriesLike } from "./trajectories.ts";
export { drawUNet, type UNetShapes } from "./u-net-diagram.ts";
