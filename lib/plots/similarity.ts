import { drawChart } from "./chart.ts";
import { Figure } from "./figure.ts";
import { label } from "./format.ts";
import { diverging, hex } from "./palette.ts";
import { type NumbersInput, valuesOf } from "./values.ts";

/** How a similarity matrix looks. */
export interface SimilarityOptions {
  /** A text for each row, such as captions. */
  rows?: readonly string[];
  /** A text for each column; default those of the rows if the matrix is square. */
  columns?: readonly string[];
  /** Name of what the rows are. */
  rowsLabel?: string;
  /** Name of what the columns are. */
  columnsLabel?: string;
  /** One line above. */
  title?: string;
  /** The numbers in the cells; default: if there are at most 12 columns. */
  numbers?: boolean;
}

const MOST = 64;

/**
 * Draws how alike each of one list is to each of another: captions against pictures, words against words. White is
 * 0, red is 1, blue -1; the largest of each row has a frame.
 *
 * `showSimilarity(textEmbeddings.matmul(imageEmbeddings.T), { rows: captions })`
 *
 * @param matrix - `[rows, columns]` of cosines, at most 64 x 64
 * @throws RangeError if the shape differs, or the texts are not as many
 */
export function showSimilarity(matrix: NumbersInput, options: SimilarityOptions = {}): Figure {
  const where = "showSimilarity";
  const pending = valuesOf(where, matrix);
  const [h = 0, w = 0] = pending.shape;
  if (pending.shape.length !== 2 || h < 1 || w < 1 || h > MOST || w > MOST) {
    throw new RangeError(`${where}: got [${pending.shape.join(", ")}], expected [rows, columns], at most ${MOST} each`);
  }
  const { rows, columns = h === w ? rows : undefined, numbers = w <= 12 } = options;
  if (rows && rows.length !== h) throw new RangeError(`${where}: ${rows.length} rows' texts for ${h} rows`);
  if (columns && columns.length !== w)
    throw new RangeError(`${where}: ${columns.length} columns' texts for ${w} columns`);
  return new Figure(where, async () => {
    const { data } = await pending.read();
    const cells = Array.from({ length: h * w }, (_, i) => {
      const [row, column] = [Math.floor(i / w), i % w];
      const value = Number(data[i]);
      return {
        row,
        column,
        value,
        title: `${rows?.[row] ?? `row ${row}`} × ${columns?.[column] ?? `column ${column}`}: ${label(value)}`,
      };
    });
    const best = Array.from({ length: h }, (_, row) =>
      cells.slice(row * w, (row + 1) * w).reduce((a, b) => (b.value > a.value ? b : a)),
    );
    const longest = (texts: readonly string[] | undefined) =>
      Math.max(2, ...(texts ?? []).map((text) => Math.min(36, text.length)));
    const left = 14 + 6 * longest(rows);
    const bottom = columns ? 16 + 3.6 * longest(columns) : 30;
    const side = Math.max(14, Math.min(56, (720 - left) / w));
    const short = (text: string) => (text.length > 36 ? `${text.slice(0, 35)}…` : text);
    const onDiagonal = h === w ? best.filter(({ row, column }) => row === column).length : undefined;
    return drawChart({
      width: left + side * w + 20,
      height: 12 + side * h + bottom,
      ...(options.title !== undefined && { title: options.title }),
      notes: [onDiagonal === undefined ? "" : `largest of its row on the diagonal: ${onDiagonal} of ${h}`],
      alt: `similarity matrix, ${h} rows and ${w} columns, ${label(Math.min(...cells.map(({ value }) => value)))} to ${label(Math.max(...cells.map(({ value }) => value)))}`,
      plot: (Plot) => ({
        marginLeft: left,
        marginBottom: bottom,
        marginTop: 12,
        marginRight: 20,
        x: {
          label: options.columnsLabel ?? null,
          domain: cells.slice(0, w).map(({ column }) => column),
          tickFormat: (i: number) => short(columns?.[i] ?? String(i)),
          tickRotate: columns ? -35 : 0,
          tickSize: 0,
        },
        y: {
          label: options.rowsLabel ?? null,
          domain: Array.from({ length: h }, (_, i) => i),
          tickFormat: (i: number) => short(rows?.[i] ?? String(i)),
          tickSize: 0,
        },
        marks: [
          Plot.cell(cells, { x: "column", y: "row", fill: ({ value }) => shade(value), title: "title", inset: 0.5 }),
          // Two lines: on a dark page the page's own colour would be lost on a white cell, and black on a dark red one.
          ...[
            { stroke: "currentColor", inset: 0 },
            { stroke: "#111", inset: 1.5 },
          ].map((frame) => Plot.cell(best, { x: "column", y: "row", fill: "none", strokeWidth: 1.5, ...frame })),
          ...(numbers
            ? [
                Plot.text(cells, {
                  x: "column",
                  y: "row",
                  text: ({ value }) => cosineText(value, side),
                  fill: ({ value }) => (Math.abs(value) > 0.65 ? "#fff" : "#111"),
                  fontSize: 11,
                }),
              ]
            : []),
        ],
      }),
    });
  });
}

/** Two digits, and no zero in front of them where there is no room. */
function cosineText(value: number, side: number): string {
  const text = value.toFixed(2).replace("-0.00", "0.00");
  return side < 36 ? text.replace("0.", ".") : text;
}

function shade(value: number): string {
  return Number.isFinite(value) ? hex(diverging(value)) : "#e000e0";
}
