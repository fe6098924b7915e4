import { type PicturesInput, picturesOf } from "../plots/pictures.ts";
import { pngOf, rasterOf } from "../plots/pixels.ts";
import { checkRange, extentOf, pictureRange, type Range } from "../plots/ranges.ts";
import { AfmWidget } from "./afm.ts";
import { frontModule } from "./front/module.ts";
import { STYLE } from "./front/style.ts";
import { escapeHtml, type Still } from "./widget.ts";

/** Options of `filmScrubber`. */
export interface FilmScrubberOptions {
  /** A text for each frame, such as its timestep; default "1 of 16". */
  captions?: readonly string[];
  /** Pixels of the page for a picture's width; default 224, or the next whole multiple of the picture's own. */
  width?: number;
  /** Milliseconds of a frame while it plays; default 120. */
  interval?: number;
  /** The values shown as black and white; default by their type and extent, for each row. */
  range?: Range;
}

/** What the page and the kernel share. */
interface FilmState {
  /** Films, as PNG files. */
  rows: readonly { name: string; frames: readonly Uint8Array[] }[];
  /** A text for each frame. */
  captions: readonly string[];
  /** How many frames there are. */
  count: number;
  /** The frame that is seen, from 0. */
  frame: number;
  /** Pixels of the page for a picture's width. */
  width: number;
  /** Milliseconds of a frame while it plays. */
  interval: number;
}

const MOST_FRAMES = 500;

/**
 * The steps of a run to move through: `await filmScrubber({ "x_t": noisy, "predicted x0": clean })`.
 * All frames are sent to the page once, so moving the slider needs no kernel.
 *
 * @param films - by name: as many frames each, `[n, h, w]`, `[n, 1 or 3, h, w]`, or a list of pictures
 * @throws RangeError if they have different numbers of frames, or more than 500
 */
export async function filmScrubber(
  films: Readonly<Record<string, PicturesInput>>,
  options: FilmScrubberOptions = {},
): Promise<FilmScrubber> {
  const where = "filmScrubber";
  if (options.range !== undefined) checkRange(where, options.range);
  const all = Object.entries(films).map(([name, frames]) => ({
    name,
    pictures: picturesOf(`${where}: ${name}`, frames, { three: "grey" }),
  }));
  const first = all[0]?.pictures;
  if (!first) throw new RangeError(`${where}: there is no film; expected { name: frames }`);
  for (const { name, pictures } of all) {
    if (pictures.count !== first.count) {
      throw new RangeError(`${where}: ${name} has ${pictures.count} frames, ${all[0]!.name} has ${first.count}`);
    }
  }
  if (first.count > MOST_FRAMES)
    throw new RangeError(`${where}: ${first.count} frames, expected at most ${MOST_FRAMES}`);
  if (options.captions && options.captions.length !== first.count) {
    throw new RangeError(`${where}: ${options.captions.length} captions for ${first.count} frames`);
  }
  const rows = await Promise.all(
    all.map(async ({ name, pictures }) => {
      const shown = await pictures.read();
      const range = options.range ?? shown[0]!.range ?? pictureRange(extentOf(shown.map(({ pixels }) => pixels)));
      return { name, frames: await Promise.all(shown.map((each) => pngOf(rasterOf(each, range)))) };
    }),
  );
  const { captions = [], interval = 120, width = first.width * Math.max(1, Math.round(224 / first.width)) } = options;
  return new FilmScrubber({ rows, captions, count: first.count, frame: first.count - 1, width, interval });
}

/** Made by `filmScrubber`. */
export class FilmScrubber extends AfmWidget<FilmState> {
  /** Use `filmScrubber`. */
  constructor(state: FilmState) {
    const check = (key: string, given: unknown) => {
      if (key !== "frame" || (Number.isInteger(given) && (given as number) >= 0 && (given as number) < state.count)) {
        return given;
      }
      throw new RangeError(`filmScrubber: no frame ${String(given)}; it has ${state.count}`);
    };
    super({ esm: frontModule("film-scrubber"), css: STYLE, state, check });
  }

  /** The frame that is seen, from 0. */
  get frame(): number {
    return this.state.frame;
  }

  set frame(frame: number) {
    if (!Number.isInteger(frame) || frame < 0 || frame >= this.state.count) {
      throw new RangeError(`filmScrubber: no frame ${frame}; it has ${this.state.count}`);
    }
    this.set({ frame });
  }

  override still(): Still {
    const { rows, frame, captions, count, width } = this.state;
    const caption = captions[frame] ?? `${frame + 1} of ${count}`;
    const figures = rows.map(({ name, frames }) => {
      const src = `data:image/png;base64,${Buffer.from(frames[frame]!).toString("base64")}`;
      const style = `width:${width}px;image-rendering:pixelated;display:block`;
      return `<div style="margin-bottom:8px"><img src="${src}" alt="${escapeHtml(name)}" style="${style}">${escapeHtml(name)}</div>`;
    });
    return {
      html: `<div>${figures.join("")}<div>${escapeHtml(caption)}</div></div>`,
      text: `${rows.map(({ name }) => name).join(", ")}: ${caption}`,
    };
  }
}
