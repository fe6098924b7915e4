import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cellsIn } from "../support/cells.ts";

const FILES: Record<string, string> = {
  "package.json": JSON.stringify({ name: "course", type: "module" }),
  "tsconfig.json": JSON.stringify({ compilerOptions: { paths: { "@app/*": ["./src/*"] }, strict: false } }),
  "src/util.ts": "export const addOne = (x: number): number => x + 1;\nexport interface Shape { sides: number }\n",
  "src/js-style.ts": 'import { addOne } from "./util.js";\nexport const addTwo = (x: number) => addOne(addOne(x));\n',
  "src/fails.ts": '\n\nexport function fail(): never {\n  throw new RangeError("from a file");\n}\n',
  "src/waits.mts": "export const v: number = await Promise.resolve(7);\n",
  "src/state.ts": "export enum Level { Low, High }\nexport class Box<T> { constructor(public value: T) {} }\n",
  "notes/data.json": '{ "title": "notes" }',
  "node_modules/esm-waits/package.json":
    '{ "name": "esm-waits", "type": "module", "exports": "./index.js", "types": "index.d.ts" }',
  "node_modules/esm-waits/index.js": "export const v = await Promise.resolve(5);",
  "node_modules/esm-waits/index.d.ts": "export const v: number;",
  "node_modules/only-exports/package.json":
    '{ "name": "only-exports", "exports": { ".": { "types": "./main.d.mts", "import": "./main.mjs" }, "./sub": { "types": "./sub.d.mts", "import": "./sub.mjs" } } }',
  "node_modules/only-exports/main.mjs": 'export const v = "main";',
  "node_modules/only-exports/main.d.mts": "export const v: string;",
  "node_modules/only-exports/sub.mjs": 'export const v = "sub";',
  "node_modules/only-exports/sub.d.mts": "export const v: string;",
  "node_modules/old-cjs/package.json": '{ "name": "old-cjs", "main": "index.js", "types": "index.d.ts" }',
  // Names that Node cannot see in the text: they must be found as properties of the default export.
  "node_modules/old-cjs/index.js": 'const names = ["twice"]; for (const n of names) module.exports[n] = (x) => 2 * x;',
  "node_modules/old-cjs/index.d.ts": "export function twice(x: number): number;",
  "node_modules/compiled-cjs/package.json": '{ "name": "compiled-cjs", "main": "index.js", "types": "index.d.ts" }',
  "node_modules/compiled-cjs/index.js":
    'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = "the default"; exports.named = 1;',
  "node_modules/compiled-cjs/index.d.ts": "declare const d: string; export default d; export const named: number;",
  "node_modules/untyped/package.json": '{ "name": "untyped", "main": "index.js" }',
  "node_modules/untyped/index.js": "exports.answer = 42;",
};

const { folder, kernel, run, value } = cellsIn(FILES, "notes");

describe("names", () => {
  test("are shared by all cells, and can be declared again as something else", async () => {
    await value("const a = 1; let b = 2; var c = 3; function f() { return a + b + c } class K { n = f() }");
    expect(await value("f() + new K().n")).toBe("12");
    await value('const f = (s: string) => s.length; class a {}; let c = "text"');
    expect(await value("f(c)")).toBe("4");
  });

  test("that a later cell assigns are seen by functions of earlier cells", async () => {
    await value("let shared = 1; const read = () => shared; function add() { shared += 10 }");
    await value("shared = 5");
    expect(await value("read()")).toBe("5");
    await value("add()");
    expect(await value("shared")).toBe("15");
  });

  test("of a cell that fails halfway stay as far as it came", async () => {
    const shown = await run('const reached = 1;\nthrow new Error("stop");\nconst later = 2;');
    expect(shown.ename).toBe("Error");
    expect(await value("reached")).toBe("1");
    expect((await run("later")).trace).toContain("Cannot find name 'later'");
  });

  test("bound by destructuring, with defaults, rest, nested patterns and computed keys", async () => {
    await value('const key = "k"; const { [key]: k, m = 5, ...others } = { k: 1, o: 2 } as Record<string, number>;');
    await value("const [first, , [third = 9], ...tail] = [1, 2, [], 4, 5] as [number, number, number[], ...number[]];");
    expect(await value("[k, m, others.o, first, third, tail]")).toBe("[ 1, 5, 2, 1, 9, [ 4, 5 ] ]");
    await value("let left = 1, right = 2;\n[left, right] = [right, left];\n({ k: left } = { k: 7 })");
    expect(await value("[left, right]")).toBe("[ 7, 1 ]");
  });

  test("inside functions and blocks hide those of the session", async () => {
    await value(
      "const outer = 1; const hide = (outer: number) => { const shared = outer * 2; return { outer, shared } }",
    );
    expect(await value("hide(4)")).toBe("{ outer: 4, shared: 8 }");
    expect(await value("{ const outer = 5; outer }; for (const outer of [6]) { outer }; outer")).toBe("1");
    expect(await value("try { throw 3 } catch (outer) { var caught = outer as number }; [caught, outer]")).toBe(
      "[ 3, 1 ]",
    );
  });

  test("of anonymous functions and classes are those of their variables", async () => {
    expect(await value("const arrow = () => 1; const Anon = class {}; [arrow.name, Anon.name]")).toBe(
      "[ 'arrow', 'Anon' ]",
    );
  });

  test("of var belong to the session from any block, as those of let do not", async () => {
    await value("if (true) { var escapes = 1; let stays = 2 } for (var i = 0; i < 3; i++) {}");
    expect(await value("escapes + i")).toBe("4");
    expect((await run("stays")).trace).toContain("Cannot find name 'stays'");
  });

  test("of types, interfaces, enums and namespaces reach later cells", async () => {
    await value(
      "interface Point { x: number } type Pair = [Point, Point]; enum Colour { Red = 3, Blue } const enum Fast { A = 7 }",
    );
    await value("namespace Geo { export const origin: Point = { x: 0 }; export type Id = string }");
    await value('const pair: Pair = [{ x: 1 }, Geo.origin]; const id: Geo.Id = "i";');
    expect(await value("[pair[0].x, Colour.Blue, Colour[3], Fast.A]")).toBe("[ 1, 4, 'Red', 7 ]");
    expect((await run("const bad: Point = { x: '1' }")).trace).toContain(
      "Type 'string' is not assignable to type 'number'",
    );
  });
});

describe("syntax", () => {
  const works: [title: string, code: string, result: string | undefined][] = [
    ["an object literal in parentheses", "({ a: 1 })", "{ a: 1 }"],
    ["a string alone", '"use strict"', "'use strict'"],
    ["a number, plain", "2 * 3", "6"],
    ["top-level await", "await Promise.resolve(4)", "4"],
    ["for await", "let sum = 0; for await (const x of [1, Promise.resolve(2)]) sum += x; sum", "3"],
    ["an async generator", "async function* gen() { yield 1 } for await (const g of gen()) { var got = g }; got", "1"],
    [
      "using",
      "const log: string[] = []; { using d = { [Symbol.dispose]() { log.push('gone') } }; log.push(typeof d) }; log",
      "[ 'object', 'gone' ]",
    ],
    ["import.meta", "import.meta.url.endsWith('/notes/cell.ts')", "true"],
    ["require and __dirname", "require('node:path').basename(__dirname)", "'notes'"],
    ["import x = require()", "import os = require('node:os'); typeof os.cpus", "'function'"],
    ["export in a cell", "export const exported = 1; export { exported as again }; exported", "1"],
    ["export default as the last value", "export default 6 * 7", "42"],
    [
      "class features",
      "class P { #x = 1; static s = 2; get x() { return this.#x } constructor(readonly y: number) {} } const p = new P(3); [p.x, P.s, p.y]",
      "[ 1, 2, 3 ]",
    ],
    [
      "a decorator",
      "function twice(f: (x: number) => number, _: unknown) { return (x: number) => 2 * f(x) } class D { @twice m(x: number) { return x } } new D().m(4)",
      "8",
    ],
    [
      "overloads",
      "function over(x: string): string; function over(x: number): number; function over(x: unknown) { return x } over(1)",
      "1",
    ],
    [
      "generics, satisfies, non-null",
      "const id = <T,>(x: T) => x; const o = { a: 1 } satisfies Record<string, number>; id(o)!.a as number",
      "1",
    ],
    ["an evolving array", "const list = []; list.push(1); list", "[ 1 ]"],
    ["a parameter without a type", "const inc = (x) => x + 1; inc(1)", "2"],
    ["toSorted", "[3, 1].toSorted()", "[ 1, 3 ]"],
    ["Object.groupBy", "Object.groupBy([1, 2, 3], (x) => (x % 2 ? 'odd' : 'even')).odd", "[ 1, 3 ]"],
    ["Map.groupBy", "[...Map.groupBy([1, 2], (x) => x > 1).keys()]", "[ false, true ]"],
    [
      "Promise.withResolvers",
      "const { promise, resolve } = Promise.withResolvers<number>(); resolve(3); await promise",
      "3",
    ],
    [
      "labels",
      "outer: for (const x of [1, 2]) { for (const y of [1]) { if (x === 1) continue outer; var seen = x + y } } seen",
      "3",
    ],
    ["no semicolons", "const q = 1\nconst [r] = [q]\nr", "1"],
    ["names with accents and emoji", 'const é = "😀"; é', "'😀'"],
    ["nothing for undefined", "undefined", undefined],
    ["a comment alone", "// nothing", undefined],
  ];
  test.each(works)("%s", async (_title, code, result) => {
    expect(await value(code)).toBe(result);
  });
});

describe("imports", () => {
  const works: [title: string, code: string, result: string][] = [
    ["ESM that awaits at its top level", 'import { v } from "esm-waits"; v', "5"],
    ["the same by import()", '(await import("esm-waits")).v', "5"],
    [
      "a package that has only exports",
      'import { v as main } from "only-exports"; import { v as sub } from "only-exports/sub"; [main, sub]',
      "[ 'main', 'sub' ]",
    ],
    [
      "CommonJS whose names Node cannot see",
      'import { twice as doubled } from "old-cjs"; import * as old from "old-cjs"; [doubled(2), old.twice(3)]',
      "[ 4, 6 ]",
    ],
    ["CommonJS compiled from ESM", 'import dflt, { named } from "compiled-cjs"; [dflt, named]', "[ 'the default', 1 ]"],
    ["a package without types", 'import untyped from "untyped"; untyped.answer', "42"],
    [
      "a TypeScript file in another folder",
      'import { addOne, type Shape } from "../src/util"; const s: Shape = { sides: 3 }; addOne(s.sides)',
      "4",
    ],
    ["the same with its extension", 'import { addOne as a1 } from "../src/util.ts"; a1(1)', "2"],
    ["a file that imports as compiled JavaScript would", 'import { addTwo } from "../src/js-style"; addTwo(1)', "3"],
    ["a file that awaits", 'import { v as waited } from "../src/waits.mts"; waited', "7"],
    [
      "enums and parameter properties in a file",
      'import { Box, Level } from "../src/state.ts"; [new Box(Level.High).value, Level[0]]',
      "[ 1, 'Low' ]",
    ],
    ["an alias of tsconfig.json", 'import { addOne as viaAlias } from "@app/util"; viaAlias(2)', "3"],
    ["JSON", 'import data from "./data.json"; data.title', "'notes'"],
    ["JSON with its attribute", 'import data2 from "./data.json" with { type: "json" }; data2.title', "'notes'"],
    [
      "the library, from a folder that has not installed it",
      'import * as difflab from "difflab"; typeof difflab',
      "'object'",
    ],
    [
      "what the library depends on",
      'import * as Plot from "@observablehq/plot"; import sharp from "sharp"; [typeof Plot.plot, typeof sharp]',
      "[ 'function', 'function' ]",
    ],
    ["Node's own modules", 'import { setTimeout as sleep } from "node:timers/promises"; await sleep(1, 8)', "8"],
  ];
  test.each(works)("%s", async (_title, code, result) => {
    expect(await value(code)).toBe(result);
  });

  test("of a file that changed give its new types and values", async () => {
    const path = join(folder, "src/changing.ts");
    writeFileSync(path, "export const version: number = 1;\n");
    expect(await value('import { version } from "../src/changing"; version')).toBe("1");
    writeFileSync(path, 'export const version: string = "two";\n');
    expect((await run('import { version } from "../src/changing"; version + 1 as number')).ename).toBe(
      "TypeScriptError",
    );
    expect(await value('import { version } from "../src/changing"; version.length')).toBe("3");
  });

  test("of a file with a type error show it there, and nothing runs", async () => {
    writeFileSync(join(folder, "src/bad.ts"), 'export const fine = 1;\nexport const y: number = "text";\n');
    writeFileSync(join(folder, "src/imports-bad.ts"), 'export * from "./bad.ts";\n');
    const shown = await run('import { fine } from "../src/imports-bad.ts"; console.log(fine)');
    expect(shown).toMatchObject({ ename: "TypeScriptError", stdout: "" });
    expect(shown.trace).toContain("../src/bad.ts, line 2: Type 'string' is not assignable to type 'number'.");
    expect(shown.trace).toContain("> 2 | export const y");
    expect(await value("1 + 1")).toBe("2");
    writeFileSync(join(folder, "src/bad.ts"), "export const fine = 2;\n");
    expect(await value('import { fine } from "../src/imports-bad.ts"; fine')).toBe("2");
  });

  test("of a package that is missing say how to install it", async () => {
    expect((await run('import x from "not-there"')).trace).toContain("npm install not-there");
    expect((await run('import x from "@scope/not-there/sub"')).trace).toContain("npm install @scope/not-there");
    expect((await run('const name = "not-there" as string; await import(name)')).trace).toContain(
      "npm install not-there",
    );
    expect((await run('import x from "./nowhere.ts"')).trace).toContain("Cannot find the file './nowhere.ts'");
  });

  test("find a package that was installed after they failed", async () => {
    expect((await run('import { late } from "installed-late"')).ename).toBe("TypeScriptError");
    const root = join(folder, "node_modules/installed-late");
    mkdirSync(root);
    writeFileSync(
      join(root, "package.json"),
      '{ "name": "installed-late", "type": "module", "exports": "./i.js", "types": "i.d.ts" }',
    );
    writeFileSync(join(root, "i.js"), "export const late = 1;");
    writeFileSync(join(root, "i.d.ts"), "export const late: number;");
    expect(await value('import { late } from "installed-late"; late')).toBe("1");
  });
});

describe("errors", () => {
  test("of types show the line with a caret, and nothing runs", async () => {
    const shown = await run('console.log("ran");\nconst n: number = "text";');
    expect(shown).toMatchObject({ status: "error", ename: "TypeScriptError", stdout: "" });
    expect(shown.trace).toContain("line 2: Type 'string' is not assignable to type 'number'.");
    expect(shown.trace).toContain('> 2 | const n: number = "text";\n    |       ^');
  });

  test("of syntax show where", async () => {
    const shown = await run("const x = [1, 2;\nx");
    expect(shown).toMatchObject({ ename: "SyntaxError", stdout: "" });
    expect(shown.trace).toContain("> 1 | const x = [1, 2;");
    expect((await run("if (true) {")).trace).toContain("This { is never closed: write } where it ends.");
  });

  test("at run time point into the cell that the function is from, with its own columns", async () => {
    await value("// a comment\n\nfunction thrower(x: number): never {\n  throw new RangeError('no ' + x);\n}");
    const shown = await run("const before = 1;\n  thrower(before);");
    expect(shown.ename).toBe("RangeError");
    expect(shown.trace).toMatch(/In \[\d+\], line 4\n/);
    expect(shown.trace).toContain("> 4 |   throw new RangeError('no ' + x);\n    |         ^");
    expect(shown.trace).toMatch(/at thrower \(In \[\d+\]:4:9\)\n {4}at In \[\d+\]:2:3$/);
  });

  test("in a file show its line", async () => {
    const shown = await run('import { fail } from "../src/fails.ts";\nfail();');
    expect(shown.trace).toMatch(/at fail \(.*fails\.ts:4:9\)/);
    expect(shown.trace).toMatch(/In \[\d+\]:2:1/);
  });

  test("of a module that fails as it loads point at its import", async () => {
    writeFileSync(join(folder, "src/throws.ts"), '\nthrow new Error("at load");\nexport {};\n');
    const shown = await run('import os2 from "node:os";\nimport "../src/throws.ts";\nos2;');
    expect(shown.trace).toMatch(/Error: at load/);
    expect(shown.trace).toMatch(/throws\.ts:2:7/);
  });

  test("inside a package fold its frames", async () => {
    const shown = await run(
      'import * as P from "@observablehq/plot";\nP.plot({ marks: [() => { throw new Error("mine") }] });',
    );
    expect(shown.trace).toContain("inside @observablehq/plot");
    expect(shown.trace).not.toContain("node_modules");
  });

  test("with a cause, properties or several errors show them all", async () => {
    const shown = await run(
      'throw new Error("outer", { cause: Object.assign(new TypeError("inner"), { code: "E1" }) })',
    );
    expect(shown.trace).toMatch(/Error: outer[\s\S]*caused by:[\s\S]*TypeError: inner[\s\S]*code: 'E1'/);
    expect((await run("await Promise.any([Promise.reject(new Error('one'))])")).trace).toContain("Error: one");
  });

  test("of endless recursion are folded", async () => {
    const { ename, trace } = await run("function down(n: number): number { return down(n + 1) + 1 }\ndown(0)");
    expect(ename).toBe("RangeError");
    expect(trace).toContain("Infinite recursion: a function keeps calling itself");
    expect(trace).toMatch(/(at down \(In \[\d+\]:1:\d+\)\n\s+){2}\.\.\. \d+ more calls of the same functions/);
    expect(trace.split("\n").length).toBeLessThan(12);
    const mutual = await run(
      "const even = (n: number): boolean => odd(n), odd = (n: number): boolean => even(n);\nodd(1)",
    );
    expect(mutual.trace.split("\n").length).toBeLessThan(14);
    expect(mutual.trace).toMatch(/at even[\s\S]*at odd[\s\S]*more calls of the same functions/);
  });

  test("of syntax that only Node.js finds show none of its own stack", async () => {
    const { ename, trace } = await run("/(?i:a)(?<x>b)|(?<x>c)/.test('a')");
    if (ename === undefined) return; // a later Node.js knows these
    expect(ename).toBe("SyntaxError");
    expect(trace).not.toContain("Node.js)");
  });

  test("that are not errors are shown too", async () => {
    expect(await run('throw "text"')).toMatchObject({ ename: "Thrown", status: "error" });
    expect(await run("throw undefined")).toMatchObject({ ename: "Thrown", status: "error" });
    expect(await run("throw Object.create(null)")).toMatchObject({ ename: "Thrown", status: "error" });
    expect((await run("throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })")).status).toBe(
      "error",
    );
    expect(await value("1 + 1")).toBe("2");
  });

  test("with a stack that a cell prints name cells, not files of the kernel", async () => {
    const { stdout } = await run("console.log(new Error('printed').stack)");
    expect(stdout).toMatch(/^Error: printed\n {4}at In \[\d+\]:1:13\n$/);
  });
});

test("a loop that awaits stops for good when it is interrupted, in a function of another cell too", async () => {
  await value(
    "let turns = 0; const pause = () => new Promise((r) => setTimeout(r, 5)); async function loop() { while (true) { turns++; await pause() } }",
  );
  for (const code of [
    "await loop()",
    "for (;;) { turns++; await pause() }",
    "do turns++; while (await pause() || true)",
  ]) {
    let started = () => {};
    const hasStarted = new Promise<void>((resolve) => {
      started = resolve;
    });
    const running = run(`console.log("started"); ${code}`, (m) => m.header.msg_type === "stream" && started());
    await hasStarted;
    await new Promise((r) => setTimeout(r, 50));
    await kernel().interrupt();
    expect((await running).ename, code).toBe("Interrupted");
    const before = Number(await value("turns"));
    expect(before).toBeGreaterThan(1);
    await new Promise((r) => setTimeout(r, 50));
    expect(Number(await value("turns")), code).toBeLessThanOrEqual(before + 1);
  }
});

test("tsconfig.json of the notebook's project decides what is an error", async () => {
  // Its `strict` is false: null has no type of its own.
  expect(await value("let nothing: string = null; nothing")).toBe("null");
});
