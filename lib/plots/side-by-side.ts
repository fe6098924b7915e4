import { type Drawing, drawingOf, Figure, SIDE_GAP } from "./figure.ts";
import { COLUMN } from "./parts.ts";
import { tag } from "./svg.ts";

/**
 * Shows figures next to each other, to be compared: as many in a row as there is room for, the others below. On a page each
 * keeps its size, and a narrow one has fewer in a row. `sideBySide(showField({ at, arrows: early }), showField({ at, arrows: late }))`
 *
 * @param figures - at least one; a `width` below 370 pixels lets two stand in a row
 * @throws RangeError if there is none
 * @throws TypeError if one of them is no figure
 */
export function sideBySide(...figures: readonly Figure[]): Figure {
  const where = "sideBySide";
  if (figures.length === 0) throw new RangeError(`${where}: got no figures, expected at least one`);
  for (const [i, figure] of figures.entries()) {
    if (!(figure instanceof Figure)) {
      const hint = Array.isArray(figure) ? ": write sideBySide(...figures), with three dots" : "";
      throw new TypeError(
        `${where}: argument ${i + 1} is no figure, expected what showField or linePlot return${hint}`,
      );
    }
  }
  return new Figure(where, async () => inRows(await Promise.all(figures.map(drawingOf))));
}

/** Drawings in rows, of which none is wider than the column unless a drawing is. */
function inRows(parts: readonly Drawing[]): Drawing {
  let [x, y, tallest, width] = [0, 0, 0, 0];
  const body = parts.map((part) => {
    if (x > 0 && x + part.width > COLUMN) [x, y, tallest] = [0, y + tallest + SIDE_GAP, 0];
    const placed = tag("svg", { x, y, width: part.width, height: part.height }, part.body);
    x += part.width + SIDE_GAP;
    width = Math.max(width, x - SIDE_GAP);
    tallest = Math.max(tallest, part.height);
    return placed;
  });
  return { width, height: y + tallest, body: body.join(""), alt: parts.map(({ alt }) => alt).join("\n"), parts };
}
