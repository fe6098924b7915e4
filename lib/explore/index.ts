/** What is inside: walks through noise, maps of many dimensions in two, what attention looks at, what latents hold. */
export { type WordSum, wordArithmetic } from "./arithmetic.ts";
export { type AttentionMaps, type AttentionMapsOptions, crossAttentionMaps } from "./attention-maps.ts";
export { fitLatentRgb, LatentRgb } from "./latent-rgb.ts";
export { type LossByTimestep, type LossByTimestepOptions, lossByTimestep } from "./loss-by-timestep.ts";
export { type Pca, pca } from "./pca.ts";
export { type Poke, type Poked, pokeLatents } from "./poke.ts";
export { type RecordedRun, recordRun, type Trajectories, trajectories } from "./record-run.ts";
export { type TsneOptions, tsne, type UmapOptions, umap } from "./reduce.ts";
export { noiseCircle, slerp, type WalkKind, walk } from "./walk.ts";
