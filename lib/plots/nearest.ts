import { drawChart } from "./chart.ts";
import { Figure } from "./figure.ts";
import { SERIES } from "./palette.ts";
import { textWidth } from "./svg.ts";

/** What `wordArithmetic` gives. */
export interface WordSumLike {
  /** The sum as it was written. */
  readonly expression: string;
  /** The captions nearest to it, the nearest first. */
  readonly nearest: readonly { readonly caption: string; readonly similarity: number }[];
}

/** Draws which captions are nearest to a sum of words: `showNearest(await wordArithmetic(clip, tokenizer, "a red three - red + blue", captions))`. */
export function showNearest(sum: WordSumLike, options: { title?: string } = {}): Figure {
  const { expression, nearest } = sum;
  if (nearest.length === 0) throw new RangeError("showNearest: got no captions");
  return new Figure("showNearest", async () => {
    const rows = nearest.map(({ caption, similarity }, i) => ({ caption: `${i + 1}. ${caption}`, similarity }));
    const left = Math.min(330, Math.max(...rows.map(({ caption }) => textWidth(caption, 11)))) + 16;
    return drawChart({
      title: options.title ?? expression,
      width: left + 330,
      height: 46 + 26 * rows.length,
      alt: `captions nearest to ${expression}: ${nearest.map(({ caption, similarity }) => `${caption} ${similarity.toFixed(2)}`).join("; ")}`,
      plot: (Plot) => ({
        marginLeft: left,
        marginRight: 44,
        marginTop: 4,
        x: {
          label: "cosine similarity to the sum",
          domain: [Math.min(0, ...rows.map((row) => row.similarity)), 1],
          grid: true,
          ticks: 5,
        },
        y: { label: null, domain: rows.map(({ caption }) => caption), tickSize: 0 },
        marks: [
          Plot.barX(rows, {
            x: "similarity",
            y: "caption",
            fill: (_: unknown, i: number) => SERIES[i === 0 ? 1 : 0]!,
            inset: 3,
          }),
          Plot.text(rows, {
            x: "similarity",
            y: "caption",
            text: ({ similarity }) => similarity.toFixed(2),
            dx: 5,
            textAnchor: "start",
            fill: "currentColor",
          }),
        ],
      }),
    });
  });
}
