import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { joinText, readNotebook } from "../../kernel/client/notebook.ts";
import { ROOT } from "../root.ts";

/** At 1280 pixels, with the list of files beside it, a cell of JupyterLab shows so many letters in a line. */
const WIDEST = 100;

const folder = join(ROOT, "notebooks");

describe("the code of a notebook fits the page: no line is wider than a cell", () => {
  // The lesson's second half is still to be brought to that.
  test.each(readdirSync(folder).filter((name) => /^(0[0-8]-|explore).*\.ipynb$/.test(name)))("%s", (name) => {
    const code = readNotebook(join(folder, name)).cells.filter((cell) => cell.cell_type === "code");
    const lines = code.flatMap((cell) => joinText(cell.source).split("\n"));
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => line.length > WIDEST)).toEqual([]);
  });
});
