import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelClient, within } from "../../../kernel/client/client.ts";
import { kernelJson } from "../../../kernel/spec/kernelspec.ts";
import { makeConnection, writeConnectionFile } from "../../../kernel/wire/connection.ts";
import { bindRouter } from "../../../kernel/wire/sockets.ts";
import { ROOT } from "../../root.ts";
import { temporaryFolder } from "../support/folder.ts";
import { contents, run, send, startKernel, streamText, until } from "../support/kernel.ts";
import { output } from "../support/python.ts";

/** Cells that never end by themselves, each after it has printed "running". */
const ENDLESS: [string, string][] = [
  ["a loop", 'console.log("running"); while (true) {}'],
  ["a loop after an await", 'console.log("running"); await 0; while (true) {}'],
  [
    "a loop in a timer",
    'setTimeout(() => { console.log("running"); while (true) {} }, 10); await new Promise(() => {})',
  ],
  ["a promise that never settles", 'console.log("running"); await new Promise(() => {})'],
  ["a loop that catches what it can", 'console.log("running"); while (true) { try { while (true) {} } catch {} }'],
  ["an async loop", 'console.log("running"); while (true) await new Promise((r) => setTimeout(r, 1))'],
  ["microtasks without end", 'console.log("running"); while (true) await null'],
];

const folder = temporaryFolder();
let kernel: KernelClient;
beforeAll(async () => {
  kernel = await startKernel();
});
afterAll(async () => {
  await kernel?.shutdown();
});

async function sendEndless(code: string) {
  const cell = send(kernel, code);
  await until("the cell runs", () => contents(cell.messages, "stream").length > 0);
  return cell;
}

describe.each(ENDLESS)("while a cell is %s", (_, code) => {
  it("heartbeat, kernel_info on control, and completion answer; an interrupt ends it and keeps all state", async () => {
    await run(kernel, 'const kept = "still here"; (globalThis as any).counter = 1');
    const cell = await sendEndless(code);
    expect(await kernel.isAlive(10_000)).toBe(true);
    expect((await kernel.request("kernel_info_request", {}, "control")).content.status).toBe("ok");
    const completion = await within(kernel.complete("Math.hyp"), 10_000);
    expect(completion?.content.matches).toEqual(["hypot"]);

    await kernel.interrupt();
    const { reply, error } = await cell.run;
    expect(reply.status).toBe("error");
    expect(reply.ename).toMatch(/Interrupt/);
    expect(error!.ename).toBe(reply.ename);
    const { result } = await run(kernel, 'kept + " " + (globalThis as any).counter');
    expect(result!.data["text/plain"]).toBe("'still here 1'");
  });
});

describe("an interrupt", () => {
  it("while nothing runs does nothing, also to the next cell", async () => {
    await kernel.interrupt();
    await kernel.interrupt();
    expect((await run(kernel, "await new Promise((r) => setTimeout(r, 100)); 6")).result!.data["text/plain"]).toBe("6");
  });

  it("aborts the cells that wait behind the interrupted one", async () => {
    const cell = await sendEndless('console.log("running"); while (true) {}');
    const waiting = send(kernel, "7");
    await kernel.interrupt();
    expect((await cell.run).reply.status).toBe("error");
    expect((await waiting.run).reply.status).toBe("aborted");
  });

  it("also stops what the cell does after the await that it was interrupted in", async () => {
    await run(kernel, "const kept = 9");
    const cell = await sendEndless(
      'console.log("running"); await new Promise((r) => setTimeout(r, 200)); while (true) {}',
    );
    await kernel.interrupt();
    expect((await cell.run).reply.ename).toMatch(/Interrupt/);
    await new Promise((resolve) => setTimeout(resolve, 300)); // now the loop would begin
    expect((await run(kernel, "kept")).result!.data["text/plain"]).toBe("9");
  });

  it("stops output without end, and nothing of it comes later", async () => {
    for (const code of ['while (true) console.log("x".repeat(100))', "while (true) display(1)"]) {
      const cell = await sendEndless(`console.log("running"); ${code}`);
      await kernel.interrupt();
      expect((await cell.run).reply.ename).toMatch(/Interrupt/);
      const count = cell.messages.length;
      expect((await run(kernel, "1")).reply.status).toBe("ok");
      expect(cell.messages.length).toBe(count);
    }
  });

  it("of a cell that sits in native code is answered, and the kernel stays alive meanwhile", async () => {
    const cell = await sendEndless(
      'import { spawnSync } from "node:child_process"; console.log("running"); spawnSync("sleep", ["3"]); 1',
    );
    await kernel.interrupt();
    expect(await kernel.isAlive(10_000)).toBe(true);
    expect((await kernel.complete("Math.hyp")).content.matches).toEqual(["hypot"]);
    expect(["ok", "error"]).toContain((await cell.run).reply.status);
    expect((await run(kernel, "1")).reply.status).toBe("ok");
  });
});

describe("a cell that takes its process down", () => {
  async function expectTold(kernel: KernelClient, code: string, message: RegExp): Promise<void> {
    await run(kernel, "const before = 1");
    const { reply, error } = await run(kernel, code);
    expect(reply.status).toBe("error");
    expect(`${reply.ename}: ${reply.evalue}`).toMatch(message);
    expect(error!.evalue).toBe(reply.evalue);
    const next = await run(kernel, "1 + 1");
    expect(next.result!.data["text/plain"]).toBe("2");
    // Its variables are gone, and the checker must not believe otherwise.
    expect((await run(kernel, "before")).reply.status).toBe("error");
    expect(await kernel.isAlive(10_000)).toBe(true);
  }

  it.each([
    ["breaks what its process needs", 'JSON.stringify = () => { throw new Error("broken"); }', /crash/i],
    ["aborts", "process.abort()", /SIGABRT|abort|crash/i],
    ["kills itself", "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})", /SIGKILL|kill/i],
    ["crashes natively", "process.kill(process.pid, 'SIGSEGV'); await new Promise(() => {})", /SIGSEGV|crash/i],
  ])("because it %s is told so, and the notebook goes on", (_, code, message) => expectTold(kernel, code, message));

  it("because it runs out of memory is told so, and the notebook goes on", async () => {
    // By itself Node takes gigabytes before it gives up.
    const own = await startKernel({ env: { NODE_OPTIONS: "--max-old-space-size=300" } });
    const code = "const hog: number[][] = []; while (true) hog.push(new Array(1e6).fill(Math.random()));";
    await expectTold(own, code, /memory/i);
    await own.shutdown();
  });

  it("while nothing runs is told below the latest cell, and the notebook goes on", async () => {
    const cell = send(kernel, "setTimeout(() => process.abort(), 500)");
    await cell.run;
    await until("the crash is told", () => /SIGABRT/.test(streamText(cell.messages, "stderr")));
    expect((await run(kernel, "1 + 1")).result!.data["text/plain"]).toBe("2");
  });
});

describe("shutdown and restart", () => {
  it("restart forgets all state and answers on the same sockets", async () => {
    const own = await startKernel();
    await run(own, "const forgotten = 1");
    await own.restart();
    const { reply } = await run(own, "1");
    expect(reply.execution_count).toBe(1);
    expect((await run(own, "forgotten")).reply.status).toBe("error");
    expect(await own.shutdown()).toBe(true);
  });

  it.each(ENDLESS.slice(0, 4))("shutdown ends the kernel and its children while a cell is %s", async (_, code) => {
    const own = await startKernel();
    const cell = send(own, `(globalThis as any).pid = process.pid; ${code}`);
    await until("the cell runs", () => contents(cell.messages, "stream").length > 0);
    const shutdown = await own.shutdown({ grace: 10_000 });
    expect(shutdown).toBe(true);
    expect(own.process!.exit!.code).toBe(0);
  });

  it("shutdown is answered with what was asked", async () => {
    const own = await startKernel();
    const reply = await own.request("shutdown_request", { restart: true }, "control");
    expect(reply.content).toMatchObject({ status: "ok", restart: true });
    await own.process!.exited;
    await own.close();
  });

  it("leaves no process behind", async () => {
    const own = await startKernel();
    const { result } = await run(own, "process.pid");
    const pid = Number(result!.data["text/plain"]);
    await own.shutdown();
    await until("the cells' process is gone", () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });
  });

  it("the cells' process ends where the kernel's own is killed", async () => {
    const own = await startKernel();
    const { result } = await run(own, "process.pid");
    process.kill(own.process!.pid!, "SIGKILL");
    await own.process!.exited;
    const pid = Number(result!.data["text/plain"]);
    await until("the cells' process is gone", () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });
    await own.close();
  });
});

describe("other ways to start a kernel", () => {
  it("over ipc sockets: it runs cells and leaves no socket behind", async () => {
    const own = await startKernel({ transport: "ipc" });
    expect((await run(own, "1 + 1")).result!.data["text/plain"]).toBe("2");
    expect(await own.shutdown()).toBe(true);
    expect(existsSync(dirname(own.connection.ip))).toBe(false);
  });

  it("without a key: messages are not signed", async () => {
    const connection = { ...(await makeConnection()), key: "" };
    const path = join(folder, "open.json");
    writeConnectionFile(path, connection);
    const [node, main] = kernelJson().argv as [string, string];
    const child = spawn(node, [main, path], { cwd: ROOT, stdio: "ignore" });
    await using client = await KernelClient.connect(connection);
    expect((await run(client, "1 + 1")).result!.data["text/plain"]).toBe("2");
    expect(await client.shutdown()).toBe(true);
    await until("the kernel ends", () => child.exitCode !== null);
    expect(child.exitCode).toBe(0);
  });
});

describe("a kernel that cannot start", () => {
  const [node, main] = kernelJson().argv as [string, string];

  it.each([
    ["is missing", undefined, /no such file/],
    ["is not JSON", "{oops", /not JSON/],
    ["has wrong fields", "{}", /shell_port is missing/],
  ])("because its connection file %s says so and exits with an error", async (_, text, message) => {
    const path = join(folder, `${Math.random()}.json`);
    if (text !== undefined) writeFileSync(path, text);
    const { code, stderr } = await output(node, [main, path], { timeout: 20_000 });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it("because a port is in use says which", async () => {
    const connection = await makeConnection();
    await using _taken = await bindRouter(`tcp://127.0.0.1:${connection.ports.iopub}`);
    const path = join(folder, "taken.json");
    writeConnectionFile(path, connection);
    const { code, stderr } = await output(node, [main, path], { timeout: 20_000 });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(new RegExp(`iopub: cannot bind tcp://127.0.0.1:${connection.ports.iopub}: another program`));
  });

  it("because no file is named tells how it is used", async () => {
    const { code, stderr } = await output(node, [main], { timeout: 20_000 });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/connection file/i);
  });
});
