import type { Dot } from "./pen.ts";

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
