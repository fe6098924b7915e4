import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseCell } from "../../../kernel/cells/parse.ts";
import type { Checker } from "../../../kernel/checker/checker.ts";
import { commitCell, notebookChecker } from "../support/checker.ts";

let checker: Checker;

beforeAll(async () => {
  checker = await notebookChecker();
  await ran('import { randn, zeros } from "difflab"; const x = randn([2, 3]), list = [1, 2], words = ["a"]');
});
afterAll(() => checker?.dispose());

async function messages(source: string): Promise<string[]> {
  return (await checker.check(source, parseCell(source))).map(({ message }) => message);
}

const ran = (source: string) => commitCell(checker, source);

describe("what would run, and mean something else, is told with what to write", () => {
  test.each([
    ["zeros((2, 3))", "[2, 3]"],
    ["x.reshape((3, -2 + 4))", "[3, -2 + 4]"],
    ["const pair = (1, 'a')", "[1, 'a']"],
    ["(1, 2)", "[1, 2]"],
    ['{"a", "b"}', 'new Set(["a", "b"])'],
    ["list[-1]", "list.at(-1)"],
    ["x.shape[-2]", "x.shape.at(-2)"],
    ["'abc'[-1]", "'abc'.at(-1)"],
    ["(await x.data())[-1]", "await x.data().at(-1)"],
    ["list[-1] = 3", "list[list.length - 1]"],
    ["1 in list", "list.includes(1)"],
    ["for (const i in list) console.log(i + 1)", "for (const i of list)"],
    ["list == [...list]", "list.join() == [...list].join()"],
    ["x.shape === x.T.shape", "x.shape.join() === x.T.shape.join()"],
    ["list.map((v) => { v * 2 })", "return v * 2;"],
    ["function twice(v: number) { v * 2 }", "return v * 2;"],
    ["a: int = 5", "const a: number = 5"],
  ])("%s", async (source, write) => {
    const found = await messages(source);
    expect(found, source).toHaveLength(1);
    expect(found[0]!.split(/[Ww]rite: /)[1]).toBe(write);
  });

  test.each([
    "for (let i = 0, j = 3; i < j; i++, j--) {}",
    "(0, console.log)(1)",
    "list[0]; list.at(-1); words.sort(); list.sort()",
    "for (const i in list) console.log(list[i])",
    "for (const key in { a: 1 }) console.log(key)",
    "'a' in { a: 1 }; list === list; list.length == 2; list == null",
    "const at: Record<number, string> = {}; at[-1] = 'a'; at[-1]",
    "list.forEach((v) => { console.log(v) }); const nothing = () => {}",
    "outer: for (const i of list) continue outer",
    "const losses = []; losses.push(1); let best",
  ])("%s stays right", async (source) => {
    expect(await messages(source), source).toEqual([]);
  });

  test("a list that is created empty in one cell is used in the next", async () => {
    await ran("const curve = []; for (const v of list) curve.push(v); let least; for (const v of list) least = v");
    expect(await messages("const ys: number[] = curve; curve.length; least")).toEqual([]);
  });
});
