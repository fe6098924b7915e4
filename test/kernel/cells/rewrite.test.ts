import { describe, expect, test } from "vitest";
import { parseCell } from "../../../kernel/cells/parse.ts";
import { rewriteCell } from "../../../kernel/cells/rewrite.ts";

/** A cell and what it becomes, with the line that stands above it where there is one; `s` and `g` are of earlier cells. */
const TABLE: [title: string, source: string, rewritten: string][] = [
  ["a constant", "const a = 1;", "__nb.a = 1;"],
  ["several at once", "let a = 1, b", "__nb.a = 1, __nb.b = undefined;"],
  ["a variable that may be there already", "var v", "__nb.v = __nb.v;"],
  ["a pattern", "const { a, b: [c = s] } = o", "({ a: __nb.a, b: [__nb.c = __nb.s] } = o);"],
  ["the last value", "s + 1", "__nb_last((__nb.s + 1));"],
  ["a string alone", '"text"', '__nb_last(("text"))'],
  ["a call, which gives no `this`", "s(1)", "__nb_last(((0, __nb.s)(1)));"],
  ["a name that a parameter hides", "const f = (s) => s", "__nb.f = {f: (s) => s}.f;"],
  ["a name that a block hides", "{ const s = 1; s }", "{ const s = 1; s; }"],
  ["a shorthand property", "const o = { s, t }", "__nb.o = { s: __nb.s, t };"],
  ["a type", "type T = typeof s; interface I { s: T }", "type T = typeof s; interface I { s: T }"],
  [
    "what is declared elsewhere",
    "declare const outside: number; outside;",
    "declare const outside: number; __nb_last((outside));;",
  ],
  [
    "a function, which is there from the start",
    "function f() { return s }",
    "__nb.f = f;\nfunction f() { return __nb.s; }",
  ],
  ["a class", "class A { x = s }", "class A { x = __nb.s }; __nb.A = A;"],
  ["an enum", "enum E { A = s, B = A }", "enum E { A = __nb.s, B = A }; __nb.E = E;"],
  ["a namespace", "namespace N { export const x = s }", "namespace N { export const x = __nb.s; }; __nb.N = N;"],
  ["a namespace of types", "namespace N { export type T = 1 }", "namespace N { export type T = 1 }"],
  ["`declare global`", "declare global { var x: number }", "declare global { var x: number }"],

  ["export", "export const a = 1", " __nb.a = 1;"],
  ["export of names", "const a = 1; export { a, a as b }", "__nb.a = 1; "],
  ["export of a type", "export interface I {}", " interface I {}"],
  ["export default of a value", "export default 6 * 7", "__nb_last((6 * 7));"],
  ["export default of a name", "export default s", "__nb_last((__nb.s));"],
  ["export =", "export = s;", "__nb_last((__nb.s));;"],
  ["export default of a function", "export default function f() {}", "__nb.f = f;\n  function f() {}"],
  [
    "export default of an asynchronous one",
    "export default async function f() {}",
    "__nb.f = f;\n  async function f() {}",
  ],
  ["export default of a generator", "export default function* f() {}", "__nb.f = f;\n  function* f() {}"],
  ["export default of one without a name", "export default function () {}", "__nb_last((function () {}));"],
  ["export default of an arrow", "export default () => s", "__nb_last((() => __nb.s));"],
  ["export default of a class", "export default class A {}", "  class A {}; __nb.A = A;"],
  ["export default of a class without a name", "export default class {}", "__nb_last((class {}));"],
  ["export default of an abstract class", "export default abstract class A {}", "  abstract class A {}; __nb.A = A;"],
  ["export default of an abstract one without a name", "export default abstract class {}", "__nb_last(( class {}));"],
  ["export default of an interface", "export default interface I {}", "  interface I {}"],
  [
    "a comment between the words",
    "export /* a */ default /* b */ class A {}",
    " /* a */  /* b */ class A {}; __nb.A = A;",
  ],
  [
    "export default of overloads without a name",
    "export default function (a: 1): 1\nexport default function (a: 1) { return a }",
    "\n__nb_last((function (a: 1) { return a; }));",
  ],
  ["a decorator before export", "@s export class A {}", "@__nb.s  class A {}; __nb.A = A;"],
  ["a decorator behind export", "export @s class A {}", " @__nb.s class A {}; __nb.A = A;"],
  ["a decorator before export default", "@s export default class A {}", "@__nb.s   class A {}; __nb.A = A;"],
  ["a decorator behind export default", "export default @s class A {}", "  @__nb.s class A {}; __nb.A = A;"],
  [
    "decorators with arguments and export in them",
    '@s("export") @g.b export class A {}',
    '@__nb.s("export") @__nb.g.b  class A {}; __nb.A = A;',
  ],
  ["export of another module's names", 'export { x } from "m"', 'await __nb_import("m");'],
  ["export of a type of another module", 'export type { X } from "m"', ""],
  ["export of a declaration of what is elsewhere", "export declare const x: number", " declare const x: number"],
  ["export of several constants", "export const a = 1, b = 2", " __nb.a = 1, __nb.b = 2;"],
  ["export of a pattern", "export const { a } = s", " ({ a: __nb.a } = __nb.s);"],

  [
    "an import",
    'import d, { x as y } from "m"',
    '{ const $ = await __nb_import("m"); __nb.d = __nb_pick($, "default"); __nb.y = __nb_pick($, "x"); }',
  ],
  ["an import of types", 'import type { X } from "m"', ""],
  ["import =", 'import m = require("m")', '__nb.m = require("m");'],
  ["import()", 'import("m")', '__nb_last((__nb_import("m")));'],
  ["import.meta", "import.meta.url", "__nb_last((__nb_meta.url));"],
  ["module", "module.exports = { a: 1 };", "__nb_last((__nb_module.exports = { a: 1 }));;"],
  ["exports", "exports.a = 1;", "__nb_last((__nb_module.exports.a = 1));;"],
  ["require.main === module", "if (require.main === module) s()", "if (require.main === __nb_module) (0, __nb.s)();"],
  ["a module of the cell's own", "const module = 1; module;", "__nb.module = 1; __nb_last((__nb.module));;"],
  ["a parameter called module", "const f = (module) => module.x", "__nb.f = {f: (module) => module.x}.f;"],
  ["a loop that awaits", "while (await s()) {}", "while (await (0, __nb.s)()) { __nb_check();}"],
];

describe("a cell is rewritten", () => {
  test.each(TABLE)("%s", (_title, source, rewritten) => {
    const { code } = rewriteCell(parseCell(source)!, (name) => ["s", "g"].includes(name));
    expect(code.replace(/^\n/, "")).toBe(rewritten);
  });

  test.each([
    ["await 1", true],
    ["async () => await 1", false],
    ["for await (const x of s) {}", true],
    ['import "m"', true],
    ['import type { X } from "m"', false],
    ["class A { static { await; } }", false],
    ["await using x = s", true],
  ])("%s is asynchronous: %s", (source, isAsync) => {
    expect(rewriteCell(parseCell(source)!, () => false).isAsync).toBe(isAsync);
  });
});
