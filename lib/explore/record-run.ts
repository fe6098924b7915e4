import { Image } from "../images/index.ts";
import type { GenerateOptions, StableDiffusionPipeline } from "../pipelines/index.ts";
import { cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { pca } from "./pca.ts";

/** All that a run of one picture went through. */
export interface RecordedRun {
  /** What was painted. */
  readonly image: Image;
  /** The scheduler's timestep of each step. */
  readonly timesteps: readonly number[];
  /** The latents after each step, `[steps, 4, h, w]`. */
  readonly latents: Tensor;
  /** The clean latents as the U-Net saw them at each step, "x0", `[steps, 4, h, w]`. */
  readonly predOriginalSample: Tensor;
  /** The noise predicted at each step for the prompt, `[steps, 4, h, w]`. */
  readonly conditional: Tensor;
  /** For the negative prompt (mostly the empty one), `[steps, 4, h, w]`; null without guidance. */
  readonly unconditional: Tensor | null;
  /** After guidance, `[steps, 4, h, w]`. */
  readonly guided: Tensor;
  /** The guidance scale that it began with. */
  readonly guidanceScale: number;
}

/**
 * Paints one picture and keeps what happens at each step: for films, `plotTrajectories` and `showGuidance`.
 *
 * `const run = await recordRun(pipe, { prompt: "a red seven", numInferenceSteps: 16, seed: 1 })`
 *
 * @param options - those of `generate`, for one picture
 * @throws RangeError if there are several
 */
export async function recordRun(pipe: StableDiffusionPipeline, options: GenerateOptions): Promise<RecordedRun> {
  const timesteps: number[] = [];
  const kept: Record<"latents" | "predOriginalSample" | "guided", Tensor[]> = {
    latents: [],
    predOriginalSample: [],
    guided: [],
  };
  const predictions: Tensor[] = [];
  let latest: Tensor | undefined;
  let guidanceScale = Number.NaN;
  const handle = pipe.unet.registerForwardHook((_, __, output) => {
    latest ??= output.sample;
  });
  try {
    for await (const step of pipe.steps(options)) {
      if (step.latents.shape[0] !== 1) {
        throw new RangeError(`recordRun: a run of ${step.latents.shape[0]} pictures; expected one`);
      }
      if (step.index === 0) ({ guidanceScale } = step);
      timesteps.push(step.timestep);
      kept.latents.push(step.latents);
      kept.predOriginalSample.push(step.predOriginalSample);
      kept.guided.push(step.noisePred);
      predictions.push(latest!);
      latest = undefined;
    }
  } finally {
    handle.remove();
  }
  const rows = (from: "first" | "last") =>
    cat(predictions.map((each) => each.narrow(0, from === "first" ? 0 : each.shape[0]! - 1, 1))).realize();
  const isGuided = predictions.every((each) => each.shape[0] === 2);
  return {
    image: (await Image.fromBatch(await pipe.decode(kept.latents.at(-1)!)))[0]!,
    timesteps,
    latents: await cat(kept.latents).realize(),
    predOriginalSample: await cat(kept.predOriginalSample).realize(),
    guided: await cat(kept.guided).realize(),
    conditional: await rows("last"),
    unconditional: isGuided ? await rows("first") : null,
    guidanceScale,
  };
}

/** Paths through many dimensions, seen in the plane in which they differ most. */
export interface Trajectories {
  /** Names of the paths. */
  readonly names: readonly string[];
  /** Each path, `[steps, 2]`. */
  readonly paths: readonly Tensor[];
  /** How much of all variance each axis shows, 0 to 1. */
  readonly explained: readonly number[];
}

/**
 * Brings paths through many dimensions into one plane, by the principal components of all their places: runs of two prompts
 * from one seed, say. `plotTrajectories(await trajectories({ "a red seven": runA.latents, "a blue seven": runB.latents }))`
 *
 * @param paths - by name, `[steps, ...]` each, of one shape but for the steps
 * @throws RangeError if the shapes differ
 */
export async function trajectories(paths: Readonly<Record<string, Tensor>>): Promise<Trajectories> {
  const entries = Object.entries(paths);
  const first = entries[0]?.[1];
  if (!first) throw new RangeError("trajectories: got none; expected at least one: { name: latents }");
  for (const [name, path] of entries) {
    if (`${path.shape.slice(1)}` === `${first.shape.slice(1)}`) continue;
    throw new RangeError(
      `trajectories: ${name} is [${path.shape}], ${entries[0]![0]} [${first.shape}]; expected the same shape`,
    );
  }
  const { points, explained } = await pca(cat(entries.map(([, path]) => path.flatten(1))));
  let from = 0;
  const parts = entries.map(([, path]) => {
    from += path.shape[0]!;
    return points.narrow(0, from - path.shape[0]!, path.shape[0]!);
  });
  return { names: entries.map(([name]) => name), paths: parts, explained };
}
