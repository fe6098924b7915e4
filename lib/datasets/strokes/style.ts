import type { Point, Style } from "./pen.ts";
import type { Drawing, Stroke } from "./read-svg.ts";

/** The cosine of 30 degrees: a path that turns by more at a node has a corner there. */
const CORNER = 0.8660254037844386;

/**
 * A drawing as a style of writing. Its box reaches from 0 to 100 both ways, so that whole numbers in the file are
 * hundredths to the bit; the pen passes through the path's nodes and curves between them by itself.
 *
 * @throws Error if the drawing is not made of strokes alone, or its weight is not above 0
 */
export function styleOf({ path, parts, aspect, numbers }: Drawing): Style {
  if (parts.some(({ filled, cut }) => filled || cut)) {
    throw new Error(`${path}: has a filled or white path; digits are drawn with strokes, so expected fill="none"`);
  }
  const { weight = 1 } = numbers;
  if (weight <= 0) throw new Error(`${path}: data-weight="${weight}"; expected a number above 0`);
  return { weight, aspect, strokes: parts.flatMap(({ strokes }) => strokes.map(nodes)) };
}

/** The path's nodes, those marked if it has a corner. */
function nodes({ start, curves }: Stroke): Point[] {
  const points: Point[] = [[start[0] / 100, start[1] / 100]];
  for (const [i, [, , x2, y2, x, y]] of curves.entries()) {
    const next = curves[i + 1];
    const corner = next !== undefined && turns(x - x2, y - y2, next[0] - x, next[1] - y);
    points.push(corner ? [x / 100, y / 100, 1] : [x / 100, y / 100]);
  }
  return points;
}

function turns(inX: number, inY: number, outX: number, outY: number): boolean {
  const lengths = Math.sqrt((inX * inX + inY * inY) * (outX * outX + outY * outY));
  return inX * outX + inY * outY < CORNER * lengths;
}
