import { BLACK, type Colour, mix, WHITE } from "./colours.ts";
import type { Manner } from "./names.ts";

/** Side of a mosaic's tiles. */
const TILE = 64 / 12;

/** One pixel that is being painted. Lengths are in 64ths of the picture's side. */
export class Pixel {
  r = 0;
  g = 0;
  b = 0;
  x = 0;
  y = 0;
  /** How deep the pixel lies in the ink; negative outside. */
  depth = 0;

  /** Lays `colour` over the pixel; `opacity` from 0 to 1. */
  cover(colour: Colour, opacity: number): void {
    const a = Math.min(1, Math.max(0, opacity));
    this.r += (colour[0] - this.r) * a;
    this.g += (colour[1] - this.g) * a;
    this.b += (colour[2] - this.b) * a;
  }
}

/** A way of drawing. */
export interface Technique {
  /** The pen's radius against the plain pen's. */
  readonly breadth: number;
  /** How far from its edge the ink is worked on, inside and outside: beyond, all is as at this depth. */
  readonly reach: number;
  /** Draws the outlines of filled things and leaves them empty. */
  readonly hollow?: boolean;
  /** How a pixel looks, given the ink and the picture around: `depthAt(dx, dy)` is the depth some way off. */
  paint(pixel: Pixel, ink: Ink, depthAt: (dx: number, dy: number) => number): void;
}

/** The ink's shade on this background, with a lighter and a darker one. */
export interface Ink {
  readonly colour: Colour;
  readonly pale: Colour;
  readonly deep: Colour;
  readonly onDark: boolean;
}

export function inkOf(colour: Colour, onDark: boolean): Ink {
  return { colour, pale: mix(colour, WHITE, 0.45), deep: mix(colour, BLACK, 0.45), onDark };
}

/** The manners. Patterns (grain, tiles, grooves) belong to the paper, not to the thing: they never move. */
export const MANNERS: Readonly<Record<Manner, Technique>> = {
  /** Plain, even ink. */
  pen: {
    breadth: 1,
    reach: 4,
    paint: (pixel, ink) => pixel.cover(ink.colour, edge(pixel.depth)),
  },
  /** A broad soft stick that leaves the hollows of the paper bare. */
  chalk: {
    breadth: 1.35,
    reach: 4,
    paint: (pixel, ink) => {
      const grain = grainAt(pixel.x, pixel.y);
      pixel.cover(ink.colour, edge(pixel.depth - 0.4, 2.6) * (0.36 + 0.64 * edge(grain - 0.42, 0.42)));
    },
  },
  /** A glass tube: white inside, the ink's colour around, its light on the background. */
  neon: {
    breadth: 0.95,
    reach: 11,
    hollow: true,
    paint: (pixel, ink) => {
      const far = Math.max(0, -pixel.depth);
      const glow = 1 - Math.min(1, far / 10);
      pixel.cover(ink.colour, glow * glow * (ink.onDark ? 0.62 : 0.5));
      pixel.cover(ink.colour, edge(pixel.depth, 1.4));
      pixel.cover(mix(ink.colour, WHITE, 0.9), edge(pixel.depth - 1.15, 1.3));
    },
  },
  /** Thin colour that runs, and dries darker at its edge. */
  watercolour: {
    breadth: 1.6,
    reach: 4,
    paint: (pixel, ink) => {
      pixel.cover(ink.colour, 0.16 * edge(pixel.depth + 1, 2.4));
      const wash = 0.34 + 0.22 * grainAt(pixel.x / 2.5, pixel.y / 2.5);
      pixel.cover(ink.colour, wash * edge(pixel.depth, 1.2));
      const rim = edge(pixel.depth, 1.2) * (1 - edge(pixel.depth - 1.5, 1.4));
      pixel.cover(ink.onDark ? ink.colour : mix(ink.colour, ink.deep, 0.7), 0.8 * rim);
    },
  },
  /** Square tiles with joints between. */
  mosaic: {
    breadth: 1.25,
    reach: 4,
    paint: (pixel, ink) => {
      const [u, v] = [pixel.x / TILE, pixel.y / TILE];
      const [i, j] = [Math.floor(u), Math.floor(v)];
      const shade = scatter(i, j);
      const joint = TILE * (0.5 - Math.max(Math.abs(u - i - 0.5), Math.abs(v - j - 0.5)));
      const gap = 1 - edge(joint - 0.55, 1);
      pixel.cover(ink.onDark ? WHITE : BLACK, 0.02 + 0.07 * shade);
      pixel.cover(ink.onDark ? BLACK : WHITE, 0.45 * gap);
      const colour = mix(ink.colour, shade < 0.5 ? ink.deep : ink.pale, Math.abs(shade - 0.5) * 1.1);
      pixel.cover(colour, edge(pixel.depth, 1.2) * (1 - 0.8 * gap));
    },
  },
  /** Cut in wood: grooves run through the ink and through the ground around it. */
  woodcut: {
    breadth: 1.25,
    reach: 9,
    paint: (pixel, ink) => {
      const groove = triangle((pixel.x + pixel.y) / 6.4);
      const near = edge(pixel.depth + 5, 7);
      pixel.cover(ink.colour, 0.55 * near * edge(groove - 0.74, 0.3));
      pixel.cover(ink.onDark ? BLACK : WHITE, 0.85 * edge(pixel.depth + 1.4, 1.2));
      const body = edge(pixel.depth);
      const cut = edge(pixel.depth - 1.7, 1) * edge(0.36 - groove, 0.26);
      pixel.cover(ink.colour, body * (1 - 0.92 * cut));
    },
  },
  /** Thick letters that throw a shadow down to the right. */
  shadow: {
    breadth: 1,
    reach: 4,
    paint: (pixel, ink, depthAt) => {
      let depth = -Infinity;
      for (let k = 1; k <= 4; k++) depth = Math.max(depth, depthAt(-k, -k));
      pixel.cover(ink.onDark ? mix(ink.deep, BLACK, 0.2) : ink.deep, edge(depth));
      pixel.cover(ink.onDark ? mix(ink.colour, WHITE, 0.15) : ink.colour, edge(pixel.depth));
    },
  },
};

/** From 0 outside to 1 inside, over a width of `soft`. */
function edge(depth: number, soft = 1): number {
  const t = Math.min(1, Math.max(0, depth / soft + 0.5));
  return t * t * (3 - 2 * t);
}

/** A wave of period 1 between 0 and 1. */
function triangle(t: number): number {
  return Math.abs(2 * (t - Math.floor(t)) - 1);
}

/** Smooth hills and hollows about 4 units wide, 0 to 1: the paper's grain. */
function grainAt(x: number, y: number): number {
  // Turned, so that the grain does not lie along the pixels.
  const [u, v] = [(0.8 * x + 0.6 * y) / 6, (0.8 * y - 0.6 * x) / 3];
  const [i, j] = [Math.floor(u), Math.floor(v)];
  const [s, t] = [edge(u - i - 0.5), edge(v - j - 0.5)];
  const top = scatter(i, j) * (1 - s) + scatter(i + 1, j) * s;
  const bottom = scatter(i, j + 1) * (1 - s) + scatter(i + 1, j + 1) * s;
  return top * (1 - t) + bottom * t;
}

/** A fixed number from 0 to 1 for each pair of whole numbers, without visible order. */
function scatter(i: number, j: number): number {
  let h = Math.imul(i, 0x27d4eb2d) ^ Math.imul(j, 0x165667b1);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 4294967296;
}
