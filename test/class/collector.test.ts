import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../root.ts";
import { hasNbgrader } from "./course.ts";

/** Paths below the folder of returned files, and whose they are: of the notebooks 02-gradients and 03-noise. */
const PATHS: [path: string, found: [student: string, notebook: string] | null][] = [
  ["ada_02-gradients.ipynb", ["ada", "02-gradients"]],
  ["Ada Lovelace_02-gradients.ipynb", ["Ada Lovelace", "02-gradients"]],
  ["Ada Lovelace - 02-gradients (1).ipynb", ["Ada Lovelace", "02-gradients"]],
  ["ada/02-gradients.ipynb", ["ada", "02-gradients"]],
  ["ada/02-gradients - Copy.ipynb", ["ada", "02-gradients"]],
  ["ada_02-gradients/02-gradients-Copy1.ipynb", ["ada", "02-gradients"]],
  ["Ada Lovelace_12345_assignsubmission_file_/03-noise.ipynb", ["Ada Lovelace", "03-noise"]],
  ["lovelaceada_LATE_123_456_03-noise.ipynb", ["lovelaceada", "03-noise"]],
  ["Zoe\u0308_03-noise.ipynb", ["Zo\u00eb", "03-noise"]],
  ["a[1]*_03-noise.ipynb", ["a_1", "03-noise"]],
  ["03-noise.ipynb", null],
  ["homework.ipynb", null],
  ["ada_03-noise.txt", null],
  [".ada_03-noise.ipynb", null],
];

const PROGRAM = `
import json, sys
from pathlib import Path
from difflab_class import identify
print(json.dumps([identify(Path(path), ["02-gradients", "03-noise"]) for path in json.loads(sys.argv[1])]))
`;

test.skipIf(!hasNbgrader())("whose a returned file is stands in its name, or in that of its folder", () => {
  const places = [join(ROOT, ".venv", "bin"), ...(process.env.PATH ?? "").split(delimiter)];
  const python = join(places.find((place) => existsSync(join(place, "nbgrader")))!, "python");
  const env = { ...process.env, PYTHONPATH: join(ROOT, "kernel/class/python") };
  const text = execFileSync(python, ["-c", PROGRAM, JSON.stringify(PATHS.map(([path]) => path))], { env });
  const found = JSON.parse(text.toString()) as unknown[];
  for (const [i, [path, expected]] of PATHS.entries()) expect(found[i], path).toEqual(expected);
});
