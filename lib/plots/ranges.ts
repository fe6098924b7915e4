import { label, plural } from "./format.ts";
import { SPECIAL } from "./palette.ts";

/** Lowest and highest value that a scale shows. */
export type Range = readonly [low: number, high: number];

/** What a set of numbers holds. */
export interface Extent {
  /** Least and greatest finite number; 0 and 0 if there is none. */
  readonly low: number;
  readonly high: number;
  readonly nan: number;
  readonly positive: number;
  readonly negative: number;
}

export function extentOf(lists: Iterable<ArrayLike<number>>): Extent {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [nan, positive, negative] = [0, 0, 0];
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      const value = list[i]!;
      if (Number.isNaN(value)) nan++;
      else if (value === Number.POSITIVE_INFINITY) positive++;
      else if (value === Number.NEGATIVE_INFINITY) negative++;
      else {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
  }
  return low > high ? { low: 0, high: 0, nan, positive, negative } : { low, high, nan, positive, negative };
}

/**
 * The range in which pictures are shown if none is given: 0 to 1 or -1 to 1 if the values lie in one of these, which is
 * how pictures are kept; from the least value to the greatest otherwise.
 */
export function pictureRange({ low, high }: Extent): Range {
  const slack = 1e-6; // float32 arithmetic ends a little beside 1
  if (low >= -slack && high <= 1 + slack) return [0, 1];
  if (low >= -1 - slack && high <= 1 + slack) return [-1, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** @throws RangeError or TypeError if it is no range */
export function checkRange(where: string, range: unknown): void {
  const ok =
    Array.isArray(range) && range.length === 2 && range.every((end) => Number.isFinite(end)) && range[0] < range[1];
  if (ok) return;
  const got = Array.isArray(range) ? `[${range.join(", ")}]` : String(range);
  throw new RangeError(`${where}: range ${got}; expected [low, high], two finite numbers, the lower first`);
}

/** A sentence on what the grey levels mean, empty if it goes without saying. */
export function rangeNote(range: Range, extent: Extent, found: boolean): string {
  const [low, high] = range;
  const contrast = found ? contrastNote(range, extent) : "";
  if (contrast) return contrast;
  if (found && low === 0 && (high === 1 || high === 255)) return "";
  const note = `black is ${label(low)}, white ${label(high)}`;
  const beyond = extent.low < low - 1e-6 || extent.high > high + 1e-6;
  return beyond ? `${note}; the values go from ${label(extent.low)} to ${label(extent.high)}` : note;
}

/**
 * A sentence on pictures whose values lie so close together that hardly anything is seen; empty if there is contrast.
 *
 * @param range - in which they are shown, found by us
 */
export function contrastNote([low, high]: Range, extent: Extent): string {
  if (extent.low === extent.high) return `every value is ${label(extent.low)}`;
  if (extent.high - extent.low >= 0.1 * (high - low)) return "";
  const [from, to] = [label(extent.low), label(extent.high)];
  const ends = [extent.low, extent.high].map((end) => Number(end.toPrecision(3)));
  return `the values only go from ${from} to ${to}, so there is little contrast; use range: [${ends.join(", ")}] to stretch it`;
}

/** A sentence on numbers that are none, with the colours that stand for them; empty if there are none. */
export function specialNote({ nan, positive, negative }: Extent, colours: boolean): string {
  const parts: string[] = [];
  if (nan > 0) parts.push(`${plural(nan, "value")} NaN${colours ? " (magenta)" : ""}`);
  if (positive > 0) parts.push(`${plural(positive, "value")} ∞${colours ? " (yellow)" : ""}`);
  if (negative > 0) parts.push(`${plural(negative, "value")} −∞${colours ? " (cyan)" : ""}`);
  return parts.join(", ");
}

/** The colour that stands for a number that is none, `undefined` for a finite one. */
export function specialColour(value: number): string | undefined {
  if (Number.isFinite(value)) return undefined;
  if (Number.isNaN(value)) return SPECIAL.nan;
  return value > 0 ? SPECIAL.positive : SPECIAL.negative;
}

/** @throws RangeError if a number given is not whole and above 0 */
export function checkInteger(where: string, what: string, value: number | undefined): void {
  if (value !== undefined && !(Number.isInteger(value) && value > 0)) {
    throw new RangeError(`${where}: ${what} is ${String(value)}, expected a whole number from 1 up`);
  }
}
