/** Pictures: opened, resized, laid out, turned into tensors and back, saved with their prompt. */
export { enlargement, Image, type ResizeOptions } from "./image.ts";
export type { ImageMetadata } from "./metadata.ts";
export type { Mode, Pixels } from "./pixels.ts";
export type { ImageSource } from "./read.ts";
