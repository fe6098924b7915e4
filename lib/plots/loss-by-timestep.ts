import { type ChartOptions, drawChart } from "./chart.ts";
import { Figure } from "./figure.ts";
import { label, plural } from "./format.ts";
import { SERIES } from "./palette.ts";

/** What `lossByTimestep` gives. */
export interface LossByTimestepLike {
  /** The timesteps. */
  readonly timesteps: readonly number[];
  /** The loss at each. */
  readonly losses: readonly number[];
  /** How uncertain each is, as its standard error. */
  readonly errors?: readonly number[];
}

/**
 * Draws how wrong a network is at each timestep, of one or of several by name: `plotLossByTimestep({ before, after })`.
 *
 * @throws RangeError if there are no losses, or not as many as timesteps
 */
export function plotLossByTimestep(
  losses: LossByTimestepLike | Readonly<Record<string, LossByTimestepLike>>,
  options: ChartOptions = {},
): Figure {
  const where = "plotLossByTimestep";
  const named: [string, LossByTimestepLike][] =
    "timesteps" in losses ? [["", losses as LossByTimestepLike]] : Object.entries(losses);
  if (named.length === 0) throw new RangeError(`${where}: got no losses; expected the result of lossByTimestep`);
  const curves = named.map(([name, { timesteps, losses: values, errors }], i) => {
    if (timesteps.length === 0 || values.length !== timesteps.length) {
      throw new RangeError(`${where}: ${values.length} losses for ${plural(timesteps.length, "timestep")}`);
    }
    const points = timesteps.map((t, at) => ({ t, loss: values[at]!, error: errors?.[at] ?? 0 }));
    return { name, colour: SERIES[i % SERIES.length]!, points: points.sort((a, b) => a.t - b.t) };
  });
  return new Figure(where, async () =>
    drawChart({
      ...options,
      legend: curves.length > 1 ? curves : [],
      notes: [curves.some(({ points }) => points.some(({ error }) => error > 0)) ? "bars: ± 1 standard error" : ""],
      alt: curves
        .map(({ name, points }) => {
          const [first, last] = [points[0]!, points.at(-1)!];
          return `${name || "loss"} by timestep: ${label(first.loss)} at t ${first.t}, ${label(last.loss)} at t ${last.t}`;
        })
        .join("; "),
      plot: (Plot) => ({
        x: { label: "timestep t (0: the picture, the last: noise)", grid: true },
        y: {
          label: "mean squared error (1: as for always predicting zero)",
          type: "log",
          grid: true,
          ticks: 5,
          tickFormat: "~g",
        },
        marks: curves.flatMap(({ points, colour }) => [
          Plot.ruleY([1], { strokeOpacity: 0.4, strokeDasharray: "3 3" }),
          Plot.ruleX(
            points.filter(({ error }) => error > 0),
            {
              x: "t",
              y1: ({ loss, error }) => Math.max(loss - error, loss / 10),
              y2: ({ loss, error }) => loss + error,
              stroke: colour,
              strokeOpacity: 0.5,
            },
          ),
          Plot.line(points, { x: "t", y: "loss", stroke: colour, strokeWidth: 2 }),
          Plot.dot(points, {
            x: "t",
            y: "loss",
            fill: colour,
            r: 3,
            title: ({ t, loss }: { t: number; loss: number }) => `t ${t}: ${label(loss)}`,
          }),
        ]),
      }),
    }),
  );
}
