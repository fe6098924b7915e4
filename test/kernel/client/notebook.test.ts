import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { notebookToHtml } from "../../../kernel/client/html.ts";
import {
  type CodeCell,
  formatNotebook,
  type Notebook,
  parseNotebook,
  readNotebook,
  writeNotebook,
} from "../../../kernel/client/notebook.ts";
import { OutputCollector } from "../../../kernel/client/outputs.ts";
import { type Json, MessageFactory } from "../../../kernel/wire/message.ts";
import { temporaryFolder } from "../support/folder.ts";

const temporary = temporaryFolder();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(temporary, "notebook-"));
});

const codeCell = (source = ""): CodeCell => ({
  cell_type: "code",
  source,
  metadata: {},
  execution_count: null,
  outputs: [],
});
const notebookOf = (...cells: Notebook["cells"]): Notebook => ({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });

describe("reading a notebook", () => {
  it.each([
    ["text", "hello", /^notebook: not a notebook: invalid JSON/],
    ["a list", "[]", /holds a list, expected an object/],
    ["an object that is something else", "{}", /nbformat is missing, expected 4/],
    ["format 3", '{"nbformat":3,"nbformat_minor":0,"worksheets":[]}', /format 3, expected 4\. Convert it/],
    ["no cells", '{"nbformat":4,"nbformat_minor":5}', /cells is missing, expected a list/],
    ["a cell that is null", '{"nbformat":4,"nbformat_minor":5,"cells":[null]}', /cell 1 is null/],
    [
      "an unknown cell",
      '{"nbformat":4,"nbformat_minor":5,"cells":[{"cell_type":"x","source":""}]}',
      /cell 1: cell_type is "x", expected "code", "markdown" or "raw"/,
    ],
    [
      "a cell without source",
      '{"nbformat":4,"nbformat_minor":5,"cells":[{"cell_type":"code"}]}',
      /cell 1: source is missing/,
    ],
  ])("refuses %s with the reason", (_, text, message) => {
    expect(() => parseNotebook(text)).toThrow(message);
  });

  it("names the file that is missing", () => {
    expect(() => readNotebook(join(folder, "none.ipynb"))).toThrow(/none\.ipynb: no such file/);
  });
});

describe("writing a notebook", () => {
  // As nbformat 5.11.1 writes it: sorted keys, one space, lines cut as Python cuts them, newline at the end.
  const text = `{
 "cells": [
  {
   "cell_type": "code",
   "execution_count": 1,
   "id": "a",
   "metadata": {
    "tags": [],
    "unknown": {
     "kept": 1.5
    }
   },
   "outputs": [
    {
     "name": "stdout",
     "output_type": "stream",
     "text": [
      "10%\\r",
      "100%\\n",
      "ü 😀"
     ]
    },
    {
     "data": {
      "application/json": {
       "a": "x\\ny"
      },
      "image/png": "AAAA\\n",
      "image/svg+xml": [
       "<svg>\\n",
       "</svg>"
      ]
     },
     "metadata": {},
     "output_type": "display_data"
    }
   ],
   "source": [
    "1\\n",
    "2"
   ]
  },
  {
   "attachments": {
    "p.png": {
     "image/png": "AAAA"
    }
   },
   "cell_type": "markdown",
   "id": "b",
   "metadata": {},
   "source": []
  }
 ],
 "extra": true,
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
`;

  it("gives back byte for byte what Jupyter wrote, fields that it does not know included", () => {
    expect(formatNotebook(parseNotebook(text))).toBe(text);
  });

  it("writes no half of a surrogate pair", () => {
    expect(formatNotebook(notebookOf(codeCell("a\ud800b")))).toContain('"a\ufffdb"');
  });

  it("keeps the file's permissions and a symbolic link, and leaves no other file behind", () => {
    const path = join(folder, "a.ipynb");
    writeFileSync(path, text);
    chmodSync(path, 0o640);
    const link = join(folder, "link.ipynb");
    symlinkSync(path, link);
    const notebook = readNotebook(link);
    notebook.metadata.changed = true;
    writeNotebook(link, notebook);
    expect(readNotebook(path).metadata.changed).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(["a.ipynb", "link.ipynb"]);
  });

  it("leaves the old file whole where the new one cannot be written", () => {
    const path = join(folder, "a.ipynb");
    writeFileSync(path, text);
    const bad = parseNotebook(text);
    bad.metadata.self = bad.metadata; // circular: no JSON
    expect(() => writeNotebook(path, bad)).toThrow();
    expect(readFileSync(path, "utf8")).toBe(text);
    expect(() => writeNotebook(join(folder, "none", "a.ipynb"), parseNotebook(text))).toThrow(/cannot write the file/);
  });
});

describe("collecting outputs", () => {
  const factory = new MessageFactory();
  const collect = (cell: CodeCell, messages: [string, Json][], collector = new OutputCollector()) => {
    for (const [type, content] of messages) collector.take(cell, factory.message(type, content));
    return cell.outputs;
  };
  const stdout = (text: string): [string, Json] => ["stream", { name: "stdout", text }];

  it("joins text of one stream, but not of two", () => {
    const outputs = collect(codeCell(), [
      stdout("a\n"),
      stdout("b"),
      ["stream", { name: "stderr", text: "c" }],
      stdout("d"),
    ]);
    expect(outputs.map((o) => "text" in o && o.text)).toEqual(["a\nb", "c", "d"]);
  });

  it("clears at once, or with the next output", () => {
    expect(collect(codeCell(), [stdout("a"), ["clear_output", { wait: false }]])).toEqual([]);
    const cell = codeCell();
    const collector = new OutputCollector();
    collect(cell, [stdout("a"), ["clear_output", { wait: true }]], collector);
    expect(cell.outputs).toHaveLength(1);
    expect(collect(cell, [stdout("b"), stdout("c")], collector)).toEqual([
      { output_type: "stream", name: "stdout", text: "bc" },
    ]);
  });

  it("updates every output that was shown under an id, in other cells too", () => {
    const collector = new OutputCollector();
    const [first, second] = [codeCell(), codeCell()];
    const shown = { data: { "text/plain": "1" }, metadata: {}, transient: { display_id: "d" } };
    collect(first, [["display_data", shown]], collector);
    collect(second, [["execute_result", { ...shown, execution_count: 2 }]], collector);
    const update = { data: { "text/plain": "2" }, metadata: { a: 1 }, transient: { display_id: "d" } };
    collect(second, [["update_display_data", update]], collector);
    expect(first.outputs).toEqual([{ output_type: "display_data", data: { "text/plain": "2" }, metadata: { a: 1 } }]);
    expect(second.outputs).toMatchObject([{ output_type: "execute_result", data: { "text/plain": "2" } }]);
  });

  it("records counts, results and errors as the notebook format has them", () => {
    const cell = codeCell();
    collect(cell, [
      ["execute_input", { execution_count: 3, code: "x" }],
      ["execute_result", { execution_count: 3, data: { "text/plain": "1" }, metadata: {} }],
      ["error", { ename: "Error", evalue: "no", traceback: ["Error: no"], extra: 1 }],
      ["status", { execution_state: "idle" }],
    ]);
    expect(cell.execution_count).toBe(3);
    expect(cell.outputs).toEqual([
      { output_type: "execute_result", execution_count: 3, data: { "text/plain": "1" }, metadata: {} },
      { output_type: "error", ename: "Error", evalue: "no", traceback: ["Error: no"] },
    ]);
  });
});

describe("a page of HTML", () => {
  const markdown = (source: string, extra: Json = {}) =>
    notebookToHtml(notebookOf({ cell_type: "markdown", source, metadata: {}, ...extra }), { folder });
  const shown = (data: Json, metadata: Json = {}) =>
    notebookToHtml(notebookOf({ ...codeCell("x"), outputs: [{ output_type: "display_data", data, metadata }] }));

  it("takes its title from the first heading and refers to no other file", () => {
    const page = markdown("# Hello *you* <b>");
    expect(page).toContain("<title>Hello you &lt;b&gt;</title>");
    expect(page).not.toMatch(/<link|<script|@import|url\(/);
  });

  it("lets no script out of markdown", () => {
    const page = markdown(
      '<script>a()</script><img src="x" onerror="b()"><iframe src="e"></iframe>\n\n[c](javascript:d())',
    );
    expect(page).not.toMatch(/<script|onerror|href="javascript:|<iframe/);
  });

  it("shows formulas as MathML and leaves prices alone", () => {
    expect(markdown("$x_T$ and\n\n$$\n\\frac{1}{2}\n$$")).toMatch(/<msub>[\s\S]*<mfrac>/);
    expect(markdown("costs $5 and $6")).toContain("costs $5 and $6");
  });

  it("takes pictures in: attached ones and files beside the notebook", () => {
    writeFileSync(join(folder, "a b.png"), Buffer.from([1, 2, 3]));
    expect(markdown("![](a%20b.png)")).toContain('src="data:image/png;base64,AQID"');
    expect(markdown("![](none.png)")).toContain('src="none.png"');
    const attachments = { "p.png": { "image/png": "AAAA" } };
    expect(markdown("![](attachment:p.png)", { attachments })).toContain('src="data:image/png;base64,AAAA"');
  });

  it("links to the next notebook's page", () => {
    expect(markdown("[next](01-next.ipynb#a) [far](https://x.org/a.ipynb)")).toMatch(
      /href="01-next.html#a"[\s\S]*href="https:\/\/x.org\/a.ipynb"/,
    );
  });

  it("shows the richest form that it knows, and escapes plain text", () => {
    expect(shown({ "text/plain": "<b>", "image/png": "AA\nAA" })).toContain("base64,AAAA");
    expect(shown({ "text/plain": "<b>" })).toContain("<pre>&lt;b&gt;</pre>");
    expect(shown({ "image/png": "AAAA" }, { "image/png": { width: 64 } })).toContain('width="64"');
    expect(shown({ "image/svg+xml": '<?xml version="1.0"?>\n<svg></svg>' })).toContain('"output"><svg>');
    expect(shown({ "application/vnd.unknown": {} })).toContain("application/vnd.unknown");
  });

  it("keeps colours, and what a carriage return leaves over", () => {
    const text = "\u001b[31mred\u001b[0m\n10%\r100%\nend\r\n";
    const page = notebookToHtml(
      notebookOf({ ...codeCell("x"), outputs: [{ output_type: "stream", name: "stdout", text }] }),
    );
    expect(page).toContain('<span class="ansi-red-fg">red</span>\n100%\nend\n</pre>');
  });

  it("shows the beginning and the end of an endless text", () => {
    const text = `first\n${"x\n".repeat(1_000_000)}last\n`;
    const page = notebookToHtml(
      notebookOf({ ...codeCell("x"), outputs: [{ output_type: "stream", name: "stdout", text }] }),
    );
    expect(page.length).toBeLessThan(300_000);
    expect(page).toMatch(/first\n[\s\S]*more characters in the notebook[\s\S]*last\n<\/pre>/);
  });
});
