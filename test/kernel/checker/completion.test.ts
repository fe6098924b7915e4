import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Checker } from "../../../kernel/checker/checker.ts";
import { GLOBAL_NAMES } from "../../../kernel/evaluator/child/globals.ts";
import { Introspection } from "../../../kernel/server/introspection.ts";
import { ROOT } from "../../root.ts";
import { temporaryFolder } from "../support/folder.ts";

const folder = temporaryFolder();
let introspection: Introspection;
let checker: Checker;

beforeAll(() => {
  mkdirSync(join(folder, "notes"));
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "src/util.ts"), "export const one = 1;\n");
  writeFileSync(join(folder, "notes/data.json"), "{}");
  const module = join(ROOT, "dist/kernel/evaluator/child/globals.js");
  checker = new Checker(join(folder, "notes"), { module, names: GLOBAL_NAMES });
  introspection = new Introspection(checker);
});
afterAll(() => checker?.dispose());

/** The lines that accepting each candidate gives, with the cursor where `|` stands. */
async function accepted(line: string): Promise<string[]> {
  const cursor = line.indexOf("¦");
  const source = line.replace("¦", "");
  const reply = await introspection.complete({ code: source, cursor_pos: [...source.slice(0, cursor)].length });
  const letters = [...source];
  const before = letters.slice(0, reply.cursor_start).join("");
  const after = letters.slice(reply.cursor_end).join("");
  return reply.matches.map((match: string) => before + match + after);
}

const RECORD = 'const h = { "content-type": 1, x: 2 }; ';

describe("accepting what completion offers gives", () => {
  test.each([
    [
      "behind what may be undefined",
      "let t: { name?: string } = {}; t.name.charA¦",
      "let t: { name?: string } = {}; t.name?.charAt",
    ],
    ["right behind its dot", "let t: { n: 1 } | undefined; t.¦", "let t: { n: 1 } | undefined; t?.n"],
    [
      "deep in a chain",
      "let p: { q?: { r?: { s: 1 } } } = {}; p.q?.r?.¦",
      "let p: { q?: { r?: { s: 1 } } } = {}; p.q?.r?.s",
    ],
    ["a key that is no name", `${RECORD}h.¦`, `${RECORD}h["content-type"]`],
    ["beside one that is", `${RECORD}h.¦`, `${RECORD}h.x`],
    ["a key that is no name, behind ?.", `${RECORD}h?.¦`, `${RECORD}h?.["content-type"]`],
    ["in a quoted key", `${RECORD}h["content-t¦"]`, `${RECORD}h["content-type"]`],
    ["in a quoted key that is open", `${RECORD}h['content-t¦`, `${RECORD}h['content-type`],
    ["in an empty one", `${RECORD}h["¦"]`, `${RECORD}h["x"]`],
    ["as a key of a literal", `const o: { "a-b": 1 } = { ¦ }`, 'const o: { "a-b": 1 } = { "a-b" }'],
    ["in a type's key", 'type T = { kk: 1 }; type U = T["k¦"]', 'type T = { kk: 1 }; type U = T["kk"]'],
    ["in a literal of a union", 'let k: "beta-one" | "b" = "beta-¦', 'let k: "beta-one" | "b" = "beta-one'],
    ["in an argument", 'function f(a: "x-1") {} f("x-¦")', 'function f(a: "x-1") {} f("x-1")'],
    ["of Node's modules", 'import fs from "node:f¦', 'import fs from "node:fs/promises'],
    ["of Node's modules, inside quotes", 'import fs from "node:f¦"', 'import fs from "node:fs"'],
    ["of packages", 'import x from "@observablehq/p¦"', 'import x from "@observablehq/plot"'],
    ["in import()", 'await import("node:f¦")', 'await import("node:fs")'],
    ["in require()", 'require("node:f¦")', 'require("node:fs")'],
    ["of folders", 'import { one } from "../s¦"', 'import { one } from "../src"'],
    ["of files", 'import { one } from "../src/¦"', 'import { one } from "../src/util"'],
    ["of data", 'import data from "./da¦"', 'import data from "./data.json"'],
    ["of a module's names", 'import { readFileS¦ } from "node:fs"', 'import { readFileSync } from "node:fs"'],
    ["of private names", "class A { #secret = 1; m() { this.#se¦ } }", "class A { #secret = 1; m() { this.#secret } }"],
    ["right behind #", "class A { #secret = 1; m() { this.#¦ } }", "class A { #secret = 1; m() { this.#secret } }"],
    [
      "of private names without #",
      "class A { #secret = 1; m() { this.se¦ } }",
      "class A { #secret = 1; m() { this.#secret } }",
    ],
    [
      "of static ones",
      "class A { static #p = 1; static m() { A.#¦ } }",
      "class A { static #p = 1; static m() { A.#p } }",
    ],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the cell that has a template
    ["in a template", "const o = { abc: 1 }; `x ${o.a¦} y`", "const o = { abc: 1 }; `x ${o.abc} y`"],
    ["in an open template", "const o = { abc: 1 }; `x ${o.a¦", "const o = { abc: 1 }; `x ${o.abc"],
    ["of members with symbols beside them", "Math.¦", "Math.sqrt"],
    ["behind an index", "const a = [{ first: 1 }]; a[0]!.f¦", "const a = [{ first: 1 }]; a[0]!.first"],
    ["on a later line", "const a = {\n  first: 1,\n};\na.f¦\n", "const a = {\n  first: 1,\n};\na.first\n"],
    ["behind emoji", 'const a = { "😀": { zz: 1 } }; a["😀"].z¦', 'const a = { "😀": { zz: 1 } }; a["😀"].zz'],
  ])("%s", async (_title, line, expected) => {
    expect(await accepted(line)).toContain(expected);
  });

  test.each([
    ["nothing in text", '"some te¦xt"'],
    ["nothing in a comment", "// some te¦"],
    ["nothing in a regular expression", "/some te¦/"],
    ["no names without # behind it", "class A { m() { this.#¦ } }"],
    ["none of the checker's own files", 'import x from "./c¦"'],
  ])("%s", async (_title, line) => {
    expect(await accepted(line)).toEqual([]);
  });

  test("no names that only a browser has", async () => {
    expect(await accepted("alert¦")).toEqual([]);
    expect(await accepted("documen¦")).toEqual(["document"]);
  });
});

describe("is_complete", () => {
  const states = (codes: string[]) => codes.map((code) => [code, introspection.isComplete({ code }).status]);

  test("asks no more of a line that asks for help", () => {
    const codes = ["sharp?", "sharp??", "Plot.plot?", "?sharp", "  x? "];
    expect(states(codes)).toEqual(codes.map((code) => [code, "complete"]));
  });

  test("waits for the rest of TypeScript that is half written", () => {
    const codes = [
      ..."const x: |interface A {|interface A|type X =|type A = 1 \\||type F = (a: string) =>|function f(|function f(a: number):|function f<T extends"
        .replace("\\|", "¦")
        .split("|")
        .map((c) => c.replace("¦", "|")),
      ..."enum E {|namespace N {|declare global {|abstract class A|class A extends|class A { #x =|class A { static {|@decorate|@decorate class".split(
        "|",
      ),
      ..."x as|x satisfies|f<|let a: Array<|import type {|import { a } from|export {|export default|try {}|try {|do {}|if (x)|if (x) {} else".split(
        "|",
      ),
      ..."`abc|`abc ${|/* c|[1, 2,|f(1|x ?|x ? y :|a.|a?.|a &&|async () =>|({ a:|for (const x of|switch (x) { case 1:|x\n  .map(".split(
        "|",
      ),
    ];
    expect(states(codes)).toEqual(codes.map((code) => [code, "incomplete"]));
  });

  test("runs what is whole, and what no more text could mend", () => {
    expect(states(["x!", "x as number", "type X = 1", "class A {}", "enum E { A }", "try {} catch {}"])).toEqual(
      ["x!", "x as number", "type X = 1", "class A {}", "enum E { A }", "try {} catch {}"].map((code) => [
        code,
        "complete",
      ]),
    );
    expect(states([")", "x y", "'abc", "import x from 'a"]).every(([, state]) => state === "invalid")).toBe(true);
  });
});
