import type { Scene } from "../../lib/datasets/index.ts";
import { JUDGED, type Judged, noGrad, type Tensor, tensor, type WorldJudge } from "../../lib/index.ts";

/** What the judge says of some pictures. */
export interface Verdict {
  readonly read: readonly Record<Judged, string>[];
  /** 128 numbers for each picture. */
  readonly features: readonly Float32Array[];
}

/** @param pictures - `[n, 3, 64, 64]`, -1 to 1 */
export async function judged(judge: WorldJudge, pictures: Tensor): Promise<Verdict> {
  const read: Record<Judged, string>[] = [];
  const features: Float32Array[] = [];
  for (const part of pictures.split(64, 0)) {
    read.push(...(await judge.read(part)));
    const rows = (await noGrad(() => judge.summary(part)).data()) as Float32Array;
    const width = rows.length / part.shape[0]!;
    for (let at = 0; at < rows.length; at += width) features.push(rows.slice(at, at + width));
  }
  return { read, features };
}

/** Shares of pictures that show what was asked for; `both` is thing and ink at once. */
export function obeyed(read: Verdict["read"], scenes: readonly Scene[]): Record<Judged | "both", number> {
  const share = (right: (i: number) => boolean) => scenes.filter((_, i) => right(i)).length / scenes.length;
  const is = (kind: Judged, i: number) => read[i]![kind] === scenes[i]![kind];
  return {
    ...(Object.fromEntries(JUDGED.map((kind) => [kind, share((i) => is(kind, i))])) as Record<Judged, number>),
    both: share((i) => is("thing", i) && is("ink", i)),
  };
}

/** Mean distance between the features of two pictures of the same group, of `size` pictures each in a row. */
export function variety(features: readonly Float32Array[], size: number): number {
  let [sum, count] = [0, 0];
  for (let from = 0; from < features.length; from += size) {
    const group = features.slice(from, from + size);
    for (const [i, a] of group.entries()) {
      for (const b of group.slice(i + 1)) {
        sum += Math.hypot(...a.map((value, k) => value - b[k]!));
        count++;
      }
    }
  }
  return sum / count;
}

/** Pictures as bytes `[n, 3, 64, 64]` as networks take them: -1 to 1. */
export function scaled(bytes: Uint8Array, shape: readonly number[]): Tensor {
  return tensor(bytes, shape).float().div(127.5).sub(1);
}
