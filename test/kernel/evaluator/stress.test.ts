import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelClient } from "../../../kernel/client/client.ts";
import { contents, run, send, startKernel, streamText, until } from "../support/kernel.ts";

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await startKernel();
});
afterAll(async () => {
  await kernel?.shutdown();
});

describe("output", () => {
  it("of a million lines arrives whole, in order, in a few messages, before the cell is idle", async () => {
    const { reply, messages, stdout } = await run(
      kernel,
      "for (let i = 0; i < 1_000_000; i++) console.log('line ' + i);",
    );
    expect(reply.status).toBe("ok");
    const lines = stdout.split("\n");
    expect(lines.length).toBe(1_000_001);
    expect(lines.findIndex((line, i) => i < 1_000_000 && line !== `line ${i}`)).toBe(-1);
    expect(contents(messages, "stream").length).toBeLessThan(5_000);
    expect(messages.at(-1)!.content.execution_state).toBe("idle");
  }, 120_000);

  it("of a hundred megabytes arrives whole", async () => {
    const { reply, stdout } = await run(
      kernel,
      'const chunk = "0123456789".repeat(100_000) + "\\n";\nfor (let i = 0; i < 100; i++) process.stdout.write(chunk);',
    );
    expect(reply.status).toBe("ok");
    expect(stdout.length).toBe(100 * 1_000_001);
    expect(stdout.slice(-11)).toBe("0123456789\n".slice(-11));
  }, 120_000);

  it("of a hundred megabytes in one write arrives in pieces that end between characters", async () => {
    const { messages, stdout } = await run(kernel, 'process.stdout.write("aäö😀".repeat(1e7))');
    expect(stdout.length).toBe(5e7);
    expect(stdout).not.toContain("\ufffd");
    for (const { text } of contents(messages, "stream")) expect(text.length).toBeLessThan(2 ** 24);
  }, 120_000);

  it("of a pipe that cuts characters in two arrives whole", async () => {
    const { stdout } = await run(
      kernel,
      [
        'for (const byte of Buffer.from("aä😀\\n")) {',
        "  process.stdout.write(Buffer.from([byte]));",
        "  await new Promise((resolve) => setTimeout(resolve, 40));",
        "}",
      ].join("\n"),
    );
    expect(stdout).toBe("aä😀\n");
  });

  it("of 600 lines that are printed in one go arrives, and so does the idle status", async () => {
    const { stdout } = await run(kernel, "for (let i = 0; i < 600; i++) console.log(i);");
    expect(stdout).toBe(Array.from({ length: 600 }, (_, i) => `${i}\n`).join(""));
  });

  it("of 600 displayed values arrives in order", async () => {
    const { displays } = await run(kernel, "for (let i = 0; i < 600; i++) display(i);");
    expect(displays.map((content) => content.data["text/plain"])).toEqual(
      Array.from({ length: 600 }, (_, i) => `${i}`),
    );
  });

  it("of three hundred cells in quick succession is each at its own cell", async () => {
    const cells = Array.from({ length: 300 }, (_, i) => send(kernel, `console.log("cell ${i}")`));
    for (const [i, cell] of cells.entries()) {
      const { reply, stdout } = await cell.run;
      expect(reply.status).toBe("ok");
      expect(stdout).toBe(`cell ${i}\n`);
    }
  }, 120_000);

  it("that is printed after the cell has ended arrives at the cell that printed it", async () => {
    const early = send(kernel, 'setTimeout(() => console.log("late"), 300); console.log("early")');
    await early.run;
    const next = await run(kernel, 'await new Promise((r) => setTimeout(r, 600)); console.log("next")');
    await until("the late line", () => streamText(early.messages, "stdout").includes("late"));
    expect(streamText(early.messages, "stdout")).toBe("early\nlate\n");
    expect(next.stdout).toBe("next\n");
  });

  it("on both streams keeps its order", async () => {
    const { messages } = await run(
      kernel,
      'for (let i = 0; i < 5; i++) { console.log("out", i); console.error("err", i); }',
    );
    const text = contents(messages, "stream").map((content) => content.text);
    expect(text.join("")).toBe([0, 1, 2, 3, 4].map((i) => `out ${i}\nerr ${i}\n`).join(""));
  });

  it("of child processes arrives at the cell", async () => {
    const { stdout, stderr } = await run(
      kernel,
      [
        'import { execSync, spawnSync, spawn } from "node:child_process";',
        'execSync("echo from execSync", { stdio: "inherit" });',
        'spawnSync("sh", ["-c", "echo to stderr >&2"], { stdio: "inherit" });',
        'const child = spawn("sh", ["-c", "sleep 0.1; echo from spawn"], { stdio: "inherit" });',
        'await new Promise((resolve) => child.on("close", resolve));',
      ].join("\n"),
    );
    expect(stdout).toContain("from execSync\n");
    expect(stdout).toContain("from spawn\n");
    expect(stderr).toContain("to stderr\n");
  });

  it("that is written to the file descriptors arrives, in order with what the console prints", async () => {
    const { stdout, stderr } = await run(
      kernel,
      [
        'import { writeSync } from "node:fs";',
        'console.log("one"); writeSync(1, "two\\n"); console.log("three"); writeSync(2, "four\\n");',
        'process.stdout.write("five\\n");',
      ].join("\n"),
    );
    expect(stdout.split("\n").filter(Boolean).sort()).toEqual(["five", "one", "three", "two"]);
    expect(stderr).toBe("four\n");
  });

  it("of bytes that are no text, and of half surrogate pairs, arrives as replacement characters", async () => {
    const bytes = await run(kernel, 'process.stdout.write(Buffer.from([0x61, 0xff, 0xfe, 0x62])); console.log("")');
    expect(bytes.stdout).toBe("a\ufffd\ufffdb\n");
    const surrogates = await run(kernel, 'console.log("x\\ud800y"); "z\\udc00"');
    expect(surrogates.stdout).toBe("x\ufffdy\n");
    expect(surrogates.reply.status).toBe("ok");
    const split = await run(
      kernel,
      "process.stdout.write(Buffer.from([0xf0, 0x9f])); process.stdout.write(Buffer.from([0x98, 0x80, 0x0a]))",
    );
    expect(split.stdout).toBe("😀\n");
  });
});

describe("a hostile value", () => {
  it.each([
    ["circular", "const circle: any = { a: 1 }; circle.self = circle; circle"],
    ["with a getter that throws", '({ get a(): number { throw new Error("mine"); }, b: 2 })'],
    [
      "that is a Proxy which refuses everything",
      "new Proxy({}, { get() { throw 1; }, ownKeys() { throw 2; }, has() { throw 3; } })",
    ],
    ["that is a revoked Proxy", "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); proxy"],
    ["of a hundred million numbers", "new Float64Array(1e8)"],
    ["that is a sparse array", "const sparse: number[] = []; sparse[4e9] = 1; sparse"],
    [
      "that is nested a thousand levels deep",
      "let deep: any = {}; for (let i = 0; i < 10_000; i++) deep = { deep }; deep",
    ],
    [
      "whose toString throws",
      '({ toString() { throw new Error("no"); }, [Symbol.toPrimitive]() { throw new Error("no"); } })',
    ],
    ["whose display method throws", '({ [Symbol.for("Jupyter.display")]() { throw new Error("no"); } })'],
    ["whose display method gives nonsense", '({ [Symbol.for("Jupyter.display")]: () => 5 })'],
    [
      "whose display method gives what is no JSON",
      '({ [Symbol.for("Jupyter.display")]: () => ({ "application/json": { big: 1n } }) })',
    ],
    ["that is a Symbol", 'Symbol("s")'],
    ["that is a BigInt", "123456789012345678901234567890n"],
    ["without a prototype", "Object.create(null)"],
    ["that is a string of fifty megabytes", '"x".repeat(5e7)'],
  ])(
    "%s is shown or refused, and the next cell runs",
    async (_, code) => {
      const { reply, result, messages } = await run(kernel, code);
      expect(["ok", "error"]).toContain(reply.status);
      // Something must tell the student what happened: a result, an error, or a note on stderr.
      expect(result ?? contents(messages, "error")[0] ?? contents(messages, "stream")[0]).toBeDefined();
      expect((await run(kernel, "1 + 1")).result!.data["text/plain"]).toBe("2");
    },
    60_000,
  );
});

describe("an error outside the cell's own flow", () => {
  it.each([
    ["an unhandled rejection", 'void Promise.reject(new Error("nobody waits"))', "nobody waits"],
    ["an error in a timer", 'setTimeout(() => { throw new Error("in a timer"); }, 50)', "in a timer"],
    [
      "an error event without a listener",
      'import { EventEmitter } from "node:events"; setImmediate(() => new EventEmitter().emit("error", new Error("no listener")))',
      "no listener",
    ],
  ])("such as %s is shown at its cell and ends nothing", async (_, code, text) => {
    await run(kernel, "const kept = 5");
    const cell = send(kernel, code);
    await cell.run;
    await until("the error is shown", () => JSON.stringify(cell.messages.map((m) => m.content)).includes(text));
    expect((await run(kernel, "kept")).result!.data["text/plain"]).toBe("5");
  });

  it("such as a package that is not installed says how to install it", async () => {
    for (const code of ['import missing from "no-such-package-xyz"', 'await import("no-such-package-xyz")']) {
      const { reply } = await run(kernel, code);
      expect(reply.status).toBe("error");
      expect(`${reply.evalue}${reply.traceback.join("\n")}`).toContain("npm install no-such-package-xyz");
    }
  });
});
