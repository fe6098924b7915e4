import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelClient } from "../../../kernel/client/client.ts";
import type { Message } from "../../../kernel/wire/message.ts";
import { contents, run, send, startKernel, streamText, until } from "../support/kernel.ts";

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await startKernel();
  await run(
    kernel,
    'const kept = 5; import { EventEmitter } from "node:events"; import { readFile } from "node:fs/promises"',
  );
});
afterAll(async () => {
  await kernel?.shutdown();
});

/** What iopub says from now on of one message and those that stem from it. */
function listen() {
  const heard: Message[] = [];
  kernel.onMessage((message) => heard.push(message));
  return { of: (id: string) => heard.filter((message) => message.parent_header.msg_id === id), heard };
}
const statuses = (messages: Message[]) => contents(messages, "status").map((content) => content.execution_state);

describe("what fails where the cell does not wait for it fails the cell, before it is idle:", () => {
  it.each([
    ["an async function", 'async function check() { await 0; throw new Error("unseen"); }\ncheck(); 0'],
    ["a rejected promise", 'void Promise.reject(new Error("unseen")); 0'],
    ["a callback of forEach", '[1, 2].forEach(async (n) => { await null; if (n === 2) throw new Error("unseen"); })'],
    ["an async function that reads a file", 'async function read() { await readFile("/no/such/file"); }\nread(); 0'],
    ["a timer", 'setTimeout(() => { throw new Error("unseen"); }, 50); 0'],
    ["an event without a listener", 'setImmediate(() => new EventEmitter().emit("error", new Error("unseen"))); 0'],
    [
      "an error while the cell awaits",
      'void Promise.reject(new Error("unseen")); await new Promise((r) => setTimeout(r, 100)); 0',
    ],
    ["a microtask", 'queueMicrotask(() => { throw new Error("unseen"); }); 0'],
  ])("%s", async (_, code) => {
    const { reply, error, stderr } = await run(kernel, code);
    expect(reply).toMatchObject({ status: "error", evalue: expect.stringMatching(/unseen|ENOENT/) });
    expect(error!.traceback.join("\n")).toMatch(/nothing handled it|Uncaught/);
    expect(stderr).toBe("");
    expect((await run(kernel, "kept")).result!.data["text/plain"]).toBe("5");
  });

  it("is told at once where the cell goes on, and the cell has failed at its end", async () => {
    const cell = send(
      kernel,
      'setTimeout(() => { throw new Error("unseen"); }, 1); await new Promise((r) => setTimeout(r, 1500)); 0',
    );
    await until("it is told", () => streamText(cell.messages, "stderr").includes("unseen"));
    expect(statuses(cell.messages)).toEqual(["busy"]);
    expect((await cell.run).reply.status).toBe("error");
  });

  it("but what is handled in time is no failure", async () => {
    const code = 'const failing = Promise.reject(new Error("handled")); try { await failing } catch {} 6';
    expect((await run(kernel, code)).result!.data["text/plain"]).toBe("6");
  });
});

describe("what receives a comm message", () => {
  beforeAll(async () => {
    await run(
      kernel,
      `comms.register("talks", (comm) => {
         console.log("opened");
         comm.onMessage = async (data) => {
           console.log("printed"); display("shown");
           await new Promise((resolve) => setTimeout(resolve, 100));
           if (data.fails) throw new Error("in the handler");
           console.log("printed later"); display("shown later");
         };
       })`,
    );
  });

  it("prints and displays before the message is idle", async () => {
    const { of } = listen();
    const opened = kernel.comm("comm_open", { comm_id: "t1", target_name: "talks", data: {} });
    const sent = kernel.comm("comm_msg", { comm_id: "t1", data: {} });
    await until("both are idle", () =>
      [opened, sent].every(({ header }) => statuses(of(header.msg_id)).includes("idle")),
    );
    expect(streamText(of(opened.header.msg_id), "stdout")).toBe("opened\n");
    const messages = of(sent.header.msg_id);
    expect(statuses(messages)).toEqual(["busy", "idle"]);
    expect(messages.at(-1)!.content.execution_state).toBe("idle");
    expect(streamText(messages, "stdout")).toBe("printed\nprinted later\n");
    expect(contents(messages, "display_data")).toHaveLength(2);
  });

  it("and fails is told, before the message is idle", async () => {
    const { of } = listen();
    kernel.comm("comm_open", { comm_id: "t2", target_name: "talks", data: {} });
    const sent = kernel.comm("comm_msg", { comm_id: "t2", data: { fails: true } });
    await until("it is idle", () => statuses(of(sent.header.msg_id)).includes("idle"));
    expect(streamText(of(sent.header.msg_id), "stderr")).toMatch(/comm_msg[\s\S]*in the handler/);
  });
});

describe("the kernel's status", () => {
  it("stays busy while a cell computes and a Tab is answered", async () => {
    const { heard } = listen();
    const cell = send(kernel, 'console.log("running"); await new Promise(() => {})');
    await until("the cell runs", () => streamText(cell.messages, "stdout") !== "");
    await kernel.complete("Math.hyp");
    await kernel.request("kernel_info_request", {}, "control");
    const known = () => statuses(heard).at(-1);
    await until("both are idle", () => statuses(heard).filter((status) => status === "idle").length >= 2);
    await until("the cell is busy again", () => known() === "busy");
    await kernel.interrupt();
    await cell.run;
    expect(known()).toBe("idle");
  });

  it("gives a cell that is aborted no number", async () => {
    const failing = send(kernel, 'await new Promise((r) => setTimeout(r, 200)); throw new Error("first")');
    const waiting = send(kernel, "1");
    await failing.run;
    expect((await waiting.run).reply).toEqual({ status: "aborted" });
  });
});

describe("a promise that is not awaited", () => {
  it("says so where it is printed or put into a text, and shows nothing of Node's or the kernel's own", async () => {
    const code = "const p = new Promise<number>(() => {}); console.log(p, [p], Promise.resolve(5)); `loss ${p}, ` + p";
    const { stdout, result } = await run(kernel, code);
    const pending = "Promise { <pending> } (no value yet: write await in front of it)";
    expect(stdout).toBe(`${pending} [ ${pending} ] Promise { 5 }\n`);
    const word = "[a promise: write await in front of it]";
    expect(result!.data["text/plain"]).toBe(`'loss ${word}, ${word}'`);
    const json = await run(kernel, "JSON.stringify({ loss: [p] })");
    expect(json.result!.data["text/plain"]).toBe(`'{"loss":["${word}"]}'`);
  });
});

describe("what an error was caused by", () => {
  const failing = (message: string) =>
    `const root = Object.assign(new Error("getaddrinfo ENOTFOUND hub"), { code: "ENOTFOUND" });
throw new Error("${message}", { cause: new TypeError("fetch failed", { cause: root }) });`;

  it("is left out where the message names it, and told where it does not", async () => {
    const short = (await run(kernel, failing("no answer from the hub (ENOTFOUND)"))).error!.traceback.join("\n");
    expect(short).not.toContain("caused by:");
    const long = (await run(kernel, failing("no answer"))).error!.traceback.join("\n");
    expect(long).toMatch(/caused by:[\s\S]*TypeError[\s\S]*caused by:[\s\S]*ENOTFOUND/);
  });
});

describe("warnings", () => {
  it("of programs are shown, those of what this version of Node finds outdated or new are not", async () => {
    const { stderr } = await run(
      kernel,
      `import * as outdated from "node:util"; import { Buffer as Old } from "node:buffer";
(outdated as any)._extend({}, {}); new (Old as any)(3);
process.emitWarning("Node's", "DeprecationWarning", "DEP0001");
process.emitWarning("Node's", { type: "DeprecationWarning", code: "DEP0002" });
process.emitWarning(Object.assign(new Error("Node's"), { name: "DeprecationWarning", code: "DEP0003" }));
process.emitWarning("Node's", "ExperimentalWarning");
process.emitWarning("a package's", "DeprecationWarning", "LIB1");
process.emitWarning("a program's");
await new Promise((resolve) => setTimeout(resolve, 20));`,
    );
    const said = stderr.split("\n").filter((line) => line.includes("Warning: "));
    expect(said.map((line) => line.replace(/^\(node:\d+\) /, ""))).toEqual([
      "[LIB1] DeprecationWarning: a package's",
      "Warning: a program's",
    ]);
  });
});
