import type { Browser } from "playwright-core";
import { launchChromium } from "./browser.ts";
import { LabUnderTest, NotebookPage } from "./lab.ts";
import { chromium, jupyter } from "./needs.ts";

interface Shared {
  lab: LabUnderTest;
  browser: Browser;
}
let shared: Promise<Shared> | undefined;

async function start(): Promise<Shared> {
  const lab = await LabUnderTest.start(jupyter!);
  return { lab, browser: await launchChromium(chromium!) };
}

/**
 * Opens a notebook with these cells and a kernel of its own, in a page that knows nothing of the others. The first starts the
 * JupyterLab and the browser of them all.
 *
 * @param name - its file's, without the ending
 * @param height - of the page, in pixels
 */
export async function openNotebook(name: string, sources: string[], height: number): Promise<NotebookPage> {
  shared ??= start();
  const { lab, browser } = await shared;
  const page = await browser.newPage({ viewport: { width: 1200, height } });
  page.setDefaultTimeout(15_000);
  return NotebookPage.open(page, lab.write(name, sources));
}

/** Ends what was started, if anything was. */
export async function stopSharedLab(): Promise<void> {
  const { lab, browser } = (await shared) ?? {};
  await browser?.close();
  await lab?.stop();
}
