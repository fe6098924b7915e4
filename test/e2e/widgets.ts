import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Locator } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { NotebookPage } from "./lab.ts";
import { missing } from "./needs.ts";
import { openNotebook } from "./shared.ts";
import { dragSlider, percentile, SLIDER_CELL } from "./slider.ts";

const screenshots = process.env.E2E_SCREENSHOTS;

const CELLS = {
  controls: `import * as d from "difflab";
const seed = d.slider(0, 99, { label: "seed", value: 7 });
const strength = d.slider(0, 1, { label: "strength", value: 0.8, step: 0.05 });
const size = d.rangeSlider(0, 1000, { label: "steps", value: [200, 800] });
const scheduler = d.choice(["PNDM", "DDIM", "Euler"], { label: "scheduler" });
const manner = d.radio(["pen", "chalk", "neon"], { label: "manner" });
const steps = d.toggles([1, 3, 16, 51], { label: "steps", value: 16 });
const noisy = d.checkbox(true, { label: "noise" });
const prompt1 = d.text("a red seven", { label: "prompt" });
const ink = d.colorPicker("#c0392b", { label: "ink" });
const bar = d.progressBar(100, { label: "progress" });
bar.value = 40;
const film = d.play(0, 50);
d.column(seed, strength, size, scheduler, manner, steps, noisy, prompt1, d.textArea("two\\nlines"), ink, bar, film, d.label("done"),
  d.row(d.button("again"), d.button("stop", undefined, { kind: "danger" })),
  d.tabs({ one: d.label("first page"), two: d.htmlView("<b>second</b>") }))`,
  changed: `seed.value = 42;
scheduler.value = "Euler";
[seed.value, scheduler.value, prompt1.value]`,
  interact: `let runs = 0;
const view = d.interact({ level: d.slider(0, 100, { value: 20 }), name: "seven" }, async ({ level, name }) => {
  runs++;
  if (level === 13) throw new RangeError("thirteen is no level");
  const pixels = new Uint8Array(32 * 32).fill(2 * level);
  return d.Image.fromRaw(pixels, { width: 32, height: 32, mode: "L" });
});
view`,
  awaits: `const seen: number[] = [];
seed.on("change", (v) => seen.push(v));
for (let i = 0; i < 40; i++) await new Promise((resolve) => setTimeout(resolve, 100));
seen`,
  afm: `const counter = d.widget({
  state: { count: 0 },
  css: ".counted { border: 2px solid teal }",
  esm: \`export default {
    initialize({ model }) { model.set("count", model.get("count") + 100); model.save_changes(); },
    render({ model, el }) {
      const button = document.createElement("button");
      button.className = "counted";
      const show = () => { button.textContent = "count " + model.get("count"); };
      button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
      model.on("change:count", show); show(); el.append(button);
      return () => model.off("change:count", show);
    } };\`,
});
counter`,
  counted: `counter.state.count`,
  // What published modules are written with: a default export that is a function, lists and bytes in the state, messages with
  // bytes both ways, several listeners, an end.
  published: `const published = d.widget({
  state: { value: ["red", "green"], bytes: new Uint8Array([1, 2, 3]), nothing: null, size: 80 },
  css: ".published li { list-style: square }",
  esm: \`const say = (el, text) => { el.querySelector("output").textContent += text + ";"; };
export default async () => ({
  async initialize({ model }) { model.set("size", model.get("size") * 2); model.save_changes(); },
  render({ model, el }) {
    el.classList.add("published");
    el.innerHTML = "<ul></ul><button>add</button><button>ask</button><output></output>";
    const list = () => { el.querySelector("ul").innerHTML = model.get("value").map((v) => "<li>" + v + "</li>").join(""); };
    const [add, ask] = el.querySelectorAll("button");
    add.onclick = () => { model.set("value", [...model.get("value"), "blue"]); model.save_changes(); };
    ask.onclick = () => model.send({ ask: "sum" }, undefined, [new Uint8Array([4, 5]).buffer]);
    model.on("change:value", list);
    model.on("change", () => say(el, "changed"));
    model.on("msg:custom", (message, buffers) => say(el, message.sum + " of " + buffers[0].byteLength + " bytes"));
    say(el, model.get("bytes").getUint8(2) + "," + model.get("nothing"));
    list();
    return () => model.off("change:value", list);
  },
});\`,
});
published.on("message", (message, buffers) =>
  published.send({ sum: buffers[0]!.reduce((a, b) => a + b, 0) }, [new Uint8Array(7)]));
published`,
  publishedState: `published.set({ value: [...published.state.value, "pink"] });
[published.state.size, published.state.value.join()]`,
  failing: `const failing = d.button("fails", () => { throw new RangeError("no such press"); });
d.row(failing, d.button("works", () => { bar.value = 90; }))`,
  pad: `const pad = d.drawingPad();
pad`,
  drawn: `const grey = await pad.value.sum().item();
[pad.isEmpty, pad.value.shape.join("x"), grey > 20]`,
  colours: `d.drawingPad({ size: 64, channels: 3 })`,
  film: `const noisy = Array.from({ length: 9 }, (_, i) => d.rand([16, 16]).mul(1 - i / 8));
await d.filmScrubber({ "x_t": noisy, "predicted x0": noisy }, { range: [0, 1] })`,
  painter: SLIDER_CELL,
  map: `const many = d.digits({ n: 300, seed: 1 });
const spots = Array.from({ length: 300 }, (_, i) => [Math.cos(i), Math.sin(i * 1.7)]);
await d.embeddingMap(spots, { images: many, titles: spots.map((_, i) => "digit number " + i) })`,
};
const at = (name: keyof typeof CELLS) => Object.keys(CELLS).indexOf(name);

describe.skipIf(missing.length > 0)("widgets in JupyterLab, in a real browser", () => {
  let notebook: NotebookPage;
  const slider = (cell: Locator, name: string) =>
    cell.locator(".widget-slider", { hasText: name }).locator(".noUi-handle").first();
  /** Drags a slider's handle by so many pixels. */
  const drag = async (handle: Locator, by: number, steps = 8) => {
    await handle.scrollIntoViewIfNeeded();
    const box = (await handle.boundingBox())!;
    const { mouse } = notebook.page;
    await mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await mouse.down();
    await mouse.move(box.x + box.width / 2 + by, box.y + box.height / 2, { steps });
    await mouse.up();
  };
  const picture = async (name: string) => {
    if (screenshots) await notebook.page.screenshot({ path: join(screenshots, `${name}.png`) });
  };

  beforeAll(async () => {
    if (screenshots) mkdirSync(screenshots, { recursive: true });
    notebook = await openNotebook("widgets", Object.values(CELLS), 1300);
  });
  beforeEach(({ onTestFailed, task }) => {
    onTestFailed(() => picture(`failed ${task.name}`));
  });
  afterAll(() => notebook?.page.close());

  test("controls are drawn by the front end's own views", async () => {
    await notebook.runCell(at("controls"));
    const cell = notebook.cell(at("controls"));
    await cell.locator(".widget-vbox").first().waitFor();
    expect(await cell.locator(".widget-slider").count()).toBe(3);
    expect(await cell.locator(".widget-readout").allInnerTexts()).toEqual(["7", "0.80", "200 – 800"]);
    expect(await cell.locator("select").inputValue()).toBe("PNDM");
    await cell.scrollIntoViewIfNeeded();
    await picture("widgets light");
  });

  test("what code sets is seen on the page, and what a person sets is seen by code", async () => {
    const cell = notebook.cell(at("controls"));
    await cell.locator('input[type="text"]').first().fill("a blue three");
    await cell.locator('input[type="text"]').first().press("Enter");
    await notebook.runCell(at("changed"));
    expect(await cell.locator(".widget-readout").first().innerText()).toBe("42");
    expect(await cell.locator("select").inputValue()).toBe("Euler");
    expect(await notebook.outputs(at("changed")).innerText()).toBe("[ 42, 'Euler', 'a blue three' ]");
  });

  test("interact paints anew as a slider is dragged, and shows an error in place", async () => {
    await notebook.runCell(at("interact"));
    const cell = notebook.cell(at("interact"));
    const image = cell.locator(".jp-OutputArea-output img").last();
    const before = await image.getAttribute("src");
    await drag(slider(cell, "level"), 60);
    await expect.poll(() => image.getAttribute("src")).not.toBe(before);
    const readout = cell.locator(".widget-readout").first();
    await readout.fill("13");
    await readout.press("Enter");
    await expect.poll(() => cell.innerText()).toContain("RangeError: thirteen is no level");
    await readout.fill("90");
    await readout.press("Enter");
    await image.waitFor();
    await picture("interact light");
  });

  test("a slider that is moved is seen while another cell awaits", async () => {
    await notebook.startCell(at("awaits"));
    await notebook.waitUntil("busy");
    await drag(slider(notebook.cell(at("controls")), "seed"), 40);
    await notebook.waitUntil("idle");
    const seen = JSON.parse(await notebook.outputs(at("awaits")).innerText()) as number[];
    expect(seen.length).toBeGreaterThan(0);
  });

  test("a module in anywidget's format runs, and shares its state", async () => {
    await notebook.runCell(at("afm"));
    const button = notebook.cell(at("afm")).locator("button.counted");
    await button.click();
    await expect.poll(() => button.innerText()).toBe("count 101");
    await notebook.runCell(at("counted"));
    expect(await notebook.outputs(at("counted")).innerText()).toBe("101");
  });

  test("a module as published ones are: state of every kind, messages with bytes both ways", async () => {
    await notebook.runCell(at("published"));
    const cell = notebook.cell(at("published"));
    const said = cell.locator(".published output");
    await expect.poll(() => said.innerText()).toMatch(/^3,null;/);
    await cell.getByText("ask", { exact: true }).click();
    await expect.poll(() => said.innerText()).toContain("9 of 7 bytes;");
    await cell.getByText("add", { exact: true }).click();
    await notebook.runCell(at("publishedState"));
    expect(await notebook.outputs(at("publishedState")).innerText()).toBe("[ 160, 'red,green,blue,pink' ]");
    await expect.poll(() => cell.locator(".published li").allInnerTexts()).toEqual(["red", "green", "blue", "pink"]);
    expect(await said.innerText()).toContain("changed;");
  });

  test("what a button's function throws is told below the cell that has the button, and the next press works", async () => {
    await notebook.runCell(at("failing"));
    const cell = notebook.cell(at("failing"));
    await cell.getByText("fails", { exact: true }).click();
    await expect.poll(() => cell.innerText()).toContain("RangeError: no such press");
    await cell.getByText("works", { exact: true }).click();
    const bar = notebook.cell(at("controls")).locator(".progress-bar");
    await expect.poll(() => bar.getAttribute("style")).toContain("90%");
  });

  test("what is drawn on the pad is a tensor", async () => {
    await notebook.runCell(at("pad"));
    const canvas = notebook.cell(at("pad")).locator("canvas");
    await canvas.scrollIntoViewIfNeeded();
    const box = (await canvas.boundingBox())!;
    const { mouse } = notebook.page;
    const to = (x: number, y: number) => mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 6 });
    await to(0.25, 0.2);
    await mouse.down();
    await to(0.75, 0.2);
    await to(0.4, 0.85);
    await mouse.up();
    await notebook.runCell(at("drawn"));
    expect(await notebook.outputs(at("drawn")).innerText()).toBe("[ false, '1x28x28', true ]");
    await notebook.runCell(at("colours"));
    await notebook.cell(at("colours")).locator("canvas").waitFor();
    await notebook.cell(at("pad")).scrollIntoViewIfNeeded();
    await picture("pad light");
  });

  test("the film scrubber moves through the frames, and plays them", async () => {
    await notebook.runCell(at("film"));
    const cell = notebook.cell(at("film"));
    const range = cell.locator('input[type="range"]');
    const image = cell.locator(".difflab-scrubber img").first();
    await image.waitFor();
    const last = await image.getAttribute("src");
    await range.fill("2");
    expect(await cell.locator("output").innerText()).toBe("3 of 9");
    expect(await image.getAttribute("src")).not.toBe(last);
    await cell.locator(".difflab-scrubber button").click();
    await expect.poll(() => cell.locator("output").innerText()).toBe("9 of 9");
    await cell.scrollIntoViewIfNeeded();
    await picture("film light");
  });

  test("the map tells of the point under the pointer, and zooms", async () => {
    await notebook.runCell(at("map"));
    const cell = notebook.cell(at("map"));
    const canvas = cell.locator("canvas");
    await canvas.waitFor();
    await canvas.scrollIntoViewIfNeeded();
    const box = (await canvas.boundingBox())!;
    await notebook.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await expect.poll(() => cell.locator(".difflab-map-note").innerText()).toMatch(/^digit number \d+$/);
    await picture("map light");
    await notebook.page.mouse.wheel(0, -600);
    await picture("map zoomed");
  });

  test("a slider paints a new picture with the tiny model at each move", async () => {
    await notebook.runCell(at("painter"));
    const times = await dragSlider(notebook.page, notebook.cell(at("painter")), 12);
    expect(times).toHaveLength(12);
    console.log(`slider to picture: 95th percentile ${percentile(times, 0.95).toFixed(0)} ms of ${times.length}`);
  });

  test("the dark theme suits them", async () => {
    await notebook.setTheme("JupyterLab Dark");
    await notebook.cell(at("pad")).scrollIntoViewIfNeeded();
    await picture("pad dark");
    await notebook.cell(at("controls")).scrollIntoViewIfNeeded();
    await picture("widgets dark");
  });

  test("a widget whose kernel was restarted says that it is dead", async () => {
    const cell = notebook.cell(at("controls"));
    expect(await cell.locator(".jupyter-widgets-disconnected").count()).toBe(0);
    await notebook.page.evaluate(async () => {
      const { jupyterapp } = window as unknown as { jupyterapp: { shell: { currentWidget: Restarting } } };
      await jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart();
    });
    await expect.poll(() => cell.locator(".jupyter-widgets-disconnected").count()).toBeGreaterThan(0);
    await picture("dead widgets");
  });
});

interface Restarting {
  sessionContext: { session: { kernel: { restart(): Promise<void> } } };
}
