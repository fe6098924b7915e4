import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type CodeCell, readNotebook } from "../../../kernel/client/notebook.ts";
import { type Progress, runNotebooks } from "../../../kernel/client/run.ts";
import { ROOT } from "../../root.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/kernel.ts";
import { output } from "../support/python.ts";

const temporary = temporaryFolder();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(temporary, "headless-"));
});

interface Source {
  source: string;
  tags?: string[];
  markdown?: boolean;
}

function write(name: string, ...cells: (string | Source)[]): string {
  const path = join(folder, name);
  const kernelspec = { name: "difflab", display_name: "TypeScript", language: "typescript" };
  writeFileSync(
    path,
    JSON.stringify({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: { kernelspec, kept: true },
      cells: cells
        .map((cell) => (typeof cell === "string" ? { source: cell } : cell))
        .map(({ source, tags = [], markdown }, i) => ({
          id: `c${i}`,
          metadata: { tags },
          source,
          ...(markdown
            ? { cell_type: "markdown" }
            : {
                cell_type: "code",
                execution_count: 99,
                outputs: [{ output_type: "stream", name: "stdout", text: "old" }],
              }),
        })),
    }),
  );
  return path;
}

function outputsOf(path: string): CodeCell["outputs"][] {
  return readNotebook(path).cells.flatMap((cell) => (cell.cell_type === "code" ? [cell.outputs] : []));
}

describe("running notebooks", () => {
  it("writes fresh outputs in place, and the same bytes when it runs again", async () => {
    const path = write("a.ipynb", { source: "# Title", markdown: true }, "const a = 1;\nconsole.log(a)", "a + 1", "");
    const [result] = await runNotebooks([path], { inPlace: true });
    expect(result).toMatchObject({ ok: true, cells: 2, cellsRun: 2, failures: [], written: [path] });
    expect(outputsOf(path)).toMatchObject([
      [{ output_type: "stream", name: "stdout", text: ["1\n"] }],
      [{ output_type: "execute_result", execution_count: 2, data: { "text/plain": ["2"] } }],
      [{ output_type: "stream", text: ["old"] }], // an empty cell is not run
    ]);
    expect(readNotebook(path).metadata).toMatchObject({ kept: true, language_info: { name: "typescript" } });
    const bytes = readFileSync(path, "utf8");
    await runNotebooks([path], { inPlace: true });
    expect(readFileSync(path, "utf8")).toBe(bytes);
  });

  it("writes elsewhere, with a page, and leaves the notebook alone", async () => {
    const path = write("a.ipynb", { source: "# Title", markdown: true }, "1 + 1");
    const before = readFileSync(path, "utf8");
    const outDir = join(folder, "deep/out");
    const [result] = await runNotebooks([path], { outDir, html: true });
    expect(result!.ok).toBe(true);
    expect(readFileSync(path, "utf8")).toBe(before);
    expect(readdirSync(outDir).sort()).toEqual(["a.html", "a.ipynb"]);
    expect(readFileSync(join(outDir, "a.html"), "utf8")).toContain("<title>Title</title>");
  });

  it("runs a notebook in its own folder, where files and packages are found from", async () => {
    writeFileSync(join(folder, "data.txt"), "beside me");
    const path = write("a.ipynb", 'import { readFileSync } from "node:fs";\nreadFileSync("data.txt", "utf8")');
    await runNotebooks([path], { inPlace: true });
    expect(outputsOf(path)).toMatchObject([[{ data: { "text/plain": ["'beside me'"] } }]]);
  });

  it("stops at the first failing cell, says which, and leaves the notebook as it was", async () => {
    const path = write("a.ipynb", { source: "text", markdown: true }, "1", 'throw new Error("mine")', "2");
    const before = readFileSync(path, "utf8");
    const [result] = await runNotebooks([path], { inPlace: true });
    expect(result).toMatchObject({ ok: false, cells: 3, cellsRun: 2, written: [] });
    expect(result!.failures).toMatchObject([
      { cell: 3, source: 'throw new Error("mine")', ename: "Error", evalue: "mine" },
    ]);
    expect(result!.failures[0]!.traceback.join("\n")).toContain("mine");
    expect(readFileSync(path, "utf8")).toBe(before);
  });

  it("collects errors and goes on where it is asked to", async () => {
    const path = write("a.ipynb", 'throw new Error("first")', 'console.log("on")', 'const n: number = "second"');
    const [result] = await runNotebooks([path], { inPlace: true, collectErrors: true });
    expect(result!.failures.map((failure) => failure.cell)).toEqual([1, 3]);
    expect(outputsOf(path)).toMatchObject([
      [{ output_type: "error", evalue: "first" }],
      [{ output_type: "stream", text: ["on\n"] }],
      [{ output_type: "error" }],
    ]);
  });

  it("expects an error of a cell tagged raises-exception, and leaves one tagged skip-execution alone", async () => {
    const path = write(
      "a.ipynb",
      { source: 'throw new Error("expected")', tags: ["raises-exception"] },
      { source: 'console.log("new")', tags: ["skip-execution"] },
      "3",
    );
    const [result] = await runNotebooks([path], { inPlace: true });
    expect(result).toMatchObject({ ok: true, cells: 2, cellsRun: 2, failures: [] });
    expect(outputsOf(path)).toMatchObject([
      [{ output_type: "error", evalue: "expected" }],
      [{ text: ["old"] }],
      [{ data: { "text/plain": ["3"] } }],
    ]);
  });

  it("interrupts a cell that takes too long, and can go on with the next", async () => {
    const path = write("a.ipynb", "const kept = 8", "while (true) {}", "kept");
    const [result] = await runNotebooks([path], { inPlace: true, cellTimeout: 5_000, collectErrors: true });
    expect(result!.failures).toMatchObject([{ cell: 2, ename: "CellTimeoutError" }]);
    expect(outputsOf(path)[2]).toMatchObject([{ data: { "text/plain": ["8"] } }]);
  });

  it("joins streams, updates displays that an earlier cell showed, and clears with the next output", async () => {
    const path = write(
      "a.ipynb",
      'const handle = display("first"); console.log(1); console.log(2)',
      'handle.update("second")',
      'console.log("gone"); clearOutput({ wait: true }); console.log("stays")',
    );
    const [result] = await runNotebooks([path], { inPlace: true });
    expect(result!.failures).toEqual([]);
    expect(outputsOf(path)).toMatchObject([
      [{ data: { "text/plain": ["'second'"] } }, { text: ["1\n", "2\n"] }],
      [],
      [{ text: ["stays\n"] }],
    ]);
  });

  it("goes on with the next notebook where one is none or is in another language", async () => {
    const text = join(folder, "text.ipynb");
    writeFileSync(text, "hello");
    const python = join(folder, "python.ipynb");
    const kernelspec = { name: "python3", language: "python" };
    writeFileSync(python, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells: [] }));
    const good = write("good.ipynb", "1");
    const results = await runNotebooks([text, join(folder, "none.ipynb"), python, good], { inPlace: true });
    expect(results.map((result) => result.ok)).toEqual([false, false, false, true]);
    expect(results[0]!.error?.message).toMatch(/not a notebook/);
    expect(results[1]!.error?.message).toMatch(/no such file/);
    expect(results[2]!.error?.message).toMatch(/the notebook is in python; expected TypeScript/);
    expect(readFileSync(text, "utf8")).toBe("hello");
  });

  it("tells its progress cell by cell, and the result at the end", async () => {
    const path = write("a.ipynb", "1", "2");
    const progress: Progress[] = [];
    await runNotebooks([path], { onProgress: (p) => progress.push(p) });
    expect(progress.map((p) => `${p.done}/${p.cells}`)).toEqual(["0/2", "1/2", "2/2", "2/2"]);
    expect(progress.at(-1)!.result?.ok).toBe(true);
    expect(progress.slice(0, -1).every((p) => p.result === undefined)).toBe(true);
  });

  it("says why where there is no such kernel", async () => {
    const path = write("a.ipynb", "1");
    const argv = [process.execPath, "-e", "console.error('no kernel here'); process.exit(4)", "{connection_file}"];
    const [result] = await runNotebooks([path], { kernel: { argv } });
    expect(result!.error?.message).toMatch(/exit code 4[\s\S]*no kernel here/);
    const [missing] = await runNotebooks([path], { kernel: { argv: ["/no/such/program", "{connection_file}"] } });
    expect(missing!.error?.message).toMatch(/could not start[\s\S]*\/no\/such\/program/);
  });
});

describe("npm run lesson", () => {
  const lesson = (...args: string[]) =>
    output(process.execPath, [join(ROOT, "dist/kernel/client/lesson.js"), ...args], { cwd: folder, timeout: 60_000 });

  it("runs a folder's notebooks in order, one line for each, into out/, and exits with 0", async () => {
    mkdirSync(join(folder, "notebooks"));
    write("notebooks/01-b.ipynb", "1");
    write("notebooks/00-a.ipynb", "1", "2");
    const { code, stdout, stderr } = await lesson("--html");
    expect(stderr).toBe("");
    expect(stdout).toMatch(
      /00-a\.ipynb {2}2\/2 cells {2}[\d.]+ s {2}ok\n[\s\S]*01-b\.ipynb {2}1\/1 cells {2}[\d.]+ s {2}ok\n[\s\S]*2 of 2 notebooks/,
    );
    expect(readdirSync(join(folder, "out")).sort()).toEqual(["00-a.html", "00-a.ipynb", "01-b.html", "01-b.ipynb"]);
    expect(code).toBe(0);
  });

  it("shows the failing cell and its traceback, and exits with 1", async () => {
    const path = write("bad.ipynb", "1", 'const a = 1;\nthrow new Error("in the cell")', "3");
    const { code, stdout, stderr } = await lesson(path);
    expect(stdout).toMatch(/bad\.ipynb {2}2\/3 cells {2}[\d.]+ s {2}FAILED at cell 2/);
    expect(stderr).toMatch(/cell 2:[\s\S]*throw new Error[\s\S]*Error: in the cell/);
    expect(code).toBe(1);
  });

  it("goes on with --keep-going, and stops a cell after --timeout", async () => {
    const path = write("bad.ipynb", 'throw new Error("one")', "await new Promise(() => {})", "3");
    const { code, stdout, stderr } = await lesson("--keep-going", "--timeout", "5", path);
    expect(stdout).toMatch(/3\/3 cells.*FAILED at cell 1, 2/);
    expect(stderr).toMatch(/longer than 5 s/);
    expect(code).toBe(1);
  });

  it("takes its kernel along when it is stopped with Ctrl-C", async () => {
    const pidFile = join(folder, "pid");
    const path = write(
      "long.ipynb",
      `await import("node:fs").then((fs) => fs.writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)));\nawait new Promise(() => {})`,
    );
    const child = spawn(process.execPath, [join(ROOT, "dist/kernel/client/lesson.js"), path], { cwd: folder });
    await until("the cell runs", () => existsSync(pidFile) && readFileSync(pidFile, "utf8") !== "");
    child.kill("SIGINT");
    await until("the program ends", () => child.exitCode !== null);
    expect(child.exitCode).toBe(130);
    const pid = Number(readFileSync(pidFile, "utf8"));
    await until("the cells' process ends", () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });
  });

  it("with --no-run makes pages of the outputs that are there, with --student without solutions", async () => {
    const solution = "function two(): number {\n  // BEGIN SOLUTION\n  return 2;\n  // END SOLUTION\n}";
    const path = write("a.ipynb", "1 + 1", solution, "console.log(two())");
    const notebook = JSON.parse(readFileSync(path, "utf8"));
    const stream = (text: string) => [{ output_type: "stream", name: "stdout", text }];
    notebook.cells[0].outputs = stream("stored output");
    notebook.cells[2].outputs = stream("the answer");
    notebook.cells[2].metadata.nbgrader = { grade: true };
    writeFileSync(path, JSON.stringify(notebook));
    const whole = await lesson("--no-run", path);
    expect(whole).toMatchObject({ code: 0, stderr: "" });
    const page = () => readFileSync(join(folder, "out/a.html"), "utf8").replace(/<[^>]+>/g, "");
    expect(page()).toContain("stored output");
    expect(page()).toContain("return 2;");
    expect(readdirSync(join(folder, "out"))).toEqual(["a.html"]);
    expect((await lesson("--no-run", "--student", path)).code).toBe(0);
    expect(page()).toContain("stored output");
    expect(page()).toContain("TODO()");
    expect(page()).not.toMatch(/return 2;|the answer|BEGIN SOLUTION/);
  });

  it("with --student runs the solutions and writes neither them nor what their checks printed", async () => {
    const solution = "function two(): number {\n  // BEGIN SOLUTION\n  return 2;\n  // END SOLUTION\n}";
    const path = write("a.ipynb", solution, 'console.log("twice:", 2 * two())');
    expect((await lesson("--student", "--html", path)).code).toBe(0);
    const written = readFileSync(join(folder, "out/a.ipynb"), "utf8");
    expect(written).toContain("twice: 4");
    expect(written).toContain("TODO()");
    expect(written).not.toContain("return 2;");
  });

  it.each([
    [["--student", "--in-place"], /would delete the solutions/],
    [["--no-run", "--in-place"], /--in-place does not apply/],
    [["--nonsense"], /--nonsense[\s\S]*npm run lesson/],
    [["--timeout", "soon"], /--timeout is soon; expected a number/],
    [["."], /no notebooks found in \./],
  ])("refuses %j with exit code 2 and the reason", async (args, message) => {
    if (args.includes("--in-place")) args.push(write("a.ipynb", "1"));
    const { code, stderr } = await lesson(...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
