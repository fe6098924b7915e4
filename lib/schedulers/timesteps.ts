/** Which of the training's timesteps a run visits, as diffusers (and NumPy under it) counts them. */

/** `n` numbers from `start` to `end`, both included; of one only `start`. */
export function linspace(start: number, end: number, n: number): number[] {
  const step = n > 1 ? (end - start) / (n - 1) : 0;
  return Array.from({ length: n }, (_, i) => (i === n - 1 && n > 1 ? end : start + i * step));
}

/** Rounds to the nearest whole number, halves to the even one. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** From `last` down in steps of a ratio, as long as above 0. */
export function trailing(last: number, ratio: number): number[] {
  // NumPy takes the difference of the first two for the step, which is not quite the ratio.
  const step = last - ratio - last;
  return Array.from({ length: Math.ceil(last / ratio) }, (_, i) => roundHalfEven(last + i * step) - 1);
}

/** Every `ratio`-th from 0 up, largest first. */
export function leading(n: number, ratio: number, offset: number): number[] {
  return Array.from({ length: n }, (_, i) => (n - 1 - i) * ratio + offset);
}

/** Settings that say how a run's timesteps are spread. */
export interface SpacingSettings {
  readonly num_train_timesteps: number;
  readonly timestep_spacing: "linspace" | "leading" | "trailing";
  readonly steps_offset: number;
}

/**
 * `n` timesteps, largest first.
 *
 * @param integers - whether to round "linspace" to whole numbers; else it is float32
 */
export function spacedTimesteps(config: SpacingSettings, n: number, integers: boolean): number[] {
  const { num_train_timesteps: train, timestep_spacing: spacing, steps_offset: offset } = config;
  if (spacing === "leading") return leading(n, Math.floor(train / n), offset);
  if (spacing === "trailing") return trailing(train, train / n);
  return linspace(0, train - 1, n)
    .map(integers ? roundHalfEven : Math.fround)
    .reverse();
}

/**
 * `n` timesteps for solvers that go on to 0 after the last: the first `n` of `n + 1`.
 *
 * @param last - one more than the largest timestep
 */
export function solverTimesteps(config: SpacingSettings, n: number, last: number): number[] {
  const { num_train_timesteps: train, timestep_spacing: spacing, steps_offset: offset } = config;
  if (spacing === "leading") return leading(n + 1, Math.floor(last / (n + 1)), offset).slice(0, -1);
  if (spacing === "trailing") return trailing(last, train / n);
  return linspace(0, last - 1, n + 1)
    .map(roundHalfEven)
    .reverse()
    .slice(0, -1);
}
