import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type SandboxOptions, whyNoSandbox } from "../../kernel/class/sandbox.ts";
import { temporaryFolder } from "../kernel/support/folder.ts";
import { ROOT } from "../root.ts";

const scratch = temporaryFolder();

/** Runs a program of Node's in a sandbox, in the folder `inside`. @returns what it printed, as JSON, and how it ended */
function runInside(code: string, options: Partial<SandboxOptions> = {}) {
  const program = join(ROOT, "dist/kernel/class/sandbox.js");
  const settings = JSON.stringify({ memory: 1024, seconds: 60, ...options });
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, settings, process.execPath, "-e", code], {
    cwd: join(scratch, "inside"),
    encoding: "utf8",
    env: { ...process.env, MY_TOKEN: "secret" },
  });
  return { status, stdout, stderr };
}

// Namespaces are Linux's; some containers forbid them, too.
describe.skipIf(process.platform !== "linux" || whyNoSandbox() !== undefined)("a sandbox", () => {
  mkdirSync(join(scratch, "inside"), { recursive: true });
  mkdirSync(join(scratch, "shared"));
  writeFileSync(join(scratch, "secret.txt"), "the teacher's");
  writeFileSync(join(scratch, "inside", "data.txt"), "beside the notebook");
  symlinkSync(join(scratch, "secret.txt"), join(scratch, "inside", "link.txt"));

  test("shows the notebook's files as copies, and nothing of the teacher's files and variables", () => {
    const { stdout } = runInside(`
      const fs = require("node:fs");
      fs.writeFileSync("new.txt", "kept nowhere");
      const tried = ["../secret.txt", "link.txt", process.env.HOME + "/../../root", "${ROOT}/notebooks", "${ROOT}/.git"];
      console.log(JSON.stringify({
        files: fs.readdirSync("."), data: fs.readFileSync("data.txt", "utf8"), seen: tried.filter(fs.existsSync),
        token: process.env.MY_TOKEN, package: fs.existsSync("${ROOT}/dist/kernel/main.js"),
      }))`);
    expect(JSON.parse(stdout)).toEqual({
      files: ["data.txt", "new.txt"],
      data: "beside the notebook",
      seen: [],
      package: true,
    });
    expect(() => readFileSync(join(scratch, "inside", "new.txt"))).toThrow("ENOENT");
  });

  test("shows what is wanted also where it lies among temporary files, as a clone may", () => {
    const wanted = mkdtempSync("/tmp/difflab-wanted-");
    writeFileSync(join(wanted, "file.txt"), "here");
    const code = `console.log(require("node:fs").readFileSync("${wanted}/file.txt", "utf8"))`;
    expect(runInside(code, { readable: [wanted] }).stdout).toBe("here\n");
    rmSync(wanted, { recursive: true });
  });

  test("can write only what is shared", () => {
    const { stdout } = runInside(
      `const fs = require("node:fs");
      const can = (path) => { try { fs.writeFileSync(path, "x"); return true; } catch { return false; } };
      console.log(JSON.stringify(["/usr/x", "${ROOT}/dist/x", "/x", "${join(scratch, "shared")}/x", "/tmp/x"].map(can)))`,
      { writable: [join(scratch, "shared")] },
    );
    expect(JSON.parse(stdout)).toEqual([false, false, false, true, true]);
    expect(readFileSync(join(scratch, "shared", "x"), "utf8")).toBe("x");
  });

  test("reaches no server, on this machine or another", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const { stdout } = runInside(
      `require("node:net").connect(${port}, "127.0.0.1").on("connect", () => console.log("in")).on("error", (e) => console.log(e.code))`,
    );
    server.close();
    expect(stdout).toMatch(/^E(NETUNREACH|CONNREFUSED|HOSTUNREACH)\n$/);
  });

  test.each([
    ["memory in one piece", "Buffer.alloc(2e9, 1)"],
    ["memory bit by bit", "const all = []; for (;;) all.push(Buffer.alloc(2e7, 1))"],
    ["time", "for (;;) {}"],
    [
      "processes",
      'const { spawn } = require("node:child_process"); for (;;) spawn("/bin/sleep", ["60"]).on("error", () => {})',
    ],
  ])("has an end to its %s", (what, code) => {
    const { status } = runInside(code, { memory: 600, seconds: what === "time" ? 2 : 60 });
    expect(status).not.toBe(0);
  });
});
