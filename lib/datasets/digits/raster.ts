import type { Dot } from "./pen.ts";

/**
 * Puts the pen's way on a square of grey pixels as MNIST does: the longer side of the ink fits a box of 20/28 of the
 * square, keeping its proportions, and the ink's centre of mass is the square's centre.
 *
 * @param dots - the pen's way; radii about 1
 * @param size - pixels of one side
 * @param radius - the pen's radius in pixels where a dot's radius is 1
 * @param softness - width of the edge from ink to paper, in pixels
 * @param box - longer side of the ink, in pixels
 * @param out - `[size, size]`, filled with 0 to 255
 */
export function rasterise(
  dots: readonly Dot[],
  size: number,
  options: { radius: number; softness: number; box: number },
  out: Uint8Array,
): void {
  const placed = place(dots, size, options);
  const coverage = new Float64Array(size * size);
  const edge = options.softness;
  for (let i = 0; i < placed.length; i++) {
    const b = placed[i]!;
    const a = b.lift ? b : placed[i - 1]!;
    const reach = Math.max(a.radius, b.radius) + edge;
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
        const ink = inside / edge + 0.5;
        if (ink > coverage[y * size + x]!) coverage[y * size + x] = ink;
      }
    }
  }
  for (let i = 0; i < coverage.length; i++) out[i] = Math.round(255 * Math.min(1, coverage[i]!));
}

/** The way in pixels: scaled to the box, its centre of mass in the middle. */
function place(dots: readonly Dot[], size: number, { radius, box }: { radius: number; box: number }): Dot[] {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of dots) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const scale = Math.max(1e-3, box - 2 * radius) / Math.max(right - left, bottom - top, 1e-6);
  let [mass, mx, my] = [0, 0, 0];
  for (let i = 1; i < dots.length; i++) {
    const a = dots[i - 1]!;
    const b = dots[i]!;
    if (b.lift) continue;
    const weight = Math.sqrt((b.x - a.x) ** 2 + (b.y - a.y) ** 2) * (a.radius + b.radius) + 1e-9;
    mass += weight;
    mx += (weight * (a.x + b.x)) / 2;
    my += (weight * (a.y + b.y)) / 2;
  }
  const middle = size / 2;
  return dots.map((dot) => ({
    x: middle + (dot.x - mx / mass) * scale,
    y: middle + (dot.y - my / mass) * scale,
    radius: dot.radius * radius,
    lift: dot.lift,
  }));
}
