import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { joinText, readNotebook } from "../../kernel/client/index.ts";
import { ROOT } from "../root.ts";

const notebooks = join(ROOT, "notebooks");
const [index] = readNotebook(join(notebooks, "index.ipynb")).cells;
const rows = joinText(index!.source)
  .split("\n")
  .filter((line) => /^\| !\[/.test(line));
const titleOf = (file: string) => joinText(readNotebook(join(notebooks, file)).cells[0]!.source);

test("the index has each notebook once, in order, with its title", () => {
  const found = rows.map((row) => /\*\*\[(?:(\d\d) )?([^\]]+)\]\(([^)]+)\)\*\*/.exec(row)!);
  const files = found.map(([, , , file]) => file!);
  const numbered = readdirSync(notebooks).filter((name) => /^\d\d-.*\.ipynb$/.test(name));
  expect(files.filter((file) => /^\d/.test(file))).toEqual(numbered.sort());
  expect(files.filter((file) => !existsSync(join(notebooks, file)))).toEqual([]);
  for (const [, number, title, file] of found) {
    expect(titleOf(file!)).toMatch(new RegExp(`^# ${title}\n`));
    if (number) expect(file).toMatch(new RegExp(`^${number}-`));
  }
});

test("with the minutes of the video that it names itself", () => {
  for (const row of rows) {
    const [, file] = /\]\((\d\d-[^)]+)\)/.exec(row) ?? [];
    const minutes = file && /Goes with minutes ([\d:]+ to [\d:]+)/.exec(titleOf(file))?.[1];
    if (minutes) expect(row).toContain(minutes);
  }
});

test("with its question and its picture, small enough to open at once", () => {
  const attachments = (index as { attachments?: Record<string, object> }).attachments ?? {};
  for (const row of rows) {
    const [, picture] = /!\[[^\]]*\]\(attachment:([^)]+)\)/.exec(row)!;
    expect(Object.keys(attachments[picture!] ?? {})).toEqual(["image/webp"]);
    expect(row.split("|")[3]).toMatch(/\?\s*$/);
  }
  expect(readFileSync(join(notebooks, "index.ipynb")).length).toBeLessThan(200_000);
});
