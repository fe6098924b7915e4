/** One figure of ours beside that of a peer, measured in the same run. */
export interface BenchResult {
  /** Fixed once published: others follow the figure by it. */
  name: string;
  ours: number;
  /** The peer's figure; null where it is not there, with the reason in `note`. */
  peer: number | null;
  /** ours / peer: below 1 we are better (all figures are times or sizes). */
  ratio: number | null;
  unit: "ms" | "s" | "MB";
  /** Who the peer is, with its version. */
  peerName?: string;
  note?: string;
}

/**
 * A benchmark: the default export of a file `NAME.bench.ts` in this folder, which the runner finds by its ending.
 * It measures ours and the peer in turns in one run, so that a busy machine slows both, and reports medians.
 */
export interface Bench {
  /** Name on the command line; also that of the (first) result. */
  name: string;
  /** @param say - tells the person who waits what is going on */
  run(say: (line: string) => void): Promise<BenchResult[]>;
}

export function result(
  name: string,
  unit: BenchResult["unit"],
  ours: number,
  peer: { name: string; value: number } | { missing: string },
  note?: string,
): BenchResult {
  if ("missing" in peer) return { name, ours, peer: null, ratio: null, unit, note: peer.missing };
  return { name, ours, peer: peer.value, ratio: ours / peer.value, unit, peerName: peer.name, ...(note && { note }) };
}

/** The middle of some measurements. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("median: no values");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Milliseconds that something takes. */
export async function timed(task: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await task();
  return performance.now() - start;
}
