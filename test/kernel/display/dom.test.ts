import { createRequire } from "node:module";
import * as Plot from "@observablehq/plot";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeMedia } from "../../../kernel/display/images.ts";
import { installDom, isDrawingLibrary, loadDocument, toMimeBundle } from "../../../kernel/display/index.ts";

let uninstall: () => void;
beforeAll(() => {
  uninstall = installDom();
});
afterAll(() => uninstall());

const points = Array.from({ length: 60 }, (_, i) => ({ x: i, y: Math.sin(i / 6), kind: "abc"[i % 3] as string }));

/** What a browser makes of the HTML: each image's `onload` is run, as written, with the image as `this`. */
function unfold(html: string): string {
  const page = loadDocument().createElement("div");
  page.innerHTML = html;
  for (const image of page.querySelectorAll("img[onload]")) {
    const self = { src: image.getAttribute("src") as string, outerHTML: "" };
    new Function(image.getAttribute("onload")).call(self);
    const holder = loadDocument().createElement("div");
    holder.innerHTML = self.outerHTML;
    image.replaceWith(...holder.childNodes);
  }
  return page.innerHTML;
}

async function show(figure: unknown): Promise<{ html: string; svg: string | undefined; text: string }> {
  const bundle = await toMimeBundle(figure);
  return {
    html: unfold(bundle?.data["text/html"] as string),
    svg: bundle?.data["image/svg+xml"] as string | undefined,
    text: bundle?.data["text/plain"] as string,
  };
}

/** Draws the SVG, on white, and returns its size and the share of its pixels that `matches`. */
async function draw(svg: string, matches: (r: number, g: number, b: number) => boolean) {
  const { data, info } = await sharp(Buffer.from(svg))
    .flatten({ background: "white" })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  let hits = 0;
  for (let at = 0; at < data.length; at += 3) if (matches(data[at]!, data[at + 1]!, data[at + 2]!)) hits++;
  return { width: info.width, height: info.height, share: hits / (info.width * info.height) };
}

describe("Observable Plot", () => {
  it("draws without a document option, also through mark.plot()", async () => {
    const { svg, html, text } = await show(Plot.barY([3, 5], { fill: "rgb(0,200,0)" }).plot());
    expect(text).toBe("<svg 640 × 400>");
    expect(html).toMatch(/^<svg [\s\S]*<\/svg>$/);
    const { width, height, share } = await draw(svg!, (r, g, b) => r === 0 && g === 200 && b === 0);
    expect([width, height]).toEqual([640, 400]);
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(0.9);
  });

  it("survives a front end that takes out scripts and SVG tags, as JupyterLab does with outputs it does not trust", async () => {
    const figure = Plot.plot({
      title: "T",
      color: { legend: true },
      marks: [Plot.dot(points, { x: "x", y: "y", fill: "kind" })],
    });
    const html = (await toMimeBundle(figure))?.data["text/html"] as string;
    expect(html).not.toContain("<svg");
    // The plot and the swatches of its legend; each is a picture by itself, without its onload.
    const images = [
      ...html.matchAll(
        /<img alt="([^"]*)"( width="\d+" height="\d+")? style="[^"]*background:white;" onload="[^"]*" src="([^"]*)">/g,
      ),
    ];
    expect(images).toHaveLength(4);
    const { width, share } = await draw(
      decodeURIComponent(images.at(-1)![3]!.replace("data:image/svg+xml,", "")),
      (r, g, b) => r + g + b < 720,
    );
    expect(width).toBe(640);
    expect(share).toBeGreaterThan(0.005);
  });

  it("keeps its grid and ticks where it puts them outside a browser", () => {
    // Half a pixel aside is what Plot takes for a screen of low resolution.
    expect(Plot.ruleX([0]).plot().outerHTML).not.toContain("translate(0.5");
  });

  it("wraps titles and legends into a figure, which is HTML", async () => {
    const figure = Plot.plot({
      title: "Loss & <more>",
      caption: "c",
      color: { legend: true },
      marks: [Plot.dot(points, { x: "x", y: "y", fill: "kind" })],
    });
    const { html, svg, text } = await show(figure);
    expect(svg).toBeUndefined();
    expect(html).toMatch(/^<figure[\s\S]*Loss &amp; &lt;more&gt;[\s\S]*<figcaption>c<\/figcaption>/);
    expect(html.match(/swatch"/g)).toHaveLength(3);
    expect(text).toBe("<figure> Loss & <more>");
  });

  it("draws the ramp of a continuous legend as a picture of the colour scheme", async () => {
    const { svg } = await show(Plot.legend({ color: { type: "linear", domain: [0, 1], scheme: "viridis" } }));
    const uri = /href="data:image\/png;base64,([^"]+)"/.exec(svg!)?.[1];
    const { data, info } = await sharp(Buffer.from(uri!, "base64")).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([256, 1, 4]);
    expect([...data.subarray(0, 4)]).toEqual([68, 1, 84, 255]); // #440154, where viridis starts
    expect([...data.subarray(-4)]).toEqual([253, 231, 37, 255]); // #fde725, where it ends
  });

  it("draws rasters pixel by pixel", async () => {
    const values = Array.from({ length: 28 * 28 }, (_, i) => (i % 28) / 27);
    const { svg } = await show(
      Plot.plot({ color: { scheme: "greys" }, marks: [Plot.raster(values, { width: 28, height: 28 })] }),
    );
    const uri = /href="data:image\/png;base64,([^"]+)"/.exec(svg!)?.[1];
    const { data, info } = await sharp(Buffer.from(uri!, "base64")).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([28, 28]);
    expect(data[0]).toBe(255);
    expect(data[27 * 4]).toBe(0);
  });

  it("gives static tips a frame around their text, and shows them", async () => {
    const { svg, html } = await show(
      Plot.plot({ marks: [Plot.tip(["a tip\nof two lines"], { x: 1, y: 1, fill: "#fedcba" })] }),
    );
    const tip = /<g [^>]*aria-label="tip"[\s\S]*/.exec(svg!)![0];
    expect(tip).not.toContain('visibility="hidden"');
    const [, width, height] = /h(-?[\d.]+)v([\d.]+)/.exec(/ d="([^"]*)"/.exec(tip)![1]!)!.map(Number);
    expect(Math.abs(width!)).toBeGreaterThan(20);
    expect(height).toBeGreaterThan(25);
    expect(html).toContain("var(--jp-layout-color0, var(--vscode-editor-background, white))");
    expect(svg).not.toContain("var(--");
  });

  it("draws maps, images, clipped areas, facets, markers and patterns as valid XML", async () => {
    const square = {
      type: "Polygon",
      coordinates: [
        [
          [0, 0],
          [0, 30],
          [30, 30],
          [30, 0],
          [0, 0],
        ],
      ],
    } as const;
    const figures = [
      Plot.plot({
        projection: "equal-earth",
        marks: [Plot.graticule(), Plot.sphere(), Plot.geo(square as never, { fill: "red" })],
      }),
      Plot.image([1], { x: 1, y: 1, src: "data:image/png;base64,AAAA" }).plot(),
      Plot.plot({
        clip: true,
        marks: [Plot.areaY([1, 2, 3], { clip: true }), Plot.text(["nbsp:\u00a0<\u0001&"], { x: 1, y: 1 })],
      }),
      Plot.rectY(points, Plot.binX({ y: "count" }, { x: "x", fx: "kind" } as never)).plot(),
      Plot.lineY(points, { x: "x", y: "y", marker: "dot" }).plot(),
      Plot.waffleY([10, 24], { x: ["a", "b"] }).plot(),
      Plot.density(points, { x: "x", y: "y", fill: "density" }).plot(),
    ];
    for (const figure of figures) {
      const { svg } = await show(figure);
      // librsvg reads XML strictly.
      const { share } = await draw(svg!, (r, g, b) => r + g + b < 720);
      expect(share).toBeGreaterThan(0.001);
    }
  });

  it("gives clip paths names that no other picture on the page has, and the same picture the same text", async () => {
    const clipped = (data: number[]) => Plot.areaY(data, { clip: true }).plot();
    const names = (html: string) => [...html.matchAll(/id="(plot-clip-[^"]+)"/g)].map(([, name]) => name);
    const figure = clipped([1, 2, 3]);
    const [first, again, other] = [await show(figure), await show(figure), await show(clipped([3, 2, 9]))];
    expect(first).toEqual(again);
    expect(names(first.html)).toHaveLength(1);
    expect(first.html).toContain(`url(#${names(first.html)[0]})`);
    expect(names(first.html)[0]).not.toBe(names(other.html)[0]);
  });
});

describe("elements", () => {
  it("of HTML go out as HTML with a line of text", async () => {
    const div = loadDocument().createElement("div");
    div.innerHTML = "<h2>Digits &amp; more</h2><p>x</p>";
    expect((await toMimeBundle(div))?.data).toEqual({
      "text/html": "<div><h2>Digits &amp; more</h2><p>x</p></div>",
      "text/plain": "<div> Digits & more",
    });
  });

  it("with SVG inside SVG, quoted tags and no end are embedded whole or left alone", async () => {
    const shape = (markup: string) => ({ nodeType: 1, localName: "div", outerHTML: markup });
    const html = async (markup: string) => (await toMimeBundle(shape(markup)))?.data["text/html"] as string;
    const nested = '<div>a<svg aria-label="x > y"><svg></svg><text>50 % &amp; #1</text><svg/></svg>b<svg/>c</div>';
    const folded = await html(nested);
    expect(folded.match(/<img /g)).toHaveLength(2);
    expect(folded).toContain('<img alt="x > y"');
    expect(unfold(folded)).toContain("50 % &amp; #1");
    expect(unfold(folded).match(/<svg/g)).toHaveLength(4);
    expect(await html("<div></svg></div>")).toBe("<div></svg></div>");
    expect(await html("<div><svg></div>")).toBe("<div><svg></div>");
  });

  it("in a fragment go out one after the other", async () => {
    const fragment = loadDocument().createDocumentFragment();
    for (const name of ["b", "i"]) fragment.append(loadDocument().createElement(name));
    fragment.append(loadDocument().createTextNode("a < b"));
    expect((await toMimeBundle(fragment))?.data["text/html"]).toBe("<b></b><i></i>a &lt; b");
  });

  it("of any other DOM are known by their shape", async () => {
    const foreign = {
      nodeType: 1,
      localName: "svg",
      namespaceURI: "http://www.w3.org/2000/svg",
      outerHTML: '<svg width="3" height="4"><use xlink:href="#a"/></svg>',
    };
    const { data } = (await toMimeBundle(foreign))!;
    expect(data["image/svg+xml"]).toBe(
      '<svg xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg" width="3" height="4"><use xlink:href="#a"/></svg>',
    );
    expect(data["text/plain"]).toBe("<svg 3 × 4>");
  });
});

describe("the document", () => {
  it("is there for drawing libraries and for nobody else", async () => {
    expect(typeof Reflect.get(globalThis, "window")).toBe("undefined");
    expect(typeof Reflect.get(globalThis, "document")).toBe("undefined");
    expect(Object.keys(globalThis)).not.toContain("window");
    // Both decide by the globals where they run.
    const require = createRequire(import.meta.url);
    const { Tensor } = require("onnxruntime-common") as { Tensor: new (...args: unknown[]) => { toDataURL(): string } };
    expect(() => new Tensor("float32", new Float32Array(12), [1, 3, 2, 2]).toDataURL()).toThrow("OffscreenCanvas");
    const { select } = await import("d3-selection" as string);
    expect(select("body").node()).toBe(loadDocument().body);
  });

  it.each([
    ["/a/node_modules/@observablehq/plot/src/context.js", true],
    ["file:///a/node_modules/.pnpm/d3-selection@3.0.0/node_modules/d3-selection/src/select.js", true],
    ["C:\\a\\node_modules\\htl\\src\\index.js", true],
    ["/a/node_modules/@huggingface/hub/dist/index.js", false],
    ["/a/node_modules/d3-timer/src/timer.js", false],
    ["/a/observablehq/plot/notebook.ts", false],
  ])("is for %s: %s", (file, expected) => {
    expect(isDrawingLibrary(file)).toBe(expected);
  });

  it("can be opened to other files, such as cells", () => {
    uninstall();
    const close = installDom({ sees: (file) => file.includes("display/dom.test") });
    const page = globalThis as unknown as { window?: { document: unknown }; document?: unknown };
    expect(page.document).toBe(loadDocument());
    expect(page.window?.document).toBe(page.document);
    close();
    expect("document" in globalThis).toBe(false);
    uninstall = installDom();
  });

  it("gives way to a page that the program installs itself", () => {
    const page = globalThis as unknown as { window?: unknown };
    const own = { document: {} };
    page.window = own;
    expect(page.window).toBe(own);
    uninstall(); // leaves what is not its own
    expect(page.window).toBe(own);
    uninstall = installDom();
    expect(page.window).toBe(own);
    delete page.window;
    uninstall();
    uninstall = installDom();
  });

  it("leaves Error as it was", () => {
    const { stackTraceLimit, prepareStackTrace } = Error;
    void Reflect.get(globalThis, "window");
    expect([Error.stackTraceLimit, Error.prepareStackTrace]).toEqual([stackTraceLimit, prepareStackTrace]);
    expect(new Error("x").stack!.split("\n").length).toBeGreaterThan(3);
  });
});

describe("the canvas", () => {
  const canvas = (width: number, height: number) =>
    Object.assign(loadDocument().createElement("canvas"), { width, height });
  const decode = async (url: string) => [
    ...(await sharp(Buffer.from(url.split(",")[1]!, "base64"))
      .ensureAlpha()
      .raw()
      .toBuffer()),
  ];

  it("fills rectangles in any CSS colour, blends, clears and copies pixels", async () => {
    const picture = canvas(2, 2);
    const context = picture.getContext("2d");
    context.fillStyle = "red";
    context.fillRect(-5, 0, 20, 1);
    context.fillStyle = "rgba(0, 0, 255, 0.5)";
    context.fillRect(0, 0, 1, 2);
    expect(await decode(picture.toDataURL())).toEqual([128, 0, 128, 255, 255, 0, 0, 255, 0, 0, 255, 128, 0, 0, 0, 0]);
    context.putImageData(context.getImageData(1, 0, 1, 1), 1, 1);
    context.clearRect(0, 0, 1, 1);
    expect(await decode(picture.toDataURL())).toEqual([0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 255, 128, 255, 0, 0, 255]);
  });

  it("is blank again after its size has changed, and data:, without pixels", async () => {
    const picture = canvas(1, 1);
    picture.getContext("2d").fillRect(0, 0, 1, 1);
    expect(await decode(picture.toDataURL())).toEqual([0, 0, 0, 255]);
    picture.width = 2;
    expect(await decode(picture.toDataURL())).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    picture.width = 0;
    expect(picture.toDataURL()).toBe("data:,");
  });

  it("says what it cannot do, and what can", () => {
    expect(canvas(1, 1).getContext("webgl")).toBeNull();
    expect(() => canvas(1, 1).getContext("2d").fillText("x", 0, 0)).toThrow(
      /fillText\(\) is not available.*Draw with SVG or sharp/,
    );
  });

  it("writes PNGs that other programs read", async () => {
    const picture = canvas(300, 200);
    const context = picture.getContext("2d");
    const image = context.createImageData(300, 200);
    for (let i = 0; i < image.data.length; i++) image.data[i] = i % 4 === 3 ? 255 : (i * 7919) % 256;
    context.putImageData(image, 0, 0);
    const bytes = Buffer.from(picture.toDataURL().split(",")[1], "base64");
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([300, 200]);
    expect(encodeMedia(data, "image/raw")).toBe(encodeMedia(new Uint8Array(image.data), "image/raw"));
  });
});
