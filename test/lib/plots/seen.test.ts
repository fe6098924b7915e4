import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import * as d from "../../../lib/index.ts";
import { decode, parts, show } from "./reading.ts";

const grey = (value: number) => d.full([4, 4], value);
const text = async (value: unknown) => (await show(value))["text/plain"]!;
const pattern = (k: number) => d.tensor(Array.from({ length: 16 }, (_, i) => ((i * k) % 7) / 6)).reshape(4, 4);

describe("three grey pictures", () => {
  test("in a stack are three pictures", async () => {
    expect(await text(d.showImages(d.stack([pattern(2), pattern(3), pattern(5)])))).toMatch(
      /^3 pictures of 4 × 4 grey/,
    );
  });

  test("that look like one in colour say so where their channels have nothing in common", async () => {
    const three = d.stack([pattern(2), pattern(3), pattern(5)]).mul(1);
    expect(await text(d.showImages(three))).toMatch(
      /^1 picture of 4 × 4 RGB.*for three grey ones: x.reshape\(3, 1, 4, 4\)/,
    );
    const photo = d.stack([pattern(2), pattern(2).mul(0.5), pattern(2).mul(0.2)]).mul(1);
    expect(await text(d.showImages(photo))).toBe("1 picture of 4 × 4 RGB pixels");
  });

  test("beside a row of three grey pictures are such a row", async () => {
    const three = d.stack([pattern(2), pattern(3), pattern(5)]);
    expect(await text(d.showRows({ a: three, b: three.mul(0.5) }))).toMatch(/rows of 3 pictures of 4 × 4 grey/);
  });

  test("are the points of a map of three", async () => {
    const points = [
      [0, 0],
      [1, 1],
      [2, 0],
    ];
    const three = d.stack([pattern(2), pattern(3), pattern(5)]).mul(1);
    expect(await text(d.scatterPlot(points, { images: three }))).toBe("map of 3 pictures");
  });
});

describe("pictures without contrast", () => {
  const faint = d
    .stack([pattern(2), pattern(3)])
    .mul(0.016)
    .add(0.009);
  const sentence =
    /only go from 0\.009 to 0\.025, so there is little contrast; use range: \[0\.009, 0\.025\] to stretch it/;

  test("say so, in a grid, a film, rows and pixels", async () => {
    expect(await text(d.showImages(faint))).toMatch(sentence);
    expect(await text(d.filmStrip(faint))).toMatch(sentence);
    expect(await text(d.showPixels(faint.at(0)))).toMatch(sentence);
    expect(await text(d.showRows({ bright: faint.mul(40), faint }))).toMatch(/faint: the values only go from/);
  });

  test("say it where all values are one, and nothing where they were stretched", async () => {
    expect(await text(d.showImages([grey(0.5)]))).toContain("every value is 0.5");
    expect(await text(d.showImages(faint, { range: [0.009, 0.025] }))).not.toContain("contrast");
    expect(await text(d.showImages(pattern(3)))).not.toContain("contrast");
  });
});

test("a small Image is shown enlarged, each pixel a square; a large one as it is", async () => {
  const small = d.Image.fromRaw([0, 255, 255, 0], { width: 2, height: 2, mode: "L" });
  const bundle = await show(small);
  const { width, height, data } = await decode(`data:image/png;base64,${bundle["image/png"]}`);
  expect([width, height]).toEqual([224, 224]);
  expect([data[0], data[111], data[112], data[223]]).toEqual([0, 0, 255, 255]);
  expect(bundle["text/plain"]).toBe("Image 2x2 L");
  const large = d.Image.fromRaw(new Uint8Array(200 * 200), { width: 200, height: 200, mode: "L" });
  expect((await decode(`data:image/png;base64,${(await show(large))["image/png"]}`)).width).toBe(200);
});

describe("a scatter plot", () => {
  const points = [
    [0, 0],
    [10, 1],
    [5, 0.5],
  ];

  test("writes a text beside each point, on the side where there is room", async () => {
    const words = ["cat", "a very long word", "dog"];
    const texts = parts(await show(d.scatterPlot(points, { texts: words })), "text");
    const groups = (await show(d.scatterPlot(points, { texts: words })))["text/html"]!;
    for (const word of words) expect(texts.map((each) => each.get("text"))).toContain(word);
    expect(groups).toMatch(/text-anchor="end"[^>]*>(?:(?!<\/g>)[\s\S])*a very long word/);
    expect(() => d.scatterPlot(points, { texts: ["one"] })).toThrow("1 text for 3 points");
  });

  test("has one unit of length on both axes", async () => {
    const circles = parts(await show(d.scatterPlot(points)), "circle");
    const dots = circles.map((circle) => [Number(circle.get("cx")), Number(circle.get("cy"))]);
    const [[x0, y0], [x1, y1]] = dots as [[number, number], [number, number]];
    expect((x1 - x0) / 10).toBeCloseTo((y0 - y1) / 1, 3);
  });

  test("breaks its legend within its own width", async () => {
    const labels = Array.from({ length: 8 }, (_, i) => `quite a long label ${i}`);
    const eight = labels.map((_, i) => [i, i]);
    const bundle = await show(d.scatterPlot(eight, { labels }));
    const lines = parts(bundle, "path").filter((path) => /h18$/.test(path.get("d") ?? ""));
    expect(lines.length).toBe(8);
    for (const line of lines) expect(Number(/^M([\d.]+)/.exec(line.get("d")!)![1])).toBeLessThan(640 - 100);
  });

  test("with more classes than colours says where their names are", async () => {
    const many = Array.from({ length: 12 }, (_, i) => [i, i]);
    expect(await text(d.scatterPlot(many, { labels: many.map((_, i) => `k${i}`) }))).toContain(
      "12 labels: point at a dot",
    );
  });
});

test("frames of a film are large, in rows of equal length", async () => {
  const frames = Array.from({ length: 10 }, () => d.rand([28, 28]));
  const images = parts(await show(d.filmStrip(frames)), "image");
  expect(new Set(images.map((image) => image.get("y"))).size).toBe(2);
  expect(Number(images[0]!.get("width"))).toBeGreaterThanOrEqual(112);
});

describe("an animation", () => {
  const frames = Array.from({ length: 5 }, (_, i) => grey(i / 4));

  test("has its title, a button to pause, a slider with a step for each frame, and a text for each", async () => {
    const html = (await show(d.animate(frames, { title: "from <black> to white", captions: "abcde".split("") })))[
      "text/html"
    ]!;
    expect(html).toContain("from &lt;black&gt; to white");
    expect(html).toMatch(/<button [^>]*data-do="play"/);
    expect(html).toMatch(/<input type="range" min="0" max="4"/);
    expect(html).toContain("&quot;captions&quot;:[&quot;a&quot;,&quot;b&quot;");
    // Where a sanitizer takes the style sheet away, the film is a plain picture; on paper the last frame is seen.
    expect(html).toMatch(/class="difflab-film" [^>]*style="display:none/);
    expect(html).toMatch(/<picture class="difflab-still">/);
    expect(html).toMatch(/@media print\{.difflab-film-screen\{background-position:var\(--last\)/);
    expect(() => d.animate(frames, { captions: ["a"] })).toThrow("1 caption for 5 frames");
  });

  test("of small Images is as large as others", async () => {
    const image = await d.Image.fromTensor(d.zeros([3, 28, 28]));
    expect((await show(d.Image.animation([image, image])))["text/html"]).toContain("width:224px;height:224px");
  });
});

describe("drawNetwork", () => {
  const model = new d.nn.Sequential(
    new d.nn.Conv2d(1, 4, 3, { stride: 2, padding: 1 }),
    new d.nn.ReLU(),
    new d.nn.Flatten(),
    new d.nn.Linear(64, 10),
  );

  test("draws the layers of a model with their shapes", async () => {
    expect(await text(d.drawNetwork(model, { input: [1, 8, 8] }))).toBe(
      "Sequential, 690 weights. network diagram: input 1 × 8 × 8, then Conv2d(1, 4, 3×3, stride=2) 4 × 4 × 4, " +
        "then ReLU 4 × 4 × 4, then Flatten 64, then Linear(64, 10) 10",
    );
  });

  test("draws a U-Net as one", async () => {
    expect(await text(d.drawNetwork(new d.SmallUNet({ channels: [8, 8] }), { input: [1, 8, 8] }))).toMatch(
      /^SmallUNet, .*U-Net diagram: in 1 × 8 × 8/,
    );
  });

  test("says what it needs where it cannot call the model", () => {
    expect(() => d.drawNetwork(model)).toThrow("{ input: [1, 28, 28] }");
    expect(() => d.drawNetwork(model, { input: [3, 8, 8] })).toThrow(
      /Sequential could not be called with an input \[1, 3, 8, 8\]/,
    );
  });
});

test("a heat map of [n, h, w] or of a list is one for each matrix, in rows", async () => {
  expect(parts(await show(d.showHeatmap(d.randn([6, 4, 4]))), "image").length).toBe(6 + 1);
  expect(parts(await show(d.showHeatmap([d.randn([4, 4]), d.randn([4, 4]), d.randn([4, 4])])), "image").length).toBe(4);
  expect(parts(await show(d.showHeatmap(d.randn([3, 4, 4]))), "image").length).toBe(4);
});

describe("large objects print in a few lines", () => {
  test("a data set: its pictures in a notebook, its labels as text", async () => {
    const set = d.digits({ n: 30, seed: 1 });
    expect(inspect(set)).toMatch(/^digits: 30 grey pictures of 28 × 28 pixels\n {2}0: \d+, 1: \d+/);
    expect(parts(await show(set), "image").length).toBe(24);
  });

  test("a model: a line for each part, with its weights, and no deeper than a page", async () => {
    const net = new d.nn.Sequential(new d.nn.Linear(2, 3), new d.nn.ReLU());
    expect(inspect(net)).toBe("Sequential  9 weights\n  0: Linear(2, 3)  9 weights\n  1: ReLU()");
    expect(inspect(new d.SmallUNet()).split("\n").length).toBeLessThanOrEqual(40);
    expect(await text(new d.SmallUNet())).toContain("down.0: DownLevel of 3 parts");
  });

  test("loader, optimizer, scheduler", () => {
    const loader = new d.DataLoader(d.digits({ n: 64 }), { batchSize: 8, shuffle: true });
    expect(inspect(loader)).toBe("DataLoader: 8 batches of 8 from 64 examples, shuffled");
    const optimizer = new d.optim.SGD(new d.nn.Linear(2, 3).parameters(), { lr: 0.1 });
    expect(inspect(optimizer)).toMatch(/^SGD after 0 steps: 9 weights in 2 tensors, lr 0.1/);
    const scheduler = new d.DDIMScheduler();
    scheduler.setTimesteps(50);
    expect(inspect(scheduler)).toMatch(/^DDIMScheduler\n {2}training .*1,000 steps.*\n.*\n {2}sampling .*50 steps$/);
  });
});
