import { plural } from "../printed.ts";
import { CHART, type ChartOptions, drawChart } from "./chart.ts";
import { Figure } from "./figure.ts";
import { label } from "./format.ts";
import { SERIES } from "./palette.ts";
import { checkRange, extentOf, type Range, specialNote } from "./ranges.ts";
import { textWidth } from "./svg.ts";
import { isObject, isTensor, listOf, type NumbersInput } from "./values.ts";

/** How a bar chart looks. */
export interface BarChartOptions extends ChartOptions {
  /** Names of the bars; default their numbers, starting at 0. */
  labels?: readonly (string | number)[];
  /** Name of the horizontal axis, with its unit. */
  xLabel?: string;
  /** Name of the vertical axis, with its unit. */
  yLabel?: string;
  /** The least that the vertical axis shows; default: from 0 to the values' extent. */
  yRange?: Range;
  /** The bar to highlight, by its number; null: none. Default: none, and the highest in `showProbabilities`. */
  highlight?: number | null;
  /** A colour for each bar, as CSS writes it: `["red", "#00f"]`. */
  colors?: readonly string[];
}

const MOST_BARS = 60;

/**
 * Draws one bar for each value, with the value above it.
 * `barChart({ cat: 3, dog: 5 })`, `barChart([0.1, 0.7, 0.2], { labels: ["a", "b", "c"] })`.
 *
 * @param values - `[n]`, or values by name
 * @returns a figure that shows itself
 * @throws RangeError if there are more than 60 values, or another number of labels or colours
 */
export function barChart(
  values: NumbersInput | Readonly<Record<string, number>>,
  options: BarChartOptions = {},
): Figure {
  return bars("barChart", values, { highlight: null, ...options });
}

/**
 * Draws how probable each class is: bars on an axis from 0 to 1, the most probable class standing out.
 *
 * @param probabilities - `[n]`, as `logits.softmax(-1)` gives them, or by name
 */
export function showProbabilities(
  probabilities: NumbersInput | Readonly<Record<string, number>>,
  options: BarChartOptions = {},
): Figure {
  return bars("showProbabilities", probabilities, {
    yLabel: "probability",
    yRange: [0, 1],
    height: 180,
    width: 420,
    ...options,
  });
}

function bars(where: string, input: NumbersInput | Readonly<Record<string, number>>, options: BarChartOptions): Figure {
  const record =
    isObject(input) && !Array.isArray(input) && !ArrayBuffer.isView(input) && !isTensor(input) && !("data" in input);
  const names = record ? Object.keys(input) : options.labels?.map(String);
  const pending = listOf(where, record ? Object.values(input) : input);
  const count = pending.shape.reduce((n, d) => n * d, 1);
  if (count > MOST_BARS)
    throw new RangeError(
      `${where}: ${plural(count, "value")}, expected at most ${MOST_BARS}. For many values, use histogram.`,
    );
  if (names && names.length !== count)
    throw new RangeError(
      `${where}: ${plural(names.length, "label")} for ${plural(count, "value")}; expected the same number`,
    );
  const { colors } = options;
  if (colors && colors.length !== count)
    throw new RangeError(
      `${where}: ${plural(colors.length, "colour")} for ${plural(count, "value")}; expected the same number`,
    );
  if (options.yRange !== undefined) checkRange(`${where}: yRange`, options.yRange);
  const { highlight } = options;
  if (typeof highlight === "number" && !(Number.isInteger(highlight) && highlight >= 0 && highlight < count)) {
    throw new RangeError(`${where}: highlight ${highlight}, expected a bar from 0 to ${count - 1}`);
  }
  return new Figure(where, async () => {
    const { data } = await pending.read();
    const rows = Array.from(data, (value, i) => ({ name: names?.[i] ?? String(i), value, i }));
    const finite = rows.filter((row) => Number.isFinite(row.value));
    const special = rows.filter((row) => !Number.isFinite(row.value));
    const best =
      highlight === undefined
        ? finite.reduce((a, b) => (b.value > a.value ? b : a), finite[0] ?? rows[0]!).i
        : highlight;
    const [low, high] = options.yRange ?? [0, 0];
    const { low: least, high: most } = extentOf([data]);
    // Below a negative bar its value needs room too.
    const domain = [
      Math.min(low, least < 0 ? least - 0.1 * (Math.max(0, most) - least) : 0),
      Math.max(high, most) || (least < 0 ? 0 : 1),
    ];
    // Names that do not fit below their bars stand slanted.
    const widest = Math.max(...rows.map(({ name }) => textWidth(name, 11)));
    const isSlanted = widest > ((options.width ?? CHART.width) - 90) / count;
    const colour = ({ i }: { i: number }) => colors?.[i] ?? (best === null || i === best ? SERIES[0] : SERIES[6]);
    return drawChart({
      ...options,
      notes: [specialNote(extentOf([data]), false)],
      alt: `bars: ${rows.map((row) => `${row.name} ${label(row.value)}`).join(", ")}`,
      plot: (Plot) => ({
        marginTop: 24,
        ...(isSlanted && { marginBottom: 36 + 0.5 * widest }),
        x: {
          type: "band",
          domain: rows.map((row) => row.name),
          label: options.xLabel ?? null,
          padding: 0.2,
          tickRotate: isSlanted ? -30 : 0,
        },
        y: { domain, grid: true, label: options.yLabel ?? null, ticks: 5 },
        marks: [
          Plot.ruleY([0], { strokeOpacity: 0.4 }),
          Plot.barY(finite, {
            x: "name",
            y: "value",
            fill: colour,
            fillOpacity: (r) => (best === null || r.i === best ? 1 : 0.75),
            ...(colors && { stroke: "currentColor", strokeOpacity: 0.4 }), // yellow on white, blue on black
            title: (row) => `${row.name}: ${label(row.value, 4)}`,
          }),
          ...(count <= 24
            ? [
                Plot.text(
                  finite.filter((row) => row.value >= 0),
                  { x: "name", y: "value", text: (row) => short(row.value, count), dy: -7, fill: "currentColor" },
                ),
                Plot.text(
                  finite.filter((row) => row.value < 0),
                  { x: "name", y: "value", text: (row) => short(row.value, count), dy: 9, fill: "currentColor" },
                ),
              ]
            : []),
          Plot.text(special, {
            x: "name",
            y: 0,
            text: (row) => label(row.value),
            dy: -7,
            fontWeight: "bold",
            fill: "#e000e0",
          }),
        ],
      }),
    });
  });
}

/** Two digits: more do not fit above a bar, and above narrow ones no zero in front of them either. */
function short(value: number, bars: number): string {
  if (value === 0 || Math.abs(value) >= 1) return label(value);
  if (Math.abs(value) < 0.005) return "≈0";
  const text = value.toFixed(2).replace("-", "−");
  return bars > 12 ? text.replace("0.", ".") : text;
}
