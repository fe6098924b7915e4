import { Figure } from "./figure.ts";
import { label } from "./format.ts";
import { diverging, sequential } from "./palette.ts";
import { drawPanels, type Panel } from "./panels.ts";
import { noteBlock, scaleBar, titleBlock } from "./parts.ts";
import { type Picture, type Pictures, type PicturesInput, picturesOf } from "./pictures.ts";
import { colouredRaster, rasterOf } from "./pixels.ts";
import { extentOf, pictureRange, specialNote } from "./ranges.ts";
import { type NumbersInput, valuesOf } from "./values.ts";

/** What is shown beside the channels of latents. */
export interface LatentsOptions {
  /** One line above. */
  title?: string;
  /** The small picture that a linear map makes of them, `[3, h, w]` or `[1, 3, h, w]`, as of `fitLatentRgb`. */
  rgb?: PicturesInput;
  /** The picture that the decoder makes of them. */
  decoded?: PicturesInput;
  /** The value shown as the darkest red, and its negative as the darkest blue; default the largest of all channels. */
  limit?: number;
}

/**
 * Shows the latents of a picture channel by channel, on one scale that is symmetric around zero, with what is made of them:
 * `showLatents(latents, { rgb: rgb.apply(latents), decoded: image })`.
 *
 * @param latents - `[channels, h, w]` or `[1, channels, h, w]`
 * @throws RangeError if there are several pictures, or more than 32 channels
 */
export function showLatents(latents: NumbersInput, options: LatentsOptions = {}): Figure {
  const where = "showLatents";
  const pending = valuesOf(where, latents);
  const shape = pending.shape.length === 4 && pending.shape[0] === 1 ? pending.shape.slice(1) : pending.shape;
  const [channels, h, w] = shape as [number, number, number];
  if (shape.length !== 3 || channels > 32) {
    throw new RangeError(
      `${where}: got [${pending.shape.join(", ")}], expected latents of one picture, [channels, h, w]`,
    );
  }
  const { limit } = options;
  if (limit !== undefined && !(Number.isFinite(limit) && limit > 0)) {
    throw new RangeError(`${where}: limit is ${String(limit)}, expected a number above 0`);
  }
  const comparisons = [["RGB approximation", options.rgb] as const, ["decoded", options.decoded] as const].flatMap(
    ([name, input]) => (input === undefined ? [] : [{ name, pictures: singlePicture(`${where}: ${name}`, input) }]),
  );
  return new Figure(where, async () => {
    const { data } = await pending.read();
    const extent = extentOf([data]);
    const most = limit ?? (Math.max(-extent.low, extent.high) || 1);
    const panels: Panel[] = Array.from({ length: channels }, (_, channel) => {
      const pixels = Array.from({ length: h * w }, (_, i) => data[channel * h * w + i]!);
      const picture: Picture = { width: w, height: h, channels: 1, pixels, range: undefined };
      return { name: `channel ${channel}`, raster: colouredRaster(picture, (value) => diverging(value / most)) };
    });
    for (const { name, pictures } of comparisons)
      panels.push({ name, raster: rasterInOwnRange((await pictures.read())[0]!) });
    const title = titleBlock(options.title);
    const grid = await drawPanels(panels, { y: title.height });
    const ticks = [
      { share: 0, text: label(-most) },
      { share: 0.5, text: "0" },
      { share: 1, text: label(most) },
    ];
    const place = {
      x: 0,
      y: title.height + grid.height,
      width: 200,
      name: "value of a latent (standard deviations, about)",
    };
    const bar = await scaleBar((share) => diverging(2 * share - 1), ticks, place);
    const width = Math.max(grid.width, bar.width, title.width);
    const cut =
      Math.max(-extent.low, extent.high) > most
        ? `the values go from ${label(extent.low)} to ${label(extent.high)}`
        : "";
    const note = noteBlock([cut, specialNote(extent, true)], width, place.y + bar.height);
    const said = `latents: ${channels} channels of ${h} × ${w}, ${label(extent.low)} to ${label(extent.high)}`;
    const more = comparisons.map(({ name }) => name).join(", ");
    return {
      ...{ width, height: place.y + bar.height + note.height, body: title.body + grid.body + bar.body + note.body },
      alt: [options.title, more ? `${said}; ${more}` : said].filter(Boolean).join(". "),
    };
  });
}

/** What `pokeLatents` gives, or whatever else has a picture before and after a change at a place. */
export interface PokedLike {
  /** The picture before, `[3, H, W]`. */
  readonly before: PicturesInput;
  /** The picture after, of the same size. */
  readonly after: PicturesInput;
  /** The cell's place in the picture, in pixels. */
  readonly square: { readonly top: number; readonly left: number; readonly size: number };
  /** What was changed. */
  readonly poke: { readonly channel: number; readonly row: number; readonly column: number; readonly by: number };
}

/**
 * Shows what one number of the latents does to the picture: before, after, and where it changed, with the square that belongs
 * to the number. `showPoke(await pokeLatents(pipe, latents, { channel: 0, row: 3, column: 4 }))`.
 */
export function showPoke(poked: PokedLike, options: { title?: string } = {}): Figure {
  const where = "showPoke";
  const [before, after] = [
    singlePicture(`${where}: before`, poked.before),
    singlePicture(`${where}: after`, poked.after),
  ];
  const { width, height, channels } = before;
  if (after.width !== width || after.height !== height || after.channels !== channels) {
    throw new RangeError(
      `${where}: after is ${after.height} x ${after.width}, before ${height} x ${width}; expected the same size`,
    );
  }
  const { top, left, size } = poked.square;
  const { channel, row, column, by } = poked.poke;
  return new Figure(where, async () => {
    const [a, b] = [(await before.read())[0]!, (await after.read())[0]!];
    const change = Array.from({ length: width * height }, (_, i) => {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += Math.abs(b.pixels[channels * i + c]! - a.pixels[channels * i + c]!);
      return sum / channels;
    });
    const most = extentOf([change]).high;
    const isInside = (i: number) => {
      const [y, x] = [Math.floor(i / width), i % width];
      return y >= top && y < top + size && x >= left && x < left + size;
    };
    const all = change.reduce((sum, v) => sum + v, 0);
    const inside = change.reduce((sum, v, i) => (isInside(i) ? sum + v : sum), 0);
    const map: Picture = { width, height, channels: 1, pixels: change, range: undefined };
    const frame = { top, left, width: size, height: size };
    const range = pictureRange(extentOf([a.pixels, b.pixels]));
    const title = titleBlock(options.title);
    const side = Math.max(160, Math.min(width, 240));
    const grid = await drawPanels(
      [
        { name: "before", raster: rasterOf(a, a.range ?? range), frame },
        { name: "after", raster: rasterOf(b, b.range ?? range), frame },
        {
          name: "what changed",
          raster: colouredRaster(map, (value) => sequential(most > 0 ? value / most : 0)),
          frame,
        },
      ],
      { y: title.height, side },
    );
    const ticks = [
      { share: 0, text: "0" },
      { share: 1, text: label(most) },
    ];
    const place = { x: 0, y: title.height + grid.height, width: 200, name: "change of a pixel's brightness" };
    const bar = await scaleBar(sequential, ticks, place);
    const sign = by < 0 ? "−" : "+";
    const description = `channel ${channel}, row ${row}, column ${column}: ${sign}${label(Math.abs(by))}; ${all > 0 ? Math.round((100 * inside) / all) : 0} % of the change lies in its own square of ${size} × ${size} pixels`;
    const widest = Math.max(grid.width, bar.width, title.width);
    const note = noteBlock([description], widest, place.y + bar.height);
    return {
      ...{ width: widest, height: place.y + bar.height + note.height },
      body: title.body + grid.body + bar.body + note.body,
      alt: [options.title, `a picture before and after one latent was changed. ${description}`]
        .filter(Boolean)
        .join(". "),
    };
  });
}

function singlePicture(where: string, input: PicturesInput): Pictures {
  const pictures = picturesOf(where, input, { three: "colour" });
  if (pictures.count !== 1) throw new RangeError(`${where}: ${pictures.count} pictures; expected one`);
  return pictures;
}

function rasterInOwnRange(picture: Picture) {
  return rasterOf(picture, picture.range ?? pictureRange(extentOf([picture.pixels])));
}
