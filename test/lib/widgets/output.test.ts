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

describe("an output", () => {
  it("keeps the height of a picture while the next one is drawn, and says so before it changes", async () => {
    const out = d.output();
    const layout = String(page.stateOf(out.modelId).layout).replace("IPY_MODEL_", "");
    const heights = () => page.sent.filter(({ id }) => id === layout).map(({ data }) => data.state!.min_height);
    await out.show(d.showImages(d.rand([8, 8])));
    const [first] = heights();
    expect(first).toMatch(/^\d{2,3}px$/);
    const order = page.sent.map(({ id }) => id);
    expect(order.indexOf(layout)).toBeLessThan(order.indexOf(out.modelId));
    await out.show(d.showImages(d.rand([8, 8])));
    expect(heights()).toEqual([first]);
    const png = await d.Image.fromRaw(new Uint8Array(3 * 20 * 30), { width: 30, height: 20 }).toPng();
    await out.show(png);
    expect(heights().at(-1)).toBe("20px");
    // Text and errors are as high as they are; the room stays for the next picture.
    await out.show("text");
    out.showError(new Error("no"));
    expect(heights().at(-1)).toBe("20px");
    out.clear();
    expect(heights().at(-1)).toBe(null);
  });

  it("passes on what a value says about its size", async () => {
    const out = d.output();
    await out.show({
      [Symbol.for("Jupyter.display")]: () => ({
        data: { "image/png": "iVBORw0KGgo=" },
        metadata: { "image/png": { width: 64, height: 48 } },
      }),
    });
    const id = out.modelId;
    expect(page.stateOf(id).outputs).toEqual([
      expect.objectContaining({ metadata: { "image/png": { width: 64, height: 48 } } }),
    ]);
  });
});
