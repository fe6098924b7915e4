import type { Background, Ink } from "./names.ts";

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [r: number, g: number, b: number];

/** Each ink in two shades: a deep one for light backgrounds, a bright one for dark ones, so that it is legible on all. */
export const INKS: Readonly<Record<Ink, { readonly onLight: Colour; readonly onDark: Colour }>> = {
  red: { onLight: [205, 22, 34], onDark: [255, 66, 66] },
  orange: { onLight: [236, 100, 0], onDark: [255, 150, 40] },
  yellow: { onLight: [222, 176, 0], onDark: [255, 226, 60] },
  green: { onLight: [18, 132, 48], onDark: [76, 214, 92] },
  turquoise: { onLight: [0, 152, 160], onDark: [64, 226, 220] },
  blue: { onLight: [26, 66, 214], onDark: [84, 148, 255] },
  purple: { onLight: [118, 34, 190], onDark: [182, 112, 255] },
  pink: { onLight: [238, 52, 150], onDark: [255, 128, 200] },
};

/** Each background from its top to its bottom, one colour if it is plain. */
export const BACKGROUNDS: Readonly<
  Record<Background, { readonly top: Colour; readonly bottom: Colour; readonly dark: boolean }>
> = {
  paper: { top: [252, 250, 244], bottom: [246, 243, 234], dark: false },
  mint: { top: [200, 240, 216], bottom: [186, 232, 208], dark: false },
  sky: { top: [150, 206, 250], bottom: [236, 247, 255], dark: false },
  sunset: { top: [255, 190, 196], bottom: [255, 228, 170], dark: false },
  slate: { top: [52, 56, 64], bottom: [40, 44, 52], dark: true },
  forest: { top: [14, 58, 44], bottom: [8, 40, 32], dark: true },
  night: { top: [10, 12, 44], bottom: [66, 40, 104], dark: true },
};

export const BLACK: Colour = [16, 14, 24];
export const WHITE: Colour = [255, 255, 255];

/** `a` moved towards `b` by the share `t`. */
export function mix(a: Colour, b: Colour, t: number): Colour {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}
