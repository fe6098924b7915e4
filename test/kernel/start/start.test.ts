import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { readNotebook, writeNotebook } from "../../../kernel/client/index.ts";
import { installKernelspec, kernelspecFolder } from "../../../kernel/spec/install.ts";
import { packageRoot } from "../../../kernel/spec/package-root.ts";
import { findPython } from "../../../kernel/spec/python.ts";
import { parseStartArgs } from "../../../kernel/start/args.mjs";
import { provideJupyter } from "../../../kernel/start/jupyter.ts";
import { placeKernel } from "../../../kernel/start/kernel-place.ts";
import { findFreePort } from "../../../kernel/start/lab.ts";
import { buildIsCurrent, packagesAreCurrent } from "../../../kernel/start/start.mjs";
import { createSteps, StepError } from "../../../kernel/start/steps.mjs";
import { copyLesson } from "../../../kernel/start/working-copy.ts";

const root = packageRoot();
let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "difflab-start-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true, force: true });
});

describe("the arguments of npm start", () => {
  const parse = (...args: string[]) => parseStartArgs(args, root, scratch);

  test("none open the first notebook of the student's copy of the lesson, in a browser, on Jupyter's port", () => {
    const copy = join(root, "lesson");
    const notebook = { folder: copy, file: "00-hello.ipynb" };
    expect(parse()).toEqual({ check: false, help: false, browser: true, port: 8888, notebook, home: root, copy });
  });

  test("a number means a notebook of the lesson", () => {
    expect(parse("0").notebook.file).toBe("00-hello.ipynb");
  });

  test("a path means what it meant where it was typed, and opens in its own folder", () => {
    writeFileSync(join(scratch, "mine.ipynb"), "{}");
    expect(parse("mine.ipynb").notebook).toEqual({ folder: scratch, file: "mine.ipynb" });
  });

  test("a file name of the lesson's is found from any folder", () => {
    expect(parse("00-hello.ipynb").notebook.folder).toBe(join(root, "lesson"));
  });

  test("the path of a notebook as the repository keeps it opens that one", () => {
    const path = join(root, "notebooks", "00-hello.ipynb");
    expect(parse(path).notebook).toEqual({ folder: join(root, "notebooks"), file: "00-hello.ipynb" });
  });

  test.each([
    [["--help"], 0],
    [["-h"], 0],
    [["--chek"], 1],
    [["99"], 1],
  ])("%j is answered before anything is installed", (args, code) => {
    // A clone in which nothing is installed or built yet.
    for (const folder of ["kernel/start", "notebooks"]) {
      cpSync(join(root, folder), join(scratch, folder), { recursive: true });
    }
    writeFileSync(join(scratch, "package.json"), '{ "type": "module" }');
    const { status, stdout, stderr } = spawnSync(process.execPath, ["kernel/start/start.mjs", ...args], {
      cwd: scratch,
      encoding: "utf8",
    });
    expect(stdout + stderr).toContain("npm start [-- [--check]");
    expect(status).toBe(code);
    expect(stdout).not.toMatch(/packages/);
    expect(existsSync(join(scratch, "node_modules"))).toBe(false);
  });

  test.each([
    [["--port", "http"], /--port http.*1 to 65535/],
    [["--port", "70000"], /70000/],
    [["missing.ipynb"], /missing.ipynb: no such file.*00-hello/],
    [["99"], /no notebook 99.*00-hello/],
    [["--chek"], /--chek/],
    [["a.ipynb", "b.ipynb"], /2 notebooks.*expected at most one/],
  ])("%j is refused with what was expected", (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });
});

describe("the student's copy of the lesson", () => {
  const from = join(root, "notebooks");
  const open = (name = "02-gradients.ipynb") => readNotebook(join(scratch, name));
  const code = (name?: string) =>
    open(name)
      .cells.filter(({ cell_type }) => cell_type === "code")
      .map(({ source }) => [source].flat().join(""));

  test("holds stubs in place of the solutions, no outputs, and the solutions folded away below the checks", () => {
    const { written, behind } = copyLesson(from, scratch);
    for (const name of ["02-gradients.ipynb", "index.ipynb", "explore.ipynb"]) expect(written).toContain(name);
    expect(behind).toEqual([]);
    expect(code().join("\n")).not.toContain("BEGIN SOLUTION");
    expect(code().filter((source) => source.includes("TODO()")).length).toBeGreaterThanOrEqual(3);
    const { cells } = open();
    expect(cells.every((cell) => cell.cell_type !== "code" || cell.outputs.length === 0)).toBe(true);
    const check = cells.findIndex(({ id }) => id === "check-central");
    expect(cells[check]!.metadata.nbgrader).toMatchObject({ grade: true, points: 2 });
    expect([cells[check + 1]!.source].flat().join("")).toMatch(/^<details>[\s\S]+div\(2 \* h\)[\s\S]+<\/details>$/);
    expect(existsSync(join(scratch, "tsconfig.json"))).toBe(true);
  });

  test("is left as it is where a student has worked in it, also when the lesson has changed since", () => {
    const lesson = join(scratch, "lesson");
    const mine = join(scratch, "mine");
    cpSync(from, lesson, { recursive: true });
    copyLesson(lesson, mine);
    const change = (folder: string, text: string) => {
      const notebook = readNotebook(join(folder, "02-gradients.ipynb"));
      notebook.cells[0]!.source = text;
      writeNotebook(join(folder, "02-gradients.ipynb"), notebook);
    };
    change(mine, "my notes");
    expect(copyLesson(lesson, mine)).toEqual({ written: [], behind: [] });
    change(lesson, "a better beginning");
    expect(copyLesson(lesson, mine)).toEqual({ written: [], behind: ["02-gradients.ipynb"] });
    expect(readNotebook(join(mine, "02-gradients.ipynb")).cells[0]!.source).toEqual(["my notes"]);
  });

  test("follows the lesson where the student has only run it", () => {
    const lesson = join(scratch, "lesson");
    const mine = join(scratch, "mine");
    cpSync(from, lesson, { recursive: true });
    copyLesson(lesson, mine);
    const run = readNotebook(join(mine, "03-noise.ipynb"));
    for (const cell of run.cells) if (cell.cell_type === "code") cell.execution_count = 1;
    writeNotebook(join(mine, "03-noise.ipynb"), run);
    expect(copyLesson(lesson, mine)).toEqual({ written: [], behind: [] });
    const changed = readNotebook(join(lesson, "03-noise.ipynb"));
    changed.cells[0]!.source = "# Noise, again";
    writeNotebook(join(lesson, "03-noise.ipynb"), changed);
    expect(copyLesson(lesson, mine)).toEqual({ written: ["03-noise.ipynb"], behind: [] });
    expect(readNotebook(join(mine, "03-noise.ipynb")).cells[0]!.source).toEqual(["# Noise, again"]);
  });

  test("is ignored by git", () => {
    const { status } = spawnSync("git", ["check-ignore", "-q", "lesson/02-gradients.ipynb"], { cwd: root });
    expect(status).toBe(0);
  });
});

describe("packagesAreCurrent", () => {
  const lock = (packages: object) => JSON.stringify({ packages });
  const write = (installed: object | undefined, wanted: object) => {
    mkdirSync(join(scratch, "node_modules"), { recursive: true });
    if (installed) writeFileSync(join(scratch, "node_modules", ".package-lock.json"), lock(installed));
    writeFileSync(join(scratch, "package-lock.json"), lock({ "": {}, ...wanted }));
  };
  const sharp = { "node_modules/sharp": { version: "1.0.0", integrity: "sha512-a" } };

  test("is true of what npm ci has just installed here", () => {
    expect(packagesAreCurrent(root)).toBe(true);
  });

  test("is false where nothing, or only half, is installed", () => {
    write(undefined, sharp);
    expect(packagesAreCurrent(scratch)).toBe(false);
  });

  test("is false where a package is missing, of another version, or of other bytes", () => {
    write({}, sharp);
    expect(packagesAreCurrent(scratch)).toBe(false);
    for (const change of [{ version: "1.0.1" }, { integrity: "sha512-b" }]) {
      write({ "node_modules/sharp": { ...sharp["node_modules/sharp"], ...change } }, sharp);
      expect(packagesAreCurrent(scratch)).toBe(false);
    }
  });

  test("does not miss another system's binaries, nor the tools for developing", () => {
    const others = {
      "node_modules/a-win32": { version: "1", optional: true },
      "node_modules/vitest": { version: "1", dev: true },
    };
    write(sharp, { ...sharp, ...others });
    expect(packagesAreCurrent(scratch)).toBe(true);
  });
});

describe("buildIsCurrent", () => {
  const at = (file: string, second: number) => {
    mkdirSync(dirname(join(scratch, file)), { recursive: true });
    writeFileSync(join(scratch, file), "");
    utimesSync(join(scratch, file), second, second);
  };
  const age = (folder: string, second: number) => utimesSync(join(scratch, folder), second, second);
  beforeEach(() => {
    for (const file of ["tsconfig.json", "tsconfig.build.json", "package-lock.json", "lib/a/b.ts", "kernel/c.ts"])
      at(file, 10);
    at("dist/.tsbuildinfo", 20);
    for (const folder of ["lib", "lib/a", "kernel"]) age(folder, 10);
  });

  test("is true where no source is newer than the build", () => {
    expect(buildIsCurrent(scratch)).toBe(true);
  });

  test("is false where a source deep inside was changed since", () => {
    at("lib/a/b.ts", 30);
    age("lib/a", 10);
    expect(buildIsCurrent(scratch)).toBe(false);
  });

  test("is false where a source was removed since", () => {
    rmSync(join(scratch, "lib/a/b.ts"));
    expect(buildIsCurrent(scratch)).toBe(false);
  });

  test("is false where nothing is built", () => {
    rmSync(join(scratch, "dist"), { recursive: true });
    expect(buildIsCurrent(scratch)).toBe(false);
  });
});

describe("provideJupyter", () => {
  const quiet = () => {};
  beforeEach(() => {
    mkdirSync(join(scratch, "kernel", "start"), { recursive: true });
    cpSync(join(root, "kernel/start/requirements.txt"), join(scratch, "kernel/start/requirements.txt"));
    vi.stubEnv("PATH", join(scratch, "bin"));
  });
  const program = (name: string, script: string) => {
    mkdirSync(join(scratch, "bin"), { recursive: true });
    writeFileSync(join(scratch, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  const posix = test.skipIf(process.platform === "win32");

  test("finds nothing where there is neither Jupyter nor Python", async () => {
    expect(await provideJupyter(scratch, quiet)).toBeUndefined();
  });

  posix("takes a JupyterLab on the PATH from version 4 on", async () => {
    program("jupyter-lab", "echo 4.2.1");
    expect(await provideJupyter(scratch, quiet)).toEqual({ bin: join(scratch, "bin"), version: "4.2.1" });
  });

  posix("passes over an older JupyterLab, and one that does not run", async () => {
    program("jupyter-lab", "echo 3.6.8");
    expect(await provideJupyter(scratch, quiet)).toBeUndefined();
    program("jupyter-lab", "echo 4.0.0; exit 1");
    expect(await provideJupyter(scratch, quiet)).toBeUndefined();
  });

  posix("passes over a Python that is too old or only a placeholder", async () => {
    program("python3", `echo '[3, 6, "/usr"]'`);
    program("python", "echo 'Python was not found; run without arguments to install from the Store'; exit 9");
    expect(await provideJupyter(scratch, quiet)).toBeUndefined();
  });

  posix("names Debian's package where Python comes without venv, and leaves no half of one", async () => {
    const answer = `echo '[3, 11, "/usr"]'`;
    program("python3", `[ "$1" = -c ] && ${answer} && exit; echo 'ensurepip is not available'; exit 1`);
    const failure = await provideJupyter(scratch, quiet).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StepError);
    expect(failure).toMatchObject({ next: expect.stringContaining("sudo apt install python3.11-venv") });
  });

  posix("says that the network is to blame where pip reaches no index, and goes on from there next time", async () => {
    const pip = 'echo "Retrying: NewConnectionError: Failed to establish a new connection"; exit 1';
    const makeVenv = `mkdir -p ${scratch}/.venv/bin && printf '#!/bin/sh\\n${pip.replaceAll('"', '\\"')}\\n' > ${scratch}/.venv/bin/python && chmod +x ${scratch}/.venv/bin/python`;
    program("python3", `PATH=/usr/bin:/bin; [ "$1" = -c ] && echo '[3, 11, "/usr"]' && exit; ${makeVenv}`);
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(provideJupyter(scratch, quiet)).rejects.toMatchObject({
        next: expect.stringMatching(/Check your network/),
      });
    }
  });
});

describe("placeKernel", () => {
  beforeEach(() => vi.stubEnv("JUPYTER_DATA_DIR", join(scratch, "user")));

  test("puts the kernelspec into the private environment where there is one", () => {
    const { dataDir, leftAlone } = placeKernel(root, { prefix: join(scratch, "venv") });
    expect(dataDir).toBe(join(scratch, "venv", "share", "jupyter"));
    expect(leftAlone).toBeUndefined();
  });

  test("puts it into the user's folder otherwise, and renews its own there", () => {
    expect(placeKernel(root, undefined).dataDir).toBe(join(scratch, "user"));
    const file = join(kernelspecFolder(join(scratch, "user")), "kernel.json");
    writeFileSync(file, readFileSync(file, "utf8").replace(process.execPath, "/old/node"));
    placeKernel(root, undefined);
    expect(JSON.parse(readFileSync(file, "utf8")).argv[0]).toBe(process.execPath);
  });

  test("leaves another clone's kernelspec there alone, says so, and puts its own aside", () => {
    const [mine, other] = ["mine", "other"].map(fakeClone) as [string, string];
    installKernelspec({ dataDir: join(scratch, "user"), root: other });
    const { dataDir, leftAlone } = placeKernel(mine, undefined);
    expect(dataDir).toBe(join(mine, ".cache", "jupyter"));
    expect(leftAlone).toContain(other);
    expect(readFileSync(join(kernelspecFolder(join(scratch, "user")), "kernel.json"), "utf8")).toContain(other);
  });

  function fakeClone(name: string): string {
    const clone = join(scratch, name);
    mkdirSync(join(clone, "kernel", "spec", "logo"), { recursive: true });
    mkdirSync(join(clone, "dist", "kernel"), { recursive: true });
    writeFileSync(join(clone, "dist", "kernel", "main.js"), "");
    return clone;
  }
});

describe("findFreePort", () => {
  const listen = (host: string): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createServer();
      server.once("error", reject).listen(0, host, () => resolve(server));
    });

  test.each(["127.0.0.1", "::1"])("passes over a port on which somebody listens at %s", async (host) => {
    const server = await listen(host).catch(() => undefined);
    if (!server) return; // A machine without IPv6.
    const { port } = server.address() as { port: number };
    expect(await findFreePort(port)).toBeGreaterThan(port);
    server.close();
  });
});

describe("steps", () => {
  const reporter = () => {
    const lines: string[] = [];
    return { lines, steps: createSteps({ write: (text: string) => lines.push(text) }) };
  };

  test("a step that went well is one line with a tick, its outcome and its time", async () => {
    const { lines, steps } = reporter();
    expect(await steps.run("build", () => "up to date")).toBe("up to date");
    expect(lines.join("")).toMatch(/^ {2}✓ build +up to date +\d+\.\d s\n$/);
  });

  test("a long step says what it does where lines cannot be redrawn, and not too often", async () => {
    vi.useFakeTimers();
    try {
      const { lines, steps } = reporter();
      let finish = (_: string) => {};
      const long = steps.run("packages", (report) => {
        report("installing and building");
        return new Promise<string>((resolve) => (finish = resolve));
      });
      await vi.advanceTimersByTimeAsync(1000);
      expect(lines).toEqual([]);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(lines.join("")).toMatch(/^ {2}· packages +installing and building +\d+\.\d s\n$/);
      await vi.advanceTimersByTimeAsync(30_000);
      expect(lines).toHaveLength(3);
      finish("installed");
      await long;
      expect(lines.at(-1)).toMatch(/^ {2}✓ packages +installed +\d+\.\d s\n$/);
    } finally {
      vi.useRealTimers();
    }
  });

  test("a step that failed tells what is wrong, the last of the output, and what to do", async () => {
    const { lines, steps } = reporter();
    const detail = Array.from({ length: 100 }, (_, i) => `line ${i}`).join("\n");
    const failing = steps.run("packages", () => {
      throw new StepError("npm ci failed", { next: "Check the network.", detail });
    });
    await expect(failing).rejects.toThrow("npm ci failed");
    const text = lines.join("");
    expect(text).toMatch(/✗ packages +npm ci failed/);
    expect(text).toContain("line 99\n");
    expect(text).not.toContain("line 50\n");
    expect(text).toMatch(/→ Check the network\.\n$/);
  });
});

// These install hundreds of packages, which takes a quarter of the time of all tests: CI does. Generous limits, for whatever
// else the machine does.
const installs = process.env.DIFFLAB_INSTALL === "npm";
describe.skipIf(!installs)("npm start, from a fresh clone (DIFFLAB_INSTALL=npm)", { timeout: 600_000 }, () => {
  let clone: string;
  let ready = false;
  beforeAll(() => {
    clone = join(mkdtempSync(join(tmpdir(), "difflab-clone-")), "a clone");
    // What git would have on a fresh clone, with the changes that are not committed yet.
    const list = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: root,
      encoding: "utf8",
    });
    for (const file of list.split("\0")) {
      if (file && existsSync(join(root, file))) cpSync(join(root, file), join(clone, file));
    }
  });
  afterAll(() => rmSync(dirname(clone), { recursive: true, force: true }));

  test("with --check on a fresh clone installs all that it needs and runs a cell through Jupyter", async ({ skip }) => {
    if (!(await findPython())) skip("no Python here, which JupyterLab needs");
    const { code, text } = start("npm", ["start", "--", "--check"], withoutJupyter());
    // The machine's failing, told in the words that a user would read.
    if (/check your network|apt install python/i.test(text)) skip(`JupyterLab cannot be installed here:\n${text}`);
    expect(text).toMatch(/✓ packages +installed/);
    expect(text).toMatch(/✓ JupyterLab +4\.\S+ in \.venv/);
    expect(text).toMatch(/✓ cell +gave 42/);
    expect(code).toBe(0);
    ready = true;
  });

  test("has nothing to install the second time, and takes the next port where one is in use", async ({ skip }) => {
    if (!ready) skip("nothing was installed");
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const { code, text } = start("npm", ["start", "--", "--check", "--port", String(port)], withoutJupyter());
    server.close();
    expect(text).toMatch(/✓ packages +up to date/);
    expect(text).toMatch(/✓ build +up to date/);
    expect(text).toContain(`(${port} is in use)`);
    expect(text).toMatch(/✓ cell +gave 42/);
    expect(code).toBe(0);
  });

  test("Ctrl-C ends the server and the kernels that it started", async ({ skip }) => {
    if (!ready) skip("nothing was installed");
    if (process.platform === "win32") skip("sends a signal to a process group");
    const port = await findFreePort(9400);
    const args = ["kernel/start/start.mjs", "--no-browser", "--port", String(port)];
    const env = { ...process.env, ...withoutJupyter(), INIT_CWD: clone };
    const child = spawn(process.execPath, args, { cwd: clone, env, detached: true });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    await expect.poll(() => text, { timeout: 60_000 }).toMatch(/Ctrl-C/);
    const [, token] = text.match(/token=(\w+)/)!;
    const headers = { authorization: `token ${token}` };
    const body = JSON.stringify({ name: "difflab" });
    const kernel = await fetch(`http://localhost:${port}/api/kernels`, { method: "POST", headers, body });
    expect(kernel.status).toBe(201);
    expect(processesOf(clone)).not.toEqual([]);

    process.kill(-child.pid!, "SIGINT");
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect(code).toBe(0);
    await expect.poll(() => processesOf(clone), { timeout: 20_000 }).toEqual([]);
    await expect(fetch(`http://localhost:${port}/api/status`)).rejects.toThrow();
  });

  /** Command lines of running programs that name a folder. */
  function processesOf(folder: string): string[] {
    const lines = execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" }).split("\n");
    return lines.filter((line) => line.includes(folder));
  }

  test("without any Python runs the cell through the headless client", ({ skip }) => {
    if (!ready) skip("nothing was installed");
    rmSync(join(clone, ".venv"), { recursive: true });
    const env = { PATH: scratch, JUPYTER_DATA_DIR: join(scratch, "user") };
    const { code, text } = start(process.execPath, ["kernel/start/start.mjs", "--check"], env);
    expect(text).toMatch(/✓ JupyterLab +not found, and no Python/);
    expect(text).toContain(kernelspecFolder(join(scratch, "user")));
    expect(text).toMatch(/✓ cell +gave 42/);
    expect(code).toBe(0);
  });

  /** A PATH on which only the clone's own environment can provide a JupyterLab. */
  function withoutJupyter(): Record<string, string> {
    const folders = (process.env.PATH ?? "").split(delimiter);
    return { PATH: folders.filter((folder) => !existsSync(join(folder, "jupyter-lab"))).join(delimiter) };
  }

  function start(command: string, args: string[], env: Record<string, string>): { code: number | null; text: string } {
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd: clone,
      env: { ...process.env, INIT_CWD: clone, ...env },
      encoding: "utf8",
      shell: command === "npm" && process.platform === "win32",
    });
    return { code: status, text: stdout + stderr };
  }
});
