import { type ChartOptions, drawChart } from "./chart.ts";
import { Figure } from "./figure.ts";
import { plural } from "./format.ts";
import { SERIES } from "./palette.ts";
import { checkRange, extentOf, specialNote } from "./ranges.ts";
import { type NumbersInput, valuesOf } from "./values.ts";

/** What a vector field in the plane is drawn with. */
export interface FieldOptions extends ChartOptions {
  /** Where the arrows begin, `[n, 2]`. */
  at?: NumbersInput;
  /** The arrows, `[n, 2]`, as many as `at`. */
  arrows?: NumbersInput;
  /** Points drawn small below them, such as the data, `[n, 2]`. */
  points?: NumbersInput;
  /** Paths through the plane, such as those of samples: `[steps, 2]` each, or `[steps, n, 2]` for n at once. */
  paths?: readonly NumbersInput[] | NumbersInput;
  /** Length of the longest arrow, in units of the plane; default: as `arrows` says, scaled to a grid's spacing. */
  longest?: number;
  /** What the plane shows at least, of both axes: `[-2, 2]`. Default: all there is. */
  range?: readonly [number, number];
  /** Name of the horizontal axis. */
  xLabel?: string;
  /** Name of the vertical axis. */
  yLabel?: string;
}

/**
 * Draws a field of arrows in the plane with points below and paths above: which way a denoiser points, and where samples go.
 *
 * `showField({ points: data, at: grid, arrows: predicted, paths: trajectory })`
 *
 * @throws RangeError if a shape differs, or `range` is none
 */
export function showField(options: FieldOptions): Figure {
  const where = "showField";
  const read = {
    at: options.at === undefined ? undefined : pairs(`${where}: at`, options.at),
    arrows: options.arrows === undefined ? undefined : pairs(`${where}: arrows`, options.arrows),
    points: options.points === undefined ? undefined : pairs(`${where}: points`, options.points),
    paths: pathsOf(`${where}: paths`, options.paths),
  };
  if (options.range !== undefined) checkRange(where, options.range);
  if ((read.at === undefined) !== (read.arrows === undefined)) {
    throw new RangeError(
      `${where}: got ${read.at ? "at without arrows" : "arrows without at"}, expected both or neither`,
    );
  }
  if (read.at && read.arrows && read.at.count !== read.arrows.count) {
    throw new RangeError(`${where}: ${read.arrows.count} arrows at ${read.at.count} places`);
  }
  return new Figure(where, async () => {
    const [at, arrows, points] = await Promise.all([read.at?.read(), read.arrows?.read(), read.points?.read()]);
    const paths = (await Promise.all(read.paths.map((each) => each.read()))).flat();
    const size = ([x, y]: Pair) => Math.hypot(x, y);
    const greatest = Math.max(1e-12, ...(arrows ?? []).map(size).filter(Number.isFinite));
    const longest = options.longest ?? spacing(at ?? []);
    const drawn = (at ?? []).map(([x, y], i) => {
      const [u, v] = arrows![i]!;
      return { x, y, x2: x + (u / greatest) * longest, y2: y + (v / greatest) * longest };
    });
    const parts = [
      points && plural(points.length, "point"),
      drawn.length > 0 && plural(drawn.length, "arrow"),
      paths.length > 0 && plural(paths.length, "path"),
    ].filter(Boolean);
    const domain = options.range && { domain: [...options.range] };
    const { title, width = 460, height = 460 } = options;
    return drawChart({
      ...(title !== undefined && { title }),
      width,
      height,
      notes: [
        specialNote(extentOf([drawn.flatMap(({ x2, y2 }) => [x2, y2]), (points ?? []).flat(), paths.flat(2)]), false),
      ],
      alt: `plane with ${parts.join(", ")}`,
      plot: (Plot) => ({
        aspectRatio: 1,
        inset: 8,
        x: { label: options.xLabel ?? null, grid: true, ticks: 5, ...domain },
        y: { label: options.yLabel ?? null, grid: true, ticks: 5, ...domain },
        marks: [
          Plot.dot(points ?? [], { x: "0", y: "1", r: 1.8, fill: SERIES[6], fillOpacity: 0.55, clip: true }),
          Plot.arrow(drawn, {
            x1: "x",
            y1: "y",
            x2: "x2",
            y2: "y2",
            stroke: SERIES[0],
            strokeWidth: 1.2,
            headLength: 5,
            insetEnd: 0,
            clip: true,
          }),
          ...paths.flatMap((path, i) => [
            Plot.line(path, { x: "0", y: "1", stroke: SERIES[(i + 1) % SERIES.length]!, strokeWidth: 1.6, clip: true }),
            Plot.dot(path.slice(-1), { x: "0", y: "1", fill: SERIES[(i + 1) % SERIES.length]!, r: 3.5, clip: true }),
          ]),
        ],
      }),
    });
  });
}

type Pair = readonly [number, number];
interface PendingPairs {
  readonly count: number;
  read(): Promise<Pair[]>;
}

function pairs(where: string, input: NumbersInput): PendingPairs {
  const pending = valuesOf(where, input);
  const [n = 0, two] = pending.shape;
  if (pending.shape.length !== 2 || two !== 2) {
    throw new RangeError(`${where}: got [${pending.shape.join(", ")}], expected [n, 2]`);
  }
  return {
    count: n,
    read: async () => {
      const { data } = await pending.read();
      return Array.from({ length: n }, (_, i) => [Number(data[2 * i]), Number(data[2 * i + 1])] as const);
    },
  };
}

/** Each path as a list of its places. */
function pathsOf(where: string, input: FieldOptions["paths"]): { read(): Promise<Pair[][]> }[] {
  if (input === undefined) return [];
  const isList = Array.isArray(input) && input.length > 0 && valuesOrUndefined(where, input[0])?.shape.length === 2;
  const all = isList ? (input as readonly NumbersInput[]) : [input as NumbersInput];
  return all.map((each, index) => {
    const pending = valuesOf(`${where}[${index}]`, each);
    const { shape } = pending;
    const [steps = 0, n = 0] = shape;
    const count = shape.length === 3 ? n : 1;
    if (shape.at(-1) !== 2 || (shape.length !== 2 && shape.length !== 3)) {
      throw new RangeError(`${where}: got [${shape.join(", ")}], expected [steps, 2] or [steps, n, 2]`);
    }
    return {
      read: async () => {
        const { data } = await pending.read();
        const place = (step: number, i: number): Pair => {
          const at = 2 * (step * count + i);
          return [Number(data[at]), Number(data[at + 1])];
        };
        return Array.from({ length: count }, (_, i) => Array.from({ length: steps }, (_, step) => place(step, i)));
      },
    };
  });
}

function valuesOrUndefined(where: string, input: unknown) {
  try {
    return valuesOf(where, input as NumbersInput);
  } catch {
    return undefined;
  }
}

/** About how far apart the places are. */
function spacing(places: readonly Pair[]): number {
  if (places.length < 2) return 1;
  const xs = places.map(([x]) => x);
  const ys = places.map(([, y]) => y);
  const area = (Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys));
  return Math.sqrt(Math.max(area, 1e-9) / places.length);
}
