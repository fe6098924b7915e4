/** From a prompt to the numbers that CLIP's text encoder takes. */
export { type BatchOptions, CLIPTokenizer, type TokenBatch } from "./clip-tokenizer.ts";
