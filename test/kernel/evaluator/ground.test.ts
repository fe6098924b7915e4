import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelClient } from "../../../kernel/client/client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { run, startKernel, until } from "../support/kernel.ts";

const folder = temporaryFolder();
const text = async (kernel: KernelClient, code: string) => {
  const { reply, result } = await run(kernel, code);
  return reply.status === "ok" ? result?.data["text/plain"] : `${reply.ename}: ${reply.evalue}`;
};

describe.skipIf(process.platform !== "linux")("a part of the kernel that is", () => {
  let kernel: KernelClient;
  beforeAll(async () => {
    kernel = await startKernel();
    await run(kernel, "const kept = 7");
  });
  afterAll(async () => {
    await kernel?.shutdown();
  });
  /** The child of the kernel's own process whose command line holds a text. */
  const part = (what: string) => {
    const pid = kernel.process!.pid!;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
    const found = children.find((child) => commandLine(child).includes(what));
    if (found === undefined) throw new Error(`the kernel has no child whose command line holds "${what}"`);
    return found;
  };
  const commandLine = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    } catch {
      return ""; // it has ended since
    }
  };

  it.each([
    ["the compiler", "esbuild"],
    ["the checker", "--lsp"],
  ])("killed (%s) is started again, and nothing is lost", async (_, what) => {
    for (let i = 0; i < 2; i++) {
      process.kill(part(what), "SIGKILL");
      expect(await text(kernel, `kept + ${i}`)).toBe(String(7 + i));
      expect((await kernel.complete("kep")).content.matches).toEqual(["kept"]);
    }
  });

  it("killed while it answers a Tab (the checker) answers it", async () => {
    const answer = kernel.complete("Math.hyp");
    process.kill(part("--lsp"), "SIGKILL");
    expect((await answer).content.matches).toEqual(["hypot"]);
    // Where it had answered before it was killed, the next question is what starts it again.
    expect((await kernel.complete("kep")).content.matches).toEqual(["kept"]);
  });

  it("hanging (the checker) is replaced, and none is left over at the end", async () => {
    const hanging = part("--lsp");
    process.kill(hanging, "SIGSTOP");
    expect(await text(kernel, "kept")).toBe("7");
    process.kill(part("--lsp"), "SIGSTOP");
    const left = ["--lsp", "esbuild", "evaluator"].map(part);
    await kernel.shutdown();
    await until("all have ended", () =>
      [hanging, ...left].every((pid) => {
        try {
          return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
        } catch {
          return true;
        }
      }),
    );
  }, 120_000);
});

describe.skipIf(process.platform === "win32")("a notebook's folder", () => {
  it("that is renamed, then deleted, while the cells' process crashes: cells run on and say where", async () => {
    const [before, after] = [join(folder, "before"), join(folder, "after")];
    mkdirSync(before);
    const kernel = await startKernel({ cwd: before });
    await run(kernel, "const kept = 7");
    renameSync(before, after);
    expect(await text(kernel, "kept")).toBe("7");
    expect(await text(kernel, "process.abort()")).toMatch(/crashed[\s\S]*before no longer exists; cells now run in /);
    if (process.platform === "linux") expect(await text(kernel, "process.cwd()")).toBe(`'${realpathSync(after)}'`);
    rmSync(after, { recursive: true });
    expect(await text(kernel, "1 + 1")).toBe("2");
    expect(await text(kernel, "process.abort()")).toMatch(/crashed/);
    expect(await text(kernel, "process.cwd()")).toMatch(/^'\//);
    expect(await kernel.shutdown()).toBe(true);
  });
});

describe("the folder for temporary files", () => {
  it.each([
    ["is missing", join(folder, "missing")],
    ["cannot be written", "/proc"],
  ])("that %s is replaced by another", async (_, TMPDIR) => {
    const kernel = await startKernel({ env: { TMPDIR } });
    await run(kernel, "const kept = 7");
    expect(await text(kernel, "kept")).toBe("7");
    await kernel.shutdown();
  });

  it("that is removed while cells run costs no name", async () => {
    const TMPDIR = mkdtempSync(join(folder, "removed-"));
    const kernel = await startKernel({ env: { TMPDIR } });
    await run(kernel, "class Kept { x = 7 }");
    rmSync(TMPDIR, { recursive: true });
    expect(await text(kernel, "new Kept().x")).toBe("7");
    await run(kernel, "const more = new Kept()");
    // One by one, as systems clean up.
    const files = () => readdirSync(TMPDIR, { recursive: true, withFileTypes: true });
    for (const file of files()) if (file.name.startsWith("cell-1")) rmSync(join(file.parentPath, file.name));
    expect(await text(kernel, "more.x + new Kept().x")).toBe("14");
    expect((await run(kernel, "more.y")).reply.evalue).toMatch(/Property 'y' does not exist/);
    await kernel.shutdown();
    expect(readdirSync(TMPDIR)).toEqual([]);
  });
});

describe.skipIf(process.platform !== "linux")("the memory of the kernel's own process", () => {
  it("does not keep what has gone through it: large comm messages and large cells", async () => {
    const kernel = await startKernel();
    const megabytes = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${kernel.process!.pid}/status`, "utf8"))![1]) / 1000;
    await run(kernel, 'comms.register("sink", (comm) => { comm.onMessage = () => {}; })');
    kernel.comm("comm_open", { comm_id: "sink", target_name: "sink", data: {} });
    const data = "x".repeat(1e6);
    for (let i = 0; i < 150; i++) {
      kernel.comm("comm_msg", { comm_id: "sink", data: { data, i } }, i % 2 ? [Buffer.alloc(1e6)] : []);
      if (i % 20 === 0) await run(kernel, "0");
    }
    for (let i = 0; i < 15; i++) await run(kernel, `const large${i} = "${"x".repeat(2e6)}"; 0`);
    expect(megabytes()).toBeLessThan(280);
    await kernel.shutdown();
  }, 180_000);
});
