import { inspect } from "node:util";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import * as d from "../../../lib/index.ts";
import { SERIES } from "../../../lib/plots/palette.ts";
import { attributes, decode, lum, parts, show } from "./reading.ts";

const ramp = (height: number, width: number): number[][] =>
  Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => (y * width + x) / (height * width - 1)),
  );

describe("every figure", () => {
  const figures: Record<string, () => { [key: symbol]: unknown }> = {
    showImages: () => d.showImages(ramp(4, 4)) as never,
    showRows: () => d.showRows({ a: ramp(4, 4), b: ramp(4, 4) }) as never,
    showPixels: () => d.showPixels(ramp(4, 4)) as never,
    showHeatmap: () => d.showHeatmap(ramp(4, 4)) as never,
    filmStrip: () => d.filmStrip([ramp(4, 4), ramp(4, 4)].map((each) => d.tensor(each))) as never,
    linePlot: () => d.linePlot([1, 2, 3]) as never,
    histogram: () => d.histogram([1, 2, 3]) as never,
    barChart: () => d.barChart([1, 2, 3]) as never,
    showProbabilities: () => d.showProbabilities([0.1, 0.9]) as never,
    scatterPlot: () =>
      d.scatterPlot([
        [1, 2],
        [3, 4],
      ]) as never,
    drawUNet: () => d.drawUNet({ input: [1, 8, 8], down: [[4, 8, 8]], output: [1, 8, 8] }) as never,
    drawNetwork: () => d.drawNetwork([{ name: "image", shape: [1, 8, 8] }]) as never,
    lossCurve: () => d.lossCurve().add(0, 1).figure() as never,
  };

  it.each(Object.entries(figures))("%s is one SVG in the page, a file of its own and a text", async (_, make) => {
    const bundle = await show(make());
    expect(Object.keys(bundle).sort()).toEqual(["image/svg+xml", "text/html", "text/plain"]);
    const page = bundle["text/html"]!;
    const [html] = /<svg [^>]*role="img" [^>]*>[\s\S]*<\/svg>/.exec(page)!;
    // What a sanitizer leaves: no style sheet, the drawing's text hidden, a picture in its place.
    expect(page).toMatch(
      /^<style>[^<]*<\/style><div class="difflab-figure" style="display:none;overflow-x:auto"><svg /,
    );
    const image = attributes(/<img class="difflab-still"[^>]*>$/.exec(page)![0]);
    expect(image.get("alt")).toBe(bundle["text/plain"]);
    expect(Buffer.from(image.get("src")!.split(",")[1]!, "base64").toString()).toBe(bundle["image/svg+xml"]);
    // The text alternative says what the plain text says.
    expect(attributes(html).get("aria-label")).toBe(bundle["text/plain"]);
    expect(bundle["text/plain"]!.length).toBeGreaterThan(10);
    // Colours come from the page: nothing is black by name, and what has no colour of its own takes the text's.
    expect(html).toContain('fill="currentColor"');
    expect(html).not.toMatch(/(?:fill|stroke)="(?:black|white|#000|#fff)"/);
    expect(html).not.toContain("NaN");
    // Ids would clash with those of the next figure in the page.
    expect(html).not.toMatch(/ id="/);
    expect(bundle["image/svg+xml"]).toContain('xmlns="http://www.w3.org/2000/svg"');
    const { width, height } = await sharp(Buffer.from(bundle["image/svg+xml"]!)).metadata();
    expect([width, height]).toEqual([Number(attributes(html).get("width")), Number(attributes(html).get("height"))]);
  });

  it("leave words in a sanitized page where a picture would be too large for it", async () => {
    const many = Array.from({ length: 4000 }, (_, i) => [Math.sin(i), Math.cos(i)]);
    const page = (await show(d.scatterPlot(many)))["text/html"]!;
    expect(page.length).toBeGreaterThan(100_000);
    expect(page).not.toContain("<img");
    expect(page).toMatch(/<p class="difflab-still">[^<]+\(run this cell to see it\)<\/p>$/);
  });

  it.each(Object.entries(figures))("%s gives the same bytes each time", async (_, make) => {
    expect(await show(make())).toEqual(await show(make()));
  });

  it("shows the values of the moment it was made, whatever becomes of the tensor", async () => {
    const x = d.zeros([2, 2]);
    const figure = d.showImages(x);
    x.add_(1);
    const array = new Float32Array([0, 0, 0, 0]);
    const other = d.showImages(array);
    array.fill(1);
    for (const each of [figure, other]) {
      const [image] = parts(await show(each), "image");
      expect((await decode(image!.get("href")!)).data[0]).toBe(0);
    }
  });

  it("tells the reader of a script how to see it", async () => {
    expect(inspect(d.linePlot([1, 2]))).toMatch(/Figure \(linePlot\).*save/);
    await expect(d.linePlot([1, 2]).save("/tmp/figure.jpg")).rejects.toThrow(
      'save got "/tmp/figure.jpg"; expected a name ending in .svg or .png',
    );
  });
});

describe("showImages", () => {
  it("draws each pixel as a square of whole pixels, without blur", async () => {
    const [image] = parts(
      await show(
        d.showImages(
          [
            [0, 1],
            [0.5, 0],
          ],
          { scale: 7 },
        ),
      ),
      "image",
    );
    expect(image!.get("style")).toBe("image-rendering:pixelated");
    expect([image!.get("width"), image!.get("height")]).toEqual(["14", "14"]);
    const { data, width, channels } = await decode(image!.get("href")!);
    expect([width, channels]).toEqual([14, 1]);
    for (let y = 0; y < 14; y++) {
      for (let x = 0; x < 14; x++) expect(data[y * 14 + x]).toBe([0, 255, 128, 0][(y < 7 ? 0 : 2) + (x < 7 ? 0 : 1)]);
    }
  });

  it("takes its scale from the room: the more pictures, the smaller", async () => {
    const width = async (n: number) =>
      Number(parts(await show(d.showImages(d.zeros([n, 28, 28]))), "image")[0]!.get("width"));
    expect(await width(1)).toBe(224);
    expect(await width(8)).toBe(84);
    expect(await width(40)).toBe(56);
  });

  it.each([
    ["[h, w]", d.zeros([4, 5]), 1, 1],
    ["[n, h, w]", d.zeros([6, 4, 5]), 6, 1],
    ["[1, h, w]", d.zeros([1, 4, 5]), 1, 1],
    ["[3, h, w]", d.zeros([3, 4, 5]), 1, 3],
    ["[n, 1, h, w]", d.zeros([2, 1, 4, 5]), 2, 1],
    ["[n, 3, h, w]", d.zeros([2, 3, 4, 5]), 2, 3],
    ["bytes with a shape", { data: new Uint8Array(20), shape: [4, 5] }, 1, 1],
    ["a list of tensors", [d.zeros([4, 5]), d.zeros([1, 4, 5])], 2, 1],
    ["nested arrays", ramp(4, 5), 1, 1],
  ] as const)("takes %s", async (_, input, count, channels) => {
    const images = parts(await show(d.showImages(input as never, { scale: 1 })), "image");
    expect(images.length).toBe(count);
    const { width, height, channels: got } = await decode(images[0]!.get("href")!);
    expect([height, width, got]).toEqual([4, 5, channels]);
  });

  it("keeps channels apart: red is the first", async () => {
    const red = d.cat([d.ones([1, 2, 2]), d.zeros([2, 2, 2])]);
    const [image] = parts(await show(d.showImages(red, { scale: 1 })), "image");
    expect([...(await decode(image!.get("href")!)).data.slice(0, 3)]).toEqual([255, 0, 0]);
  });

  it("takes [3, h, w] for colours, and for three grey pictures where there are three captions", async () => {
    expect(parts(await show(d.showImages(d.zeros([3, 4, 4]))), "image").length).toBe(1);
    expect(parts(await show(d.showImages(d.zeros([3, 4, 4]), { captions: ["a", "b", "c"] })), "image").length).toBe(3);
  });

  it("writes a data set's labels below its pictures", async () => {
    const data = d.digits({ n: 12, seed: 3 });
    const bundle = await show(d.showImages(data));
    expect(parts(bundle, "image").length).toBe(12);
    const texts = parts(bundle, "text").map((text) => text.get("text"));
    expect(texts).toEqual([...data.labels].map(String));
    expect((await show(d.showImages(data[3]!)))["text/plain"]).toBe(
      `1 picture of 28 × 28 grey pixels: ${data[3]!.label}`,
    );
  });

  it("says which values are black and white where it is not 0 and 1", async () => {
    const text = async (...args: Parameters<typeof d.showImages>) => (await show(d.showImages(...args)))["text/plain"];
    expect(await text([[0, 1]])).not.toContain("black");
    expect(await text([[-0.5, 1]])).toContain("black is −1, white 1");
    expect(await text([[-2, 3]])).toContain("black is −2, white 3");
    expect(await text([[-2, 3]], { range: [0, 1] })).toContain("black is 0, white 1; the values go from −2 to 3");
    expect(await text([[7, 7]])).toContain("every value is 7");
  });

  it("marks what is no number in colours, and counts it", async () => {
    const bundle = await show(
      d.showImages(
        [
          [Number.NaN, 0.5],
          [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
        ],
        { scale: 1 },
      ),
    );
    expect(bundle["text/plain"]).toContain("1 value NaN (magenta), 1 value ∞ (yellow), 1 value −∞ (cyan)");
    const { data } = await decode(parts(bundle, "image")[0]!.get("href")!);
    const pixel = (i: number) => [...data.slice(i * 3, i * 3 + 3)];
    expect([pixel(0), pixel(1), pixel(2), pixel(3)]).toEqual([
      [224, 0, 224],
      [128, 128, 128],
      [245, 208, 0],
      [0, 184, 212],
    ]);
  });

  it("makes photographs as small as their place", async () => {
    const bundle = await show(d.showImages(d.rand([2, 3, 512, 768])));
    const [image] = parts(bundle, "image");
    expect(image!.get("href")).toMatch(/^data:image\/webp/);
    const { width } = await decode(image!.get("href")!);
    expect(width).toBe(2 * Number(image!.get("width")));
    expect(image!.get("style")).toBeUndefined();
  });

  it("shows the first 200 of many and says so", async () => {
    const bundle = await show(d.showImages(d.zeros([1000, 8, 8])));
    expect(parts(bundle, "image").length).toBe(200);
    expect(bundle["text/plain"]).toContain("the first 200 of 1,000 pictures");
  });

  it("cuts captions that do not fit, and keeps markup in them harmless", async () => {
    const long = "word ".repeat(60);
    const bundle = await show(d.showImages(d.zeros([1, 8, 8]), { captions: [`<script>&"${long}`] }));
    expect(bundle["text/html"]).not.toContain("<script>");
    expect(bundle["text/html"]).toContain("&lt;script&gt;&amp;");
    const texts = parts(bundle, "text");
    expect(texts.length).toBe(4 + 1);
    expect(texts.at(-2)!.get("text")).toMatch(/…$/);
  });

  it.each([
    [() => d.showImages(d.zeros([0, 28, 28])), "showImages: [0, 28, 28] is empty; there is nothing to show."],
    [() => d.showImages([]), "showImages: [0] is empty; there is nothing to show."],
    [() => d.showImages(d.zeros([5])), "showImages: got [5], expected [height, width]"],
    [
      () => d.showImages(d.zeros([2, 4, 8, 8])),
      "showImages: [2, 4, 8, 8] has 4 channels, expected 1 (grey) or 3 (red, green, blue). Show the channels as separate pictures: x.reshape([8, 8, 8]).",
    ],
    [
      () => d.showImages(d.zeros([2, 8, 8, 3])),
      "showImages: [2, 8, 8, 3] has its channels last; expected channels first. Use x.permute(0, 3, 1, 2).",
    ],
    [() => d.showImages(d.zeros([1, 9000, 2])), "pictures of 9000 x 2 pixels; expected at most 8192 per side"],
    [() => d.showImages(d.zeros([100, 1000, 1000])), "is 100,000,000 numbers, but a figure takes at most 67108864"],
    [
      () => d.showImages([d.zeros([4, 4]), d.zeros([5, 4])]),
      "showImages: picture 1 is 5 × 4 grey, picture 0 is 4 × 4 grey; expected the same size",
    ],
    [() => d.showImages([[1, 2], [3]]), "showImages: [1] contains 1 element, expected 2 elements like those before it"],
    [() => d.showImages([["a"]] as never), 'showImages: element 0 is the text "a", expected a number'],
    [
      () => d.showImages("x" as never),
      'showImages: got the text "x", expected a tensor, a typed array or nested arrays of numbers',
    ],
    [
      () => d.showImages({ data: new Float32Array(5), shape: [2, 3] }),
      "showImages: 5 numbers do not fill the shape [2, 3] (6)",
    ],
    [
      () => d.showImages(d.zeros([2, 4, 4]), { captions: ["a"] }),
      "showImages: 1 caption for 2 pictures; expected the same number",
    ],
    [
      () => d.showImages(d.zeros([4, 4]), { range: [1, 0] }),
      "showImages: range [1, 0]; expected [low, high], two finite numbers, the lower first",
    ],
    [
      () => d.showImages(d.zeros([4, 4]), { scale: 1.5 }),
      "showImages: scale is 1.5, expected a whole number from 1 up",
    ],
    [() => d.showRows({}), "showRows: got no rows, expected at least one: { noisy: x }"],
    [
      () => d.showRows({ a: d.zeros([2, 4, 4]), b: d.zeros([5, 4, 4]) }),
      'showRows: "b" holds 5 pictures of 4 × 4, "a" 2 pictures of 4 × 4; expected the same',
    ],
  ])("refuses what it cannot show: %#", (make, message) => {
    expect(make).toThrow(message);
  });
});

describe("showRows", () => {
  it("names each row and gives it a range of its own", async () => {
    const bundle = await show(d.showRows({ noisy: [[-2, 3]], difference: [[0, 0.5]] }, { scale: 4 }));
    const texts = parts(bundle, "text").map((text) => text.get("text"));
    expect(texts).toEqual(["noisy", "−2 to 3", "difference"]);
    const [noisy, difference] = parts(bundle, "image");
    expect((await decode(noisy!.get("href")!)).data[0]).toBe(0);
    expect((await decode(difference!.get("href")!)).data[4]).toBe(128);
    expect(Number(difference!.get("y"))).toBeGreaterThan(Number(noisy!.get("y")) + 4);
  });
});

describe("showPixels", () => {
  it("gives the value of each pixel on hover, neighbours of one value together", async () => {
    const html = (
      await show(
        d.showPixels([
          [0, 0, 0, 0.25],
          [1, 0, 0, 0],
        ]),
      )
    )["text/html"]!;
    const titles = [...html.matchAll(/<title>([^<]*)<\/title>/g)].map((match) => match[1]);
    expect(titles).toEqual([
      "row 0, columns 0 to 2: 0",
      "row 0, column 3: 0.25",
      "row 1, column 0: 1",
      "row 1, columns 1 to 3: 0",
    ]);
  });

  it("numbers rows and columns, and outlines marked pixels", async () => {
    const bundle = await show(d.showPixels(d.zeros([28, 28]), { mark: [[3, 4]], scale: 10 }));
    const texts = parts(bundle, "text").map((text) => text.get("text"));
    expect(texts.slice(0, 12)).toEqual(["0", "5", "10", "15", "20", "25", "0", "5", "10", "15", "20", "25"]);
    const image = parts(bundle, "image")[0]!;
    const mark = parts(bundle, "rect").find((rect) => rect.get("stroke-width") === "2")!;
    expect(Number(mark.get("x")) + 1 - Number(image.get("x"))).toBe(40);
    expect(Number(mark.get("y")) + 1 - Number(image.get("y"))).toBe(30);
    expect(bundle["text/plain"]).toContain("row 3, column 4 marked: 0");
  });

  it.each([
    [
      () => d.showPixels(d.zeros([2, 8, 8])),
      "showPixels: got 2 of 8 × 8 grey, expected one grey picture. For several, use showImages.",
    ],
    [
      () => d.showPixels(d.zeros([65, 8])),
      "showPixels: 65 × 8 grey pixels, expected at most 64 × 64. For large pictures, use showImages.",
    ],
    [() => d.showPixels(d.zeros([8, 8]), { mark: [[8, 0]] }), "showPixels: mark [8, 0] is outside the picture [8, 8]"],
  ])("refuses what it cannot show: %#", (make, message) => {
    expect(make).toThrow(message);
  });
});

describe("showHeatmap", () => {
  it("puts white at zero, red above and blue below, equally far", async () => {
    const [image] = parts(await show(d.showHeatmap([[-2, 0, 1, 2]], { scale: 1 })), "image");
    const { data } = await decode(image!.get("href")!);
    const pixel = (i: number) => [...data.slice(i * 3, i * 3 + 3)];
    expect(pixel(1)).toEqual([247, 247, 247]);
    expect(pixel(0)).toEqual([5, 48, 97]);
    expect(pixel(3)).toEqual([103, 0, 31]);
    expect(pixel(2)).toEqual([229, 131, 104]); // half way from white: between the third and fourth red
  });

  it("has a legend with the ends and zero, and the unit", async () => {
    const texts = parts(await show(d.showHeatmap([[-0.5, 0.125]], { unit: "change of p" })), "text").map((text) =>
      text.get("text"),
    );
    expect(texts).toEqual(expect.arrayContaining(["change of p", "−0.5", "0", "0.5"]));
  });

  it("says how alike two maps are", async () => {
    const a = [
      [1, 2],
      [3, 4],
    ];
    const b = [
      [2, 3],
      [4, 5],
    ];
    const text = async (compare?: "cosine" | "correlation" | "none") =>
      (await show(d.showHeatmap({ a, b }, { compare })))["text/plain"];
    // (2 + 6 + 12 + 20) / (sqrt(30) sqrt(54))
    expect(await text()).toContain("cosine similarity 0.993808");
    expect(await text("correlation")).toContain("correlation 1.000000");
    expect(await text("none")).not.toMatch(/cosine|correlation/);
    expect(
      (
        await show(
          d.showHeatmap({
            a,
            b: [
              [0, 0],
              [0, 0],
            ],
          }),
        )
      )["text/plain"],
    ).toContain("undefined (a map is zero everywhere");
  });

  it.each([
    [() => d.showHeatmap({ a: d.zeros([2, 4, 4]) }), 'showHeatmap: "a": got 2 maps of 4 × 4 grey, expected one matrix'],
    [() => d.showHeatmap({}), "showHeatmap: got no maps, expected at least one: { gradient: g }"],
    [
      () => d.showHeatmap({ a: [[1]], b: [[1, 2]] }, { compare: "cosine" }),
      'showHeatmap: compare "cosine" got maps of [1, 1], [1, 2]; expected two of the same shape',
    ],
    [
      () => d.showHeatmap([[1]], { compare: "angle" as never }),
      'showHeatmap: unknown compare "angle"; expected "cosine", "correlation", "none"',
    ],
    [() => d.showHeatmap([[1]], { limit: 0 }), 'showHeatmap: limit is 0, expected a number above 0, or "each"'],
  ])("refuses what it cannot show: %#", (make, message) => {
    expect(make).toThrow(message);
  });
});

describe("filmStrip", () => {
  it("writes step and value under each frame", async () => {
    const bundle = await show(
      d.filmStrip(d.rand([3, 4, 4]), { steps: [0, 10, 20], values: [0.02, 0.5, 0.98], valueName: "p" }),
    );
    expect(parts(bundle, "text").map((text) => text.get("text"))).toEqual([
      "step 0",
      "p 0.02",
      "step 10",
      "p 0.5",
      "step 20",
      "p 0.98",
    ]);
  });

  it("chooses frames evenly where there are too many, the first and last among them", async () => {
    const bundle = await show(d.filmStrip(d.rand([101, 4, 4]), { limit: 5 }));
    const texts = parts(bundle, "text").map((text) => text.get("text"));
    expect(texts).toEqual(["step 0", "step 25", "step 50", "step 75", "step 100", "5 of 101 frames"]);
  });

  it("refuses steps that are not as many as the frames", () => {
    expect(() => d.filmStrip(d.zeros([3, 4, 4]), { steps: [1, 2] })).toThrow(
      "filmStrip: 2 steps for 3 pictures; expected the same number",
    );
  });
});

describe("animate", () => {
  it.each(["webp", "gif"] as const)("makes a %s with one page for each frame and the last held", async (format) => {
    const frames = Array.from({ length: 4 }, (_, i) => d.full([8, 8], i / 3));
    const film = d.animate(frames, { format, fps: 20, hold: 1, scale: 3, bar: false });
    const meta = await sharp(await film.bytes(), { pages: -1 }).metadata();
    expect([meta.format, meta.pages, meta.width, meta.pageHeight, meta.loop]).toEqual([format, 4, 24, 24, 0]);
    expect(meta.delay).toEqual([50, 50, 50, 1050]);
    const raw = await sharp(await film.bytes(), { page: 1 })
      .removeAlpha()
      .raw()
      .toBuffer();
    expect(Math.abs(raw[0]! - 85)).toBeLessThan(format === "webp" ? 1 : 6);
    const bundle = await show(film);
    expect(bundle["text/html"]).toContain(`<img src="data:image/${format};base64,`);
    expect(bundle["text/html"]).toContain("prefers-reduced-motion");
    expect(bundle["text/plain"]).toBe("animation of 4 frames, 8 × 8 grey pixels");
  });

  it.each([
    [() => d.animate(d.zeros([501, 2, 2])), "animate: 501 frames, expected at most 500. Use every tenth frame."],
    [() => d.animate(d.zeros([2, 2, 2]), { fps: 0 }), "animate: fps is 0, expected above 0 and at most 60"],
    [
      () => d.animate(d.zeros([2, 2, 2]), { format: "mp4" as never }),
      'animate: unknown format "mp4"; expected "webp" or "gif"',
    ],
  ])("refuses what it cannot show: %#", (make, message) => {
    expect(make).toThrow(message);
  });
});

describe("drawUNet and drawNetwork", () => {
  it("write every shape once at its level", async () => {
    const bundle = await show(
      d.drawUNet({
        input: [1, 28, 28],
        down: [
          [32, 28, 28],
          [64, 14, 14],
        ],
        middle: [96, 7, 7],
        output: [1, 28, 28],
        condition: "noise level",
      }),
    );
    const texts = parts(bundle, "text");
    const find = (text: string) => texts.filter((each) => each.get("text") === text);
    expect(find("in: 1 × 28 × 28").length).toBe(1);
    expect(find("out: 1 × 28 × 28").length).toBe(1);
    expect(find("32 × 28 × 28").length).toBe(2);
    expect(find("64 × 14 × 14").length).toBe(2);
    expect(find("96 × 7 × 7").length).toBe(1);
    const y = (text: string) => Number(find(text)[0]!.get("y"));
    expect(y("32 × 28 × 28")).toBeLessThan(y("64 × 14 × 14"));
    expect(y("64 × 14 × 14")).toBeLessThan(y("96 × 7 × 7"));
    expect(bundle["text/plain"]).toContain("up 64 × 14 × 14, 32 × 28 × 28; out 1 × 28 × 28; given: noise level");
  });

  it("draw the layers of a chain in order", async () => {
    const layers = [
      { name: "image", shape: [1, 28, 28] },
      { name: "conv", shape: [8, 14, 14] },
      { name: "linear", shape: [10] },
    ];
    const bundle = await show(d.drawNetwork(layers));
    expect(bundle["text/plain"]).toBe("network diagram: image 1 × 28 × 28, then conv 8 × 14 × 14, then linear 10");
    expect(parts(bundle, "rect").length).toBe(3);
    const x = parts(bundle, "rect").map((rect) => Number(rect.get("x")));
    expect(x).toEqual([...x].sort((a, b) => a - b));
  });

  it.each([
    [
      () => d.drawUNet({ input: [1, 8, 8], down: [], output: [1, 8, 8] }),
      "drawUNet: got no levels, expected down: [[32, 28, 28], [64, 14, 14], ...]",
    ],
    [
      () => d.drawUNet({ input: [8, 8], down: [[1, 8, 8]], output: [1, 8, 8] }),
      "drawUNet: input is [8, 8], expected [channels, height, width]",
    ],
    [
      () => d.drawUNet({ input: [1, 8, 8], down: [[1, 8, 8]], up: [], output: [1, 8, 8] }),
      "drawUNet: 1 level down and 0 up; expected the same number",
    ],
    [() => d.drawNetwork([]), "drawNetwork: got no layers, expected at least one"],
  ])("refuse what they cannot show: %#", (make, message) => {
    expect(make).toThrow(message);
  });
});

describe("the colours of series", () => {
  it.each(SERIES)("%s stands out from a white page and from JupyterLab's dark one", (colour) => {
    const contrast = (background: string) => {
      const [a, b] = [lum(colour), lum(background)].sort((p, q) => q - p) as [number, number];
      return (a + 0.05) / (b + 0.05);
    };
    expect(contrast("#ffffff")).toBeGreaterThanOrEqual(3);
    expect(contrast("#111111")).toBeGreaterThanOrEqual(3);
  });
});
