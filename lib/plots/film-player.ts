import type { Raster } from "./pixels.ts";
import { escapeText, tag } from "./svg.ts";

/** What the player shows. */
export interface PlayerFilm {
  readonly frames: readonly Raster[];
  /** CSS pixels for each of a frame's. */
  readonly scale: number;
  readonly title: string | undefined;
  /** A text for each frame. */
  readonly captions: readonly string[];
  /** Milliseconds for which a frame stands, and the last one. */
  readonly delay: number;
  readonly hold: number;
  /** What there is to see, in words. */
  readonly alt: string;
}

/** Browsers and image formats draw the line somewhere above. */
const LARGEST_SHEET = 12_000;

/**
 * A film with its title, a button to pause, and a slider to go through it frame by frame. All frames are one picture, of which one is
 * seen at a time.
 *
 * @returns HTML, hidden where a page's sanitizer takes its style sheet away; undefined where the frames are too large for it
 */
export async function filmPlayer(film: PlayerFilm): Promise<string | undefined> {
  const { frames, scale, title, captions, delay, hold, alt } = film;
  const { width, height } = frames[0]!;
  const columns = Math.ceil(Math.sqrt(frames.length));
  const rows = Math.ceil(frames.length / columns);
  if (columns * width > LARGEST_SHEET || rows * height > LARGEST_SHEET) return undefined;
  const sheet = await sheetOf(frames, columns, rows);
  const [w, h] = [width * scale, height * scale];
  const at = (i: number) => `${-(i % columns) * w}px ${-Math.floor(i / columns) * h}px`;
  const last = frames.length - 1;
  const screen = tag(
    "div",
    {
      class: "difflab-film-screen",
      role: "img",
      "aria-label": alt,
      style: `width:${w}px;height:${h}px;background:url(${sheet}) ${at(0)}/${columns * w}px ${rows * h}px;image-rendering:pixelated;--last:${at(last)}`,
    },
    " ",
  );
  const button = (name: string, label: string, sign: string) =>
    tag("button", { type: "button", "data-do": name, title: label, "aria-label": label, style: BUTTON }, sign);
  const slider = tag("input", {
    type: "range",
    min: 0,
    max: last,
    value: 0,
    "aria-label": "frame",
    style: "flex:1;min-width:60px;margin:0",
  });
  const caption = tag(
    "output",
    { style: "font-size:12px;font-variant-numeric:tabular-nums" },
    escapeText(captions[0]!),
  );
  const bar = tag(
    "div",
    {
      class: "difflab-film-bar",
      style: `display:flex;gap:4px;align-items:center;margin-top:4px;width:${Math.max(w, 224)}px`,
    },
    button("play", "pause or play", PAUSE),
    button("back", "one frame back", "‹"),
    button("on", "one frame forward", "›"),
    slider,
  );
  const heading = title ? tag("div", { style: "font-weight:600;font-size:14px" }, escapeText(title)) : "";
  // The smallest picture there is: that it has loaded starts the film, also where scripts are not run.
  const start = tag("img", { src: DOT, alt: "", width: 1, height: 1, style: "position:absolute", onload: PLAYER });
  const facts = JSON.stringify({ columns, width: w, height: h, delay, hold, captions });
  const attributes = {
    class: "difflab-film",
    "data-film": facts,
    "data-lm-suppress-shortcuts": "true",
    style: "display:none;position:relative",
  };
  return STYLE + tag("div", attributes, heading, screen, bar, caption, start);
}

const PAUSE = "❚❚";
const BUTTON =
  "font:inherit;font-size:11px;line-height:1;color:inherit;background:none;border:1px solid currentColor;border-radius:4px;padding:3px 7px;cursor:pointer;opacity:.8;min-width:28px";
const DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
/** A sanitizer takes this away, and then the film as a plain picture is seen; on paper the last frame is. */
const STYLE =
  "<style>.difflab-film{display:block!important}.difflab-film~.difflab-still{display:none!important}" +
  "@media print{.difflab-film-screen{background-position:var(--last)!important;print-color-adjust:exact}.difflab-film-bar,.difflab-film output{display:none!important}}</style>";

/** Runs in the page, as the attribute of an element: one expression without double quotes. */
const PLAYER = `(film => {
  const [screen, slider, caption] = ['.difflab-film-screen', 'input', 'output'].map(name => film.querySelector(name));
  const { columns, width, height, delay, hold, captions } = JSON.parse(film.dataset.film);
  const last = captions.length - 1;
  const play = film.querySelector('[data-do=play]');
  let timer = 0;
  const show = i => {
    slider.value = i;
    screen.style.backgroundPosition = -(i % columns) * width + 'px ' + -Math.floor(i / columns) * height + 'px';
    caption.textContent = captions[i];
  };
  const stop = () => { clearTimeout(timer); timer = 0; play.textContent = '▶'; };
  const tick = () => {
    if (!film.isConnected) return;
    const i = (Number(slider.value) + 1) % captions.length;
    show(i);
    timer = setTimeout(tick, i === last ? hold : delay);
  };
  const go = () => { play.textContent = '${PAUSE}'; timer = setTimeout(tick, delay); };
  const step = by => { stop(); show(Math.min(last, Math.max(0, Number(slider.value) + by))); };
  play.onclick = () => timer ? stop() : go();
  slider.oninput = () => { stop(); show(Number(slider.value)); };
  film.querySelector('[data-do=back]').onclick = () => step(-1);
  film.querySelector('[data-do=on]').onclick = () => step(1);
  if (last === 0 || matchMedia('(prefers-reduced-motion: reduce)').matches) { show(last); stop(); } else { show(0); go(); }
})(this.closest('.difflab-film'))`.replace(/\n\s*/g, " ");

async function sheetOf(frames: readonly Raster[], columns: number, rows: number): Promise<string> {
  const { default: sharp } = await import("sharp");
  const { width, height } = frames[0]!;
  const across = columns * width * 3;
  const all = Buffer.alloc(across * rows * height);
  for (const [i, { bytes }] of frames.entries()) {
    const start = Math.floor(i / columns) * height * across + (i % columns) * width * 3;
    for (let y = 0; y < height; y++) all.set(bytes.subarray(y * width * 3, (y + 1) * width * 3), start + y * across);
  }
  const raw = { width: columns * width, height: rows * height, channels: 3 } as const;
  const webp = await sharp(all, { raw, limitInputPixels: false }).webp({ lossless: true, effort: 4 }).toBuffer();
  return `data:image/webp;base64,${webp.toString("base64")}`;
}
