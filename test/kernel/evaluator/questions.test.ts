import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { InputRequest, KernelClient } from "../../../kernel/client/client.ts";
import { run, send, startKernel, until } from "../support/kernel.ts";

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await startKernel();
  await run(
    kernel,
    `import { createInterface as createCallbackInterface } from "node:readline";
     import { createInterface } from "node:readline/promises";
     import fs, { read, readFileSync, readSync } from "node:fs";
     const terminal = { get input() { return process.stdin; }, output: process.stdout };`,
  );
});
afterAll(async () => {
  await kernel?.shutdown();
});

/** Answers one question after the other, and remembers what was asked. */
function answering(...answers: string[]) {
  const asked: string[] = [];
  const onInput = ({ prompt }: InputRequest) => {
    asked.push(prompt);
    return answers[asked.length - 1] ?? "";
  };
  return { asked, onInput };
}

describe("a program that reads standard input asks in the notebook:", () => {
  it.each<[what: string, code: string, asked: string[], printed: string]>([
    [
      "readline with promises",
      `const rl1 = createInterface(terminal);
       const [first, second] = [await rl1.question("A? "), await rl1.question("B? ")];
       rl1.close(); console.log(first + second)`,
      ["A? ", "B? "],
      "A? B? onetwo\n",
    ],
    [
      "readline with callbacks, never closed",
      `const rl2 = createCallbackInterface(terminal);
       rl2.question("A? ", (a) => rl2.question("B? ", (b) => console.log(a + b)))`,
      ["A? ", "B? "],
      "A? B? onetwo\n",
    ],
    [
      "lines of readline",
      `for await (const line of createInterface({ input: process.stdin })) { console.log(line); if (line === "two") break; }`,
      ["", ""],
      "one\ntwo\n",
    ],
    [
      "process.stdin's data",
      `const data = await new Promise((resolve) => process.stdin.once("data", resolve)); console.log(String(data).trim())`,
      [""],
      "one\n",
    ],
    [
      "a loop over process.stdin, after which it can be read again",
      `for await (const chunk of process.stdin) { console.log(String(chunk).trim()); break; }
       const after = await new Promise((resolve) => process.stdin.once("data", resolve)); console.log(String(after).trim())`,
      ["", ""],
      "one\ntwo\n",
    ],
    [
      "a listener that stays",
      `const rl3 = createCallbackInterface({ input: process.stdin }); rl3.on("line", (line) => { console.log(line); rl3.close(); })`,
      [""],
      "one\n",
    ],
    [
      "readSync, in two pieces",
      `process.stdout.write("Name? "); const piece = Buffer.alloc(2);
       const pieces = [readSync(0, piece), readSync(0, piece, 0, 1, null)]; console.log(pieces, String(piece))`,
      ["Name? "],
      "Name? [ 2, 1 ] en\n",
    ],
    [
      "readFileSync",
      `console.log(readFileSync(0, "utf8") + fs.readFileSync("/dev/stdin", "utf8"))`,
      ["", ""],
      "one\ntwo\n\n",
    ],
    [
      "fs.read",
      `const target = Buffer.alloc(3);
       await new Promise<void>((done) => read(0, target, 0, 3, null, () => done())); console.log(String(target))`,
      [""],
      "one\n",
    ],
  ])("%s", async (_, code, asked, printed) => {
    const answers = answering("one", "two");
    const { reply, stdout } = await run(kernel, code, answers);
    expect(reply).toMatchObject({ status: "ok" });
    expect(stdout).toBe(printed);
    expect(answers.asked).toEqual(asked);
  });
});

describe("where nobody can be asked, a cell fails at once and says what to write:", () => {
  it.each([
    ["readline", 'await createInterface(terminal).question("Name? ")'],
    ["readline with callbacks", 'createCallbackInterface(terminal).question("Name? ", () => {})'],
    ["a stream", "for await (const chunk of process.stdin) console.log(chunk)"],
    ["readSync", "readSync(0, Buffer.alloc(10))"],
    ["readFileSync", "readFileSync(0)"],
    ["prompt", 'await prompt("Name? ")'],
  ])("%s", async (_, code) => {
    const { reply } = await run(kernel, code);
    expect(reply.status).toBe("error");
    expect(reply.evalue).toMatch(/does not support questions[\s\S]*variable/);
    expect((await run(kernel, "1 + 1")).result!.data["text/plain"]).toBe("2");
  });

  it("but what only looks at standard input does not", async () => {
    const code = "process.stdin.resume(); process.stdin.pause(); [process.stdin.isTTY, process.stdin.fd]";
    expect((await run(kernel, code)).result!.data["text/plain"]).toBe("[ false, 0 ]");
  });
});

describe("a question whose promise is taken for its answer", () => {
  it.each([
    // Said before the cell runs, where its types show it.
    ['Number(prompt("?"))', "TypeScriptError"],
    ['Number(prompt("?") as any)', "TypeError"],
    ["`$" + '{prompt("?")}`', "TypeError"],
    ["String(prompt())", "TypeError"],
    ["JSON.stringify({ a: prompt() })", "TypeError"],
  ])("fails, and nobody is asked: %s", async (code, ename) => {
    const answers = answering("5");
    const { reply } = await run(kernel, code, answers);
    expect(reply).toMatchObject({ status: "error", ename });
    expect(reply.evalue).toMatch(/await prompt/);
    expect(answers.asked).toEqual([]);
  });
});

describe("a question that the cell does not await", () => {
  it("holds the cell until it is answered, and what is done with the answer is the cell's", async () => {
    const answers = answering("Ann", "Bob");
    const code = 'prompt("First? ").then(async (a) => console.log(a, await prompt("Second? "))); 0';
    const { reply, stdout } = await run(kernel, code, answers);
    expect(reply.status).toBe("ok");
    expect(stdout).toBe("Ann Bob\n");
    expect(answers.asked).toEqual(["First? ", "Second? "]);
  });

  it("is not asked after the cell has ended", async () => {
    const answers = answering("late");
    const code = 'setTimeout(() => prompt("late? ").catch((error) => console.log(error.message)), 600); 0';
    const cell = send(kernel, code, answers);
    await cell.run;
    await until("the code is told so", () => JSON.stringify(cell.messages.map((m) => m.content)).includes("has ended"));
    expect(answers.asked).toEqual([]);
  });

  it("is dropped with the interrupted cell: a late answer is not taken for that of the next question", async () => {
    let answerLate = (_: string) => {};
    let asked = false;
    const waiting = send(kernel, 'prompt("first? "); await new Promise(() => {})', {
      onInput: () => {
        asked = true;
        return new Promise((resolve) => {
          answerLate = resolve;
        });
      },
    });
    await until("the cell asks", () => asked);
    await kernel.interrupt();
    expect((await waiting.run).reply.ename).toBe("Interrupted");
    const next = send(kernel, 'await prompt("second? ")', {
      onInput: async () => {
        answerLate("for the first");
        await new Promise((resolve) => setTimeout(resolve, 200));
        return "for the second";
      },
    });
    expect((await next.run).result!.data["text/plain"]).toBe("'for the second'");
  });

  it.each(['await prompt("never")', "readSync(0, Buffer.alloc(1))"])("can be interrupted: %s", async (code) => {
    let asked = false;
    const waiting = send(kernel, code, {
      onInput: () => {
        asked = true;
        return new Promise<string>(() => {});
      },
    });
    await until("the cell asks", () => asked);
    await kernel.interrupt();
    expect((await waiting.run).reply.ename).toBe("Interrupted");
    expect((await run(kernel, "1")).reply.status).toBe("ok");
  });
});
