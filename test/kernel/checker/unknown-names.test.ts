import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KernelClient } from "../../../kernel/client/client.ts";
import { run, startKernel } from "../support/kernel.ts";

const CELLS = [
  ["markdown", "# Lesson\n\nText.\n\n## What is known?"],
  ["code", 'import { cos } from "mathjs-is-not-needed";\nconst known = 1;\nif (known) {\n  var deep = 2;\n}'],
  ["markdown", "## What follows?"],
  ["code", "const later = known + 1;\nconst wide = later;"],
  ["code", "later * wide * deep"],
  ["code", "known + after + mistyped"],
  ["code", 'const prompt = "a yellow sun";'],
  ["code", "type After = number;\nconst after: After = 4;"],
] as const;

let folder: string;
let kernel: KernelClient;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "difflab-names-"));
  const cells = CELLS.map(([cell_type, source]) => ({ cell_type, source: source.split(/(?<=\n)/) }));
  writeFileSync(join(folder, "lesson.ipynb"), JSON.stringify({ cells }));
  // As Jupyter's server tells a kernel which notebook it is for.
  kernel = await startKernel({ cwd: folder, env: { JPY_SESSION_NAME: join(folder, "lesson.ipynb") } });
});
afterAll(async () => {
  await kernel?.shutdown();
  rmSync(folder, { recursive: true, force: true });
});

async function trace(code: string, on = kernel): Promise<string> {
  const { error } = await run(on, code);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with the escape character
  return error!.traceback.join("\n").replace(/\u001b\[[\d;]+m/g, "");
}

describe("a name that is not declared", () => {
  test("is told with the cell that declares it, and how to run all that come before", async () => {
    expect(await trace("later * wide * deep")).toBe(
      [
        "TypeScriptError in In [1]; nothing ran",
        "line 1: Cannot find the names 'later', 'wide' and 'deep'. (TS2304)",
        "> 1 | later * wide * deep",
        "    | ^^^^^",
        "  A cell above, under \"What follows?\", declares 'later' and 'wide'. Run that cell first:",
        "    const later = known + 1;",
        "  A cell above, under \"What is known?\", declares 'deep'. Run that cell first:",
        "    if (known) {",
        "  (Run > Run All Above Selected Cell, in the menu, runs every cell above this one.)",
      ].join("\n"),
    );
  });

  test("below the cell is told as such, and one that no cell declares gets the general advice", async () => {
    const text = await trace("known + after + mistyped");
    expect(text).toContain("Cannot find the names 'known', 'after' and 'mistyped'.");
    expect(text).toMatch(
      /A cell below, under "What follows\?", declares 'after'\. Run that cell first:\n {4}const after/,
    );
    expect(text).toContain("If another cell declares 'mistyped', run that cell first.");
    expect(text).not.toContain("Run All Above");
  });

  test("in a cell that was changed since the notebook was saved is told where it is, and in a new cell by its heading", async () => {
    expect(await trace("const later = known + 10;\nconst wide = later;")).toContain(
      'A cell above, under "What is known?", declares it.',
    );
    const text = await trace("Math.sqrt(known)");
    expect(text).toContain('A cell under "What is known?" declares it. Run that cell first:\n    const known = 1;');
    expect(text).not.toMatch(/above|below/i);
  });

  test("of the kernel's that a cell declares too is told with that cell", async () => {
    const text = await trace("'a yellow sun'.startsWith(prompt)");
    expect(text).toMatch(/declares 'prompt'\. Run that cell first:\n {4}const prompt = "a yellow sun";/);
  });

  test("that another cell declares is not taken for a mistyped one", async () => {
    const known = await trace("const wider = 1; wide + wider");
    expect(known).toContain("Cannot find name 'wide'.");
    expect(known).not.toContain("Did you mean");
    expect(await trace("const mistype = 1; mistyped")).toContain("Did you mean 'mistype'?");
  });

  test("is told once, however often the cell mentions it", async () => {
    const text = await trace("later + later; const x: number = later");
    expect(text.match(/'later'/g)).toHaveLength(1);
  });

  test("is found by a cell as soon as the one that declares it has run", async () => {
    expect((await run(kernel, "const known = 1;")).error).toBeUndefined();
    expect((await run(kernel, CELLS[3][1])).error).toBeUndefined();
    expect((await run(kernel, "later + wide")).result!.data["text/plain"]).toBe("4");
  });

  test.each([
    ["is damaged", join("damaged.ipynb")],
    ["has another shape", "shape.ipynb"],
    ["is not there", "absent.ipynb"],
    ["is no notebook", "text.txt"],
  ])("gets the general advice where the file that Jupyter names %s", async (_, name) => {
    writeFileSync(join(folder, "damaged.ipynb"), '{ "cells": [');
    writeFileSync(join(folder, "shape.ipynb"), '{ "cells": [null, 3, { "cell_type": "code", "source": 5 }] }');
    writeFileSync(join(folder, "text.txt"), "const later = 1;");
    const other = await startKernel({ cwd: folder, env: { JPY_SESSION_NAME: join(folder, name) } });
    try {
      expect(await trace("later", other)).toContain("If another cell declares it, run that cell first.");
    } finally {
      await other.shutdown();
    }
  });
});
