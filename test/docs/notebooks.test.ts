import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { joinText, readNotebook } from "../../kernel/client/notebook.ts";
import { ROOT } from "../root.ts";

/** At 1280 pixels, with the list of files beside it, a cell of JupyterLab shows so many letters in a line. */
const WIDEST = 100;

const folder = join(ROOT, "notebooks");

describe("the code of a notebook fits the page: no line is wider than a cell", () => {
  test.each(readdirSync(folder).filter((name) => /^(\d\d-|explore).*\.ipynb$/.test(name)))("%s", (name) => {
    const code = readNotebook(join(folder, name)).cells.filter((cell) => cell.cell_type === "code");
    const lines = code.flatMap((cell) => joinText(cell.source).split("\n"));
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => line.length > WIDEST)).toEqual([]);
  });
});

test("no word of a notebook's text is taken for a tag, which a page would swallow", () => {
  const known = /^<\/?(?:details|summary|br|img|sub|sup|kbd)\b/;
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".ipynb"))) {
    const text = readNotebook(join(folder, name)).cells.filter((cell) => cell.cell_type === "markdown");
    const tags = text.flatMap(
      (cell) =>
        joinText(cell.source)
          .replace(/(`+)[\s\S]*?\1/g, "")
          .match(/<\/?[a-z][^>\n]*>/gi) ?? [],
    );
    expect(
      tags.filter((tag) => !known.test(tag)),
      name,
    ).toEqual([]);
  }
});
