import { type ChartOptions, drawChart } from "./chart.ts";
import { type Drawing, Figure } from "./figure.ts";
import { evenly } from "./film-strip.ts";
import { label, plural } from "./format.ts";
import { SERIES, SPECIAL } from "./palette.ts";
import { checkRange, type Range } from "./ranges.ts";
import { isObject, kind, listOf, type NumbersInput, type Pending } from "./values.ts";

/** A curve: its heights alone, or with their positions. */
export type SeriesInput =
  | NumbersInput
  | {
      /** Positions of the values. */
      readonly x: NumbersInput;
      /** The values, as many as `x`. */
      readonly y: NumbersInput;
    };

/** How a line plot looks. */
export interface LinePlotOptions extends ChartOptions {
  /** Positions of the values of all curves; default 0, 1, 2, ... */
  x?: NumbersInput;
  /** Names with units: "step", "time (s)". */
  xLabel?: string;
  /** Name of the vertical axis, with its unit. */
  yLabel?: string;
  /** A logarithmic axis; what is not above zero is left out and counted. Default false. */
  logX?: boolean;
  /** A logarithmic vertical axis; what is not above zero is left out and counted. Default false. */
  logY?: boolean;
  /** The least that the vertical axis shows; default: the values' extent. */
  yRange?: Range;
  /** A dot at each value; default: if a curve has at most 40. */
  dots?: boolean;
}

/** A point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A curve with its values known. */
export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
  readonly colour: string;
  /** Pixels; default 2. */
  readonly strokeWidth?: number;
  readonly opacity?: number;
  readonly dash?: string;
  /** A dot at each value; default: as for the whole plot. */
  readonly dots?: boolean;
}

const MOST_POINTS = 600;

/**
 * Draws curves over a common axis: a loss, a probability, a schedule of betas.
 * `linePlot({ loss: losses }, { xLabel: "step" })`.
 *
 * @param series - the values of one curve, or several by name: `{ beta, "alpha-bar": alphasCumprod }`
 * @returns a figure that shows itself; values that are NaN or infinite leave a gap, a cross at the edge, and are counted
 * @throws RangeError if a curve is empty, or does not have as many values as `x`
 */
export function linePlot(
  series: SeriesInput | Readonly<Record<string, SeriesInput>>,
  options: LinePlotOptions = {},
): Figure {
  const where = "linePlot";
  const pending = namedSeries(where, series).map(([name, each]) =>
    curveOf(name ? `${where}: "${name}"` : where, name, each, options.x),
  );
  if (pending.length === 0) throw new RangeError(`${where}: got no curves, expected at least one: { loss: values }`);
  if (options.yRange !== undefined) checkRange(`${where}: yRange`, options.yRange);
  return new Figure(where, async () => {
    const curves = await Promise.all(
      pending.map(async ({ name, x, y }, i): Promise<Curve> => {
        const [xs, ys] = await Promise.all([x?.read(), y.read()]);
        const points = Array.from(ys.data, (value, at) => ({ x: xs ? xs.data[at]! : at, y: value }));
        return { name, points, colour: SERIES[i % SERIES.length]! };
      }),
    );
    return drawCurves(curves, options);
  });
}

/** One unnamed series, or the named ones of an object. */
export function namedSeries<T>(where: string, input: T | Readonly<Record<string, T>>): [name: string, series: T][] {
  const single =
    !isObject(input) || Array.isArray(input) || ArrayBuffer.isView(input) || "data" in input || isXY(input);
  if (single) {
    if (typeof input !== "object" || input === null)
      throw new TypeError(`${where}: got ${kind(input)}, expected numbers`);
    return [["", input as T]];
  }
  return Object.entries(input) as [string, T][];
}

function isXY(value: object): boolean {
  const keys = Object.keys(value);
  return keys.length === 2 && "x" in value && "y" in value;
}

function curveOf(where: string, name: string, input: SeriesInput, x: NumbersInput | undefined) {
  const own = isObject(input) && isXY(input) ? (input as unknown as { x: NumbersInput; y: NumbersInput }) : undefined;
  const y = listOf(where, own ? own.y : input);
  const at = own?.x ?? x;
  const xs: Pending | undefined = at === undefined ? undefined : listOf(`${where}: x`, at);
  const count = (list: Pending) => list.shape.reduce((n, d) => n * d, 1);
  if (xs && count(xs) !== count(y)) {
    throw new RangeError(
      `${where}: ${plural(count(y), "value")} for ${count(xs)} places on the x axis; expected the same number`,
    );
  }
  return { name, x: xs, y };
}

/** Draws curves whose values are known. */
export async function drawCurves(curves: readonly Curve[], options: LinePlotOptions = {}): Promise<Drawing> {
  const { xLabel, yLabel, logX, logY, yRange } = options;
  const drawable = ({ x, y }: Point) =>
    Number.isFinite(x) && Number.isFinite(y) && (!logX || x > 0) && (!logY || y > 0);
  const all = curves.flatMap((curve) => curve.points);
  const good = all.filter(drawable);
  const gone = all.filter((point) => Number.isFinite(point.x) && !drawable(point));
  const floor = Math.min(...good.map((point) => point.y), ...(yRange ?? []));
  // The name of a single curve needs no legend: it stands at the axis.
  const only = curves.length === 1 ? curves[0]!.name : "";
  const height = only && yLabel && only !== yLabel ? `${only} (${yLabel})` : (yLabel ?? (only || null));
  const drawn = curves.map((curve) => ({ ...curve, points: thinned(curve.points) }));
  const legend = curves.filter((curve) => curve.name).map(({ name, colour, dash }) => ({ name, colour, dash }));
  return drawChart({
    ...options,
    legend: legend.length > 1 ? legend : [],
    notes: [gapNote(all, good, { logX, logY })],
    alt: curves.map((curve) => describe(curve, { xLabel, yLabel })).join(". "),
    plot: (Plot) => ({
      x: {
        label: xLabel ?? null,
        type: logX ? "log" : "linear",
        ...ticks(
          logX,
          good.map((p) => p.x),
        ),
      },
      y: {
        label: height,
        type: logY ? "log" : "linear",
        grid: true,
        zero: false,
        ...(yRange ? { domain: [Math.min(yRange[0], floor), Math.max(yRange[1], ...good.map((p) => p.y))] } : {}),
        ...ticks(
          logY,
          good.map((p) => p.y),
        ),
      },
      marks: [
        ...drawn.flatMap((curve) => [
          Plot.line(
            curve.points.map((p) => (drawable(p) ? p : { x: p.x, y: Number.NaN })),
            {
              x: "x",
              y: "y",
              stroke: curve.colour,
              strokeWidth: curve.strokeWidth ?? 2,
              strokeOpacity: curve.opacity,
              strokeDasharray: curve.dash,
              strokeLinejoin: "round",
            },
          ),
          ...dots(Plot, curve, drawable, curve.dots ?? options.dots),
        ]),
        ...(gone.length > 0 && Number.isFinite(floor)
          ? [
              Plot.dot(
                evenly(gone.length, 50).map((i) => gone[i]!),
                {
                  x: "x",
                  y: () => floor,
                  symbol: "times",
                  stroke: SPECIAL.nan,
                  strokeWidth: 2,
                  r: 4,
                },
              ),
            ]
          : []),
      ],
    }),
  });
}

function dots(
  Plot: typeof import("@observablehq/plot"),
  curve: Curve,
  drawable: (p: Point) => boolean,
  wanted?: boolean,
) {
  if (wanted === false || (wanted === undefined && curve.points.length > 40)) return [];
  const title = (p: Point) => `${curve.name ? `${curve.name}, ` : ""}${label(p.x, 4)}: ${label(p.y, 4)}`;
  return [Plot.dot(curve.points.filter(drawable), { x: "x", y: "y", fill: curve.colour, r: 3, title })];
}

/** Few ticks, and on a logarithmic axis plain numbers at powers of ten if there are enough of them. */
function ticks(log: boolean | undefined, values: readonly number[]) {
  if (!log) return {};
  const decades = Math.log10(Math.max(...values) / Math.min(...values));
  return { ticks: decades > 3 ? Math.ceil(decades) : 5, tickFormat: (value: number) => label(value) };
}

/** A long curve by the least and greatest value of each stretch, so that no peak is lost and the file stays small. */
function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= MOST_POINTS) return points;
  const out: Point[] = [];
  const stretch = points.length / (MOST_POINTS / 2);
  for (let start = 0; start < points.length; start += stretch) {
    const part = points.slice(Math.floor(start), Math.floor(start + stretch));
    if (part.length === 0) continue;
    const broken = part.find((point) => !Number.isFinite(point.y));
    const [low, high] = [part.reduce((a, b) => (b.y < a.y ? b : a)), part.reduce((a, b) => (b.y > a.y ? b : a))];
    out.push(...(broken ? [broken] : low === high ? [low] : low.x < high.x ? [low, high] : [high, low]));
  }
  const last = points.at(-1)!;
  return out.at(-1) === last ? out : [...out, last];
}

function gapNote(
  all: readonly Point[],
  good: readonly Point[],
  { logX, logY }: { logX?: boolean; logY?: boolean },
): string {
  const none = all.filter(({ x, y }) => !Number.isFinite(x) || !Number.isFinite(y));
  const low = all.length - good.length - none.length;
  const first = none[0];
  return [
    first
      ? `${plural(none.length, "value")} NaN or infinite (first at ${label(first.x, 6)}: ${label(first.y)}), left out and marked ×`
      : "",
    low > 0 ? `${plural(low, "value")} not above 0, left out of the logarithmic ${logX && logY ? "axes" : "axis"}` : "",
  ]
    .filter(Boolean)
    .join("; ");
}

/** `loss over step: 500 values, from 2.3 to 0.12, least 0.1, greatest 2.4` */
function describe({ name, points }: Curve, { xLabel, yLabel }: LinePlotOptions): string {
  const finite = points.filter((point) => Number.isFinite(point.y)).map((point) => point.y);
  const what = `${name || yLabel || "curve"}${xLabel ? ` over ${xLabel}` : ""}`;
  if (finite.length === 0) return `${what}: no finite values`;
  const [low, high] = finite.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [finite[0]!, finite[0]!]);
  return `${what}: ${plural(points.length, "value")}, first ${label(finite[0]!)}, last ${label(finite.at(-1)!)}, min ${label(low)}, max ${label(high)}`;
}
