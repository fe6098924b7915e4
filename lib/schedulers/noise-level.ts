import { fromArray } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";

/** What a noisy sample is made of: `alpha x0 + sigma noise`, with noise of standard deviation 1. */
export interface NoiseLevel<T = number> {
  /** Share of the clean sample. */
  readonly alpha: T;
  /** Standard deviation of the noise. */
  readonly sigma: T;
}

/** The level of variance-preserving schedules, where alpha^2 + sigma^2 = 1. */
export function levelOf(alphaBar: number): NoiseLevel {
  return { alpha: Math.sqrt(alphaBar), sigma: Math.sqrt(1 - alphaBar) };
}

/** One timestep for all samples of a batch, or one for each. */
export type Timesteps = number | readonly number[] | Tensor;

/** The levels of samples `[batch, ...]`: numbers, or tensors of a shape that broadcasts over them. */
export function levelsFor(
  where: string,
  samples: Tensor,
  timesteps: Timesteps,
  schedule: { alphasCumprod: Float32Array; alphaBar: (timestep: number) => number },
): NoiseLevel<number | Tensor> {
  const ones = samples.shape.slice(1).map(() => 1);
  if (timesteps instanceof Tensor) {
    // A tensor's numbers may be unknown yet, as inside a compiled training step: they are looked up in the graph.
    const { alphasCumprod } = schedule;
    const count = timesteps.numel();
    const look = (f: (alphaBar: number) => number) =>
      fromArray("float32", [alphasCumprod.length], alphasCumprod.map(f))
        .indexSelect(0, timesteps.reshape([count]))
        .reshape([count, ...ones]);
    return { alpha: look(Math.sqrt), sigma: look((alphaBar) => levelOf(alphaBar).sigma) };
  }
  if (typeof timesteps === "number") return levelOf(schedule.alphaBar(timesteps));
  const batch = samples.shape[0] ?? 1;
  if (timesteps.length !== batch) {
    throw new RangeError(`${where}: ${timesteps.length} timesteps for a batch of ${batch}`);
  }
  const levels = timesteps.map((t) => levelOf(schedule.alphaBar(t)));
  const column = (key: keyof NoiseLevel) =>
    fromArray(
      "float32",
      [batch, ...ones],
      Float32Array.from(levels, (level) => level[key]),
    );
  return { alpha: column("alpha"), sigma: column("sigma") };
}
