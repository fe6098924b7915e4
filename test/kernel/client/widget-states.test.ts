import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { readNotebook } from "../../../kernel/client/notebook.ts";
import { runNotebooks } from "../../../kernel/client/run.ts";
import { temporaryFolder } from "../support/folder.ts";

const temporary = temporaryFolder();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(temporary, "widgets-"));
});

const VIEW = "application/vnd.jupyter.widget-view+json";
const STATE = "application/vnd.jupyter.widget-state+json";

function write(...sources: string[]): string {
  const path = join(folder, "widgets.ipynb");
  const cells = sources.map((source, i) => ({
    ...{ id: `c${i}`, cell_type: "code", source, metadata: {}, execution_count: null, outputs: [] },
  }));
  const metadata = { kernelspec: { name: "difflab", display_name: "TypeScript (difflab)", language: "typescript" } };
  writeFileSync(path, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata, cells }));
  return path;
}

interface Entry {
  model_name: string;
  model_module: string;
  state: Record<string, unknown>;
  buffers?: { data: string; encoding: string; path: string[] }[];
}
function statesOf(path: string): Record<string, Entry> {
  return readNotebook(path).metadata.widgets?.[STATE]?.state ?? {};
}
const viewed = (path: string) =>
  readNotebook(path).cells.flatMap((cell) =>
    cell.cell_type === "code"
      ? cell.outputs.flatMap((output) =>
          "data" in output ? [output.data[VIEW] as { model_id: string } | undefined] : [],
        )
      : [],
  );

const CELLS = [
  `import * as d from "difflab";
const seed = d.slider(0, 99, { label: "seed", value: 7 });
seed`,
  `const unseen = d.slider(0, 9);
const pad = d.drawingPad({ size: 8, value: d.Image.fromRaw(new Uint8Array(64 * 3).fill(255), { width: 8, height: 8 }) });
d.row(seed, pad)`,
  `seed.value = 42; pad.clear()`,
  `d.interact({ level: 5 }, ({ level }) => \`level \${level}\`)`,
];

describe("a notebook that the runner writes", () => {
  it("holds the states of the widgets that it shows, as they were at the end, and the same bytes each time", async () => {
    const path = write(...CELLS);
    const [result] = await runNotebooks([path], { inPlace: true });
    expect(result!.failures).toEqual([]);
    const states = statesOf(path);
    const views = viewed(path);
    expect(views.map((view) => states[view!.model_id]!.model_name)).toEqual(
      ["FloatSliderModel", "HBoxModel", "VBoxModel"].map((name) =>
        name === "FloatSliderModel" ? expect.stringMatching(/^(Int|Float)SliderModel$/) : name,
      ),
    );
    expect(states[views[0]!.model_id]!.state).toMatchObject({ value: 42, description: "seed" });
    // Each reference leads to a model that is there, and each model is led to.
    const named = [...JSON.stringify(states).matchAll(/IPY_MODEL_([\w-]+)/g)].map(([, id]) => id!);
    expect(named.filter((id) => !(id in states))).toEqual([]);
    const roots = views.map((view) => view!.model_id);
    expect(Object.keys(states).filter((id) => !named.includes(id) && !roots.includes(id))).toEqual([]);
    const pad = Object.values(states).find(({ model_module }) => model_module === "anywidget")!;
    expect(pad.state._esm).toContain("export default");
    // The sheet was cleared: of its bytes nothing is left.
    expect(pad.buffers?.find(({ path }) => path[0] === "pixels")?.data ?? "").toBe("");
    const output = Object.values(states).find(({ model_name }) => model_name === "OutputModel")!;
    expect(JSON.stringify(output.state.outputs)).toContain("level 5");
    const before = readFileSync(path, "utf8");
    await runNotebooks([path], { inPlace: true });
    expect(readFileSync(path, "utf8")).toBe(before);
  }, 240_000);

  it("without widgets holds no states, also where it did before", async () => {
    const path = write("1 + 1");
    const notebook = JSON.parse(readFileSync(path, "utf8"));
    notebook.metadata.widgets = { [STATE]: { state: { old: {} } } };
    writeFileSync(path, JSON.stringify(notebook));
    await runNotebooks([path], { inPlace: true });
    expect(readNotebook(path).metadata.widgets).toBe(undefined);
  });

  it("keeps bytes, and shows a widget that was closed by its still picture alone", async () => {
    const path = write(
      `import { imageView, slider } from "difflab"; imageView(Uint8Array.of(137, 80, 78, 71))`,
      "const gone = slider(0, 9); gone",
      "gone.close()",
    );
    await runNotebooks([path], { inPlace: true });
    const [image, closed] = viewed(path);
    expect(closed).toBe(undefined);
    expect(statesOf(path)[image!.model_id]!.buffers).toEqual([
      { data: Buffer.from([137, 80, 78, 71]).toString("base64"), encoding: "base64", path: ["value"] },
    ]);
    expect(readFileSync(path, "utf8")).toContain("Run this cell in JupyterLab to use it.");
  });
});
