import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { loadDocument } from "../../../kernel/display/dom/dom.ts";
import { toMimeBundle } from "../../../kernel/display/index.ts";

async function show(value: unknown): Promise<{ html: string; text: string; cells: string[][] }> {
  const bundle = await toMimeBundle(value);
  const html = bundle?.data["text/html"] as string;
  expect(html).toBeTypeOf("string");
  // Read back with a parser, so that the test sees what a browser would.
  const page = loadDocument().createElement("div");
  page.innerHTML = html;
  const rows = [...page.querySelectorAll("tr")] as { children: Iterable<{ textContent: string }> }[];
  return {
    html,
    text: bundle?.data["text/plain"] as string,
    cells: rows.map((row) => [...row.children].map((cell) => cell.textContent)),
  };
}

it("An array of plain objects is a table with an index, and a column for each key that occurs", async () => {
  const { cells, text } = await show([
    { name: "a", loss: 1.23456789 },
    { name: "b", extra: [1, { x: 2 }] },
  ]);
  expect(cells).toEqual([
    ["", "name", "loss", "extra"],
    ["0", "a", "1.23457", ""],
    ["1", "b", "", "[ 1, { x: 2 } ]"],
  ]);
  expect(text).toBe(
    [
      "   name     loss  extra",
      "─  ────  ───────  ───────────────",
      "0  a     1.23457",
      "1  b              [ 1, { x: 2 } ]",
    ].join("\n"),
  );
});

it("Columns of numbers stand to the right, others to the left", async () => {
  const { html } = await show([
    { n: 1, s: "x", mixed: 1 },
    { n: null, s: "y", mixed: "z" },
  ]);
  const heads = [...html.matchAll(/<th scope="col" style="text-align:(\w+)[^>]*>(\w*)</g)].map(([, side, name]) => [
    name,
    side,
  ]);
  expect(heads).toEqual([
    ["", "right"],
    ["n", "right"],
    ["s", "left"],
    ["mixed", "left"],
  ]);
});

it("What cells hold is escaped, and the markup is well-formed", async () => {
  const { html, cells } = await show([{ "<b>": '<script>alert("x")</script> & \ud800' }]);
  expect(html).not.toContain("<script>");
  expect(cells).toEqual([
    ["", "<b>"],
    ["0", '<script>alert("x")</script> & \ufffd'],
  ]);
});

it("Only inherited colours and the text's own are used, so that light and dark themes both work", async () => {
  const { html } = await show(new Map([["a", 1]]));
  expect(html).not.toMatch(/#[0-9a-f]{3,6}\b|rgb|background|<style/i);
});

it("A long table shows its first and last rows and says how long it is", async () => {
  const { cells, text } = await show(Array.from({ length: 1_000_000 }, (_, i) => ({ i, square: i * i })));
  expect(cells).toHaveLength(1 + 20 + 1 + 5);
  expect(cells.at(-1)).toEqual(["999999", "999999", "999998000001"]);
  expect(text).toMatch(/\n⋮\n/);
  expect(text).toMatch(/1,000,000 rows, the first 20 and the last 5 shown$/);
  expect((await show(Array.from({ length: 50 }, (_, i) => ({ i })))).cells).toHaveLength(51);
});

it("A wide table shows its first columns and says how many more there are", async () => {
  const { cells, text } = await show([Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`c${i}`, i]))]);
  expect(cells[0]).toHaveLength(21);
  expect(text).toMatch(/4,980 more columns$/);
});

it("A Map is a table of keys and values; values that are plain objects get columns of their own", async () => {
  expect(
    (
      await show(
        new Map<unknown, unknown>([
          ["a", 1],
          [{ k: 1 }, "x"],
        ]),
      )
    ).cells,
  ).toEqual([
    ["key", "value"],
    ["a", "1"],
    ["{ k: 1 }", "x"],
  ]);
  const { cells, text } = await show(
    new Map([
      ["adam", { lr: 0.001 }],
      ["sgd", { lr: 0.1 }],
    ]),
  );
  expect(cells).toEqual([
    ["key", "lr"],
    ["adam", "0.001"],
    ["sgd", "0.1"],
  ]);
  expect(text).toMatch(/\nMap, 2 entries$/);
});

it("A Set is a table of one column, shortened without going through all of it", async () => {
  expect((await show(new Set(["a", 2]))).cells).toEqual([["value"], ["a"], ["2"]]);
  const { text, cells } = await show(new Set(Array.from({ length: 100_000 }, (_, i) => i)));
  expect(cells).toHaveLength(1 + 25 + 1);
  expect(text).toMatch(/100,000 values in the Set, the first 25 shown$/);
});

it("Wide characters keep the columns of the plain text aligned", async () => {
  const { text } = await show([
    { a: "日本", b: 1 },
    { a: "e\u0301t", b: 2 },
    { a: "👍", b: 3 },
  ]);
  expect(text.split("\n").slice(2)).toEqual(["0  日本  1", "1  e\u0301t    2", "2  👍    3"]);
});

it("Long and many-lined texts are cut for the plain text and keep their line breaks in HTML", async () => {
  const { text, cells } = await show([{ a: "one\ntwo", b: "😀".repeat(100) }]);
  expect(text).toContain("one ↵ two");
  expect(cells[1]![1]).toBe("one\ntwo");
  expect(cells[1]![2]).toMatch(/^😀+…$/u);
});

it("Objects of another realm, as cells in a context of their own make them, are tables too", async () => {
  expect((await show(runInNewContext("[{ a: 1 }, { a: 2 }]"))).cells).toEqual([
    ["", "a"],
    ["0", "1"],
    ["1", "2"],
  ]);
});

it.each([
  ["an empty array", []],
  ["an array of class instances", [new Date(0)]],
  [
    "an array of arrays",
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ["an array with one thing that is no object", [{ a: 1 }, 2]],
  ["an array with holes", Object.assign(new Array(3), { 0: { a: 1 }, 2: { a: 2 } })],
  ["objects without keys", [{}, {}]],
  ["a plain object", { a: 1 }],
])("%s is no table", async (_name, value) => {
  expect(Object.keys((await toMimeBundle(value))?.data ?? {})).toEqual(["text/plain"]);
});
