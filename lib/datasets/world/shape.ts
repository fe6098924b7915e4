import type { Dice } from "../dice.ts";
import { stylesOf } from "../digits/styles.ts";
import { drawingsOf } from "../strokes/drawings.ts";
import { type Dot, hand, write } from "../strokes/pen.ts";
import { penField } from "../strokes/pen-field.ts";
import type { Drawing, Stroke } from "../strokes/read-svg.ts";
import { DIGITS, type Thing } from "./names.ts";

/** One layer of a thing: where the pen goes, and whether the ink fills what it goes around. */
export interface Layer {
  readonly dots: readonly Dot[];
  readonly filled: boolean;
  readonly lined: boolean;
  /** Takes ink away. */
  readonly cut: boolean;
}

/** How a thing lies in the picture, in pixels. */
export interface Pose {
  /** The picture's side. */
  readonly size: number;
  /** Which way it is moved from the middle, each -1, 0 or 1. */
  readonly towards: readonly [x: number, y: number];
  /** By how much, where the picture has room. */
  readonly away: number;
  /** The longer side. */
  readonly side: number;
  /** The tangent of half the angle it is turned by, clockwise. */
  readonly turn: number;
  /** The pen's radius. */
  readonly radius: number;
}

/** Left free between a thing and the picture's edge, as a share of the side. */
const BORDER = 0.03;
/** How far a hand strays from the drawing or the style: less than in `digits`, since a lean is said in words here. */
const FREEDOM = { digit: 0.36, drawing: 0.3 };
/** Straight pieces that a curve is drawn in. */
const PIECES = 8;

/** How many ways there are to draw each thing. */
export function variantsOf(thing: Thing): number {
  const digit = DIGITS.indexOf(thing as never);
  return digit >= 0 ? stylesOf(digit).length : drawingsOf(thing).length;
}

/** The thing drawn by a hand of its own, in a unit of any size, with y downward. */
export function sketch(thing: Thing, variant: number, dice: Dice): Layer[] {
  const digit = DIGITS.indexOf(thing as never);
  if (digit >= 0) {
    const dots = write(stylesOf(digit)[variant - 1]!, dice, FREEDOM.digit);
    return [{ dots, filled: false, lined: true, cut: false }];
  }
  const drawing = drawingsOf(thing)[variant - 1]!;
  return trace(drawing, hand(drawing.aspect, dice, FREEDOM.drawing));
}

function trace({ viewBox, parts }: Drawing, place: (x: number, y: number) => [number, number]): Layer[] {
  const [left, top, width, height] = viewBox;
  return parts.map(({ strokes, filled, lined, cut }) => ({
    filled,
    lined,
    cut,
    dots: strokes.flatMap((stroke) =>
      flatten(stroke).map(([x, y], i): Dot => {
        const [px, py] = place((x - left) / width, (y - top) / height);
        return { x: px, y: py, radius: 1, lift: i === 0 };
      }),
    ),
  }));
}

/** The points along a stroke's curves. */
function flatten({ start, curves }: Stroke): [number, number][] {
  const points: [number, number][] = [[...start]];
  let [x0, y0] = start;
  for (const [x1, y1, x2, y2, x, y] of curves) {
    for (let k = 1; k <= PIECES; k++) {
      const t = k / PIECES;
      const s = 1 - t;
      const [a, b, c, d] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
      points.push([a * x0 + b * x1 + c * x2 + d * x, a * y0 + b * y1 + c * y2 + d * y]);
    }
    [x0, y0] = [x, y];
  }
  return points;
}

/** The layers turned, scaled so that the longer side fits, and moved to their place. */
export function pose(layers: readonly Layer[], { size, towards, away, side, turn, radius }: Pose): Layer[] {
  const cos = (1 - turn * turn) / (1 + turn * turn);
  const sin = (2 * turn) / (1 + turn * turn);
  const turned = layers.map((layer) => ({
    ...layer,
    dots: layer.dots.map((dot) => ({ ...dot, x: dot.x * cos - dot.y * sin, y: dot.x * sin + dot.y * cos })),
  }));
  const dots = turned.flatMap((layer) => layer.dots);
  const [left, right] = range(dots.map(({ x }) => x));
  const [top, bottom] = range(dots.map(({ y }) => y));
  const scale = Math.max(1e-3, side - 2 * radius) / Math.max(right - left, bottom - top, 1e-6);
  const shift = (step: number, low: number, high: number) => {
    const room = (size - (high - low) * scale) / 2 - radius - BORDER * size;
    return size / 2 + step * Math.max(0, Math.min(away, room)) - ((low + high) / 2) * scale;
  };
  const dx = shift(towards[0], left, right);
  const dy = shift(towards[1], top, bottom);
  return turned.map((layer) => ({
    ...layer,
    dots: layer.dots.map((dot) => ({
      x: dot.x * scale + dx,
      y: dot.y * scale + dy,
      // What is cut out stays finer than what is drawn, so that it leaves some ink around.
      radius: dot.radius * radius * (layer.cut ? 0.7 : 1),
      lift: dot.lift,
    })),
  }));
}

function range(values: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/**
 * How deep in the ink each pixel's centre lies, in pixels; negative outside, `-margin` far outside.
 *
 * @param hollow - draws outlines only, those of what is cut out too
 * @returns `[size, size]`
 */
export function depthOf(layers: readonly Layer[], size: number, margin: number, hollow: boolean): Float64Array {
  const depth = new Float64Array(size * size).fill(-margin);
  const layer = new Float64Array(size * size);
  for (const { dots, filled, lined, cut } of layers) {
    layer.fill(-margin);
    penField(dots, size, margin, layer);
    if (filled && !hollow) fill(dots, size, lined, margin, layer);
    for (let i = 0; i < depth.length; i++) {
      depth[i] = cut && !hollow ? Math.min(depth[i]!, -layer[i]!) : Math.max(depth[i]!, layer[i]!);
    }
  }
  return depth;
}

/** Turns the depth in a pen's line into the depth in what the line goes around. */
function fill(dots: readonly Dot[], size: number, lined: boolean, margin: number, field: Float64Array): void {
  const radius = dots[0]!.radius;
  // A broad pen makes lines bolder, but must not blur the shape of an area.
  const pen = lined ? radius / 2 : 0;
  const crossings: number[] = [];
  for (let row = 0; row < size; row++) {
    const y = row + 0.5;
    crossings.length = 0;
    for (let i = 0, first = 0; i < dots.length; i++) {
      if (dots[i]!.lift) first = i;
      const a = dots[i]!;
      // The last point of a line is joined to its first.
      const b = i + 1 === dots.length || dots[i + 1]!.lift ? dots[first]! : dots[i + 1]!;
      if (a.y <= y !== b.y <= y) crossings.push(a.x + ((y - a.y) * (b.x - a.x)) / (b.y - a.y));
    }
    crossings.sort((p, q) => p - q);
    for (let column = 0, k = 0; column < size; column++) {
      while (k < crossings.length && crossings[k]! <= column + 0.5) k++;
      const at = row * size + column;
      const distance = radius - field[at]!;
      field[at] = Math.max(-margin, Math.min(margin, k % 2 === 1 ? pen + distance : pen - distance));
    }
  }
}
