import { type ChartOptions, drawChart } from "./chart.ts";
import { Figure } from "./figure.ts";
import { label, plural } from "./format.ts";
import { namedSeries } from "./line-plot.ts";
import { SERIES } from "./palette.ts";
import { checkInteger, checkRange, extentOf, type Range, specialNote } from "./ranges.ts";
import { type NumbersInput, valuesOf } from "./values.ts";

/** How a histogram looks. */
export interface HistogramOptions extends ChartOptions {
  /** Bars from the least to the greatest value; default 40. */
  bins?: number;
  /** Name of the horizontal axis, with its unit. */
  xLabel?: string;
  /** What the horizontal axis shows; values outside are left out and counted. Default: the values' extent. */
  range?: Range;
}

/**
 * Draws how often values occur, as shares of all: several sets can be compared although one is larger.
 * `histogram(randn([5000]))`.
 *
 * @param values - any shape, or several by name: `{ noise, "noisy latents": x }`
 * @returns a figure that shows itself; values that are NaN or infinite are counted below it
 */
export function histogram(
  values: NumbersInput | Readonly<Record<string, NumbersInput>>,
  options: HistogramOptions = {},
): Figure {
  const where = "histogram";
  const { bins = 40 } = options;
  checkInteger(where, "bins", bins);
  if (options.range !== undefined) checkRange(where, options.range);
  const pending = namedSeries(where, values).map(([name, each]) => ({
    name,
    list: valuesOf(name ? `${where}: "${name}"` : where, each),
  }));
  if (pending.length === 0) throw new RangeError(`${where}: got no values, expected at least one set: { noise: e }`);
  return new Figure(where, async () => {
    const sets = await Promise.all(pending.map(async ({ name, list }) => ({ name, data: (await list.read()).data })));
    const extent = extentOf(sets.map((set) => set.data));
    const [low, high] =
      options.range ?? (extent.low === extent.high ? [extent.low - 0.5, extent.high + 0.5] : [extent.low, extent.high]);
    const rows = sets.flatMap(({ name, data }, i) =>
      count(data, low, high, bins).map((row) => ({ ...row, name, colour: SERIES[i % SERIES.length]! })),
    );
    const outside = sets.reduce(
      (sum, { data }) =>
        sum + Array.prototype.filter.call(data, (v: number) => Number.isFinite(v) && (v < low || v > high)).length,
      0,
    );
    const legend = sets.map(({ name }, i) => ({ name, colour: SERIES[i % SERIES.length]! }));
    return drawChart({
      ...options,
      legend: sets.length > 1 ? legend : [],
      notes: [
        outside > 0 ? `${plural(outside, "value")} outside ${label(low)} to ${label(high)}` : "",
        specialNote(extent, false),
      ],
      alt: sets.map(({ name, data }) => `${name ? `${name}: ` : ""}histogram of ${summary(data)}`).join(". "),
      plot: (Plot) => ({
        x: { label: options.xLabel ?? "value", domain: [low, high] },
        y: { label: "share of values (%)", percent: true, grid: true },
        marks: [
          Plot.rectY(rows, {
            x1: "from",
            x2: "to",
            y1: 0,
            y2: "share",
            fill: "colour",
            fillOpacity: sets.length > 1 ? 0.5 : 0.85,
            insetLeft: 0.5,
            insetRight: 0.5,
            title: (row) =>
              `${row.name ? `${row.name}, ` : ""}${label(row.from)} to ${label(row.to)}: ${plural(row.n, "value")}`,
          }),
          Plot.ruleY([0], { strokeOpacity: 0.4 }),
        ],
      }),
    });
  });
}

function count(data: ArrayLike<number>, low: number, high: number, bins: number) {
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (value >= low && value <= high) counts[Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins))]!++;
  }
  const at = (i: number) => low + ((high - low) * i) / bins;
  return counts.map((n, i) => ({ from: at(i), to: at(i + 1), n, share: n / data.length }));
}

function summary(data: ArrayLike<number>): string {
  const finite = Array.from(data).filter(Number.isFinite);
  const mean = finite.reduce((sum, v) => sum + v, 0) / finite.length;
  const deviation = Math.sqrt(finite.reduce((sum, v) => sum + (v - mean) ** 2, 0) / finite.length);
  return `${plural(data.length, "value")}, mean ${label(mean)}, standard deviation ${label(deviation)}`;
}
