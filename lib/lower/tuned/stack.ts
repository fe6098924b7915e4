import type { Node } from "../../graph/node.ts";
import type { Emitter } from "../emitter.ts";

/** Which of the nine shifts of a 3x3 kernel are stacked for a tensor: those by row, by column, all or none. */
type Shifts = "rows" | "columns" | "all" | "none";

/** Kernels that copy a channel to `count` shifted ones. */
export function oneHot(channels: number, count: number, backwards: boolean): Float32Array {
  const weights = new Float32Array(channels * count * count);
  for (let i = 0; i < channels; i++) {
    for (let s = 0; s < count; s++) weights[(i * count + s) * count + (backwards ? count - 1 - s : s)] = 1;
  }
  return weights;
}

/**
 * Each channel followed by its shifts. A convolution with one-hot kernels makes them, on all threads and without a copy
 * for each. For dy the shifts run backwards: what the kernel adds to x's position it takes from dy's.
 */
export function stack(e: Emitter, t: Node, shifts: Shifts, backwards: boolean): string {
  const [b, channels, h, w] = t.shape as [number, number, number, number];
  const name = e.name(t);
  if (shifts === "none") return e.reshape(name, [b, channels, h * w]);
  const [kh, kw] = [shifts === "columns" ? 1 : 3, shifts === "rows" ? 1 : 3];
  const count = kh * kw;
  return e.memoize(`stack ${name} ${shifts} ${backwards}`, () => {
    const key = `one-hot ${channels} ${shifts} ${backwards}`;
    const shape = [count * channels, 1, kh, kw];
    const hot = e.graph.constant(key, "float32", shape, () => oneHot(channels, count, backwards));
    const pads = [kh >> 1, kw >> 1, kh >> 1, kw >> 1];
    const out = e.graph.add("Conv", [name, hot], { group: channels, kernel_shape: [kh, kw], pads });
    return e.reshape(out, [b, count * channels, h * w]);
  });
}
