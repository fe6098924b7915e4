import { describe, expect, it } from "vitest";
import { notebookToHtml } from "../../../kernel/client/html.ts";
import type { CodeCell } from "../../../kernel/client/notebook.ts";
import { checkBundle } from "../../../kernel/display/bundle.ts";
import { html, image, markdown, svg, toMimeBundle } from "../../../kernel/display/index.ts";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAYAAAC56t6BAAAAC0lEQVR4nGNgwAQAABsAAZdcBBoAAAAASUVORK5CYII=";
const data = async (value: unknown) => (await toMimeBundle(value))!.data;

describe("a data: address", () => {
  it("as the content of a picture's type is the picture", () => {
    expect(checkBundle({ "image/png": `data:image/png;base64,${PNG}` })!.data["image/png"]).toBe(PNG);
    const other = checkBundle({ "image/png": `data:image/jpeg;base64,AAAA` })!.data;
    expect(other).toMatchObject({ "image/jpeg": "AAAA" });
    expect(other["image/png"]).toBeUndefined();
    const drawing = "data:image/svg+xml;utf8,%3Csvg%3E%3C/svg%3E";
    expect(checkBundle({ "image/svg+xml": drawing })!.data["image/svg+xml"]).toBe("<svg></svg>");
    expect(checkBundle({ "audio/wav": "data:audio/wav;base64,AA==" })!.data["audio/wav"]).toBe("AA==");
    expect(checkBundle({ "text/plain": "data:image/png;base64,AAAA" })!.data["text/plain"]).toMatch(/^data:/);
  });

  it("is shown by image()", async () => {
    expect(await data(image(`data:image/png;base64,${PNG}`))).toMatchObject({ "image/png": PNG });
    expect(() => image("data:text/plain,x")).toThrow(TypeError);
    expect(() => image("picture.png")).toThrow(/got a string/i);
  });
});

describe("as tags of templates", () => {
  it("html escapes what is text, joins lists, and takes what html and svg give", async () => {
    const shown = async (value: unknown) => (await data(value))["text/html"];
    expect(await shown(html`<b>${"x"}</b>`)).toBe("<b>x</b>");
    expect(await shown(html`<b title="${'"'}">${"1 < 2"} ${3} ${null} ${undefined} ${false} ${0}</b>`)).toBe(
      '<b title="&quot;">1 &lt; 2 3    0</b>',
    );
    expect(await shown(html`<ul>${["a", "<b>"].map((item) => html`<li>${item}</li>`)}</ul>`)).toBe(
      "<ul><li>a</li><li>&lt;b&gt;</li></ul>",
    );
    expect(await shown(html`<p>${svg`<svg width="${4}"></svg>`}${html("<i>")}</p>`)).toBe(
      '<p><svg width="4"></svg><i></p>',
    );
  });

  it("markdown keeps the backslashes of LaTeX, svg draws", async () => {
    expect((await data(markdown`$\frac{1}{2}$ is ${0.5} and \`code\``))["text/markdown"]).toBe(
      "$\\frac{1}{2}$ is 0.5 and `code`",
    );
    expect((await data(svg`<svg><circle r="${5}"/></svg>`))["image/svg+xml"]).toBe(
      '<svg xmlns="http://www.w3.org/2000/svg"><circle r="5"/></svg>',
    );
    expect(() => svg`<b>${1}</b>`).toThrow("no <svg> element");
    expect(() => html(3 as never)).toThrow("html: got a number, expected a string.");
  });
});

const VEGA = { mark: "bar", data: { values: [{ a: 1 }, { a: 2 }] }, description: "Two bars" };
const MAP = { type: "FeatureCollection", features: [{ type: "Feature" }] };
const ITEMS: [type: string, content: unknown, text: RegExp, page: RegExp][] = [
  [
    "application/vnd.vegalite.v5+json",
    VEGA,
    /^Vega-Lite chart \(bar, 2 rows\): Two bars$/,
    /<details><summary>Vega-Lite chart/,
  ],
  ["application/vnd.vega.v5+json", {}, /^Vega chart$/, /<details><summary>Vega chart/],
  ["application/geo+json", MAP, /^map \(GeoJSON FeatureCollection, 1 feature\)$/, /<summary>map \(GeoJSON/],
  ["application/vnd.plotly.v1+json", { data: [{}] }, /^Plotly figure \(1 trace\)$/, /<summary>Plotly figure/],
  [
    "application/pdf",
    "AAAA",
    /^PDF document, 3 B$/,
    /<a download="document.pdf" href="data:application\/pdf;base64,AAAA">PDF document/,
  ],
  ["audio/wav", "AAAA", /^sound \(wav\), 3 B$/, /<audio controls src="data:audio\/wav;base64,AAAA">/],
  ["video/mp4", "AAAA", /^video \(mp4\), 3 B$/, /<video controls src="data:video\/mp4;base64,AAAA">/],
  ["image/png", PNG, /^picture \(png\), \d+ B$/, /<img alt="" src="data:image\/png/],
  ["application/vnd.jupyter.widget-view+json", { model_id: "x" }, /^widget/, /left-out">widget/],
];

describe("what only some front ends show", () => {
  it.each(ITEMS)("has a line of text for a terminal: %s", async (type, content, text) => {
    const bundle = checkBundle({ [type]: content })!.data;
    expect(bundle["text/plain"]).toMatch(text);
    expect(bundle[type]).toEqual(content);
    expect(checkBundle({ [type]: content, "text/plain": "mine" })!.data["text/plain"]).toBe("mine");
  });

  it.each(ITEMS)("has something to see on a page: %s", (type, content, _, page) => {
    expect(pageOf({ output_type: "display_data", data: { [type]: content as never }, metadata: {} })).toMatch(page);
  });
});

describe("a stream on a page", () => {
  const shown = (text: string) => {
    const page = pageOf({ output_type: "stream", name: "stdout", text });
    return /<div class="output "><pre>([\s\S]*?)<\/pre>/.exec(page)![1];
  };

  it.each([
    ["ab\bc\n", "ac\n"],
    ["\b\bab\n", "ab\n"],
    ["10%\b\b\b20%\n", "20%\n"],
    ["x\n\by\n", "x\ny\n"],
    ["bell\x07 and \x00null\x7f\n", "bell and null\n"],
    ["😀\b!\n", "!\n"],
    ["\x1b[31mred!\b\x1b[0m.\n", '<span class="ansi-red-fg">red</span>.\n'],
    ["\x1b[2K\x1b[1Gline \x1b[?25lhidden\x1b[1A\n", "line hidden\n"],
    ["\x1b]0;title\x07text\n", "text\n"],
    ["tab\tstays\n", "tab\tstays\n"],
  ])("shows %j as a terminal does", (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  it("of a hundred thousand backspaces is made in no time", () => {
    expect(shown("x".repeat(50_000) + "\b".repeat(50_000))).toBe("");
  });
});

function pageOf(output: CodeCell["outputs"][number]): string {
  const cell: CodeCell = { cell_type: "code", source: "x", metadata: {}, execution_count: null, outputs: [output] };
  return notebookToHtml({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] });
}
