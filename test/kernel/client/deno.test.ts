import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KernelClient } from "../../../kernel/client/client.ts";
import type { Json } from "../../../kernel/wire/message.ts";
import { denoKernel, findDeno } from "../support/deno.ts";
import { contents, run, send, startKernel, until } from "../support/kernel.ts";

const deno = findDeno();
if (!deno) {
  console.log(
    "Figures in Deno's kernel are not tested: there is no Deno (in $DENO, on the PATH, or from npm run bench -- kernel-start).",
  );
}

/** The library's only contract with a kernel is a method on its values, which Deno's kernel knows too. */
describe.skipIf(!deno)("in Deno's kernel", () => {
  let kernel: KernelClient;
  beforeAll(async () => {
    kernel = await startKernel({ spec: denoKernel(deno!) });
    const { error } = await run(kernel, 'import * as d from "difflab"; d.manualSeed(1);');
    expect(error).toBeUndefined();
  });
  afterAll(async () => {
    await kernel?.shutdown();
  });

  async function shown(code: string): Promise<Json> {
    const { messages, run } = send(kernel, code);
    expect((await run).error?.evalue).toBeUndefined();
    // Deno's kernel says now and then that it is idle before it sends the result.
    await until("the result", () => contents(messages, "execute_result").length > 0);
    return contents(messages, "execute_result")[0]!.data;
  }

  test.each([
    ["pictures of a data set", "d.showImages(d.digits({ n: 4, seed: 1 }))", /^4 pictures of 28 × 28 grey pixels: \d/],
    ["rows", "d.showRows({ noise: d.randn([2, 1, 8, 8]) })", /^noise: rows of 2 pictures/],
    ["pixels with their values", "d.showPixels(d.eye(3))", /^picture of 3 × 3 pixels, values from 0 to 1/],
    ["a heat map", "d.showHeatmap(d.randn([4, 4]))", /^heat map of 4 × 4 values/],
    ["a film", "d.filmStrip([d.eye(2), d.ones([2, 2])])", /^film of 2 frames/],
    ["a curve", "d.linePlot([1, 3, 2])", /^curve: 3 values/],
    ["a histogram", "d.histogram(d.randn([100]))", /^histogram of 100 values/],
    ["bars", "d.barChart([1, 2])", /^bars: 0 1, 1 2/],
    ["a U-Net", "d.drawUNet(new d.SmallUNet().shapes([1, 28, 28]))", /^U-Net diagram: in 1 × 28 × 28/],
  ])("%s are shown as SVG, HTML and text", async (_, code, text) => {
    const data = await shown(code);
    expect(data["text/plain"]).toMatch(text);
    expect(data["image/svg+xml"]).toMatch(/^<svg/);
    expect(data["text/html"]).toContain("<svg");
  });

  test("an animation is shown", async () => {
    const data = await shown("d.animate([d.eye(2), d.ones([2, 2])])");
    expect(data["text/html"]).toMatch(/data:image\/(webp|gif);base64,/);
  });

  test("a loss curve grows while the cell runs", async () => {
    const { error, messages } = await run(
      kernel,
      `const curve = d.lossCurve();
      for (let step = 0; step < 3; step++) { curve.add(step, 1); await new Promise((r) => setTimeout(r, 500)); }
      curve`,
    );
    expect(error).toBeUndefined();
    expect(contents(messages, "display_data").length).toBe(1);
    const updates = contents(messages, "update_display_data").map((content) => content.data["text/plain"]);
    expect(updates.at(-1)).toContain("3 values");
  });

  test("tensors are computed, from float16 weights too", async () => {
    expect((await shown("d.tensor([1, 2]).mul(3)"))["text/plain"]).toContain("[3., 6.]");
    const judge = "const judge = await d.digitJudge();";
    const picture = "d.tensor(d.digits({ n: 1, seed: 1 }).batch().images, [28, 28])";
    const p = await shown(`${judge} String((await judge.score(${picture}).item()) > 0.9)`);
    expect(p["text/plain"]).toContain("true");
  });
});
