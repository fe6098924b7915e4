import type { Dot } from "../strokes/pen.ts";
import { penField } from "../strokes/pen-field.ts";

/**
 * Puts the pen's way on a square of grey pixels as MNIST does: the longer side of the ink fits a box of 20/28 of the
 * square, keeping its proportions, and the ink's centre of mass lies at the centre of the pixel right below the
 * square's middle, give or take the half pixel that MNIST's rounding leaves.
 *
 * @param dots - the pen's way; radii about 1
 * @param size - pixels of one side
 * @param radius - the pen's radius in pixels where a dot's radius is 1
 * @param softness - width of the edge from ink to paper, in pixels
 * @param box - longer side of the ink, in pixels
 * @param centre - where its centre of mass goes, `[x, y]` in pixels
 * @param out - `[size, size]`, filled with 0 to 255
 */
export function rasterise(
  dots: readonly Dot[],
  size: number,
  options: Placement & { softness: number },
  out: Uint8Array,
): void {
  const field = new Float64Array(size * size).fill(-Infinity);
  penField(place(dots, size, options), size, options.softness, field);
  for (let i = 0; i < field.length; i++) {
    out[i] = Math.round(255 * Math.min(1, Math.max(0, field[i]! / options.softness + 0.5)));
  }
}

/** How the pen's way is laid on the paper, in pixels. */
interface Placement {
  radius: number;
  box: number;
  centre: readonly [x: number, y: number];
}

/** The way in pixels: scaled to the box, its centre of mass where it belongs, moved back where it would leave the paper. */
function place(dots: readonly Dot[], size: number, { radius, box, centre }: Placement): Dot[] {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of dots) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const scale = Math.max(1e-3, box - 2 * radius) / Math.max(right - left, bottom - top, 1e-6);
  const [mx, my] = centreOfMass(dots);
  const margin = 1.2 * radius;
  const shift = (middle: number, low: number, high: number) =>
    Math.max(margin - low * scale, Math.min(size - margin - high * scale, middle));
  const dx = shift(centre[0] - mx * scale, left, right);
  const dy = shift(centre[1] - my * scale, top, bottom);
  return dots.map(({ x, y, radius: share, lift }) => ({
    x: x * scale + dx,
    y: y * scale + dy,
    radius: share * radius,
    lift,
  }));
}

/** Of the ink, taking the way as it is long and as the pen is wide. */
function centreOfMass(dots: readonly Dot[]): [number, number] {
  let [mass, mx, my] = [0, 0, 0];
  for (let i = 1; i < dots.length; i++) {
    const a = dots[i - 1]!;
    const b = dots[i]!;
    if (b.lift) continue;
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const weight = Math.sqrt(dx * dx + dy * dy) * (a.radius + b.radius) + 1e-9;
    mass += weight;
    mx += (weight * (a.x + b.x)) / 2;
    my += (weight * (a.y + b.y)) / 2;
  }
  return [mx / mass, my / mass];
}
