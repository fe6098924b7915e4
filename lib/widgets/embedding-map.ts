import { SERIES } from "../plots/palette.ts";
import { type PicturesInput, picturesOf } from "../plots/pictures.ts";
import { pngOf, type Raster, rasterOf } from "../plots/pixels.ts";
import { extentOf, pictureRange } from "../plots/ranges.ts";
import { scatterPlot } from "../plots/scatter.ts";
import { type NumbersInput, valuesOf } from "../plots/values.ts";
import { AfmWidget } from "./afm.ts";
import { frontModule } from "./front/module.ts";
import { STYLE } from "./front/style.ts";
import { stillOfValue } from "./output.ts";
import type { Still } from "./widget.ts";

/** Options of `embeddingMap`. */
export interface EmbeddingMapOptions {
  /** Drawn as the points, as many as there are points. */
  images?: PicturesInput;
  /** The class of each point: its colour. */
  labels?: readonly (string | number)[];
  /** Told where the pointer rests, such as the caption of each point; default its label. */
  titles?: readonly string[];
}

/** What the page and the kernel share. */
interface MapState {
  /** What does not change: float32 points, a title and a colour for each, and their pictures on one sheet. */
  data: {
    points: Uint8Array;
    titles: readonly string[];
    colours: readonly string[];
    thumbnails: Uint8Array | null;
    size: number;
    sheet: number;
  };
  /** The point under the pointer; -1 for none. */
  hovered: number;
  /** What there is to see, in words. */
  alt: string;
}

const MOST = { points: 10_000, thumbnail: 64, still: 2000, stillPictures: 300 };

/**
 * A map of embeddings to look around in: zoom with the wheel, move by dragging, hover for a point's title and picture.
 * `await embeddingMap(await pca(embeddings, 2), { images, titles: captions })`.
 *
 * @param points - `[n, 2]`, at most 10,000
 * @throws RangeError if the shape differs, a point is no number, or images, labels or titles are not as many
 */
export async function embeddingMap(points: NumbersInput, options: EmbeddingMapOptions = {}): Promise<EmbeddingMap> {
  const where = "embeddingMap";
  const pending = valuesOf(where, points);
  const [n = 0, two] = pending.shape;
  if (pending.shape.length !== 2 || two !== 2) {
    throw new RangeError(`${where}: got [${pending.shape.join(", ")}], expected [n, 2]: x and y of each point`);
  }
  if (n === 0 || n > MOST.points) throw new RangeError(`${where}: ${n} points, expected 1 to ${MOST.points}`);
  const pictures = options.images === undefined ? undefined : picturesOf(`${where}: images`, options.images);
  const given = { images: pictures?.count, labels: options.labels?.length, titles: options.titles?.length };
  for (const [name, count] of Object.entries(given)) {
    if (count !== undefined && count !== n) throw new RangeError(`${where}: ${count} ${name} for ${n} points`);
  }
  const { data } = await pending.read();
  const wrong = Array.from({ length: n }, (_, i) => i).find((i) => !Number.isFinite(data[2 * i]! + data[2 * i + 1]!));
  if (wrong !== undefined) throw new RangeError(`${where}: point ${wrong} is NaN or infinite`);
  const labels = (options.labels ?? pictures?.labels)?.map(String) ?? [];
  const classes = [...new Set(labels)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const shown = await pictures?.read();
  const atlas =
    shown &&
    atlasOf(
      shown.map((each) => each.range ?? pictureRange(extentOf([each.pixels]))),
      shown,
    );
  const state: MapState = {
    data: {
      points: new Uint8Array(Float32Array.from({ length: 2 * n }, (_, i) => data[i]!).buffer),
      titles: options.titles ?? labels,
      colours: labels.length > 0 ? labels.map((each) => SERIES[classes.indexOf(each) % SERIES.length]!) : [SERIES[0]],
      thumbnails: atlas ? await pngOf(atlas.raster) : null,
      size: atlas?.size ?? 0,
      sheet: atlas?.columns ?? 0,
    },
    hovered: -1,
    alt: `map of ${n} points`,
  };
  return new EmbeddingMap(state, () => stillOf(n, data, options));
}

/** Made by `embeddingMap`. */
export class EmbeddingMap extends AfmWidget<MapState> {
  /** Use `embeddingMap`. */
  constructor(state: MapState, still: () => Promise<Still>) {
    super({ esm: frontModule("embedding-map"), css: STYLE, state, still });
  }

  /** The point under the pointer; -1 for none. */
  get hovered(): number {
    return this.state.hovered;
  }
}

/** Where there are no widgets: a scatter plot, of some of the points where they are many. */
async function stillOf(n: number, data: ArrayLike<number>, options: EmbeddingMapOptions): Promise<Still> {
  const most = options.images ? MOST.stillPictures : MOST.still;
  const kept = Array.from({ length: Math.min(n, most) }, (_, i) => Math.floor((i * n) / Math.min(n, most)));
  const points = kept.map((i) => [data[2 * i]!, data[2 * i + 1]!]);
  const all = n <= most;
  const figure = scatterPlot(points, {
    ...(options.labels && { labels: kept.map((i) => options.labels![i]!) }),
    ...(options.images && all && { images: options.images }),
  });
  return stillOfValue(figure);
}

/** Pictures side by side on one sheet, each in a square of `size`. */
function atlasOf(
  ranges: readonly (readonly [number, number])[],
  pictures: readonly Parameters<typeof rasterOf>[0][],
): { raster: Raster; size: number; columns: number } {
  const { width, height, channels } = pictures[0]!;
  const step = Math.max(1, Math.ceil(Math.max(width, height) / MOST.thumbnail));
  const size = Math.ceil(Math.max(width, height) / step);
  const columns = Math.ceil(Math.sqrt(pictures.length));
  const rows = Math.ceil(pictures.length / columns);
  const bytes = new Uint8Array(columns * size * rows * size * channels);
  pictures.forEach((picture, index) => {
    const raster = rasterOf(picture, ranges[index]!);
    const [ox, oy] = [(index % columns) * size, Math.floor(index / columns) * size];
    for (let y = 0; y * step < height; y++) {
      for (let x = 0; x * step < width; x++) {
        const from = (y * step * width + x * step) * channels;
        const to = ((oy + y) * columns * size + ox + x) * channels;
        for (let c = 0; c < channels; c++) bytes[to + c] = raster.bytes[from + c]!;
      }
    }
  });
  return { raster: { width: columns * size, height: rows * size, channels, bytes }, size, columns };
}
