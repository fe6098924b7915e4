import type { Emitter } from "../emitter.ts";

/** The CPU's own image layout, `[B, C / b, H, W, b]` with blocks of b channels: what its fastest convolutions read. */
export const blockedDomain = { domain: "com.microsoft.nchwc" };

/** An image in blocks, laid out once for all who read it. */
export function inBlocks(e: Emitter, x: string): string {
  return e.once(`blocks ${x}`, () => e.graph.add("ReorderInput", [x], {}, blockedDomain));
}
