import { drawingsOf } from "../strokes/drawings.ts";
import type { Style } from "../strokes/pen.ts";
import { styleOf } from "../strokes/style.ts";

const cache = new Map<number, readonly Style[]>();

/**
 * The ways to write a digit: `data/strokes/DIGIT/1.svg` and so on, read once.
 *
 * @throws Error if a file is missing or is no drawing of strokes
 */
export function stylesOf(digit: number): readonly Style[] {
  const known = cache.get(digit);
  if (known) return known;
  const styles = drawingsOf(String(digit)).map(styleOf);
  cache.set(digit, styles);
  return styles;
}
