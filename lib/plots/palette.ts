/**
 * Colours of series, in order. Each stands out from a white page and from a dark one (contrast 3 to 1 and more), and
 * neighbours stay apart for the colour-blind.
 */
export const SERIES = [
  "#2f7fd6",
  "#d9660f",
  "#109070",
  "#b15fd0",
  "#b8860b",
  "#e0447c",
  "#6f7d8c",
  "#5b6ee1",
  "#a8703f",
  "#2a93a8",
] as const;

/** What stands for numbers that are none. On no scale of ours, grey or diverging, do they occur. */
export const SPECIAL = { nan: "#e000e0", positive: "#f5d000", negative: "#00b8d4" } as const;

type Rgb = readonly [number, number, number];

/** Blue, white, red: ColorBrewer's RdBu, which the colour-blind can read, turned round so that red is positive. */
const DIVERGING: readonly Rgb[] = [
  [5, 48, 97],
  [33, 102, 172],
  [67, 147, 195],
  [146, 197, 222],
  [209, 229, 240],
  [247, 247, 247],
  [253, 219, 199],
  [244, 165, 130],
  [214, 96, 77],
  [178, 24, 43],
  [103, 0, 31],
];

/**
 * Colour of a signed share: -1 dark blue, 0 white, 1 dark red; what is beyond is cut off.
 *
 * @returns red, green and blue, 0 to 255
 * @see https://colorbrewer2.org/#type=diverging&scheme=RdBu&n=11
 */
export function diverging(share: number): Rgb {
  return between(DIVERGING, (share + 1) / 2);
}

/** Black, violet, red, yellow: lighter with each step, so that it can be read in grey as well. */
const SEQUENTIAL: readonly Rgb[] = [
  [0, 0, 4],
  [87, 16, 110],
  [188, 55, 84],
  [249, 142, 9],
  [252, 255, 164],
];

/**
 * Colour of a share from 0 (black) to 1 (light yellow); what is beyond is cut off.
 *
 * @returns red, green and blue, 0 to 255
 */
export function sequential(share: number): Rgb {
  return between(SEQUENTIAL, share);
}

function between(colours: readonly Rgb[], share: number): Rgb {
  const at = Math.min(1, Math.max(0, share)) * (colours.length - 1);
  const below = Math.min(colours.length - 2, Math.floor(at));
  const [a, b] = [colours[below]!, colours[below + 1]!];
  return [0, 1, 2].map((i) => Math.round(a[i]! + (b[i]! - a[i]!) * (at - below))) as unknown as Rgb;
}

/** `#e000e0` as red, green and blue. */
export function rgb(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export function hex(colour: Rgb): string {
  return `#${colour.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
