import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { LanguageServer } from "../../kernel/checker/language-server.ts";
import { OwnTime } from "../../kernel/own-time.ts";
import { temporaryFolder } from "./support/folder.ts";

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A program on one processor, the first. */
function onFirstCore(...command: string[]): ChildProcess {
  const child = spawn("taskset", ["--cpu-list", "0", ...command], { stdio: "ignore" });
  started.push(child);
  return child;
}

/** From now on a process runs on the first processor, and only when nobody else wants it. */
function starve(pid: number): void {
  for (const command of ["taskset -a --cpu-list -p 0", "chrt -a --idle -p 0"]) {
    const [program, ...args] = command.split(" ");
    expect(spawnSync(program!, [...args, String(pid)]).status).toBe(0);
  }
}

const ENDLESS = [process.execPath, "-e", "for (;;) {}"];

// Linux alone counts how long a process waits for a processor.
describe.skipIf(process.platform !== "linux")("a process's own time", () => {
  it("is that of the clock where it sleeps or is suspended", async () => {
    const sleeping = onFirstCore("sleep", "60");
    const suspended = onFirstCore(...ENDLESS);
    suspended.kill("SIGSTOP");
    await sleep(300);
    const began = performance.now();
    const times = [sleeping, suspended].map(({ pid }) => new OwnTime(pid));
    await sleep(1000);
    for (const own of times) expect(own.milliseconds / (performance.now() - began)).toBeGreaterThan(0.9);
  });

  it("is only what a processor that others want too has left for it", async () => {
    const [computing] = Array.from({ length: 6 }, () => onFirstCore(...ENDLESS));
    await sleep(300);
    const began = performance.now();
    const own = new OwnTime(computing!.pid);
    await sleep(2000);
    expect(own.milliseconds / (performance.now() - began)).toBeLessThan(0.6);
  });
});

describe.skipIf(process.platform !== "linux")("a checker from which nothing is heard", () => {
  const folder = temporaryFolder();
  /** A file that takes the server a while, and what it is asked of it. */
  const text = Array.from(
    { length: 300 },
    (_, i) => `const x${i} = [${i}, "${i}"].map((v) => ({ v, of: ${i} }));`,
  ).join("\n");
  const uri = pathToFileURL(`${folder}/cell.ts`).href;
  const ask = (server: LanguageServer) => {
    server.notify("textDocument/didOpen", { textDocument: { uri, languageId: "typescript", version: 1, text } });
    return server.request("textDocument/diagnostic", { textDocument: { uri } });
  };

  it("is waited for while the machine gives it no time", async () => {
    const server = new LanguageServer(pathToFileURL(folder).href, { hangsAfter: 600 });
    starve(server.pid!);
    onFirstCore(...ENDLESS);
    const answer = ask(server);
    const first = await Promise.race([answer.then(() => "answered"), sleep(3000).then(() => "waiting")]);
    expect(server.stopped).toBe(false);
    for (const child of started.splice(0)) child.kill("SIGKILL");
    expect((await answer).items).toEqual([]);
    expect(first).toBe("waiting");
    server.stop();
  });

  it("is ended where it has had the time", async () => {
    const server = new LanguageServer(pathToFileURL(folder).href, { hangsAfter: 600 });
    process.kill(server.pid!, "SIGSTOP");
    await expect(ask(server)).rejects.toThrow("language server ended (SIGKILL)");
  });
});
