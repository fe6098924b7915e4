import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { notebookToHtml } from "../../kernel/client/html.ts";
import { animate, full, linePlot } from "../../lib/index.ts";
import { findChromium, launchChromium } from "./browser.ts";

const chromium = findChromium();

const bundle = (value: unknown) =>
  (value as Record<symbol, () => Promise<Record<string, string>>>)[Symbol.for("Jupyter.display")]!();

describe.skipIf(!chromium)("a notebook's page, in Chromium (skipped where there is none)", () => {
  let folder: string;
  let address: string;
  let browser: Awaited<ReturnType<typeof launchChromium>>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "difflab-page-"));
    const frames = [0, 0.25, 0.5, 0.75, 1].map((grey) => full([8, 8], grey));
    const values = [linePlot([1, 2, 3]), animate(frames, { title: "brighter", fps: 20 })];
    const cells = await Promise.all(
      values.map(async (value) => ({
        cell_type: "code" as const,
        source: `show("${"a long line of code ".repeat(12)}")`,
        metadata: {},
        execution_count: 1,
        outputs: [{ output_type: "display_data" as const, data: await bundle(value), metadata: {} }],
      })),
    );
    const file = join(folder, "page.html");
    writeFileSync(file, notebookToHtml({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }));
    address = pathToFileURL(file).href;
    browser = await launchChromium(chromium!);
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("plays its film, stops at a click, and goes a frame at a time", async () => {
    const page = await browser.newPage();
    await page.goto(address);
    const caption = page.locator(".difflab-film output");
    await expect.poll(() => caption.textContent()).toBe("3 / 5");
    await page.click("[data-do=play]");
    const stopped = await caption.textContent();
    await page.waitForTimeout(300);
    expect(await caption.textContent()).toBe(stopped);
    await page.locator(".difflab-film input").fill("1");
    expect(await caption.textContent()).toBe("2 / 5");
    await page.click("[data-do=on]");
    expect(await caption.textContent()).toBe("3 / 5");
    await page.close();
  });

  test("prints code that is wrapped, and the last frame of a film without its buttons", async () => {
    const page = await browser.newPage();
    await page.goto(address);
    await page.emulateMedia({ media: "print" });
    const style = (selector: string, property: string) =>
      page.$eval(selector, (element, name) => getComputedStyle(element).getPropertyValue(name), property);
    expect(await style("pre.code", "white-space")).toBe("pre-wrap");
    // Three frames across and two down, each of 224 pixels: the fifth is in the middle of the second row.
    expect(await style(".difflab-film-screen", "background-position")).toBe("-224px -224px");
    expect(await style(".difflab-film-bar", "display")).toBe("none");
    await page.close();
  });

  test("keeps the text of figures readable on a phone, where they scroll and the page does not", async () => {
    const page = await browser.newPage({ viewport: { width: 380, height: 700 } });
    await page.goto(address);
    expect(await page.$eval(".difflab-figure svg", (svg) => svg.getBoundingClientRect().width)).toBe(640);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(380);
    await page.close();
  });
});
