import { plural } from "../../printed.ts";
import { Dice } from "../dice.ts";
import { ImageDataset } from "../image-dataset.ts";
import { write } from "../strokes/pen.ts";
import { rasterise } from "./raster.ts";
import { stylesOf } from "./styles.ts";

const CLASSES = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] as const;
const SIZES = { smallest: 8, largest: 512 };
/** More would not fit a typed array at the largest size, or a laptop at the usual one. */
const MOST_PIXELS = 2 ** 31;

/**
 * Digits that look handwritten, drawn by the library itself: white ink on black, centred as MNIST centres its own.
 * Each is written in one of several styles, with its own proportions, slant, pressure, tremor and pen.
 *
 * The same seed draws the same digits on every machine, and the first n of more than n.
 * `digits({ n: 8, seed: 1 })` shows itself; `digits({ n: 100, labels: [3] })` draws threes alone.
 *
 * @param options.n - how many; default 1,000
 * @param options.size - pixels of one side, 8 to 512; default 28
 * @param options.seed - a whole number; default 0
 * @param options.labels - which digits to draw, each as often; default all ten
 * @returns `images` `[n, size, size]` of 0 to 255, `labels` `[n]`
 * @throws RangeError or TypeError if an option is out of range
 */
export function digits(
  options: { n?: number; size?: number; seed?: number | bigint; labels?: readonly number[] } = {},
): ImageDataset {
  const { n = 1000, size = 28, seed = 0, labels: wanted = CLASSES.map(Number) } = options;
  check(n, size, wanted);
  const dice = new Dice(seed);
  const images = new Uint8Array(n * size * size);
  const labels = new Uint8Array(n);
  const pixel = size / 28;
  for (let i = 0; i < n; i++) {
    const label = wanted[dice.below(wanted.length)]!;
    const dots = write(dice.pick(stylesOf(label)), dice);
    const pen = {
      // Most pens are fine, some are felt-tips.
      radius: (Math.max(0.62, dice.normal(1.28, 0.38)) + (dice.chance(0.1) ? dice.uniform(0, 1) : 0)) * pixel,
      softness: dice.uniform(0.8, 1.4) * Math.sqrt(pixel),
      box: dice.uniform(19.3, 20.2) * pixel,
      // MNIST sets the centre of mass on a pixel's centre, rounded to whole pixels.
      centre: [dice.uniform(14, 15) * pixel, dice.uniform(14, 15) * pixel] as const,
    };
    rasterise(dots, size, pen, images.subarray(i * size * size, (i + 1) * size * size));
    labels[i] = label;
  }
  return new ImageDataset({ name: "digits", images, labels, shape: [n, size, size], classes: CLASSES });
}

function check(n: number, size: number, labels: readonly number[]): void {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`digits: n ${n}; expected a whole number from 1 up`);
  if (!Number.isInteger(size) || size < SIZES.smallest || size > SIZES.largest) {
    throw new RangeError(`digits: size ${size}; expected ${SIZES.smallest} to ${SIZES.largest} pixels, 28 as in MNIST`);
  }
  if (n * size * size > MOST_PIXELS) {
    throw new RangeError(
      `digits: ${plural(n, "picture")} of ${size}x${size} would take ${n * size * size} bytes; draw fewer at a time`,
    );
  }
  const wrong = labels.find((label) => !Number.isInteger(label) || label < 0 || label > 9);
  if (wrong !== undefined || labels.length === 0) {
    throw new RangeError(`digits: labels [${labels}]; expected some of the digits 0 to 9`);
  }
}
