import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { contrasts } from "./browser.ts";
import type { NotebookPage } from "./lab.ts";
import { missing } from "./needs.ts";
import { openNotebook } from "./shared.ts";

/** Where pictures of the page go, for a person to look at: npm test keeps none. */
const screenshots = process.env.E2E_SCREENSHOTS;

/** Jupyter's own red for errors, on its own ground for them, has a contrast of 2.7 in the light theme. */
const READABLE = 2.7;

const CELLS = {
  hello: `console.log("printed");\nconst kept = 40;\nkept + 2`,
  picture: `import sharp from "sharp";
const background = { r: 49, g: 120, b: 198 };
await sharp({ create: { width: 32, height: 24, channels: 3, background } }).png().toBuffer()`,
  plot: `import * as Plot from "@observablehq/plot";
Plot.dot([[0, 1], [1, 3], [2, 2]], { fill: "steelblue" }).plot({ height: 160 })`,
  progress: `for (const step of progress(30)) await new Promise((resolve) => setTimeout(resolve, 100));`,
  typeError: `const fine = 1;\nconst wrong: number = "three";`,
  error: `function third(list: number[]) {\n  throw new Error("no third in " + list.length);\n}\n\nthird([1, 2]);`,
  endless: `while (true) {}`,
  typed: ``,
};
const at = (name: keyof typeof CELLS) => Object.keys(CELLS).indexOf(name);

describe.skipIf(missing.length > 0)("in JupyterLab, in a real browser", () => {
  let notebook: NotebookPage;

  beforeAll(async () => {
    if (screenshots) mkdirSync(screenshots, { recursive: true });
    notebook = await openNotebook("cells", Object.values(CELLS), 1000);
  });
  beforeEach(({ onTestFailed, task }) => {
    onTestFailed(async () => {
      if (screenshots) await notebook.page.screenshot({ path: join(screenshots, `failed ${task.name}.png`) });
    });
  });
  afterAll(() => notebook?.page.close());

  test("a cell shows what it prints and what its last expression is", async () => {
    await notebook.runCell(at("hello"));
    const outputs = notebook.outputs(at("hello"));
    expect(await outputs.nth(0).innerText()).toBe("printed\n");
    const result = notebook.cell(at("hello")).locator(".jp-OutputArea-executeResult");
    expect(await result.locator(".jp-OutputArea-output").innerText()).toBe("42");
    expect(await result.locator(".jp-OutputPrompt").innerText()).toBe("[1]:");
  });

  test("TypeScript is coloured as TypeScript", async () => {
    const keyword = notebook.cell(at("hello")).locator(".cm-line span", { hasText: "const" });
    const word = notebook.cell(at("hello")).locator(".cm-line span", { hasText: "printed" });
    const colour = (element: Element) => getComputedStyle(element).color;
    expect(await keyword.first().evaluate(colour)).not.toBe(await word.first().evaluate(colour));
  });

  test("a Buffer that holds a PNG is seen as a picture of its size", async () => {
    await notebook.runCell(at("picture"));
    const picture = notebook.cell(at("picture")).locator(".jp-RenderedImage img");
    await picture.waitFor();
    expect(await picture.evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight])).toEqual([
      32, 24,
    ]);
  });

  test("a plot is seen, with one dot for each point", async () => {
    await notebook.runCell(at("plot"));
    const dots = notebook.outputs(at("plot")).locator("svg circle");
    await expect.poll(() => dots.count()).toBe(3);
    const box = await dots.first().boundingBox();
    expect(box?.width).toBeGreaterThan(2);
  });

  test("a progress bar moves while its cell runs, and ends full", async () => {
    await notebook.startCell(at("progress"));
    const text = () => notebook.outputs(at("progress")).first().innerText();
    const seen = new Set<string>();
    await expect.poll(async () => seen.add(await text()).size, { timeout: 20_000, interval: 150 }).toBeGreaterThan(3);
    await expect.poll(text, { timeout: 20_000 }).toMatch(/30\s*(\/|of)\s*30|100\s*%/);
  });

  test("a type error names its line and shows it, before anything runs", async () => {
    await notebook.runCell(at("typeError"));
    const text = await notebook.outputs(at("typeError")).innerText();
    expect(text).toMatch(/line 2|:2\b|2 \|/i);
    expect(text).toContain(`const wrong: number = "three"`);
  });

  test("an error at run time shows the line of the cell that threw it", async () => {
    await notebook.runCell(at("error"));
    const text = await notebook.outputs(at("error")).innerText();
    expect(text).toContain("no third in 2");
    expect(text).toContain(`throw new Error("no third in " + list.length);`);
    expect(text).not.toContain("node_modules");
  });

  test("Tab and Enter complete what was begun", async () => {
    await notebook.type(at("typed"), "kept.toFi");
    await notebook.page.keyboard.press("Tab");
    const names = notebook.page.locator(".jp-Completer .jp-Completer-match");
    await names.first().waitFor();
    expect(await names.allInnerTexts()).toEqual(["toFixed"]);
    await notebook.page.keyboard.press("Enter");
    await expect.poll(() => notebook.source(at("typed"))).toBe("kept.toFixed");
  });

  test("Tab behind a dot lists the members that the value has", async () => {
    await notebook.type(at("typed"), "kept.");
    await notebook.page.keyboard.press("Tab");
    const names = notebook.page.locator(".jp-Completer .jp-Completer-match");
    await names.first().waitFor();
    expect(await names.allInnerTexts()).toEqual(expect.arrayContaining(["toFixed", "toPrecision", "toString"]));
    await notebook.page.keyboard.press("Escape");
  });

  test("Shift+Tab shows a function's signature and documentation", async () => {
    await notebook.type(at("typed"), "Math.sqrt");
    await notebook.page.keyboard.press("Shift+Tab");
    const tooltip = notebook.page.locator(".jp-Tooltip");
    await tooltip.waitFor();
    await expect.poll(() => tooltip.innerText()).toMatch(/sqrt\(x: number\): number[\s\S]*square root/);
    await notebook.page.keyboard.press("Escape");
  });

  test("the stop button ends an endless loop, and what was defined is still there", async () => {
    await notebook.startCell(at("endless"));
    await notebook.waitUntil("busy");
    await notebook.pressButton("notebook:interrupt-kernel");
    await notebook.waitUntil("idle");
    expect(await notebook.outputs(at("endless")).innerText()).toMatch(/interrupt/i);
    await notebook.type(at("typed"), "kept");
    await notebook.runCell(at("typed"));
    expect(await notebook.outputs(at("typed")).innerText()).toBe("40");
  });

  test("a question that the cell does not await is asked, and the next cell runs", async () => {
    await notebook.type(at("typed"), `prompt("Who? ").then((name) => console.log("hello " + name))`);
    await notebook.startCell(at("typed"));
    const box = notebook.page.locator(".jp-Stdin-input");
    await box.fill("Ann");
    await box.press("Enter");
    await notebook.waitUntil("idle");
    expect(await notebook.cell(at("typed")).innerText()).toContain("hello Ann");
    await notebook.runCell(at("hello"));
  });

  test("a Tab while a cell runs leaves the kernel busy, and a comm message is answered over a subshell", async () => {
    await notebook.type(
      at("typed"),
      `comms.register("echo", (comm) => { comm.onMessage = (data) => comm.send({ echoed: data }); })`,
    );
    await notebook.runCell(at("typed"));
    await notebook.type(at("typed"), "await new Promise(() => {})");
    await notebook.startCell(at("typed"));
    await notebook.waitUntil("busy");
    await notebook.type(at("error"), "Math.hypo");
    await notebook.page.keyboard.press("Tab");
    await notebook.page.locator(".jp-Completer .jp-Completer-match").first().waitFor();
    await notebook.page.keyboard.press("Enter");
    await expect.poll(() => notebook.source(at("error"))).toBe("Math.hypot");
    const answer = await notebook.page.evaluate(async () => {
      // biome-ignore lint/suspicious/noExplicitAny: JupyterLab's own objects
      const { kernel } = (globalThis as any).jupyterapp.shell.currentWidget.sessionContext.session;
      if (!kernel.supportsSubshells) throw new Error("JupyterLab was not told that the kernel has subshells");
      const comm = kernel.createComm("echo");
      const answered = new Promise((resolve) => {
        comm.onMsg = (message: { content: { data: unknown } }) => resolve(message.content.data);
      });
      // JupyterLab asks for the subshell of a new comm in the background; what is sent before goes to the main shell.
      await comm.subshellStarted;
      type Seen = { direction: string; msg: { header: { msg_type: string; subshell_id?: string } } };
      const sentTo: unknown[] = [];
      kernel.anyMessage.connect((_: unknown, { direction, msg: { header } }: Seen) => {
        if (direction === "send" && header.msg_type.startsWith("comm_")) sentTo.push(header.subshell_id);
      });
      await comm.open({});
      await comm.send({ a: 1 });
      const data = await answered;
      return { data, sentToItsSubshell: sentTo.map((id) => id === comm.subshellId), status: kernel.status as unknown };
    });
    expect(answer).toEqual({ data: { echoed: { a: 1 } }, sentToItsSubshell: [true, true], status: "busy" });
    await notebook.pressButton("notebook:interrupt-kernel");
    await notebook.waitUntil("idle");
  });

  test("restart forgets what was defined, and cells run again", async () => {
    await notebook.pressButton("notebook:restart-kernel");
    await notebook.page.locator(".jp-Dialog .jp-mod-accept").click();
    await notebook.type(at("typed"), "kept + 1");
    await notebook.runCell(at("typed"));
    // Jupyter's server tells the kernel which notebook it is for, and that holds the declaration.
    expect(await notebook.outputs(at("typed")).innerText()).toMatch(
      /declares it\. Run that cell first:\s+const kept = 40;/,
    );
    await notebook.runCell(at("hello"));
    const number = await notebook.cell(at("hello")).locator(".jp-InputPrompt").innerText();
    expect(number).toBe("[2]:");
  });

  test.each(["JupyterLab Dark", "JupyterLab Light"] as const)(
    "every word of an error can be read in %s",
    async (theme) => {
      await notebook.setTheme(theme);
      for (const name of ["typeError", "error"] as const) {
        const unreadable = async () =>
          (await contrasts(notebook.outputs(at(name)))).filter(({ ratio }) => ratio < READABLE);
        // The theme's style sheet takes a moment.
        await expect.poll(unreadable).toEqual([]);
      }
    },
  );

  test.runIf(screenshots)("looks well in the light and in the dark theme", async () => {
    for (const theme of ["JupyterLab Dark", "JupyterLab Light"] as const) {
      await notebook.setTheme(theme);
      for (const name of ["hello", "progress", "typed"] as const) {
        await notebook.cell(at(name)).scrollIntoViewIfNeeded();
        await notebook.page.screenshot({ path: join(screenshots!, `${theme}-${name}.png`) });
      }
    }
  });
});
