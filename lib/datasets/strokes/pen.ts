import type { Dice } from "../dice.ts";

/**
 * A point the pen passes, `[x, y]` in a box of width and height 1, y downward. A third number makes it a corner: the
 * pen turns there at once instead of curving through.
 */
export type Point = readonly [x: number, y: number, corner?: 1];

/** One way to write a digit. */
export interface Style {
  /** How often, against the digit's other styles. */
  readonly weight: number;
  /** Width over height of the box, before the writer's own proportions. */
  readonly aspect: number;
  /** What the pen draws each time it touches the paper. */
  readonly strokes: readonly (readonly Point[])[];
}

/** A place on the paper and the pen's radius there; `lift` where the pen comes down anew. */
export interface Dot {
  x: number;
  y: number;
  radius: number;
  lift: boolean;
}

/** Pieces that each span between two points of a stroke is drawn in. */
const PIECES = 6;

/**
 * Writes one digit: the style's points as this writer would set them, curves through them, then ink.
 *
 * @param freedom - how far the writer strays from the style: 1 as people do, 0 not at all
 * @returns the pen's way in a unit whose size the caller sets; y downward
 */
export function write(style: Style, dice: Dice, freedom = 1): Dot[] {
  const place = hand(style.aspect, dice, freedom);
  const unsteadiness = dice.uniform(0.015, 0.065) * freedom;
  const dots: Dot[] = [];
  const shared = new Map<string, [number, number]>();
  for (const stroke of style.strokes) {
    const placed = stroke.map(([x, y, corner]): Point => {
      // Strokes that begin at the same point of a style go on doing so.
      const key = `${x},${y}`;
      const [dx, dy] = shared.get(key) ?? [dice.normal(0, unsteadiness), dice.normal(0, unsteadiness)];
      shared.set(key, [dx, dy]);
      return [x + dx, y + dy, corner];
    });
    const way = curve(reach(placed, dice, freedom)).map(([x, y]) => place(x, y));
    dots.push(...ink(tremble(way, dice, freedom), dice, freedom));
  }
  return dots;
}

/**
 * This writer's hand: proportions, bends, slant and turn, as one map of the box.
 *
 * @param aspect - the box's width over its height
 * @param freedom - how far it strays from leaving all as it is: 1 as people do when they write, 0 not at all
 */
export function hand(aspect: number, dice: Dice, freedom: number): (x: number, y: number) => [number, number] {
  const width = aspect * Math.max(0.4, dice.normal(1, 0.25 * freedom));
  const slant = dice.normal(0.07 * freedom, 0.24 * freedom);
  // Rational sine and cosine: the same bits on every machine.
  const t = dice.normal(0, 0.045 * freedom);
  const cos = (1 - t * t) / (1 + t * t);
  const sin = (2 * t) / (1 + t * t);
  const bend = [0, 0, 0, 0, 0, 0].map(() => dice.normal(0, 0.16 * freedom));
  return (x, y) => {
    const u = x - 0.5;
    const v = y - 0.5;
    const bentX = u + bend[0]! * v * v + bend[1]! * u * v + bend[2]! * u * u;
    const bentY = v + bend[3]! * (0.25 - v * v) + bend[4]! * u * v + 0.6 * bend[5]! * u * u;
    const px = bentX * width - slant * bentY;
    return [px * cos - bentY * sin, px * sin + bentY * cos];
  };
}

/** Ends that stop short or run on, as a hurried hand makes them. */
function reach(points: readonly Point[], dice: Dice, freedom: number): Point[] {
  const out = [...points];
  const move = (at: number, towards: number) => {
    const amount = dice.normal(0.04, 0.13) * freedom;
    const [x, y, corner] = out[at]!;
    const [nx, ny] = out[towards]!;
    out[at] = [x + (x - nx) * amount, y + (y - ny) * amount, corner];
  };
  move(0, 1);
  move(out.length - 1, out.length - 2);
  return out;
}

/** A smooth way through the points (Catmull-Rom), broken at corners. */
function curve(points: readonly Point[]): [number, number][] {
  const out: [number, number][] = [[points[0]![0], points[0]![1]]];
  for (let i = 0; i + 1 < points.length; i++) {
    const a = points[i]!;
    const b = points[i + 1]!;
    const before = i === 0 || a[2] ? a : points[i - 1]!;
    const after = i + 2 === points.length || b[2] ? b : points[i + 2]!;
    for (let k = 1; k <= PIECES; k++) {
      const t = k / PIECES;
      out.push([spline(before[0], a[0], b[0], after[0], t), spline(before[1], a[1], b[1], after[1], t)]);
    }
  }
  return out;
}

function spline(p0: number, p1: number, p2: number, p3: number, t: number): number {
  return 0.5 * (2 * p1 + t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0))));
}

/** A slow random shift along the way. */
function tremble(way: readonly [number, number][], dice: Dice, freedom: number): [number, number][] {
  const size = dice.uniform(0, 0.012) * freedom;
  const dx = drift(way.length, 4, dice);
  const dy = drift(way.length, 4, dice);
  return way.map(([x, y], i) => [x + size * dx[i]!, y + size * dy[i]!]);
}

/** `n` numbers that wander: random values every `step`, eased between. */
function drift(n: number, step: number, dice: Dice): number[] {
  const knots = Array.from({ length: Math.ceil(n / step) + 1 }, () => dice.normal(0, 1));
  return Array.from({ length: n }, (_, i) => {
    const at = i / step;
    const k = Math.floor(at);
    const t = at - k;
    const eased = t * t * (3 - 2 * t);
    return knots[k]! * (1 - eased) + knots[k + 1]! * eased;
  });
}

/** The pen's radius along the way, about 1: pressure that wanders, a broad nib, ends that thin out or blot. */
function ink(way: readonly [number, number][], dice: Dice, freedom: number): Dot[] {
  const pressure = drift(way.length, 9, dice);
  const force = dice.uniform(0, 0.16) * freedom;
  const nib = dice.uniform(0, 0.3) * freedom;
  const [nibX, nibY] = [dice.uniform(-1, 1), dice.uniform(-1, 1)];
  const ends = [dice.normal(-0.12, 0.18) * freedom, dice.normal(-0.18, 0.2) * freedom];
  return way.map(([x, y], i) => {
    const [bx, by] = way[Math.max(0, i - 1)]!;
    const [ax, ay] = way[Math.min(way.length - 1, i + 1)]!;
    const [dx, dy] = [ax - bx, ay - by];
    const across = dx * nibX + dy * nibY;
    const length = (dx * dx + dy * dy) * (nibX * nibX + nibY * nibY) + 1e-12;
    const first = Math.max(0, 1 - i / PIECES);
    const last = Math.max(0, 1 - (way.length - 1 - i) / PIECES);
    const radius =
      1 + force * pressure[i]! - nib * ((across * across) / length - 0.5) + ends[0]! * first + ends[1]! * last;
    return { x, y, radius: Math.max(0.35, radius), lift: i === 0 };
  });
}
