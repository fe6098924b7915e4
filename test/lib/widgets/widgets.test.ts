import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as d from "../../../lib/index.ts";
import { FakePage } from "./fake-page.ts";

let page: FakePage;
let remove: () => void;
beforeEach(() => {
  page = new FakePage();
  remove = page.install();
});
afterEach(() => remove());

// biome-ignore lint/suspicious/noExplicitAny: a bundle's content is the front end's
const bundle = async (value: unknown): Promise<any> =>
  (value as { [key: symbol]: () => unknown })[Symbol.for("Jupyter.display")]!();
const VIEW = "application/vnd.jupyter.widget-view+json";

describe("a control", () => {
  it("opens its models as it is shown, with the front end's names and its own layout", async () => {
    const seed = d.slider(0, 99, { label: "seed", value: 7 });
    expect(page.opened).toEqual([]);
    const { model_id } = (await bundle(seed))[VIEW];
    const state = page.stateOf(model_id);
    expect(state).toMatchObject({ _model_name: "IntSliderModel", value: 7, min: 0, max: 99, description: "seed" });
    const layout = String(state.layout).replace("IPY_MODEL_", "");
    expect(page.stateOf(layout)._model_name).toBe("LayoutModel");
    expect(await bundle(seed)).toMatchObject({ [VIEW]: { model_id }, "text/plain": "seed: 7" });
  });

  it("is told of by the page, tells the page, and tells who listens", async () => {
    const seed = d.slider(0, 99);
    const heard: number[] = [];
    const stop = seed.on("change", (value) => heard.push(value));
    page.change(seed.modelId, { value: 5 });
    expect(seed.value).toBe(5);
    seed.value = 6;
    expect(page.sent.at(-1)).toMatchObject({ id: seed.modelId, data: { method: "update", state: { value: 6 } } });
    stop();
    seed.value = 7;
    expect(heard).toEqual([5, 6]);
  });

  it.each([
    ["text", { value: "no number" }],
    ["a value outside", { value: 1000 }],
    ["null", { value: null }],
    ["a fraction", { value: 1.5 }],
    ["no state", "nonsense"],
    ["a key that it does not have", { __proto__: { value: 3 }, other: 1 }],
  ])("keeps its value where the page sends %s, and says so", (_, state) => {
    const seed = d.slider(0, 99, { value: 7 });
    const id = seed.modelId;
    page.change(id, state);
    expect(seed.value).toBe(7);
    const answers = page.sent.filter((each) => each.id === id);
    expect(answers.every((each) => each.data.state!.value === 7)).toBe(true);
    page.change(id, { value: 8 });
    expect(seed.value).toBe(8);
  });

  it("refuses a value of code's that it cannot take, and keeps the one before", () => {
    const seed = d.slider(0, 99);
    expect(() => (seed.value = 100)).toThrow("slider: value 100; expected 0 to 99");
    expect(() => (seed.value = Number.NaN)).toThrow("slider: value NaN; expected a number from 0 to 99");
    expect(() => d.slider(5, 5)).toThrow("slider: goes from 5 to 5; expected two numbers, the lower first");
    expect(() => (d.choice(["a"]).value = "b" as "a")).toThrow("choice: b is not one of a");
    expect(() => d.choice([])).toThrow("choice: there is nothing to choose from");
    expect(() => d.colorPicker("#12")).toThrow('colorPicker: got "#12", expected a colour such as "#3178c6" or "teal"');
    expect(seed.value).toBe(0);
  });

  it("has the type of its value", () => {
    const level: number = d.slider(0, 1).value;
    const name: "DDIM" | "Euler" = d.choice(["DDIM", "Euler"]).value;
    const steps: number = d.choice({ fast: 4, good: 50 }).value;
    // @ts-expect-error none of the choices
    expect(() => d.choice(["DDIM", "Euler"], { value: "PNDM" })).toThrow("choice: PNDM is not one of DDIM, Euler");
    expect([level, name, steps]).toEqual([0, "DDIM", 4]);
  });

  it("can be awaited in a loop, which gets the newest of what came meanwhile", async () => {
    const seed = d.slider(0, 99);
    const seen: number[] = [];
    const loop = (async () => {
      for await (const value of seed) {
        seen.push(value);
        if (value === 9) break;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await Promise.resolve();
    seed.value = 1;
    await new Promise((resolve) => setTimeout(resolve));
    seed.value = 2;
    seed.value = 3;
    await new Promise((resolve) => setTimeout(resolve, 20));
    seed.value = 9;
    await loop;
    expect(seen).toEqual([1, 3, 9]);
  });

  it("stays the same as one that it is linked to", () => {
    const a = d.slider(0, 99, { value: 3 });
    const b = d.slider(0, 99);
    const end = a.link(b);
    expect(b.value).toBe(3);
    b.value = 8;
    expect(a.value).toBe(8);
    end();
    a.value = 1;
    expect(b.value).toBe(8);
  });

  it("is text where there is no kernel", async () => {
    remove();
    expect(await bundle(d.slider(0, 9, { label: "seed" }))).toEqual({
      "text/html": expect.stringMatching(/^<div class="difflab-widget">seed: <b>0<\/b><\/div><div[^>]*>Run this cell/),
      "text/plain": "seed: 0",
    });
  });
});

describe("a button", () => {
  it("calls its function at each press, and at nothing else", () => {
    let pressed = 0;
    const again = d.button("again", () => pressed++);
    page.say(again.modelId, { method: "custom", content: { event: "click" } });
    page.say(again.modelId, { method: "custom", content: null });
    page.say(again.modelId, { method: "no such method" });
    page.say(again.modelId, null);
    expect(pressed).toBe(1);
  });
});

describe("a page that is loaded anew", () => {
  it("gets the states of all widgets, with their bytes", () => {
    const view = d.imageView(new Uint8Array([1, 2, 3]));
    const id = view.modelId;
    page.request("jupyter.widget.control", { method: "request_states" });
    const answer = page.sent.at(-1)!;
    const states = answer.data.states as Record<string, { model_name: string; state: object }>;
    expect(states[id]).toMatchObject({ model_name: "ImageModel" });
    const path = (answer.data.buffer_paths as unknown[][]).findIndex(([model]) => model === id);
    expect([...answer.buffers[path]!]).toEqual([1, 2, 3]);
  });

  it("gets the state of one", () => {
    const seed = d.slider(0, 99, { value: 4 });
    page.say(seed.modelId, { method: "request_state" });
    expect(page.sent.at(-1)).toMatchObject({ id: seed.modelId, data: { method: "update", state: { value: 4 } } });
  });
});

describe("a module of one's own", () => {
  it("shares its state, bytes too", () => {
    const pad = d.widget({ esm: "export default {}", state: { count: 0, pixels: new Uint8Array(2) } });
    const heard: unknown[] = [];
    pad.on("change", (state, changed) => heard.push([state.count, Object.keys(changed)]));
    page.change(pad.modelId, { count: 3 }, [["pixels"]], [new Uint8Array([7, 8])]);
    expect(pad.state).toEqual({ count: 3, pixels: new Uint8Array([7, 8]) });
    expect(heard).toEqual([[3, ["count", "pixels"]]]);
  });

  it("refuses what cannot be one", () => {
    expect(() => d.widget({ esm: "let a = 1", state: {} })).toThrow("widget: esm has no export");
    expect(() => d.widget({ esm: "export default {}", state: { _esm: 1 } })).toThrow('the name "_esm" in its state');
    const some = d.widget({ esm: "export default {}", state: { a: 1 } });
    expect(() => some.set({ b: 1 } as never)).toThrow('widget: its state has no "b"; it has a');
  });
});
