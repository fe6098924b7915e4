import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelClient } from "../../../kernel/client/client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { contents, run, send, startKernel, streamText, until } from "../support/kernel.ts";

const folder = temporaryFolder();
let kernel: KernelClient;
beforeAll(async () => {
  kernel = await startKernel();
  await run(kernel, 'const kept = 7; import { execSync, fork, spawn, spawnSync } from "node:child_process"');
});
afterAll(async () => {
  await kernel?.shutdown();
});

/** Runs a cell that prints "running", and interrupts it. */
async function interrupted(code: string) {
  const cell = send(kernel, `console.log("running"); ${code}`);
  await until("the cell runs", () => contents(cell.messages, "stream").length > 0);
  await kernel.interrupt();
  return cell.run;
}

async function expectKept() {
  expect((await run(kernel, "kept")).result!.data["text/plain"]).toBe("7");
}

describe("an interrupt", () => {
  it.each([
    ["execSync", 'execSync("sleep 57")'],
    ["a program that ignores it", `spawnSync("sh", ["-c", "trap '' INT; sleep 57; sleep 58"])`],
    ["Atomics.wait", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)"],
  ])("ends %s and keeps all variables", async (_, code) => {
    expect((await interrupted(code)).reply).toMatchObject({ status: "error", ename: "Interrupted" });
    await expectKept();
  });

  it.each([
    ["process.exit", "process.exit(130)"],
    ["a signal to itself", 'process.removeAllListeners("SIGINT"); process.kill(process.pid, "SIGINT")'],
    ["an error", 'throw new Error("mine")'],
    ["process.exit as it stops again", 'process.emit("SIGTERM")'],
  ])("does not let what listens for it end the process by %s", async (_, code) => {
    await run(kernel, `process.once("SIGTERM", () => process.exit()); process.once("SIGINT", () => { ${code} }); 0`);
    expect((await interrupted("await new Promise(() => {})")).reply.ename).toBe("Interrupted");
    await run(kernel, 'process.removeAllListeners("SIGINT"); process.removeAllListeners("SIGTERM"); 0');
    await expectKept();
  });

  it("leaves alone what earlier cells have started", async () => {
    await run(kernel, 'const server = spawn("sleep", ["600"]); 0');
    await interrupted('execSync("sleep 57")');
    const { result } = await run(
      kernel,
      "const alive = server.exitCode === null && server.signalCode === null; server.kill(); alive",
    );
    expect(result!.data["text/plain"]).toBe("true");
  });

  it("aborts what was sent before it, and runs what is sent after it", async () => {
    const cell = send(kernel, 'console.log("running"); execSync("sleep 57")');
    const before = send(kernel, '"before"');
    await until("the cell runs", () => contents(cell.messages, "stream").length > 0);
    await kernel.interrupt();
    const after = send(kernel, '"after"');
    expect((await cell.run).reply.status).toBe("error");
    expect((await before.run).reply.status).toBe("aborted");
    expect((await after.run).result!.data["text/plain"]).toBe("'after'");
  });

  it("of native code that nothing can stop ends the process after some seconds, says so, and the next cell runs", async () => {
    const own = await startKernel();
    const cell = send(
      own,
      'import { pbkdf2Sync } from "node:crypto"; console.log("running"); pbkdf2Sync("a", "b", 1e9, 64, "sha512"); 1',
    );
    await until("the cell runs", () => contents(cell.messages, "stream").length > 0);
    await own.interrupt();
    const next = send(own, "1 + 1");
    const { reply } = await cell.run;
    expect(reply).toMatchObject({
      ename: "Interrupted",
      evalue: expect.stringMatching(/native code[\s\S]*variables are gone/),
    });
    expect((await next.run).result!.data["text/plain"]).toBe("2");
    await own.shutdown();
  });
});

describe("process.exit", () => {
  it.each([
    ["in a cell", "process.exit(3)"],
    ["after an await", "await 0; process.exit(3)"],
    ["in a timer", "setTimeout(() => process.exit(3), 50); await new Promise(() => {})"],
    ["where everything is caught", 'try { process.exit(3) } catch {} finally { console.log("finally") }'],
    ["in a function of an earlier cell", "leave()"],
  ])("%s ends the cell as failed, not the process", async (_, code) => {
    await run(kernel, "function leave() { process.exit(3); }");
    const { reply, stdout } = await run(kernel, `const made = 1; ${code}; console.log("went on")`);
    expect(reply).toMatchObject({
      status: "error",
      ename: "ProcessExit",
      evalue: expect.stringContaining("process.exit(3)"),
    });
    expect(stdout).toBe("");
    await expectKept();
  });

  it("after its cell has ended stops what calls it, and is told", async () => {
    const cell = send(kernel, 'setTimeout(() => { process.exit(1); console.log("went on"); }, 500); 0');
    await cell.run;
    await until("it is told", () => streamText(cell.messages, "stderr").includes("process.exit(1)"));
    expect(streamText(cell.messages, "stdout")).toBe("");
    await expectKept();
  });
});

describe.skipIf(process.platform === "win32")("what a cell has started", () => {
  const pidFile = join(folder, "pids");
  const child = join(folder, "child.mjs");
  writeFileSync(
    child,
    `import { spawn } from "node:child_process"; import { appendFileSync } from "node:fs";
     appendFileSync(${JSON.stringify(pidFile)}, process.pid + " " + spawn("sleep", ["600"]).pid + " "); setInterval(() => {}, 1000);`,
  );
  /** A child, one in a group of its own, one with another environment, one whose parent is gone; a Node with a child; a thread's. */
  const START = `import { appendFileSync } from "node:fs"; import { Worker } from "node:worker_threads";
    import { execSync, fork, spawn } from "node:child_process";
    const note = (pid?: number) => appendFileSync(${JSON.stringify(pidFile)}, pid + " ");
    note(spawn("sleep", ["600"]).pid);
    note(spawn("sleep", ["600"], { detached: true, stdio: "ignore" }).pid);
    note(spawn("sleep", ["600"], { detached: true, env: {}, stdio: "ignore" }).pid);
    execSync(${JSON.stringify(`setsid sleep 600 >/dev/null 2>&1 & echo $! >> ${pidFile}; printf ' ' >> ${pidFile}`)});
    fork(${JSON.stringify(child)});
    new Worker(\`const { spawn } = require("node:child_process"); require("node:fs").appendFileSync(${JSON.stringify(pidFile)},
      spawn("sleep", ["600"]).pid + " "); setInterval(() => {}, 1000)\`, { eval: true }); 0`;
  const isAlive = (pid: number) => {
    try {
      process.kill(pid, 0);
      // What is dead and nobody has asked about yet is a process too.
      return process.platform !== "linux" || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return false;
    }
  };

  it.each<[string, (own: KernelClient) => Promise<unknown>]>([
    ["shutdown", (own) => own.shutdown()],
    ["restart", (own) => own.restart()],
    ["a crash of the cells' process", (own) => run(own, "process.abort()")],
    ["a kill of the kernel", async (own) => process.kill(own.process!.pid!, "SIGKILL")],
    ["a kill of the kernel's process group", async (own) => process.kill(-own.process!.pid!, "SIGKILL")],
    [
      "a kill of the kernel while a cell computes",
      async (own) => {
        const cell = send(own, 'console.log("running"); while (true) {}');
        await until("the cell runs", () => contents(cell.messages, "stream").length > 0);
        process.kill(own.process!.pid!, "SIGKILL");
      },
    ],
  ])("ends with %s", async (_, end) => {
    writeFileSync(pidFile, "");
    const own = await startKernel();
    await run(own, START);
    const pids = () => readFileSync(pidFile, "utf8").trim().split(/\s+/).map(Number);
    await until("all have started", () => pids().length === 7);
    expect(pids().filter(isAlive)).toHaveLength(7);
    await end(own);
    await until("all have ended", () => pids().filter(isAlive).length === 0);
    if (own.process!.exit) await own.close();
    else await own.kill();
  });
});
