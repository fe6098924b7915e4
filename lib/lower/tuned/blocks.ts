import type { Emitter } from "../emitter.ts";

/** The CPU's own image layout, `[B, C / b, H, W, b]` with blocks of b channels: what its fastest convolutions read. */
export const blockedDomain = { domain: "com.microsoft.nchwc" };

/** An image in blocks, laid out once for all who read it. */
export function inBlocks(e: Emitter, x: string): string {
  return e.memoize(`blocks ${x}`, () => e.graph.add("ReorderInput", [x], {}, blockedDomain));
}

/** `[n, b, m]` to `[n, m, b]`, b being a whole block: the step into the blocked layout is also the fastest transposition. */
export function turnBlocks(e: Emitter, x: string, n: number, m: number): string {
  return e.graph.add("ReorderInput", [e.reshape(x, [n, e.target.block, 1, m])], {}, blockedDomain);
}

/** `[n, m, b]` to `[n, b, m]`. */
export function turnBlocksBack(e: Emitter, x: string, n: number, m: number): string {
  const { block } = e.target;
  return e.graph.add("ReorderOutput", [e.reshape(x, [n, block, 1, m])], { channels: block }, blockedDomain);
}
