import type { Dot } from "./pen.ts";

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

/**
 * How deep in the pen's ink each pixel's centre lies, in pixels; negative outside of it.
 *
 * @param placed - the pen's way in pixels
 * @param size - pixels of one side
 * @param margin - how far from the ink pixels are looked at
 * @param field - `[size, size]`, raised where this ink is deeper than what is there
 */
export function penField(placed: readonly Dot[], size: number, margin: number, field: Float64Array): void {
  for (let i = 0; i < placed.length; i++) {
    const b = placed[i]!;
    const a = b.lift ? b : placed[i - 1]!;
    const reach = Math.max(a.radius, b.radius) + margin;
    const left = Math.max(0, Math.floor(Math.min(a.x, b.x) - reach));
    const right = Math.min(size - 1, Math.ceil(Math.max(a.x, b.x) + reach));
    const top = Math.max(0, Math.floor(Math.min(a.y, b.y) - reach));
    const bottom = Math.min(size - 1, Math.ceil(Math.max(a.y, b.y) + reach));
    const dx = b.x - a.x;
    const dy = b.y - a.y;
    const length2 = dx * dx + dy * dy;
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const px = x + 0.5 - a.x;
        const py = y + 0.5 - a.y;
        const t = length2 > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length2)) : 0;
        const ex = px - t * dx;
        const ey = py - t * dy;
        const inside = a.radius + t * (b.radius - a.radius) - Math.sqrt(ex * ex + ey * ey);
        if (inside > field[y * size + x]!) field[y * size + x] = inside;
      }
    }
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
