import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { prefixDataDir, userDataDir } from "../../../kernel/spec/data-dirs.ts";
import {
  findKernelspec,
  installKernelspec,
  kernelspecFolder,
  uninstallKernelspec,
} from "../../../kernel/spec/install.ts";
import { kernelArgv, kernelJson } from "../../../kernel/spec/kernelspec.ts";
import { packageRoot } from "../../../kernel/spec/package-root.ts";
import { findPython } from "../../../kernel/spec/python.ts";

const root = packageRoot();
let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "difflab-spec-"));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

describe("the user's data folder is found as jupyter_core finds it", () => {
  const home = "/home/ada";
  test.each([
    ["linux", {}, "/home/ada/.local/share/jupyter"],
    ["linux", { XDG_DATA_HOME: "/data" }, "/data/jupyter"],
    ["linux", { XDG_DATA_HOME: "" }, "/home/ada/.local/share/jupyter"],
    ["linux", { JUPYTER_DATA_DIR: "/elsewhere", XDG_DATA_HOME: "/data" }, "/elsewhere"],
    ["darwin", {}, "/home/ada/Library/Jupyter"],
    ["darwin", { JUPYTER_PLATFORM_DIRS: "1" }, "/home/ada/Library/Application Support/Jupyter"],
    ["darwin", { JUPYTER_PLATFORM_DIRS: "False" }, "/home/ada/Library/Jupyter"],
    ["win32", { APPDATA: "C:\\Users\\ada\\AppData\\Roaming" }, "C:\\Users\\ada\\AppData\\Roaming\\jupyter"],
    ["win32", { JUPYTER_CONFIG_DIR: "D:\\conf" }, "D:\\conf\\data"],
    ["win32", { JUPYTER_PLATFORM_DIRS: "1", LOCALAPPDATA: "C:\\L" }, "C:\\L\\Jupyter"],
  ] as const)("on %s with %j it is %s", (platform, env, expected) => {
    expect(userDataDir({ platform, env, home })).toBe(expected);
  });

  test("a prefix holds its data in share/jupyter, with the system's own separators", () => {
    expect(prefixDataDir("/opt/conda", "linux")).toBe("/opt/conda/share/jupyter");
    expect(prefixDataDir("C:\\conda", "win32")).toBe("C:\\conda\\share\\jupyter");
  });

  test("Jupyter itself says the same of this machine", async ({ skip }) => {
    const python = await findPython([[join(root, ".venv/bin/python")], ["python3"]]);
    const code = "from jupyter_core.paths import jupyter_data_dir; print(jupyter_data_dir())";
    for (const env of [{}, { XDG_DATA_HOME: scratch }, { JUPYTER_DATA_DIR: scratch }, { JUPYTER_PLATFORM_DIRS: "1" }]) {
      const [file = "python3", ...args] = python?.command ?? [];
      const { status, stdout } = spawnSync(file, [...args, "-c", code], {
        env: { ...process.env, ...env },
        encoding: "utf8",
      });
      if (status !== 0) skip("no Python with jupyter_core here");
      expect(userDataDir({ env: { ...process.env, ...env } })).toBe(stdout.trim());
    }
  });
});

describe("installKernelspec", () => {
  test("writes a kernel.json that starts this clone's kernel with this Node, and the logos", () => {
    const { folder, outcome } = installKernelspec({ dataDir: scratch });
    expect(outcome).toBe("installed");
    expect(folder).toBe(join(scratch, "kernels", "difflab"));
    expect(readdirSync(folder).sort()).toEqual(["kernel.json", "logo-32x32.png", "logo-64x64.png", "logo-svg.svg"]);
    const spec = JSON.parse(readFileSync(join(folder, "kernel.json"), "utf8"));
    expect(spec).toEqual(kernelJson());
    expect(spec.argv[0]).toBe(process.execPath);
    expect(spec.argv).toContain(join(root, "dist", "kernel", "main.js"));
    expect(spec.argv).toContain("{connection_file}");
    expect(spec).toMatchObject({
      display_name: "TypeScript (difflab)",
      language: "typescript",
      interrupt_mode: "message",
    });
  });

  test("leaves nothing else in the data folder", () => {
    installKernelspec({ dataDir: scratch });
    installKernelspec({ dataDir: scratch, root: fakeClone("a"), force: true });
    expect(readdirSync(scratch).filter((name) => name !== "a")).toEqual(["kernels"]);
    expect(readdirSync(join(scratch, "kernels"))).toEqual(["difflab"]);
  });

  test("changes nothing where the very same is there", () => {
    installKernelspec({ dataDir: scratch });
    expect(installKernelspec({ dataDir: scratch }).outcome).toBe("unchanged");
  });

  test("refuses to overwrite another clone's, names it, and leaves it as it was", () => {
    const other = fakeClone("other");
    installKernelspec({ dataDir: scratch, root: other });
    expect(() => installKernelspec({ dataDir: scratch })).toThrow(/already holds .*other.*--force/s);
    expect(findKernelspec(scratch, other).state).toBe("identical");
  });

  test("refuses where one file was edited by hand, and replaces it with force", () => {
    const { folder } = installKernelspec({ dataDir: scratch });
    writeFileSync(join(folder, "kernel.json"), JSON.stringify({ ...kernelJson(), display_name: "mine" }));
    expect(() => installKernelspec({ dataDir: scratch })).toThrow(/"mine"/);
    expect(installKernelspec({ dataDir: scratch, force: true }).outcome).toBe("replaced");
    expect(findKernelspec(scratch).state).toBe("identical");
  });

  test("refuses where something is there that is no kernelspec", () => {
    mkdirSync(kernelspecFolder(scratch), { recursive: true });
    writeFileSync(join(kernelspecFolder(scratch), "kernel.json"), "{");
    expect(() => installKernelspec({ dataDir: scratch })).toThrow(/not a kernelspec/);
  });

  test("says what to do where the folder cannot be written", ({ skip }) => {
    if (process.getuid?.() === 0) skip("root may write everywhere");
    chmodSync(scratch, 0o500);
    expect(() => installKernelspec({ dataDir: scratch })).toThrow(/cannot write .*--user/s);
  });
});

describe("findKernelspec", () => {
  test("tells a clone that has gone from one that is still there", () => {
    const other = fakeClone("other");
    installKernelspec({ dataDir: scratch, root: other });
    expect(findKernelspec(scratch).state).toBe("foreign");
    rmSync(other, { recursive: true });
    expect(findKernelspec(scratch).state).toBe("orphaned");
  });

  test("knows this clone's own kernelspec when another Node wrote it", () => {
    const { folder } = installKernelspec({ dataDir: scratch });
    const spec = kernelJson();
    writeFileSync(join(folder, "kernel.json"), JSON.stringify({ ...spec, argv: ["/old/node", ...spec.argv.slice(1)] }));
    expect(findKernelspec(scratch).state).toBe("outdated");
  });
});

describe("uninstallKernelspec", () => {
  test("removes ours, and is content where there is none", () => {
    const { folder } = installKernelspec({ dataDir: scratch });
    expect(uninstallKernelspec({ dataDir: scratch })).toBe(folder);
    expect(existsSync(folder)).toBe(false);
    expect(uninstallKernelspec({ dataDir: scratch })).toBeUndefined();
  });

  test("leaves another clone's alone unless forced", () => {
    installKernelspec({ dataDir: scratch, root: fakeClone("other") });
    expect(() => uninstallKernelspec({ dataDir: scratch })).toThrow(/not this clone's.*--force/s);
    expect(uninstallKernelspec({ dataDir: scratch, force: true })).toBe(kernelspecFolder(scratch));
  });
});

describe("npm run kernel:install", () => {
  test("installs for the user by default, and says how Jupyter and VS Code find it", () => {
    const { code, text } = command(["install"], { JUPYTER_DATA_DIR: join(scratch, "user") });
    expect(code).toBe(0);
    expect(text).toContain(join(scratch, "user", "kernels", "difflab"));
    expect(text).toMatch(/VS Code.*Select Kernel/s);
    expect(findKernelspec(join(scratch, "user")).state).toBe("identical");
  });

  test("takes a relative prefix from where the user typed it", () => {
    const { code } = command(["install", "--prefix", "env"], { INIT_CWD: scratch });
    expect(code).toBe(0);
    expect(findKernelspec(join(scratch, "env", "share", "jupyter")).state).toBe("identical");
  });

  test("installs and removes without any Python on the PATH", () => {
    const env = { JUPYTER_DATA_DIR: scratch, PATH: "" };
    expect(command(["install"], env).code).toBe(0);
    expect(command(["uninstall"], env).code).toBe(0);
    expect(existsSync(kernelspecFolder(scratch))).toBe(false);
  });

  test("says that --sys-prefix needs a Python where there is none", () => {
    const { code, text } = command(["install", "--sys-prefix"], { PATH: "" });
    expect(code).toBe(1);
    expect(text).toMatch(/no Python on the PATH.*--prefix/s);
  });

  test("installs into the environment of the Python on the PATH with --sys-prefix", ({ skip }) => {
    if (process.platform === "win32") skip("stands in for python with a shell script");
    const answer = `#!/bin/sh\necho '[3, 12, "${scratch}/env"]'\n`;
    writeFileSync(join(scratch, "python3"), answer, { mode: 0o755 });
    expect(command(["install", "--sys-prefix"], { PATH: scratch }).code).toBe(0);
    expect(findKernelspec(join(scratch, "env", "share", "jupyter")).state).toBe("identical");
  });

  test("exits with 1 and changes nothing where another kernelspec is in the way", () => {
    const other = fakeClone("other");
    installKernelspec({ dataDir: scratch, root: other });
    const { code, text } = command(["install"], { JUPYTER_DATA_DIR: scratch });
    expect(code).toBe(1);
    expect(text).toContain("--force");
    expect(findKernelspec(scratch, other).state).toBe("identical");
  });

  test.each([[["install", "--usr"]], [["install", "--prefix"]], [["install", "--user", "--sys-prefix"]], [["remove"]]])(
    "refuses %j and says what it expected",
    (args) => {
      const { code, text } = command(args, { JUPYTER_DATA_DIR: scratch });
      expect(code).toBe(1);
      expect(text).toMatch(/--user|expected/);
      expect(existsSync(kernelspecFolder(scratch))).toBe(false);
    },
  );
});

test("kernelArgv starts with an absolute path and ends with the connection file", () => {
  expect(kernelArgv("/clone").at(0)).toBe(process.execPath);
  expect(kernelArgv("/clone").at(-1)).toBe("{connection_file}");
});

/** A folder with what a clone's kernelspec is made of. */
function fakeClone(name: string): string {
  const clone = join(scratch, name);
  mkdirSync(join(clone, "kernel", "spec", "logo"), { recursive: true });
  mkdirSync(join(clone, "dist", "kernel"), { recursive: true });
  writeFileSync(join(clone, "dist", "kernel", "main.js"), "");
  return clone;
}

function command(args: string[], env: Record<string, string>): { code: number | null; text: string } {
  const main = join(root, "dist", "kernel", "spec", "main.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  return { code: status, text: stdout + stderr };
}
