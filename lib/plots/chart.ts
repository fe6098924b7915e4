import type { PlotOptions } from "@observablehq/plot";
import type { Drawing } from "./figure.ts";
import { legendBlock, noteBlock, titleBlock } from "./parts.ts";

/** Observable Plot, loaded when the first plot is drawn: it takes a tenth of a second, which who plots nothing need not wait for. */
export type PlotLibrary = typeof import("@observablehq/plot");

export const CHART = { width: 640, height: 260 } as const;

export interface ChartOptions {
  /** One line above. */
  title?: string;
  /** CSS pixels; default 640. */
  width?: number;
  /** CSS pixels of the plot, without title and legend; default 260. */
  height?: number;
}

/** What a plot consists of beside its marks. */
export interface Chart extends ChartOptions {
  readonly legend?: readonly { name: string; colour: string; dash?: string }[];
  /** Axes and marks, by Plot. */
  plot(library: PlotLibrary): PlotOptions;
  readonly notes?: readonly string[];
  readonly alt: string;
}

/** Draws a plot with its title, legend and notes. */
export async function drawChart(chart: Chart): Promise<Drawing> {
  const { width = CHART.width, height = CHART.height, legend = [], notes = [], alt } = chart;
  for (const [name, size] of Object.entries({ width, height })) {
    if (!(Number.isFinite(size) && size > 0)) {
      throw new RangeError(
        `figure: ${name} is ${size}; expected CSS pixels, such as ${name === "width" ? CHART.width : CHART.height}`,
      );
    }
  }
  const title = titleBlock(chart.title, width);
  const names = legend.length > 0 ? legendBlock(legend, 0, title.height, width) : { body: "", height: 0 };
  const top = title.height + names.height;
  const plot = await plotMarkup(chart, { width, height });
  const placed = plot.replace("<svg ", `<svg x="0" y="${top}" `);
  const note = noteBlock(notes, width, top + height);
  const said = [chart.title, alt, notes.filter(Boolean).join("; ")].filter(Boolean).join(". ");
  return { width, height: top + height + note.height, body: title.body + names.body + placed + note.body, alt: said };
}

async function plotMarkup(chart: Chart, size: { width: number; height: number }): Promise<string> {
  const library = await import("@observablehq/plot");
  const { style: _, ...options } = chart.plot(library);
  const svg = library.plot({ marginLeft: 52, marginBottom: 36, ...size, ...options, document: await plotDocument() });
  return (
    svg.outerHTML
      // Plot's style sheet is for plots that stand in a page by themselves.
      .replace(/<style>[\s\S]*?<\/style>/, "")
      .replace(
        / fill="currentColor" font-family="[^"]*" font-size="10" text-anchor="middle"/,
        ' font-size="11" text-anchor="middle"',
      )
  );
}

let page: Promise<Document> | undefined;
type Document = NonNullable<PlotOptions["document"]>;

/** The document that Plot draws into; Node has none. linkedom's build in one file loads in 35 ms. */
function plotDocument(): Promise<Document> {
  page ??= (async () => {
    const { parseHTML } = await import("linkedom/worker");
    return parseHTML("<!doctype html><html><head></head><body></body></html>").document as Document;
  })();
  return page;
}
