import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelClient } from "../../../kernel/client/client.ts";
import { Codec } from "../../../kernel/wire/codec.ts";
import { endpoint } from "../../../kernel/wire/connection.ts";
import { type Json, type Message, MessageFactory } from "../../../kernel/wire/message.ts";
import { connectDealer, type WireSocket } from "../../../kernel/wire/sockets.ts";
import { contents, run, send, startKernel, streamText, until } from "../support/kernel.ts";

let kernel: KernelClient;
let shell: WireSocket;
const replies: Message[] = [];
const heard: Message[] = [];
beforeAll(async () => {
  kernel = await startKernel();
  kernel.onMessage((message) => heard.push(message));
  shell = connectDealer(endpoint(kernel.connection, "shell"), "subshells");
  void (async () => {
    for await (const frames of shell) {
      const decoded = new Codec(kernel.connection).decode(frames);
      if (decoded.ok) replies.push(decoded.message);
    }
  })();
});
afterAll(async () => {
  await shell?.close({ discard: true });
  await kernel?.shutdown();
});

const factory = new MessageFactory();
const control = async (type: string, content: Json = {}) => (await kernel.request(type, content, "control")).content;
const create = async () => (await control("create_subshell_request")).subshell_id as string;

/** Sends a message to a subshell. */
function sendTo(subshell: string | null, type: string, content: Json): Message {
  const message = factory.message(type, content);
  Object.assign(message.header, { subshell_id: subshell });
  shell.send(new Codec(kernel.connection).encode(message));
  return message;
}
const replyTo = (message: Message) => replies.find((reply) => reply.parent_header.msg_id === message.header.msg_id);
const outputOf = (message: Message) => heard.filter((m) => m.parent_header.msg_id === message.header.msg_id);
const execute = (code: string) => ({ code, silent: false, store_history: true, stop_on_error: true });

describe("subshells", () => {
  it("are announced, made, listed and deleted", async () => {
    expect((await kernel.kernelInfo()).content.supported_features).toContain("kernel subshells");
    expect(await control("list_subshell_request")).toEqual({ status: "ok", subshell_id: [] });
    const [first, second] = [await create(), await create()];
    expect(first).not.toBe(second);
    expect(await control("list_subshell_request")).toEqual({ status: "ok", subshell_id: [first, second] });
    expect(await control("delete_subshell_request", { subshell_id: first })).toEqual({ status: "ok" });
    expect(await control("list_subshell_request")).toEqual({ status: "ok", subshell_id: [second] });
    expect(await control("delete_subshell_request", { subshell_id: first })).toMatchObject({ status: "error" });
    await control("delete_subshell_request", { subshell_id: second });
  });

  it("run cells while one of the shell awaits, in one session with it", async () => {
    await run(kernel, "let shared = 1");
    const id = await create();
    const long = send(
      kernel,
      'console.log("running"); while (shared < 3) await new Promise((r) => setTimeout(r, 10)); "done"',
    );
    await until("the cell runs", () => streamText(long.messages, "stdout") !== "");
    const first = sendTo(id, "execute_request", execute("shared = 2; console.log('in the subshell'); shared"));
    await until("the subshell answers", () => replyTo(first) !== undefined);
    expect(replyTo(first)!.content.status).toBe("ok");
    await until("and is idle", () => outputOf(first).some((m) => m.content.execution_state === "idle"));
    expect(streamText(outputOf(first), "stdout")).toBe("in the subshell\n");
    expect(contents(outputOf(first), "execute_result")[0]!.data["text/plain"]).toBe("2");
    expect(streamText(long.messages, "stdout")).toBe("running\n");
    sendTo(id, "execute_request", execute("shared = 3"));
    const { result, reply } = await long.run;
    expect(result!.data["text/plain"]).toBe("'done'");
    expect(result!.execution_count).toBe(reply.execution_count);
    await control("delete_subshell_request", { subshell_id: id });
  });

  it("have a queue each: a failure aborts what waits behind it in its own only", async () => {
    const [one, two] = [await create(), await create()];
    const failing = sendTo(
      one,
      "execute_request",
      execute('await new Promise((r) => setTimeout(r, 200)); throw new Error("no")'),
    );
    const behind = sendTo(one, "execute_request", execute("1"));
    const concurrent = sendTo(two, "execute_request", execute("2"));
    await until("all have answered", () => [failing, behind, concurrent].every(replyTo));
    expect([failing, behind, concurrent].map((m) => replyTo(m)!.content.status)).toEqual(["error", "aborted", "ok"]);
  });

  it("answer comm messages during a long cell of the shell", async () => {
    await run(kernel, 'comms.register("echo", (comm) => { comm.onMessage = (data) => comm.send(data); })');
    const id = await create();
    const long = send(kernel, 'console.log("running"); await new Promise((r) => setTimeout(r, 3000))');
    await until("the cell runs", () => streamText(long.messages, "stdout") !== "");
    sendTo(id, "comm_open", { comm_id: "echo-1", target_name: "echo", data: {} });
    const sent = sendTo(id, "comm_msg", { comm_id: "echo-1", data: { a: 1 } });
    await until("the echo comes", () => contents(outputOf(sent), "comm_msg").length > 0);
    expect(contents(long.messages, "status").map((s) => s.execution_state)).not.toContain("idle");
    await kernel.interrupt();
    await long.run;
  });

  it("are all interrupted by an interrupt, and the shell goes on", async () => {
    const id = await create();
    const cell = sendTo(id, "execute_request", execute("await new Promise(() => {})"));
    await until("it runs", () => outputOf(cell).length > 1);
    await kernel.interrupt();
    await until("it has ended", () => replyTo(cell) !== undefined);
    expect(replyTo(cell)!.content.ename).toBe("Interrupted");
    expect((await run(kernel, "7")).result!.data["text/plain"]).toBe("7");
  });

  it("that are not there are told so; null is the shell itself", async () => {
    const unknown = sendTo("no-such-subshell", "execute_request", execute("1"));
    const main = sendTo(null, "execute_request", execute("1"));
    await until("both have answered", () => [unknown, main].every(replyTo));
    expect(replyTo(unknown)!.content).toMatchObject({ status: "error", evalue: expect.stringMatching(/no subshell/) });
    expect(replyTo(main)!.content.status).toBe("ok");
  });
});
