import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelClient } from "../../../kernel/client/client.ts";
import { Codec } from "../../../kernel/wire/codec.ts";
import { endpoint } from "../../../kernel/wire/connection.ts";
import { type Message, MessageFactory } from "../../../kernel/wire/message.ts";
import { connectDealer, type Frames } from "../../../kernel/wire/sockets.ts";
import { contents, run, send, startKernel, until } from "../support/kernel.ts";

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await startKernel();
});
afterAll(async () => {
  await kernel?.shutdown();
});

const types = (messages: readonly Message[]) => messages.map((message) => message.header.msg_type);

describe("kernel_info", () => {
  it("names the protocol, the implementation and the language", async () => {
    const { content, header } = await kernel.kernelInfo();
    expect(content).toMatchObject({
      status: "ok",
      protocol_version: "5.5",
      implementation: expect.stringMatching(/./),
      implementation_version: expect.stringMatching(/^\d+\.\d+/),
      banner: expect.stringMatching(/./),
      language_info: { name: "typescript", file_extension: ".ts", mimetype: expect.stringMatching(/typescript/) },
    });
    expect(header.msg_type).toBe("kernel_info_reply");
  });

  it("is answered on the control channel too", async () => {
    const { content } = await kernel.request("kernel_info_request", {}, "control");
    expect(content.status).toBe("ok");
  });
});

describe("executing a cell", () => {
  it("publishes busy, the input, the outputs and idle, in this order, all as children of the request", async () => {
    const { execution, run } = send(kernel, 'console.log("a"); console.error("b"); 1 + 1');
    const { messages, reply } = await run;
    const kinds = types(messages);
    expect(kinds.slice(0, 2)).toEqual(["status", "execute_input"]);
    expect(kinds.at(-1)).toBe("status");
    expect(kinds.filter((kind) => kind === "status")).toHaveLength(2);
    expect(new Set(kinds.slice(2, -1))).toEqual(new Set(["stream", "execute_result"]));
    expect(messages[0]!.content).toEqual({ execution_state: "busy" });
    expect(messages.at(-1)!.content).toEqual({ execution_state: "idle" });
    for (const message of messages) expect(message.parent_header.msg_id).toBe(execution.id);
    expect(new Set(messages.map((message) => message.header.session)).size).toBe(1);
    expect(new Set(messages.map((message) => message.header.msg_id)).size).toBe(messages.length);
    expect(reply).toMatchObject({ status: "ok", execution_count: expect.any(Number) });
  });

  it("counts cells: input, result and reply carry the same number, one more than the last", async () => {
    const first = await run(kernel, "1");
    const second = await run(kernel, "2");
    const input = contents(second.messages, "execute_input")[0]!;
    expect(input.code).toBe("2");
    expect(second.reply.execution_count).toBe(first.reply.execution_count + 1);
    expect(input.execution_count).toBe(second.reply.execution_count);
    expect(second.result!.execution_count).toBe(second.reply.execution_count);
  });

  it("displays the value of the last expression and nothing for a statement or undefined", async () => {
    expect((await run(kernel, '({ a: 1, b: "x" })')).result!.data["text/plain"]).toBe("{ a: 1, b: 'x' }");
    expect((await run(kernel, "const silentStatement = 5")).result).toBeUndefined();
    expect((await run(kernel, "undefined")).result).toBeUndefined();
  });

  it("shows an earlier cell's own lines in an error, whatever ran silently since", async () => {
    await run(kernel, 'const fails = () => {\n  throw new Error("here");\n};');
    await run(kernel, "0", { silent: true });
    await run(kernel, "0", { storeHistory: false });
    const { reply } = await run(kernel, "fails()");
    expect(reply.traceback.join("\n")).toContain('throw new Error("here")');
  });

  it("keeps quiet and does not count where it is silent", async () => {
    const before = (await run(kernel, "1")).reply.execution_count;
    const silent = await run(kernel, "(globalThis as any).ran = 7; 1 + 1", { silent: true });
    expect(types(silent.messages)).toEqual(["status", "status"]);
    const after = await run(kernel, "(globalThis as any).ran");
    expect(after.reply.execution_count).toBe(before + 1);
    expect(after.result!.data["text/plain"]).toBe("7");
  });

  it("neither counts nor remembers a cell that is not to be stored", async () => {
    const before = (await run(kernel, "1")).reply.execution_count;
    const unstored = await run(kernel, '"unstored cell"', { storeHistory: false });
    expect(unstored.result!.data["text/plain"]).toBe("'unstored cell'");
    const after = await run(kernel, "2");
    expect(after.reply.execution_count).toBe(before + 1);
    const { content } = await kernel.history({ n: 3 });
    expect(content.history.map((entry: unknown[]) => entry[2])).not.toContain('"unstored cell"');
  });

  it("evaluates user expressions after the cell, each with its own outcome", async () => {
    const { reply } = await run(kernel, "const base = 20", {
      userExpressions: { good: "base + 1", bad: "missingName.x" },
    });
    expect(reply.user_expressions.good).toMatchObject({ status: "ok", data: { "text/plain": "21" } });
    expect(reply.user_expressions.bad).toMatchObject({ status: "error", ename: expect.any(String) });
  });

  it("reports an error in the reply and on iopub, with the cell's line in the traceback", async () => {
    const { reply, error, messages } = await run(
      kernel,
      'const ok = 1;\nfunction fail(): never {\n  throw new RangeError("too far");\n}\nfail();',
    );
    expect(reply).toMatchObject({ status: "error", ename: "RangeError", evalue: "too far" });
    expect(error).toMatchObject({ ename: "RangeError", evalue: "too far", traceback: reply.traceback });
    expect(contents(messages, "error")).toHaveLength(1);
    const text = reply.traceback.join("\n");
    expect(text).toContain("RangeError");
    expect(text).toMatch(/\b3\b[\s\S]*throw new RangeError/);
    expect(text).not.toMatch(/node_modules|dist\/kernel/);
  });

  it("tells a type error before anything has run, with its line and a caret", async () => {
    const { reply, stdout } = await run(kernel, 'console.log("ran");\nconst n: number = "text";');
    expect(reply.status).toBe("error");
    expect(stdout).toBe("");
    const text = `${reply.evalue}\n${reply.traceback.join("\n")}`;
    expect(text).toMatch(/Type 'string' is not assignable to type 'number'/);
    expect(text).toContain("const n: number");
    expect(text).toContain("^");
  });

  it("tells what was thrown where it is no Error", async () => {
    expect((await run(kernel, 'throw "a string"')).reply).toMatchObject({
      status: "error",
      evalue: expect.stringContaining("a string"),
    });
    expect((await run(kernel, "throw undefined")).reply.status).toBe("error");
    expect((await run(kernel, "throw { a: 1 }")).reply.status).toBe("error");
    expect((await run(kernel, "await Promise.reject(new TypeError('later'))")).reply.ename).toBe("TypeError");
  });

  it("aborts the cells that wait where one fails, unless it is told not to", async () => {
    const failing = send(kernel, 'await new Promise((r) => setTimeout(r, 200)); throw new Error("first")');
    const waiting = [send(kernel, "(globalThis as any).second = 1"), send(kernel, "3")];
    expect((await failing.run).reply.status).toBe("error");
    for (const { run } of waiting) {
      const { reply, messages } = await run;
      expect(reply.status).toBe("aborted");
      expect(types(messages)).toEqual(["status", "status"]);
    }
    const tolerant = send(kernel, 'await new Promise((r) => setTimeout(r, 200)); throw new Error("x")', {
      stopOnError: false,
    });
    const next = send(kernel, "4");
    expect((await tolerant.run).reply.status).toBe("error");
    expect((await next.run).result!.data["text/plain"]).toBe("4");
  });

  it("is told to the caller as failed where the caller's own listener throws", async () => {
    const execution = kernel.execute('console.log("x")', {
      onOutput: () => {
        throw new Error("mine");
      },
    });
    await expect(execution.done).rejects.toThrow("mine");
    expect((await execution.reply).content.status).toBe("ok");
    expect((await run(kernel, "1")).reply.status).toBe("ok");
  });

  it("gives every client the broadcasts, and the reply only to the one that asked", async () => {
    await using other = await KernelClient.connect(kernel.connection);
    const heard: Message[] = [];
    other.onMessage((message) => heard.push(message));
    const { execution, run } = send(kernel, 'console.log("for all")');
    await run;
    await until("the other client hears the cell end", () =>
      heard.some((m) => m.parent_header.msg_id === execution.id && m.content.execution_state === "idle"),
    );
    expect(contents(heard, "stream").map((content) => content.text)).toEqual(["for all\n"]);
    expect((await other.execute("5").done).content.status).toBe("ok");
  });
});

describe("display", () => {
  it("handles update what they have shown, also from a later cell", async () => {
    const first = await run(kernel, 'const handle = display("one")');
    const id = first.displays[0]!.transient.display_id;
    expect(id).toMatch(/./);
    const second = await run(kernel, 'handle.update("two")');
    const [update] = contents(second.messages, "update_display_data");
    expect(update).toMatchObject({ data: { "text/plain": "'two'" }, transient: { display_id: id } });
  });

  it("clears a cell's output at once or with the next", async () => {
    const { messages } = await run(kernel, "clearOutput(); clearOutput({ wait: true })");
    expect(contents(messages, "clear_output")).toEqual([{ wait: false }, { wait: true }]);
  });

  it("keeps the order of what is printed and shown", async () => {
    const { messages } = await run(
      kernel,
      'console.log("a"); display(1); console.log("b"); display(2); console.log("c")',
    );
    expect(types(messages).slice(2, -1)).toEqual(["stream", "display_data", "stream", "display_data", "stream"]);
  });
});

describe("completion", () => {
  it("gives the names that fit and the part of the cell that they replace", async () => {
    const { content } = await kernel.complete("const root = Math.hyp");
    expect(content).toMatchObject({ status: "ok", matches: ["hypot"], cursor_start: 18, cursor_end: 21 });
  });

  it("knows what earlier cells declared", async () => {
    await run(kernel, "const trainingLosses = [1, 2, 3]");
    expect((await kernel.complete("trainingL")).content.matches).toContain("trainingLosses");
    expect((await kernel.complete("trainingLosses.fla")).content.matches).toContain("flatMap");
  });

  it("counts cursor positions in characters, not in UTF-16 units", async () => {
    const { content } = await kernel.complete('"😀😀"; Math.hyp', [...'"😀😀"; Math.hyp'].length);
    expect(content).toMatchObject({ matches: ["hypot"], cursor_start: 11, cursor_end: 14 });
  });

  it("answers in the middle of a cell that is not complete", async () => {
    const code = "function f() {\n  const a = Math.ma\n  return a";
    const { content } = await kernel.complete(code, code.indexOf("ma\n") + 2);
    expect(content.matches).toContain("max");
  });

  it("gives no matches for nonsense, and no error", async () => {
    const { content } = await kernel.complete("]]]]%%%%.");
    expect(content).toMatchObject({ status: "ok", matches: expect.any(Array) });
    expect((await kernel.complete("", 0)).content.status).toBe("ok");
    expect((await kernel.complete("abc", 1e9)).content.status).toBe("ok");
  });
});

describe("inspection", () => {
  it("gives signature and documentation", async () => {
    const { content } = await kernel.inspect("Math.max(1, 2)", 6);
    expect(content).toMatchObject({ status: "ok", found: true });
    expect(content.data["text/plain"]).toMatch(/max\(\.\.\.values: number\[\]\): number[\s\S]*larger/i);
  });

  it("says that it found nothing", async () => {
    expect((await kernel.inspect("   ", 1)).content).toMatchObject({ status: "ok", found: false });
  });
});

describe("is_complete", () => {
  it.each([
    ["1 + 1", "complete"],
    ["function f() {", "incomplete"],
    ["const x = ;", "invalid"],
  ])("says of %j that it is %s", async (code, status) => {
    expect((await kernel.isComplete(code)).content.status).toBe(status);
  });

  it("proposes an indent that grows with the blocks", async () => {
    const { content } = await kernel.isComplete("function f() {\n  if (true) {");
    expect(content).toMatchObject({ status: "incomplete", indent: "    " });
  });
});

describe("history", () => {
  it("gives the last cells, a range of this session, and what matches a pattern", async () => {
    const { reply } = await run(kernel, "const findMe42 = 1");
    await run(kernel, '"later"');
    const tail = (await kernel.history({ n: 2 })).content.history;
    expect(tail.map((entry: unknown[]) => entry[2])).toEqual(["const findMe42 = 1", '"later"']);
    expect(tail[0][1]).toBe(reply.execution_count);
    const range = {
      hist_access_type: "range",
      session: 0,
      start: reply.execution_count,
      stop: reply.execution_count + 1,
    };
    expect((await kernel.history(range)).content.history).toHaveLength(1);
    const found = (await kernel.history({ hist_access_type: "search", pattern: "*findMe42*" })).content.history;
    expect(found.map((entry: unknown[]) => entry[2])).toEqual(["const findMe42 = 1"]);
    const withOutput = (await kernel.history({ n: 1, output: true })).content.history;
    expect(withOutput[0][2]).toEqual(['"later"', "'later'"]);
  });
});

describe("a question of the cell", () => {
  it("goes to the client that runs the cell, and its answer comes back", async () => {
    const asked: unknown[] = [];
    const { result } = await run(kernel, 'const name = await prompt("Name? "); "hello " + name', {
      onInput: (request) => {
        asked.push(request);
        return "wörld 😀";
      },
    });
    expect(asked).toEqual([{ prompt: "Name? ", password: false }]);
    expect(result!.data["text/plain"]).toBe("'hello wörld 😀'");
  });

  it("fails with a clear error where the client cannot answer", async () => {
    const { reply } = await run(kernel, 'await prompt("Name? ")');
    expect(reply.status).toBe("error");
    expect(reply.evalue).toMatch(/input|stdin|question/i);
  });

  it("can be interrupted", async () => {
    let asked = false;
    const waiting = send(kernel, 'await prompt("never answered")', {
      onInput: () => {
        asked = true;
        return new Promise<string>(() => {});
      },
    });
    await until("the cell asks", () => asked);
    await kernel.interrupt();
    expect((await waiting.run).reply.status).toBe("error");
    expect((await run(kernel, "1")).reply.status).toBe("ok");
  });
});

describe("comms", () => {
  it("to a target that nobody registered are closed", async () => {
    const heard: Message[] = [];
    const forget = kernel.onMessage((message) => heard.push(message));
    const opened = kernel.comm("comm_open", { comm_id: "nobody", target_name: "no.such.target", data: {} });
    await until("the kernel closes the comm", () =>
      heard.some((m) => m.header.msg_type === "comm_close" && m.content.comm_id === "nobody"),
    );
    forget();
    const closed = heard.find((m) => m.header.msg_type === "comm_close");
    expect(closed!.parent_header.msg_id).toBe(opened.header.msg_id);
  });

  it("opened by the front end reach the cell's code, with data and buffers, and its answers come back", async () => {
    await run(
      kernel,
      `comms.register("echo", (comm, data) => {
        comm.send({ opened: data });
        comm.onMessage = (data, buffers) =>
          comm.send({ echo: data }, { buffers: buffers.map((buffer) => buffer.map((byte) => byte + 1)) });
      });`,
    );
    const heard: Message[] = [];
    const forget = kernel.onMessage((message) => heard.push(message));
    const answer = (key: string) => heard.find((m) => m.header.msg_type === "comm_msg" && key in m.content.data);
    const opened = kernel.comm("comm_open", { comm_id: "echo-1", target_name: "echo", data: { a: 1 } });
    await until("the cell answers", () => answer("opened") !== undefined);
    expect(answer("opened")!.content).toEqual({ comm_id: "echo-1", data: { opened: { a: 1 } } });
    expect(answer("opened")!.parent_header.msg_id).toBe(opened.header.msg_id);
    expect((await kernel.commInfo("echo")).content.comms).toEqual({ "echo-1": { target_name: "echo" } });

    kernel.comm("comm_msg", { comm_id: "echo-1", data: { b: 2 } }, [Buffer.from([1, 2]), Buffer.alloc(0)]);
    await until("the cell echoes", () => answer("echo") !== undefined);
    expect(answer("echo")!.content.data).toEqual({ echo: { b: 2 } });
    expect(answer("echo")!.buffers).toEqual([Buffer.from([2, 3]), Buffer.alloc(0)]);

    kernel.comm("comm_close", { comm_id: "echo-1", data: {} });
    await run(kernel, "1");
    expect((await kernel.commInfo("echo")).content.comms).toEqual({});
    forget();
  });

  it("opened by a cell are announced to the front end", async () => {
    const { messages } = await run(
      kernel,
      'const bar = comms.open("progress", { value: 1 }); bar.send({ value: 2 }); bar.close()',
    );
    const [open, message, close] = ["comm_open", "comm_msg", "comm_close"].map((type) => contents(messages, type)[0]!);
    expect(open).toMatchObject({ target_name: "progress", data: { value: 1 } });
    expect(message).toMatchObject({ comm_id: open!.comm_id, data: { value: 2 } });
    expect(close).toMatchObject({ comm_id: open!.comm_id });
  });

  it("are listed by comm_info, by target too", async () => {
    const { content, header } = await kernel.commInfo();
    expect(header.msg_type).toBe("comm_info_reply");
    expect(content).toMatchObject({ status: "ok", comms: {} });
    expect((await kernel.commInfo("no.such.target")).content.comms).toEqual({});
  });

  it("that nobody opened may send messages with buffers and do no harm", async () => {
    kernel.comm("comm_msg", { comm_id: "unknown", data: { a: 1 } }, [Buffer.from([0, 1, 2]), Buffer.alloc(0)]);
    kernel.comm("comm_close", { comm_id: "unknown", data: {} });
    expect((await run(kernel, "1")).reply.status).toBe("ok");
  });
});

describe("what is no proper message", () => {
  /** Sends frames, then shows that the kernel still answers and that nothing came back for them. */
  async function survives(channel: "shell" | "control" | "stdin", ...messages: Frames[]): Promise<void> {
    const socket = connectDealer(endpoint(kernel.connection, channel), `raw-${Math.random()}`);
    const answers: Buffer[][] = [];
    void (async () => {
      for await (const frames of socket) answers.push(frames);
    })();
    for (const frames of messages) socket.send(frames);
    await socket.flush();
    // Two rounds: the raw socket's messages may arrive after the first request of ours.
    for (let i = 0; i < 2; i++) {
      expect((await run(kernel, "40 + 2")).result!.data["text/plain"]).toBe("42");
      await kernel.request("kernel_info_request", {}, "control");
    }
    expect(answers).toEqual([]);
    await socket.close({ discard: true });
  }
  const factory = new MessageFactory();
  const request = () =>
    factory.message("execute_request", { code: "(globalThis as any).hacked = true", silent: false });
  const frames = (codec = new Codec(kernel.connection), message = request()) => codec.encode(message);

  it.each(["shell", "control"] as const)("with a bad signature is dropped on %s", async (channel) => {
    const other = new Codec({ ...kernel.connection, key: "another key" });
    await survives(channel, frames(other), frames(new Codec({ ...kernel.connection, key: "" })));
    expect((await run(kernel, "typeof (globalThis as any).hacked")).result!.data["text/plain"]).toBe("'undefined'");
  });

  it("and a message that comes a second time are dropped", async () => {
    const once = frames(
      undefined,
      factory.message("execute_request", {
        code: "(globalThis as any).times = ((globalThis as any).times ?? 0) + 1",
        silent: true,
        store_history: false,
      }),
    );
    const socket = connectDealer(endpoint(kernel.connection, "shell"), "replay");
    for (let i = 0; i < 3; i++) socket.send(once);
    await socket.flush();
    await until("the cell ran", async () => (await run(kernel, "(globalThis as any).times")).result !== undefined);
    await run(kernel, "0");
    expect((await run(kernel, "(globalThis as any).times")).result!.data["text/plain"]).toBe("1");
    await socket.close({ discard: true });
  });

  it.each(["shell", "control", "stdin"] as const)(
    "on %s (garbage, few frames, none) harms nothing",
    async (channel) => {
      await survives(
        channel,
        ["garbage"],
        [Buffer.alloc(0)],
        [Buffer.from([0xff, 0xfe, 0x00])],
        ["<IDS|MSG>"],
        ["<IDS|MSG>", "signature", "{}"],
        Array.from({ length: 1000 }, () => "x"),
      );
    },
  );

  it("though rightly signed (no JSON, wrong shapes, unknown type) harms nothing", async () => {
    const codec = new Codec(kernel.connection);
    const odd = (change: (message: Message) => void) => {
      const message = request();
      change(message);
      return codec.encode(message);
    };
    await survives(
      "shell",
      odd((m) => Object.assign(m, { content: [] })),
      odd((m) => Object.assign(m, { header: {} })),
      odd((m) => Object.assign(m, { metadata: null })),
      odd((m) => Object.assign(m.header, { msg_type: "no_such_request" })),
      odd((m) => Object.assign(m.header, { msg_type: "__proto__" })),
    );
  });

  it("because fields are missing or of another type is answered or dropped, and harms nothing", async () => {
    const codec = new Codec(kernel.connection);
    const socket = connectDealer(endpoint(kernel.connection, "shell"), "odd");
    for (const type of ["execute", "complete", "inspect", "is_complete", "history", "comm_info"]) {
      for (const content of [
        {},
        { code: 5, cursor_pos: "x" },
        { code: null },
        { code: "1", cursor_pos: -5 },
        { code: { toString: 1 }, pattern: { toString: 1 }, hist_access_type: "search" }, // String() of it throws
        { code: "1", user_expressions: null },
        { code: "1", user_expressions: { a: { toString: 1 } } },
      ]) {
        socket.send(codec.encode(factory.message(`${type}_request`, content)));
      }
    }
    for (const type of ["comm_open", "comm_msg", "comm_close"]) {
      for (const id of [undefined, 5, { toString: 1 }]) {
        socket.send(codec.encode(factory.message(type, { comm_id: id, target_name: id, data: id })));
      }
    }
    await socket.flush();
    for (let i = 0; i < 2; i++) expect((await run(kernel, "40 + 2")).result!.data["text/plain"]).toBe("42");
    await socket.close({ discard: true });
  });

  it("but a huge one is: a cell of ten megabytes runs", async () => {
    const { result } = await run(kernel, `const huge = "${"x".repeat(1e7)}"; huge.length`);
    expect(result!.data["text/plain"]).toBe("10000000");
  });
});
