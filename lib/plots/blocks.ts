import { tag } from "./svg.ts";

/** Without the batch: `[channels, height, width]` or `[features]`. */
export type Shape = readonly number[];

export interface Block {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A block's size by its shape: logarithms, as channels and pixels span powers of two. */
export function extent([channels, height]: Shape): { width: number; height: number } {
  return { width: Math.round(6 + 5 * Math.log2(channels! + 1)), height: Math.round(14 + 9 * Math.log2(height!)) };
}

export function rect({ x, y, width, height }: Block, colour: string): string {
  return tag("rect", { x, y, width, height, rx: 3, fill: colour, "fill-opacity": 0.85 });
}

type Spot = readonly [x: number, y: number];

/** A straight arrow; its head is drawn as a path, as markers need names that are unique in a page. */
export function arrow([x1, y1]: Spot, [x2, y2]: Spot, dashed = false): string {
  return path(`M${x1} ${y1}L${x2} ${y2}`, dashed) + arrowHead([x2, y2], Math.atan2(y2 - y1, x2 - x1));
}

/** An arrow round a corner: down, then right; or, `rising`, right, then up. */
export function elbow([x1, y1]: Spot, [x2, y2]: Spot, rising = false): string {
  const d = rising ? `M${x1} ${y1}H${x2}V${y2}` : `M${x1} ${y1}V${y2}H${x2}`;
  return path(d, false) + arrowHead([x2, y2], rising ? -Math.PI / 2 : 0);
}

function path(d: string, dashed: boolean): string {
  const rounded = d.replace(/-?\d+\.\d+/g, (number) => String(Math.round(Number(number) * 10) / 10));
  return tag("path", {
    d: rounded,
    fill: "none",
    stroke: "currentColor",
    "stroke-opacity": 0.6,
    "stroke-width": 1.3,
    "stroke-dasharray": dashed ? "4 3" : undefined,
  });
}

function arrowHead([x, y]: Spot, angle: number): string {
  const degrees = Math.round((angle * 180) / Math.PI);
  return tag("path", {
    d: "M0 0L-7 -3.5V3.5z",
    "fill-opacity": 0.75,
    transform: `translate(${Math.round(x)} ${Math.round(y)}) rotate(${degrees})`,
  });
}
