import { CHART, type ChartOptions, drawChart } from "./chart.ts";
import { Figure } from "./figure.ts";
import { label, plural } from "./format.ts";
import { SERIES } from "./palette.ts";
import { checkCount, type PicturesInput, picturesOf } from "./pictures.ts";
import { encode, rasterOf } from "./pixels.ts";
import { checkInteger, checkRange, extentOf, pictureRange, type Range } from "./ranges.ts";
import { textWidth } from "./svg.ts";
import { type NumbersInput, valuesOf } from "./values.ts";

/** How a scatter plot looks. */
export interface ScatterOptions extends ChartOptions {
  /** Pictures drawn as the points, as many as there are points. */
  images?: PicturesInput;
  /** The values shown as black and white; default: by their type and extent. */
  range?: Range;
  /** The class of each point: its colour and an entry of the legend; default: the labels of a data set given as `images`. */
  labels?: readonly (string | number)[];
  /** A text beside each point, as many as there are points: words of a map of embeddings. */
  texts?: readonly (string | number)[];
  /** CSS pixels of a picture; default 24. */
  size?: number;
  /** Name of the horizontal axis, with its unit. */
  xLabel?: string;
  /** Name of the vertical axis, with its unit. */
  yLabel?: string;
}

const MOST = { points: 5000, pictures: 400, texts: 200, classes: 10 };

/**
 * Draws points in a plane, as dots or as pictures: a map of embeddings. Both axes have the same unit length.
 * `scatterPlot(points, { labels })` with points `[n, 2]`.
 *
 * @param points - `[n, 2]`
 * @returns a figure that shows itself; points that are NaN or infinite are left out and counted
 * @throws RangeError if the shape differs, or the images or labels are not as many as the points
 */
export function scatterPlot(points: NumbersInput, options: ScatterOptions = {}): Figure {
  const where = "scatterPlot";
  const pending = valuesOf(where, points);
  const [n, two] = pending.shape;
  if (pending.shape.length !== 2 || two !== 2) {
    throw new RangeError(`${where}: got [${pending.shape.join(", ")}], expected [n, 2]: x and y of each point`);
  }
  const pictures =
    options.images === undefined
      ? undefined
      : picturesOf(`${where}: images`, options.images, { three: n === 3 ? "grey" : "colour" });
  if (pictures) checkCount(where, "images", { length: pictures.count }, n!, "point");
  const { texts } = options;
  if (texts) checkCount(where, "texts", texts, n!, "point");
  const most = texts ? MOST.texts : pictures ? MOST.pictures : MOST.points;
  if (n! > most) throw new RangeError(`${where}: ${plural(n!, "point")}, expected at most ${most}. Show a subset.`);
  const labels = options.labels?.map(String) ?? pictures?.labels;
  if (options.labels) checkCount(where, "labels", options.labels, n!, "point");
  if (options.range !== undefined) checkRange(where, options.range);
  checkInteger(where, "size", options.size);
  return new Figure(where, async () => {
    const { data } = await pending.read();
    const shown = await pictures?.read();
    const range =
      shown && (options.range ?? shown[0]!.range ?? pictureRange(extentOf(shown.map((each) => each.pixels))));
    const classes = [...new Set(labels)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    const coloured = classes.length <= MOST.classes;
    const colour = (name: string | undefined) =>
      coloured && name !== undefined ? SERIES[classes.indexOf(name) % SERIES.length]! : SERIES[0];
    const { size = 24 } = options;
    const all = await Promise.all(
      Array.from({ length: n! }, async (_, i) => {
        const [x, y] = [data[2 * i]!, data[2 * i + 1]!];
        const name = labels?.[i];
        const picture = shown?.[i];
        const src =
          picture &&
          (await encode(rasterOf(picture, range!), picture.width > 2 * size ? size / picture.width : 1)).href;
        return {
          x,
          y,
          name,
          src,
          fill: colour(name),
          text: texts ? String(texts[i]) : "",
          title: [texts?.[i], name, `${label(x)}, ${label(y)}`].filter((part) => part !== undefined).join(": "),
        };
      }),
    );
    const good = all.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
    const legend = coloured && !shown ? classes.map((name) => ({ name, colour: colour(name) })) : [];
    const gone = n! - good.length;
    const { width = CHART.width, height = 420 } = options;
    const inset = shown ? size / 2 + 4 : 8;
    const plane = planeOf(good, width, height, inset);
    return drawChart({
      height: 420,
      ...options,
      legend: legend.length > 1 ? legend : [],
      notes: [
        coloured || shown ? "" : `${plural(classes.length, "label")}: point at a dot to see its label`,
        gone > 0 ? `${plural(gone, "point")} NaN or infinite, left out` : "",
      ],
      alt: `map of ${plural(good.length, shown ? "picture" : "point")}${classes.length > 0 ? `, ${plural(classes.length, "label")}: ${classes.slice(0, 12).join(", ")}` : ""}`,
      plot: (Plot) => {
        // A text stands on the right of its point; on the left where it would run out of the plot.
        const labelsOn = (side: "left" | "right") =>
          Plot.text(
            good.filter(
              ({ x, text }) => plane.pixel(x) + textWidth(text, 11) + 12 > width - MARGIN.right === (side === "left"),
            ),
            {
              x: "x",
              y: "y",
              text: "text",
              dx: (side === "left" ? -1 : 1) * (shown ? size / 2 + 3 : 7),
              textAnchor: side === "left" ? "end" : "start",
              fill: "currentColor",
            },
          );
        return {
          marginTop: MARGIN.top,
          marginRight: MARGIN.right,
          marginBottom: MARGIN.bottom,
          marginLeft: MARGIN.left,
          inset,
          x: { label: options.xLabel ?? null, grid: true, ticks: 6, domain: plane.x },
          y: { label: options.yLabel ?? null, grid: true, ticks: 6, domain: plane.y },
          marks: [
            ...(shown
              ? [
                  Plot.image(good, {
                    x: "x",
                    y: "y",
                    src: (d) => d.src,
                    width: size,
                    height: size,
                    title: "title",
                    imageRendering: "pixelated",
                  }),
                ]
              : [Plot.dot(good, { x: "x", y: "y", fill: "fill", fillOpacity: 0.75, r: 3.5, title: "title" })]),
            ...(texts ? [labelsOn("right"), labelsOn("left")] : []),
          ],
        };
      },
    });
  });
}

const MARGIN = { top: 20, right: 20, bottom: 36, left: 52 } as const;

/** Domains of both axes that hold all points and have the same unit length. */
function planeOf(points: readonly { x: number; y: number }[], width: number, height: number, inset: number) {
  const [across, down] = [
    width - MARGIN.left - MARGIN.right - 2 * inset,
    height - MARGIN.top - MARGIN.bottom - 2 * inset,
  ];
  const [x, y] = [extentOf([points.map((p) => p.x)]), extentOf([points.map((p) => p.y)])];
  const unit = Math.max((x.high - x.low) / across, (y.high - y.low) / down) || 1 / across;
  const around = ({ low, high }: { low: number; high: number }, room: number): [number, number] => {
    const middle = (low + high) / 2;
    return [middle - (unit * room) / 2, middle + (unit * room) / 2];
  };
  const domain = { x: around(x, across), y: around(y, down) };
  return { ...domain, pixel: (value: number) => MARGIN.left + inset + (value - domain.x[0]) / unit };
}
