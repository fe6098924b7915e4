import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runNotebooks } from "../../../kernel/client/run.ts";
import { findJupyter, jupyterProgram } from "../../../kernel/start/jupyter.ts";
import { ROOT } from "../../root.ts";
import { temporaryFolder } from "../support/folder.ts";
import { output } from "../support/python.ts";

const jupyter = await findJupyter(ROOT);
const nbconvert = jupyter && jupyterProgram(jupyter, "jupyter-nbconvert");
const missing = nbconvert === undefined || !existsSync(nbconvert);
if (missing) console.log("The tests of nbconvert's pages are skipped; they need nbconvert (npm start installs it).");

const CELLS = [
  `import * as d from "difflab";
d.slider(0, 99, { label: "seed", value: 7 })`,
  `d.drawingPad({ size: 8 })`,
  `d.interact({ n: 5 }, ({ n }) => d.linePlot([0, n]))`,
  `await d.embeddingMap([[0, 1], [1, 0]])`,
  `d.widget({ state: { count: 3 }, esm: "export default { render({ el }) { el.append('counter'); } };" })`,
];
const HINT = "Run this cell in JupyterLab to use it.";
const VIEW = "application/vnd.jupyter.widget-view+json";
const STATE = "application/vnd.jupyter.widget-state+json";

describe.skipIf(missing)("a notebook with widgets that nbconvert makes a page of", () => {
  const folder = temporaryFolder();
  let path: string;
  const convert = async (to: "html" | "markdown", ending: string) => {
    const at = mkdtempSync(join(folder, `${to}-`));
    const args = ["--to", to, "--output-dir", at, path];
    expect((await output(nbconvert!, args, { env: { JUPYTER_CONFIG_DIR: at } })).code).toBe(0);
    return readFileSync(join(at, `widgets.${ending}`), "utf8");
  };

  beforeAll(async () => {
    path = join(folder, "widgets.ipynb");
    const cells = CELLS.map((source, i) => ({
      ...{ id: `c${i}`, cell_type: "code", source, metadata: {}, execution_count: null, outputs: [] },
    }));
    const metadata = { kernelspec: { name: "difflab", display_name: "TypeScript (difflab)", language: "typescript" } };
    writeFileSync(path, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata, cells }));
    const [result] = await runNotebooks([path], { inPlace: true });
    expect(result!.failures).toEqual([]);
  }, 600_000);

  it("has the controls, each with the model that it shows", async () => {
    const page = await convert("html", "html");
    const scripts = (type: string) =>
      [...page.matchAll(/<script type="([^"]+)">\s*(\{[\s\S]*?\})\s*<\/script>/g)]
        .filter(([, found]) => found === type)
        .map(([, , text]) => JSON.parse(text!));
    const views = scripts(VIEW) as { model_id: string }[];
    const [{ state }] = scripts(STATE) as [{ state: Record<string, { model_module_version: string }> }];
    expect(views).toHaveLength(CELLS.length);
    expect(views.filter(({ model_id }) => !(model_id in state))).toEqual([]);
    // A page asks a CDN for anywidget by this: as part of an address it has no blank.
    for (const { model_module_version: version } of Object.values(state)) expect(version).toMatch(/^\S+$/);
  }, 600_000);

  it("without the states shows what each looked like, and where it can be used", async () => {
    const notebook = JSON.parse(readFileSync(path, "utf8"));
    delete notebook.metadata.widgets;
    writeFileSync(path, JSON.stringify(notebook));
    const html = await convert("html", "html");
    expect(html.split(HINT)).toHaveLength(CELLS.length + 1);
    expect(html).not.toContain(`<script type="${VIEW}">`);
    for (const part of ["seed: <b>7</b>", 'alt="a drawing"', "n: <b>5</b>", "count: 3"]) expect(html).toContain(part);
    const markdown = await convert("markdown", "md");
    expect(markdown.split(HINT)).toHaveLength(CELLS.length + 1);
    expect(markdown).not.toContain("model_id");
  }, 600_000);
});
