import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as d from "../../../lib/index.ts";
import { FakePage } from "./fake-page.ts";

let page: FakePage;
let remove: () => void;
beforeEach(() => {
  page = new FakePage();
  remove = page.install();
});
afterEach(() => remove());

describe("a widget in two windows", () => {
  it("is the same in both: what one changes, the other is told, and it alone", () => {
    const seed = d.slider(0, 99);
    page.change(seed.modelId, { value: 7 });
    expect(page.sent.map(({ id, data }) => [id === seed.modelId, data.method, data.state])).toEqual([
      [true, "echo_update", { value: 7 }],
    ]);
    // The same once more changes nothing.
    page.change(seed.modelId, { value: 7 });
    expect(page.sent.length).toBe(1);
    seed.value = 8;
    expect(page.sent.at(-1)!.data.method).toBe("update");
  });

  it("that refuses a value tells so, and echoes nothing", () => {
    const map = d.drawingPad({ size: 8 });
    page.change(map.modelId, { pixels: "nonsense" });
    expect(page.sent.map(({ data }) => data.method)).toEqual(["update"]);
  });

  it("echoes small drawings with their bytes, and large ones not at all", () => {
    const [small, large] = [d.drawingPad({ size: 8 }), d.drawingPad({ size: 256 })];
    page.change(small.modelId, { pixels: null }, [["pixels"]], [new Uint8Array(256).fill(9)]);
    expect(page.sent.map(({ data, buffers }) => [data.method, buffers[0]?.length])).toEqual([["echo_update", 256]]);
    page.change(large.modelId, { pixels: null }, [["pixels"]], [new Uint8Array(4 * 256 * 256).fill(9)]);
    expect(page.sent.length).toBe(1);
    expect(large.isEmpty).toBe(true);
  });
});

describe("a front end that sends nonsense", () => {
  const made: Record<string, () => d.ValueWidget<never>> = {
    slider: () => d.slider(0, 9) as never,
    rangeSlider: () => d.rangeSlider(0, 9) as never,
    choice: () => d.choice(["a", "b"]) as never,
    radio: () => d.radio(["a", "b"]) as never,
    toggles: () => d.toggles([1, 2]) as never,
    checkbox: () => d.checkbox(true) as never,
    text: () => d.text("seven") as never,
    textArea: () => d.textArea("seven") as never,
    colorPicker: () => d.colorPicker("#c0392b") as never,
    play: () => d.play(0, 50) as never,
  };
  const nonsense = [
    null,
    Number.NaN,
    1e300,
    -1,
    "nonsense",
    "",
    [],
    [1],
    ["a", 2],
    {},
    { value: 1 },
    true,
    "__proto__",
  ];

  it.each(Object.keys(made))("leaves a %s with a value of its kind, and does not stop it", (name) => {
    const widget = made[name]!();
    const kind = (value: unknown) => (Array.isArray(value) ? "list" : typeof value);
    const [before, isNumber] = [kind(widget.value), typeof widget.value === "number"];
    for (const key of ["value", "index", "description", "layout", "_model_name", "constructor", "__proto__"]) {
      for (const value of nonsense) page.change(widget.modelId, JSON.parse(JSON.stringify({ [key]: value })));
    }
    for (const state of [null, 3, "x", [], [[]]]) page.change(widget.modelId, state);
    page.change(widget.modelId, { value: 1 }, "no paths", []);
    page.change(widget.modelId, { value: 1 }, [[["deep"]], [], ["a", "b"]], [new Uint8Array(2)]);
    page.say(widget.modelId, null);
    page.say(widget.modelId, { method: 5 });
    expect(kind(widget.value), String(widget.value)).toBe(before);
    if (isNumber) expect(Number.isFinite(widget.value)).toBe(true);
    expect(({} as { value?: unknown }).value).toBe(undefined);
    let calls = 0;
    widget.on("change", () => calls++);
    const fresh = made[name]!().value;
    widget.value = fresh;
    expect(widget.value).toEqual(fresh);
    expect(calls).toBeLessThanOrEqual(1);
  });
});

describe("a function that a page's message calls, and that fails", () => {
  const failing = () => {
    throw new RangeError("no such thing");
  };

  it("is told of, stops none of the others, and the next change works", async () => {
    const errors = vi.spyOn(console, "error").mockImplementation(() => {});
    const seen: unknown[] = [];
    const seed = d.slider(0, 99);
    seed.on("change", failing);
    seed.on("change", (value) => seen.push(value));
    seed.on("change", async () => failing());
    page.change(seed.modelId, { value: 7 });
    page.change(seed.modelId, { value: 8 });
    const stop = d.button("stop", failing);
    page.say(stop.modelId, { method: "custom", content: { event: "click" } });
    await vi.waitFor(() => expect(errors).toHaveBeenCalledTimes(5));
    const calls = [...errors.mock.calls];
    errors.mockRestore();
    expect(seen).toEqual([7, 8]);
    const lines = calls.map(([text]) => String(text).split("\n"));
    expect(lines.map(([first]) => first)).toContain(
      "Button widget: a function that it calls has failed: RangeError: no such thing",
    );
    // Where it was thrown, and none of our own code.
    expect(lines.every((each) => each[1]?.includes("windows.test.ts"))).toBe(true);
    expect(lines.flat().filter((line) => /lib.widgets.(model|inputs|widget)\.ts/.test(line))).toEqual([]);
  });

  it("fails where code sets the value: that code gets the error", () => {
    const seed = d.slider(0, 99);
    seed.on("change", failing);
    expect(() => (seed.value = 3)).toThrow("no such thing");
  });
});
