import { type ChartOptions, drawChart } from "./chart.ts";
import { Figure } from "./figure.ts";
import { plural } from "./format.ts";
import { SERIES } from "./palette.ts";
import { type NumbersInput, valuesOf } from "./values.ts";

/** What `trajectories` gives. */
export interface TrajectoriesLike {
  /** Names of the paths. */
  readonly names: readonly string[];
  /** Each path, `[steps, 2]`. */
  readonly paths: readonly NumbersInput[];
  /** How much of all variance each axis shows, 0 to 1. */
  readonly explained: readonly number[];
}

/**
 * Draws paths through many dimensions in the plane in which they differ most, a dot for each step, a ring at the first:
 * `plotTrajectories(await trajectories({ "a red seven": run.latents, "a blue seven": other.latents }))`.
 *
 * @throws RangeError if a path is not `[steps, 2]`, or the names are not as many
 */
export function plotTrajectories(seen: TrajectoriesLike, options: ChartOptions = {}): Figure {
  const where = "plotTrajectories";
  if (seen.paths.length === 0 || seen.names.length !== seen.paths.length) {
    throw new RangeError(
      `${where}: ${plural(seen.names.length, "name")} for ${plural(seen.paths.length, "path")}; expected the same number, at least one`,
    );
  }
  const pending = seen.paths.map((path, i) => {
    const values = valuesOf(`${where}: ${seen.names[i]}`, path);
    if (values.shape.length !== 2 || values.shape[1] !== 2) {
      throw new RangeError(`${where}: ${seen.names[i]} is [${values.shape.join(", ")}], expected [steps, 2]`);
    }
    return values;
  });
  return new Figure(where, async () => {
    const drawn = await Promise.all(
      pending.map(async (values, i) => {
        const { data, shape } = await values.read();
        const points = Array.from({ length: shape[0]! }, (_, at) => ({ x: data[2 * at]!, y: data[2 * at + 1]!, at }));
        return { name: seen.names[i]!, colour: SERIES[i % SERIES.length]!, points };
      }),
    );
    const axis = (i: number) => `component ${i + 1} (${Math.round(100 * (seen.explained[i] ?? 0))} % of the variance)`;
    return drawChart({
      width: 560,
      height: 400,
      ...options,
      legend: drawn,
      notes: ["ring: after the first step; dot: each step; square: the end"],
      alt: `paths of ${drawn.map(({ name, points }) => `${name} (${plural(points.length, "step")})`).join(", ")} in a plane`,
      plot: (Plot) => ({
        inset: 14,
        x: { label: axis(0), grid: true, ticks: 6 },
        y: { label: axis(1), grid: true, ticks: 6 },
        marks: drawn.flatMap(({ name, points, colour }) => [
          Plot.line(points, { x: "x", y: "y", stroke: colour, strokeWidth: 1.8 }),
          Plot.dot(points.slice(1, -1), {
            x: "x",
            y: "y",
            fill: colour,
            r: 2.6,
            title: ({ at }) => `${name}, step ${at + 1}`,
          }),
          Plot.dot(points.slice(0, 1), {
            x: "x",
            y: "y",
            stroke: colour,
            strokeWidth: 2,
            r: 5,
            title: () => `${name}, step 1`,
          }),
          Plot.dot(points.slice(-1), {
            x: "x",
            y: "y",
            fill: colour,
            symbol: "square",
            r: 5,
            title: () => `${name}, the end`,
          }),
        ]),
      }),
    });
  });
}
