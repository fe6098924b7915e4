/** What is inside: walks through noise and embeddings, maps of many dimensions in two. */
export { type AttentionMaps, type AttentionMapsOptions, crossAttentionMaps } from "./attention-maps.ts";
export { type TsneOptions, tsne, type UmapOptions, umap } from "./reduce.ts";
export { noiseCircle, slerp, type WalkKind, walk } from "./walk.ts";
