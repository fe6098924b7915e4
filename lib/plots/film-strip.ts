import { Figure } from "./figure.ts";
import { grouped, label, plural } from "./format.ts";
import { drawRows, type GridOptions, type Row } from "./grid.ts";
import { checkCount, describe, type PicturesInput, picturesOf } from "./pictures.ts";
import { checkInteger, checkRange } from "./ranges.ts";
import { listOf, type NumbersInput } from "./values.ts";

/** How a film strip looks. */
export interface FilmStripOptions extends GridOptions {
  /** The step at which each frame was taken; default 0, 1, 2, ... */
  steps?: NumbersInput;
  /** What a step is called; default "step". */
  stepName?: string;
  /** A number for each frame, written below it. */
  values?: NumbersInput;
  /** What that number is called: "p", "loss", "σ". */
  valueName?: string;
  /** Frames shown at most, evenly spaced, the first and the last among them; default 20. */
  limit?: number;
  /** Frames per row; default: rows of equal length, at most eight. */
  columns?: number;
}

/**
 * Shows how a picture changes: frames of a walk or of sampling in order, each with its step and, where given, its value.
 * `filmStrip(frames, { values: losses, valueName: "loss", limit: 10 })`.
 *
 * @param frames - `[n, h, w]`, `[n, 1 or 3, h, w]`, or a list of pictures
 * @returns a figure that shows itself
 * @throws RangeError if the steps or values are not as many as the frames
 */
export function filmStrip(frames: PicturesInput, options: FilmStripOptions = {}): Figure {
  const where = "filmStrip";
  const { limit = 20, columns, stepName = "step", valueName = "" } = options;
  const pictures = picturesOf(where, frames, { three: "grey" });
  checkInteger(where, "limit", limit);
  checkInteger(where, "columns", columns);
  checkInteger(where, "scale", options.scale);
  if (options.range !== undefined && options.range !== "each") checkRange(where, options.range);
  const numbers = (what: "steps" | "values") => {
    if (options[what] === undefined) return undefined;
    const list = listOf(`${where}: ${what}`, options[what]);
    checkCount(where, what, { length: list.shape.reduce((n, d) => n * d, 1) }, pictures.count);
    return list;
  };
  const [steps, values] = [numbers("steps"), numbers("values")];
  const chosen = evenly(pictures.count, limit);
  return new Figure(where, async () => {
    const [all, at, value] = await Promise.all([pictures.read(), steps?.read(), values?.read()]);
    const captions = chosen.map((i) => {
      const step = `${stepName} ${at ? stepLabel(at.data[i]!) : i}`;
      return value ? `${step}\n${valueName} ${label(value.data[i]!)}` : step;
    });
    const shown = chosen.map((i) => all[i]!);
    const rows: Row[] = [];
    const each = Math.min(columns ?? Math.ceil(shown.length / Math.ceil(shown.length / 8)), shown.length);
    for (let from = 0; from < shown.length; from += each) {
      rows.push({ pictures: shown.slice(from, from + each), captions: captions.slice(from, from + each) });
    }
    const some = chosen.length < pictures.count ? `${chosen.length} of ${plural(pictures.count, "frame")}` : "";
    const what = `film of ${plural(chosen.length, "frame")}, ${describe(pictures)} pixels`;
    return drawRows(rows, { ...options, what, notes: [some] });
  });
}

function stepLabel(step: number): string {
  return Number.isInteger(step) ? grouped(step) : label(step, 4);
}

/** `most` indices below `count`, the first and the last among them. */
export function evenly(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  if (most === 1) return [count - 1];
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)));
}
