import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { installKernelspec } from "../../kernel/spec/install.ts";
import { DISPLAY_NAME, KERNEL_NAME } from "../../kernel/spec/kernelspec.ts";
import { packageRoot } from "../../kernel/spec/package-root.ts";
import type { JupyterLab } from "../../kernel/start/jupyter.ts";
import { LabServer } from "../../kernel/start/lab.ts";

const SLOW = { timeout: 30_000 };

/** Settings of a fresh user: no questions, every cell in the page, one theme. */
const SETTINGS = {
  "apputils-extension/notification": { fetchNews: "false", checkForUpdates: false },
  "apputils-extension/themes": { theme: "JupyterLab Light" },
  "notebook-extension/tracker": { windowingMode: "none" },
};

/** A JupyterLab with our kernel and nothing of the user's, in a folder of its own inside the repository. */
export class LabUnderTest {
  readonly server: LabServer;
  readonly #scratch: string;

  private constructor(server: LabServer, scratch: string) {
    this.server = server;
    this.#scratch = scratch;
  }

  static async start(jupyter: JupyterLab): Promise<LabUnderTest> {
    const cache = join(packageRoot(), ".cache");
    mkdirSync(cache, { recursive: true });
    // Inside the repository, so that cells find its packages.
    const scratch = mkdtempSync(join(cache, "e2e-"));
    const at = (...path: string[]) => join(scratch, ...path);
    mkdirSync(at("notebooks"));
    // The page's own application, for what a person cannot do with keys: open a comm.
    write(at("config", "jupyter_lab_config.json"), { LabApp: { expose_app_in_browser: true } });
    process.env.JUPYTER_CONFIG_DIR = at("config");
    process.env.JUPYTER_RUNTIME_DIR = at("runtime");
    const dataDir = at("data");
    installKernelspec({ dataDir });
    const place = { folder: at("notebooks"), file: "NAME.ipynb" };
    const logFile = at("lab.log");
    return new LabUnderTest(await LabServer.start({ jupyter, notebook: place, port: 8900, dataDir, logFile }), scratch);
  }

  /**
   * Writes a notebook with these cells. Its page has a fresh user's settings, and no tab of another notebook.
   *
   * @param name - its file's, without the ending
   * @returns the address that opens it
   */
  write(name: string, sources: string[]): string {
    write(join(this.#scratch, "notebooks", `${name}.ipynb`), notebook(sources));
    const settings = join(this.#scratch, "config", "lab", "user-settings", "@jupyterlab");
    for (const [plugin, values] of Object.entries(SETTINGS)) {
      write(join(settings, `${plugin}.jupyterlab-settings`), values);
    }
    return this.server.address.replace("workspaces/difflab", `workspaces/${name}`).replace("NAME", name);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    rmSync(this.#scratch, { recursive: true, force: true });
  }
}

/** The notebook that is open in a page, and what a person does with it. */
export class NotebookPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  static async open(page: Page, address: string): Promise<NotebookPage> {
    await page.goto(address);
    await page.locator(".jp-Notebook .jp-CodeCell").first().waitFor(SLOW);
    // The toolbar's dot says "idle" before there is a kernel; JupyterLab would forget a cell that is run then.
    await page.locator("#jp-bottom-panel").getByText(`${DISPLAY_NAME} | Idle`).waitFor(SLOW);
    return new NotebookPage(page);
  }

  cell(index: number): Locator {
    return this.page.locator(".jp-Notebook .jp-CodeCell").nth(index);
  }

  outputs(index: number): Locator {
    return this.cell(index).locator(".jp-OutputArea-output");
  }

  /** Waits until the kernel's dot in the toolbar says that it computes, or that it does not. */
  async waitUntil(status: "idle" | "busy"): Promise<void> {
    await this.page.locator(`.jp-Notebook-ExecutionIndicator[data-status="${status}"]`).waitFor(SLOW);
  }

  /** Clicks into a cell and presses Shift+Enter. */
  async startCell(index: number): Promise<void> {
    await this.edit(index);
    await this.page.keyboard.press("Shift+Enter");
  }

  /** The same, and waits until the cell has its new number. */
  async runCell(index: number): Promise<void> {
    const prompt = this.cell(index).locator(".jp-InputPrompt");
    const old = await prompt.innerText();
    await this.startCell(index);
    const isDone = async () => /^\[\d+\]:/.test(await prompt.innerText()) && (await prompt.innerText()) !== old;
    for (const end = Date.now() + SLOW.timeout; !(await isDone()); ) {
      if (Date.now() > end) throw new Error(`cell ${index} has no new number after ${SLOW.timeout / 1000} s`);
      await this.page.waitForTimeout(50);
    }
  }

  /** Puts the cursor at the end of a cell. */
  async edit(index: number): Promise<void> {
    await this.cell(index).locator(".cm-content").click();
    await this.page.keyboard.press("Control+End");
  }

  /** Replaces what a cell says by typing. */
  async type(index: number, source: string): Promise<void> {
    await this.edit(index);
    await this.page.keyboard.press("Control+A");
    await this.page.keyboard.type(source);
  }

  async source(index: number): Promise<string> {
    return (await this.cell(index).locator(".cm-line").allInnerTexts()).join("\n");
  }

  /** Presses a button of the notebook's toolbar. */
  async pressButton(command: string): Promise<void> {
    await this.page.locator(`.jp-NotebookPanel-toolbar [data-command="${command}"]`).first().click();
  }

  async setTheme(theme: "JupyterLab Light" | "JupyterLab Dark"): Promise<void> {
    const item = (label: string) => this.page.locator(".lm-Menu-itemLabel").getByText(label, { exact: true });
    await this.page.locator(".lm-MenuBar-item").getByText("Settings", { exact: true }).click();
    await item("Theme").hover();
    await item(theme).click();
    await this.page.locator(`body[data-jp-theme-name="${theme}"]`).waitFor({ state: "attached" });
    await this.page.locator("#jupyterlab-splash").waitFor({ state: "detached" });
  }
}

function notebook(sources: string[]): object {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: KERNEL_NAME, display_name: DISPLAY_NAME, language: "typescript" } },
    cells: sources.map((source, index) => ({
      cell_type: "code",
      id: `cell-${index}`,
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    })),
  };
}

function write(file: string, content: object): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(content));
}
