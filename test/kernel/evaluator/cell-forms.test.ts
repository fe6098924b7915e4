import { describe, expect, test } from "vitest";
import { cellsIn } from "../support/cells.ts";

const { run, value } = cellsIn();

describe("exports in a cell declare what they export", () => {
  test.each([
    ["@tag export class User {}", "User.name", "'User'"],
    ["@tag export default class User2 {}", "User2.name", "'User2'"],
    ["export @tag class User3 {}", "User3.name", "'User3'"],
    ["export default @tag class User4 {}", "User4.name", "'User4'"],
    ["export default function train(n: number) { return n + 1 }", "train(1)", "2"],
    ["export default async function train2(n: number) { return n + 1 }", "await train2(1)", "2"],
    ["export default function* train3(n: number) { yield n }", "[...train3(1)]", "[ 1 ]"],
    ["export default class Model { x = 1 }", "new Model().x", "1"],
    ["export default abstract class Base { x = 1 }", "class Sub extends Base {} new Sub().x", "1"],
    ["export default interface Face { a: number }", "({ a: 1 }) satisfies Face", "{ a: 1 }"],
    ["export abstract class Base2 { x = 1 }", "new (class extends Base2 {})().x", "1"],
    ["export enum Tone { Low }", "Tone.Low", "0"],
    ['export import lines = require("node:readline")', "typeof lines.createInterface", "'function'"],
    ["export namespace Geo { export const x = 1 }", "Geo.x", "1"],
    ["export type Id = number; export const one: Id = 1", "const id: Id = one; id", "1"],
    ["export const { p, q: [r] } = { p: 1, q: [2] }", "[p, r]", "[ 1, 2 ]"],
  ])("%s", async (declaration, use, result) => {
    await value("function tag<T>(target: T, _context?: unknown): T { return target }");
    expect(
      await value(`${declaration}\n;${use.replace(/^class Sub/, "class Sub0").replace("new Sub()", "new Sub0()")}`),
    ).toBe(result);
    expect(await value(use)).toBe(result);
  });

  test.each([
    ["export default class {}", "[class (anonymous)]"],
    ["export default abstract class {}", "[class (anonymous)]"],
    ["export default function () {}", "[Function (anonymous)]"],
    ["export default (x: number) => x", "[Function (anonymous)]"],
    ["const exported = 5; export default exported", "5"],
    ["export default { a: 1 }", "{ a: 1 }"],
  ])("a value without a name is shown: %s", async (code, result) => {
    expect(await value(code)).toBe(result);
  });
});

describe("what a module sees of itself", () => {
  // With and without `await`: the two run in different ways.
  test.each([
    ["const f = () => this; f()", undefined],
    ["this", undefined],
    ["module.exports = { a: 1 }", "{ a: 1 }"],
    ["exports.b = 1", "1"],
    ["const o = { module }; typeof o.module", "'object'"],
    ["require.main === module", "true"],
    ["if (require.main === module) console.log('main'); typeof module.exports", "'object'"],
    ["typeof require('node:fs').readFileSync", "'function'"],
    ["__filename.startsWith(__dirname)", "true"],
    ["import.meta.dirname === __dirname", "true"],
    ["(() => { const module = 3, exports = 4; return module + exports })()", "7"],
  ])("%s", async (code, result) => {
    expect(await value(code)).toBe(result);
    expect(await value(`await null; ${code}`)).toBe(result);
  });

  test("can be declared by the cell itself", async () => {
    const own =
      'import { createRequire } from "node:module"; import { fileURLToPath } from "node:url"; import { dirname } from "node:path"; ' +
      "const require = createRequire(import.meta.url); const __filename = fileURLToPath(import.meta.url); const __dirname = dirname(__filename);";
    expect(await value(`${own} typeof require("node:fs") + (__dirname === process.cwd())`)).toBe("'objecttrue'");
    expect(await value("const module = 5, exports = 6; module + exports")).toBe("11");
    expect(await value("module + exports")).toBe("11");
  });
});

describe("a name can be a value and a type of its own", () => {
  test.each([
    [
      "const X = { Low: 0, High: 1 } as const",
      "type X = (typeof X)[keyof typeof X]",
      "const x: X = X.High; x",
      "1",
      "const x: X = 5",
    ],
    ["type X = 'a' | 'b'", "const X = { A: 'a' } as const", "const x: X = X.A; x", "'a'", "const x: X = 'c'"],
    [
      "interface X { a: number }",
      "function X(): X { return { a: 1 } }",
      "const x: X = X(); x.a",
      "1",
      "const x: X = 5",
    ],
    ["function X() { return 1 }", "interface X { a: number }", "const x: X = { a: X() }; x.a", "1", "const x: X = 5"],
    ["class X { v = 1 }", "type X = number", "const x: X = new X().v; x", "1", "const x: X = ''"],
    ["enum X { A }", "interface X { q: number }", "const x: X = { q: X.A }; x.q", "0", "const x: X = 5"],
    ["namespace X { export const v = 1 }", "type X = string", "const x: X = String(X.v); x", "'1'", "const x: X = 1"],
    ["const X = { v: 1 }", "namespace X { export type T = number }", "const x: X.T = X.v; x", "1", "const x: X.T = ''"],
    ["let X = 1", "type X = string", "X = 2; const x: X = String(X); x", "'2'", "const x: X = 1"],
    ["type X<T> = T[]", "let X = 1", "const x: X<number> = [X++]; x", "[ 1 ]", "const x: X<number> = ['']"],
    [
      "interface X<T = string> { t: T }",
      "class Y { static x(t: string): X { return { t } } }; const X = Y.x",
      "const x: X = X(''); x.t",
      "''",
      "const x: X<number> = { t: '' }",
    ],
    [
      "type X = number",
      'import { EOL as X } from "node:os"',
      "const x: string = X; x.length > 0",
      "true",
      "const x: boolean = X",
    ],
  ])("%s, then %s", async (first, second, use, result, wrong) => {
    await value(first);
    await value(second);
    expect(await value(use)).toBe(result);
    expect((await run(wrong)).ename).toBe("TypeScriptError");
    // Run again, as a notebook is.
    await value(second);
    expect(await value(use)).toBe(result);
  });

  test("a class, an enum or an import takes both meanings over", async () => {
    await value("type Both = string; const Both = 1");
    await value("class Both { n = 2 }");
    expect(await value("const both: Both = new Both(); both.n")).toBe("2");
  });
});

describe("what a cell says of the world outside holds in later cells", () => {
  test("declare global", async () => {
    await value("declare global { interface Array<T> { last(): T } var counted: number | undefined }");
    await value("Array.prototype.last = function () { return this[this.length - 1] }; globalThis.counted = 4");
    expect(await value("[1, 2].last() + counted!")).toBe("6");
    // Said again, also otherwise, it takes the place of what was said.
    await value("declare global { interface Array<T> { last(): T | undefined } }");
    expect((await run("const n: number = [1].last()")).trace).toContain("'undefined' is not assignable");
    expect(await value("[1, 2].last()! + counted!")).toBe("6");
  });

  test("with types of the cell that says it", async () => {
    await value("interface Plugin { name: string }\ndeclare global { var plugin: Plugin | undefined }");
    expect(await value("globalThis.plugin = { name: 'p' }; plugin!.name")).toBe("'p'");
    expect((await run("globalThis.plugin = { name: 1 }")).ename).toBe("TypeScriptError");
  });

  test("declare module, of one that is there and of one that is not", async () => {
    await value('declare module "node:os" { export const invented: number }');
    expect(await value('import * as os from "node:os"; const n: number | undefined = os.invented; n')).toBe(undefined);
    await value('declare module "not-installed-here" { export const a: number }');
    const shown = await run('import { a } from "not-installed-here"; const s: string = a');
    expect(shown.trace).toContain("Type 'number' is not assignable to type 'string'");
    await value('declare module "*.weights" { const bytes: Uint8Array; export default bytes }');
    expect((await run('import w from "./a.weights"; const s: string = w')).trace).toContain("Uint8Array");
  });

  test("declare const of what is there", async () => {
    await value("Object.assign(globalThis, { outside: 3 })");
    expect(await value("declare const outside: number; outside")).toBe("3");
    expect(await value("outside + 1")).toBe("4");
  });
});

describe("directives", () => {
  test("@ts-nocheck, @ts-ignore and @ts-expect-error work beside names of earlier cells", async () => {
    await value("const known = 1");
    expect(await value("// @ts-nocheck\nconst text: string = known; display; text")).toBe("1");
    expect(await value("/* a comment */\n// @ts-nocheck: not now\nconst text2: string = known; text2")).toBe("1");
    expect(await value("// @ts-ignore\nconst text3: string = known; text3")).toBe("1");
    expect(await value("// @ts-expect-error\nconst text4: string = known; text4")).toBe("1");
    expect((await run("// @ts-expect-error\nconst fine: number = known")).trace).toContain("Unused '@ts-expect-error'");
    expect((await run("// @ts-nocheck\nconst = 1")).ename).toBe("SyntaxError");
    expect((await run("known; // @ts-nocheck\nconst bad: string = known")).ename).toBe("TypeScriptError");
  });
});

describe("a value that may be missing", () => {
  test("though an earlier cell checked it", async () => {
    await value("const m = /(a)/.exec('a'); let text: string | undefined = 'a' as string | undefined");
    await value("if (!m || !text) throw new Error('none')");
    const expected =
      "is from an earlier cell, and checks made there do not count here. If you know that it is there, write";
    expect((await run("m[1]")).trace).toContain(`\`m\` ${expected} \`m!\``);
    expect((await run("text.length")).trace).toContain(`\`text\` ${expected} \`text!\``);
    expect((await run("parseFloat(text)")).trace).toContain(`\`text\` ${expected} \`text!\``);
    expect(await value("m![1]")).toBe("'a'");
    expect(await value("m?.[1]")).toBe("'a'");
  });

  test("and is of this cell", async () => {
    const { trace } = await run("const m2 = /(a)/.exec('a'); m2[1]");
    expect(trace).toContain("If you know that it is there, write `m2!`");
    expect(trace).not.toContain("earlier cell");
    expect((await run("[1].find((x) => x > 0).toFixed()")).trace).toContain("write `[1].find((x) => x > 0)!`");
  });
});

describe("regular expressions", () => {
  test.each([
    ["/[\\p{L}--[a-z]]/v.test('É')", "true"],
    ["/a/dgimsuy.flags", "'dgimsuy'"],
    ["/(?<year>\\d+)/.exec('in 2024')!.groups!.year", "'2024'"],
    ["/(?<=a)b/.test('ab')", "true"],
  ])("%s", async (code, result) => {
    expect(await value(code)).toBe(result);
  });
});

describe("names that only a browser has", () => {
  test.each(
    "print('x')|length|name|alert('x')|confirm('x')|localStorage|open|close()|status|event|top|parent|self|history|screen|location.href|origin|focus()|scrollTo(0, 0)|new Option()|new Image()|new Audio()|new FileReader()|new XMLHttpRequest()|new OffscreenCanvas(1, 1)|CSS.escape('x')|x instanceof HTMLElement|matchMedia('x')|getComputedStyle|window.alert('x')|addEventListener".split(
      "|",
    ),
  )("%s is told before the cell runs", async (code) => {
    const shown = await run(`console.log("ran"); const x: unknown = 1; ${code}`);
    expect(shown).toMatchObject({ ename: "TypeScriptError", stdout: "" });
  });

  test("and what Node.js has, and what draws, is there", async () => {
    const there =
      "setTimeout, clearTimeout, structuredClone, queueMicrotask, performance, URL, URLSearchParams, TextEncoder, TextDecoder, atob, btoa, crypto, Blob, AbortController, AbortSignal, FormData, Headers, Request, Response, fetch, Event, EventTarget, MessageChannel, BroadcastChannel, CompressionStream, ReadableStream, DOMException, console";
    expect(await value(`[${there}].every((each) => each !== undefined)`)).toBe("true");
    expect(await value('document.createElement("p").tagName')).toBe("'P'");
    expect(await value('const element: HTMLElement = document.createElement("p"); element.nodeName')).toBe("'P'");
    expect((await run('import * as Plot from "@observablehq/plot"; const n: number = Plot.plot()')).trace).toContain(
      "SVGSVGElement",
    );
  });
});

test.each([
  "const element = <div>hello</div>",
  "function App() { return <p className='a'>hi {1 + 1}</p> }",
  "<App x={1} />",
  "const f = <>a</>",
])("JSX is told in one sentence: %s", async (code) => {
  const { ename, trace } = await run(code);
  expect(ename).toBe("SyntaxError");
  expect(trace).toContain("Cells do not support JSX. To show HTML, write it as text: html(`<b>...</b>`).");
  expect(trace.match(/line \d+:/g)).toHaveLength(1);
});

test("what begins like JSX and is none works", async () => {
  expect(await value("const same = <T>(x: T) => x; const n = <number>(5 as unknown); same(n)")).toBe("5");
});
