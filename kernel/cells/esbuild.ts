import { readFileSync } from "node:fs";
import type { TransformOptions, TransformResult } from "esbuild";
import { afterOwnTime } from "../own-time.ts";

/** A transform that takes longer, in milliseconds of the service's own time, is one of a service that hangs. */
const WITHIN = 15_000;

/** How often the service has been started anew. */
let restarts = 0;

/**
 * esbuild's `transform`, which works in a process of its own: if that has ended or hangs, another takes its place.
 *
 * @throws Error if the code is not valid, or esbuild cannot be started
 */
export async function transform(code: string, options: TransformOptions): Promise<TransformResult> {
  const esbuild = await import("esbuild"); // loaded when first used, see ./parse.ts
  for (let isLastTry = false; ; isLastTry = true) {
    const seen = restarts;
    try {
      return await inTime(esbuild.transform(code, options));
    } catch (error) {
      if (isLastTry || !isGone(error as Error)) throw error;
      // Of several that failed together, the first starts it.
      if (seen === restarts) {
        restarts++;
        await esbuild.stop();
      }
    }
  }
}

class TookTooLong extends Error {}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let stop = () => {};
  const late = new Promise<never>((_, reject) => {
    stop = afterOwnTime(servicePid, WITHIN, () => reject(new TookTooLong("esbuild does not answer.")));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    stop();
  }
}

/** The process that esbuild has started for this one; undefined where the system does not say. */
function servicePid(): number | undefined {
  try {
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim().split(" ");
    return children.map(Number).find((pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("--service="));
  } catch {
    return undefined;
  }
}

function isGone(error: Error): boolean {
  if ("errors" in error) return false; // of the code
  return error instanceof TookTooLong || /service (was stopped|is no longer running)|EPIPE/.test(error.message);
}
