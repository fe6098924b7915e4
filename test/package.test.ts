import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findJupyter } from "../kernel/start/jupyter.ts";
import { ROOT } from "./root.ts";

const run = promisify(execFile);
const windows = process.platform === "win32";

/** CI installs with npm; elsewhere the packages that npm would install are linked, which takes a second and no network. */
const withNpm = process.env.DIFFLAB_INSTALL === "npm";

const project = realpathSync(mkdtempSync(join(tmpdir(), "difflab-package-")));
const installed = join(project, "node_modules", "difflab");
afterAll(() => rmSync(project, { recursive: true, force: true }));

let files: string[];
let size: number;

function npm(args: string[], cwd: string) {
  // As the README says for projects that have no .npmrc of ours: onnxruntime's install step is to fetch nothing.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
  return run("npm", args, { cwd, shell: windows, maxBuffer: 1 << 26, env });
}

/** The packages that an installation of ours brings: the lock file's, without those for developing. */
function linkDependencies(): void {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "node_modules", ".package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  for (const [path, { dev }] of Object.entries(packages)) {
    if (dev || !/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) || !existsSync(join(ROOT, path))) continue;
    mkdirSync(dirname(join(project, path)), { recursive: true });
    symlinkSync(realpathSync(join(ROOT, path)), join(project, path), "junction");
  }
}

beforeAll(async () => {
  const { stdout } = await npm(["pack", "--json", "--ignore-scripts", "--pack-destination", project], ROOT);
  const [packed] = JSON.parse(stdout) as [{ filename: string; size: number; files: { path: string }[] }];
  files = packed.files.map(({ path }) => path);
  size = packed.size;
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "mine", private: true, type: "module" }));
  if (withNpm) {
    await npm(["install", "--no-audit", "--no-fund", join(project, packed.filename)], project);
    return;
  }
  mkdirSync(installed, { recursive: true });
  await run("tar", ["-xzf", join(project, packed.filename), "-C", installed, "--strip-components=1"]);
  linkDependencies();
}, 600_000);

const difflab = (...args: string[]) =>
  run(process.execPath, [join(installed, "dist", "kernel", "bin.js"), ...args], { cwd: project });

describe("the package, installed in a folder of its own", () => {
  it("holds what is built and what ships, and neither sources nor tests", () => {
    for (const file of ["dist/lib/index.js", "dist/lib/index.d.ts", "dist/kernel/bin.js", "README.md", "LICENSE"]) {
      expect(files).toContain(file);
    }
    expect(files).toContain("data/tiny-sd/model_index.json");
    expect(files).toContain("notebooks/00-hello.ipynb");
    expect(files.filter((file) => /^test\/|(?<!\.d)\.ts$|\.map$|tsbuildinfo|^\./.test(file))).toEqual([]);
    expect(size).toBeLessThan(60e6);
  });

  it("is imported by a program, with the models that ship", async () => {
    writeFileSync(
      join(project, "main.mjs"),
      `import { digitJudge, digits, tensor } from "difflab";
       const judge = await digitJudge();
       console.log(await tensor([1, 2]).add(1).tolist(), digits({ n: 2, seed: 1 }).length, judge.constructor.name);`,
    );
    const { stdout } = await run(process.execPath, ["main.mjs"], { cwd: project });
    expect(stdout).toBe("[ 2, 3 ] 2 DigitJudge\n");
  });

  it("has types: TypeScript accepts what is right, and names what is wrong", async () => {
    writeFileSync(
      join(project, "main.ts"),
      `import { nn, tensor, type Tensor } from "difflab";
       export const right: Tensor = new nn.Linear(2, 3).forward(tensor([[1, 2]]));
       export const wrong: number = tensor([1]);`,
    );
    const settings = { module: "nodenext", target: "es2022", strict: true, noEmit: true, skipLibCheck: true };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: settings, files: ["main.ts"] }));
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const { stdout } = await run(process.execPath, [tsc, "-p", project], { cwd: project }).catch((error) => error);
    expect(stdout.trim().split("\n")).toEqual([expect.stringMatching(/^main\.ts\(3,\d+\): error TS2322/)]);
  });

  it("installs its kernel, and removes it", async () => {
    const prefix = join(project, "prefix");
    const spec = join(prefix, "share", "jupyter", "kernels", "difflab");
    await difflab("kernel", "install", "--prefix", prefix);
    const { argv } = JSON.parse(readFileSync(join(spec, "kernel.json"), "utf8")) as { argv: string[] };
    expect(argv[1]).toBe(join(installed, "dist", "kernel", "main.js"));
    expect(existsSync(join(spec, "logo-svg.svg"))).toBe(true);
    await difflab("kernel", "uninstall", "--prefix", prefix);
    expect(existsSync(spec)).toBe(false);
  });

  it("runs a notebook of one's own", async () => {
    const source = 'import { tensor } from "difflab";\nconst x: number = await tensor([20]).add(22).item();\nx';
    const cell = { cell_type: "code", id: "a", metadata: {}, execution_count: null, outputs: [], source };
    const notebook = { cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 };
    writeFileSync(join(project, "mine.ipynb"), JSON.stringify(notebook));
    await difflab("run", "mine.ipynb", "--in-place");
    const { cells } = JSON.parse(readFileSync(join(project, "mine.ipynb"), "utf8"));
    expect([cells[0].outputs[0].data["text/plain"]].flat().join("")).toBe("42");
  });

  it("says what it can do, and what it cannot", async () => {
    expect((await difflab("--help")).stdout).toContain("difflab kernel install | uninstall");
    const failure = await difflab("lessons").catch((error) => error);
    expect(failure).toMatchObject({ code: 2, stderr: expect.stringContaining('unknown command "lessons"') });
  });

  it("opens a copy of the lesson in JupyterLab (skipped if there is none)", { timeout: 300_000 }, async ({ skip }) => {
    const jupyter = await findJupyter(ROOT);
    if (!jupyter) return skip("no JupyterLab");
    const env = {
      ...process.env,
      PATH: [jupyter.bin, process.env.PATH].join(delimiter),
      JUPYTER_DATA_DIR: join(project, "jupyter"),
    };
    const bin = join(installed, "dist", "kernel", "bin.js");
    const command = run(process.execPath, [bin, "lesson", "course", "--check"], { cwd: project, env });
    const { stdout, stderr } = await command.catch((error) => error);
    expect(stdout + stderr).toMatch(/cell +gave 42/);
    expect(existsSync(join(project, "course", "00-hello.ipynb"))).toBe(true);
    expect(existsSync(join(installed, ".cache"))).toBe(false);
  });
});
