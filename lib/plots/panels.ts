import { COLUMN, drawRaster, GAP, SMALL } from "./parts.ts";
import { enlarged, type Raster } from "./pixels.ts";
import { lineHeight, lines, tag, wrap } from "./svg.ts";

/** One of several pictures side by side. */
export interface Panel {
  /** Above it. */
  readonly name: string;
  readonly raster: Raster;
  /** A frame, in the raster's own pixels. */
  readonly frame?: { readonly top: number; readonly left: number; readonly width: number; readonly height: number };
}

/** Panels in a row, of one width on the page, and below each other if there are too many. `y` is their upper edge. */
export async function drawPanels(
  panels: readonly Panel[],
  place: { y: number; side?: number },
): Promise<{ body: string; width: number; height: number }> {
  const { side = 120 } = place;
  const columns = Math.min(panels.length, Math.floor((COLUMN + GAP) / (side + GAP)));
  const names = panels.map(({ name }) => wrap(name, side, { size: SMALL, most: 3 }));
  const parts: string[] = [];
  let y = place.y;
  for (let from = 0; from < panels.length; from += columns) {
    const row = panels.slice(from, from + columns);
    const head = Math.max(...names.slice(from, from + columns).map((text) => text.length)) * lineHeight(SMALL) + 2;
    let tallest = 0;
    for (const [i, { name, raster: given, frame }] of row.entries()) {
      // Whole pixels, or where those would leave much room, a picture that is enlarged first and then fitted in.
      const times = Math.max(1, Math.floor(side / given.width));
      const fits = given.width <= side && given.width * times > 0.9 * side;
      const raster = fits || given.width > side ? given : enlarged(given, times + 1);
      const scale = fits ? times : side / raster.width;
      const left = i * (side + GAP);
      const top = y + head;
      parts.push(lines(names[from + i]!, left, y + SMALL, { size: SMALL }));
      parts.push(await drawRaster(raster, left, top, scale, name));
      if (frame) parts.push(outline(frame, left, top, (scale * raster.width) / given.width));
      tallest = Math.max(tallest, raster.height * scale);
    }
    y += head + tallest + GAP;
  }
  return { body: parts.join(""), width: columns * (side + GAP) - GAP, height: y - place.y };
}

/** White on black, so that it is seen on any picture. */
function outline(frame: NonNullable<Panel["frame"]>, left: number, top: number, scale: number): string {
  const box = {
    x: left + frame.left * scale,
    y: top + frame.top * scale,
    width: frame.width * scale,
    height: frame.height * scale,
    fill: "none",
  };
  return (
    tag("rect", { ...box, stroke: "#000", "stroke-width": 3 }) +
    tag("rect", { ...box, stroke: "#fff", "stroke-width": 1.2 })
  );
}
