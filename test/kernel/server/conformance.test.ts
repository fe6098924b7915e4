import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../root.ts";
import { temporaryFolder } from "../support/folder.ts";
import { jupyterPath } from "../support/kernel.ts";
import { output, type TestPython, testPython } from "../support/python.ts";

/** The tests of jupyter_kernel_test 0.7.0, all of them. */
const SUITE = [
  "test_kernel_info",
  "test_execute_stdout",
  "test_execute_stderr",
  "test_completion",
  "test_is_complete",
  "test_pager",
  "test_error",
  "test_execute_result",
  "test_display_data",
  "test_history",
  "test_inspect",
  "test_clear_output",
  "test_recv_iopub_welcome_msg",
];

const folder = temporaryFolder();
let python: TestPython;
let env: Record<string, string>;
beforeAll(async () => {
  python = await testPython();
  env = { JUPYTER_PATH: jupyterPath(folder), JUPYTER_PLATFORM_DIRS: "1" };
}, 600_000);

describe("Jupyter's own test suite for kernels, all optional samples given,", () => {
  const outcomes = new Map<string, { status: string; detail: string }>();
  beforeAll(async () => {
    if (!python.ok) return;
    const { stdout, stderr } = await output(python.python, [join(ROOT, "test/kernel/server/conformance.py")], {
      env,
      cwd: ROOT,
      timeout: 280_000,
    });
    for (const line of stdout.split("\n").filter((line) => line.startsWith('{"test"'))) {
      const { test, ...outcome } = JSON.parse(line);
      outcomes.set(test, outcome);
    }
    if (outcomes.size === 0) throw new Error(`conformance.py reported nothing:\n${stdout}\n${stderr}`);
  }, 300_000);

  it.for(SUITE)("passes %s", (name, { skip }) => {
    if (!python.ok) return skip(python.reason);
    const outcome = outcomes.get(name);
    expect(outcome?.detail).toBe("");
    expect(outcome?.status).toBe("passed");
  });

  it("has no test that is not in this list", ({ skip }) => {
    if (!python.ok) return skip(python.reason);
    expect([...outcomes.keys()].filter((name) => name.startsWith("test_")).sort()).toEqual([...SUITE].sort());
  });
});

describe("a notebook that Jupyter's own programs run", () => {
  const notebook = (name: string, ...sources: string[]): string => {
    const path = join(folder, name);
    const cells = sources.map((source, i) => ({
      cell_type: "code",
      id: `c${i}`,
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    }));
    const kernelspec = { name: "difflab", display_name: "TypeScript", language: "typescript" };
    writeFileSync(path, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells }));
    return path;
  };

  it("gets its outputs from nbclient", async ({ skip }) => {
    if (!python.ok) return skip(python.reason);
    const path = notebook("good.ipynb", "const x: number = 20;\nconsole.log(x)", "x + 1", "display(x)");
    const { code, stderr } = await output(join(python.bin, "jupyter-execute"), ["--inplace", path], {
      env,
      cwd: folder,
    });
    expect(stderr).not.toMatch(/Traceback/);
    expect(code).toBe(0);
    const { cells } = JSON.parse(readFileSync(path, "utf8"));
    expect(cells[0].outputs).toMatchObject([{ output_type: "stream", name: "stdout", text: ["20\n"] }]);
    expect(cells[1].outputs).toMatchObject([{ output_type: "execute_result", data: { "text/plain": ["21"] } }]);
    expect(cells[2].outputs).toMatchObject([{ output_type: "display_data" }]);
  });

  it.for<[string, string, RegExp]>([
    ["throws", 'throw new RangeError("too far")', /RangeError: too far/],
    ["has a type error", 'const n: number = "text"', /not assignable to type 'number'/],
    ["has a syntax error", "const = 1", /SyntaxError/],
  ])("is reported as failed by nbclient where a cell %s", async ([, code, message], { skip }) => {
    if (!python.ok) return skip(python.reason);
    const path = notebook("bad.ipynb", "1", code, 'console.log("never")');
    const done = await output(join(python.bin, "jupyter-execute"), [path], { env, cwd: folder });
    expect(done.code).not.toBe(0);
    expect(done.stderr).toMatch(/CellExecutionError/);
    expect(done.stderr).toMatch(message);
  });

  it("makes jupyter nbconvert --execute exit non-zero where a cell fails, and zero where none does", async ({
    skip,
  }) => {
    if (!python.ok) return skip(python.reason);
    const args = ["--execute", "--to", "html", "--output-dir", folder];
    const convert = join(python.bin, "jupyter-nbconvert");
    const good = await output(convert, [...args, notebook("good.ipynb", "1 + 1")], { env, cwd: folder });
    expect(good.code).toBe(0);
    expect(readFileSync(join(folder, "good.html"), "utf8")).toContain("2</pre>");
    const bad = await output(convert, [...args, notebook("bad.ipynb", 'throw new Error("no")')], { env, cwd: folder });
    expect(bad.code).not.toBe(0);
    expect(bad.stderr).toContain("Error: no");
  });
});
