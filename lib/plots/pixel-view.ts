import { type Drawing, Figure } from "./figure.ts";
import { label } from "./format.ts";
import { drawRaster, GAP, noteBlock, pixelAxes, pixelTitles, scaleBar, titleBlock } from "./parts.ts";
import { describe, type Picture, type PicturesInput, picturesOf } from "./pictures.ts";
import { rasterOf } from "./pixels.ts";
import { checkInteger, checkRange, contrastNote, extentOf, pictureRange, type Range, specialNote } from "./ranges.ts";
import { tag } from "./svg.ts";

const LARGEST = 64;

/** How a picture is shown as numbers. */
export interface PixelsOptions {
  /** One line above. */
  title?: string;
  /** The values shown as black and white; default: by their type and extent. */
  range?: Range;
  /** CSS pixels for each pixel, a whole number; default 10 for a digit of 28. */
  scale?: number;
  /** Pixels to be outlined, each `[row, column]`. */
  mark?: readonly (readonly [row: number, column: number])[];
}

/**
 * Shows one grey picture as what it is, rows and columns of numbers: with axes in pixels, a scale of greys, and each pixel's value
 * where the pointer is.
 * `showPixels(digits({ n: 1 })[0], { mark: [[11, 14]] })`.
 *
 * @param image - `[h, w]`, at most 64 x 64, or one picture of a data set
 * @throws RangeError if it is not one grey picture, is larger, or a mark lies outside
 */
export function showPixels(image: PicturesInput, options: PixelsOptions = {}): Figure {
  const where = "showPixels";
  const pictures = picturesOf(where, image);
  const { width, height } = pictures;
  if (pictures.count !== 1 || pictures.channels !== 1) {
    throw new RangeError(
      `${where}: got ${pictures.count} of ${describe(pictures)}, expected one grey picture. For several, use showImages.`,
    );
  }
  if (width > LARGEST || height > LARGEST) {
    throw new RangeError(
      `${where}: ${describe(pictures)} pixels, expected at most ${LARGEST} × ${LARGEST}. For large pictures, use showImages.`,
    );
  }
  if (options.range !== undefined) checkRange(where, options.range);
  checkInteger(where, "scale", options.scale);
  for (const [row, column] of options.mark ?? []) {
    if (
      !(Number.isInteger(row) && Number.isInteger(column) && row >= 0 && column >= 0 && row < height && column < width)
    ) {
      throw new RangeError(`${where}: mark [${row}, ${column}] is outside the picture [${height}, ${width}]`);
    }
  }
  return new Figure(where, async () => draw((await pictures.read())[0]!, options));
}

async function draw(picture: Picture, options: PixelsOptions): Promise<Drawing> {
  const { width, height, pixels } = picture;
  const extent = extentOf([pixels]);
  const range = options.range ?? picture.range ?? pictureRange(extent);
  const scale = options.scale ?? Math.max(4, Math.min(32, Math.floor(290 / Math.max(width, height))));
  const title = titleBlock(options.title);
  const [x, y] = [26, title.height + 16];
  const [right, bottom] = [x + width * scale, y + height * scale];
  const image = await drawRaster(rasterOf(picture, range), x, y, scale);
  // A thin line round the picture: black on a dark page has no edge of its own.
  const frame = tag("rect", {
    x,
    y,
    width: right - x,
    height: bottom - y,
    fill: "none",
    stroke: "currentColor",
    "stroke-opacity": 0.3,
  });
  const marks = (options.mark ?? []).map(([row, column]) => {
    const place = { x: x + column * scale - 1, y: y + row * scale - 1, width: scale + 2, height: scale + 2 };
    return tag("rect", { ...place, fill: "none", stroke: "#d9660f", "stroke-width": 2 });
  });
  const [low, high] = range;
  const grey = (share: number): readonly [number, number, number] => {
    const level = Math.round(share * 255);
    return [level, level, level];
  };
  const ticks = [
    { share: 0, text: label(low) },
    { share: 1, text: label(high) },
  ];
  const bar = await scaleBar(grey, ticks, { x, y: bottom + GAP, width: Math.min(160, right - x) });
  const figureWidth = Math.max(right + 2, 200, title.width);
  const special = specialNote(extent, true);
  const contrast = options.range === undefined ? contrastNote(range, extent) : "";
  const note = noteBlock([contrast, special], figureWidth, bottom + GAP + bar.height);
  const alt = [
    options.title,
    `picture of ${height} × ${width} pixels, values from ${label(extent.low)} to ${label(extent.high)}`,
    (options.mark ?? [])
      .map(([row, column]) => `row ${row}, column ${column} marked: ${label(pixels[row * width + column]!, 4)}`)
      .join(", "),
    contrast,
    special,
  ];
  return {
    width: figureWidth,
    height: bottom + GAP + bar.height + note.height,
    body: title.body + image + frame + pixelAxes(width, height, x, y, scale) + marks.join("") + bar.body + note.body,
    hover: pixelTitles(picture, x, y, scale),
    alt: alt.filter(Boolean).join(". "),
  };
}
