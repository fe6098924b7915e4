import { plural } from "../printed.ts";
import { fromArray } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Kinds of pixels and how many bytes each takes: grey; red, green, blue; the same with opacity. */
export const MODES = { L: 1, RGB: 3, RGBA: 4 } as const;

/** `L`, `RGB` or `RGBA`, as Pillow calls them. */
export type Mode = keyof typeof MODES;

/** Pixels as bytes, row by row, all channels of a pixel together. */
export interface Pixels {
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Kind of pixels: grey, colour, or colour with opacity. */
  readonly mode: Mode;
  /** `[height, width, channels]` */
  readonly data: Uint8Array;
}

/** Another kind of pixels. What is transparent becomes white; grey is 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601),
 * in the whole numbers that Pillow takes. */
export function convert({ width, height, mode, data }: Pixels, wanted: Mode): Pixels {
  if (mode === wanted) return { width, height, mode, data };
  const [from, to] = [MODES[mode], MODES[wanted]];
  const out = new Uint8Array(width * height * to);
  for (let i = 0; i < width * height; i++) {
    let red = data[i * from]!;
    let green = mode === "L" ? red : data[i * from + 1]!;
    let blue = mode === "L" ? red : data[i * from + 2]!;
    if (mode === "RGBA") {
      const alpha = data[i * 4 + 3]! / 255;
      red = Math.round(red * alpha + 255 * (1 - alpha));
      green = Math.round(green * alpha + 255 * (1 - alpha));
      blue = Math.round(blue * alpha + 255 * (1 - alpha));
    }
    if (wanted === "L") out[i] = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
    else out.set(wanted === "RGBA" ? [red, green, blue, 255] : [red, green, blue], i * to);
  }
  return { width, height, mode: wanted, data: out };
}

/** Pixels as float32 `[1, channels, height, width]`, 0 to 255 spread from `low` to `high`. */
export function pixelsToTensor({ width, height, mode, data }: Pixels, [low, high]: readonly [number, number]): Tensor {
  const channels = MODES[mode];
  const values = new Float32Array(data.length);
  const plane = width * height;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < channels; c++) values[c * plane + i] = low + ((high - low) * data[i * channels + c]!) / 255;
  }
  return fromArray("float32", [1, channels, height, width], values);
}

/**
 * float32 values as pixels, as diffusers rounds them: `low` to `high` becomes 0 to 255, halves go to the even number, what
 * lies outside is cut off.
 *
 * @param values - `[channels, height, width]`
 * @throws RangeError if a value is not finite
 */
export function pixelsOf(
  values: ArrayLike<number>,
  { channels, width, height }: { channels: number; width: number; height: number },
  [low, high]: readonly [number, number],
  where: string,
): Pixels {
  const mode = (Object.keys(MODES) as Mode[]).find((name) => MODES[name] === channels)!;
  const plane = width * height;
  const data = new Uint8Array(plane * channels);
  let strange = 0;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < plane; i++) {
      const value = values[c * plane + i]!;
      if (!Number.isFinite(value)) strange++;
      // In float32 all the way, so that the same value rounds to the same byte as in Python.
      const unit = Math.fround(Math.fround(value - low) / (high - low));
      data[i * channels + c] = halfToEven(Math.fround(Math.min(1, Math.max(0, unit)) * 255));
    }
  }
  if (strange > 0) {
    const share = `${strange} of ${plural(plane * channels, "value")} are not finite numbers (NaN or infinite)`;
    throw new RangeError(
      `${where}: ${share}, so they do not form a picture. Look for an option that is NaN, such as a guidance: it makes all that is computed with it NaN. A float16 model that overflows gives such values, too: use float32.`,
    );
  }
  return { width, height, mode, data };
}

function halfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}
