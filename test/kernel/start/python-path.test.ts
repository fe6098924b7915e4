import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { pythonPath } from "../../../kernel/start/jupyter.ts";
import { temporaryFolder } from "../support/folder.ts";
import { output } from "../support/python.ts";

const folder = temporaryFolder();
const windows = process.platform === "win32";

/** What a program says that finds our modules, and those of these folders behind them. */
const python = (program: string, ...folders: string[]) =>
  output(windows ? "python" : "python3", ["-S", "-c", program], {
    env: { PYTHONPATH: [pythonPath(), ...folders].join(delimiter), PYTHONDONTWRITEBYTECODE: "1" },
  });

test("what takes Jupyter's programs long to load is loaded where it is used, and not before", async ({ skip }) => {
  if ((await python("0").catch(() => undefined))?.code !== 0) return skip("no Python");
  mkdirSync(join(folder, "rfc3987_syntax"));
  writeFileSync(
    join(folder, "rfc3987_syntax", "__init__.py"),
    "print('loaded')\nother = 5\ndef is_valid_syntax(term, value): return (term, value)\n",
  );
  const used = "from rfc3987_syntax import is_valid_syntax\nprint('imported')\nprint(is_valid_syntax('iri', 'x'))";
  const { stdout } = await python(`${used}\nfrom rfc3987_syntax import other\nprint(other)`, folder);
  expect(stdout.split(/\r?\n/)).toEqual(["imported", "loaded", "('iri', 'x')", "5", ""]);
  expect((await python("import rfc3987_syntax")).stderr).toMatch(/ModuleNotFoundError|ImportError: No module named/);
});
