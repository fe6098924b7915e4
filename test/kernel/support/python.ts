import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters as plain, promisify } from "node:util";
import { pythonPath } from "../../../kernel/start/jupyter.ts";
import { ROOT } from "../../root.ts";

const execute = promisify(execFile);
const REQUIREMENTS = join(ROOT, "test/requirements.txt");
const windows = process.platform === "win32";

/** Where what test/requirements.txt names may lie: with the JupyterLab of `npm start`, as CI puts it there, or in a folder of the tests' own. */
const PLACES = [join(ROOT, ".venv"), join(ROOT, ".cache/test-python")] as const;

/** A Python that has what test/requirements.txt names, or the reason why there is none. */
export type TestPython = { ok: true; python: string; bin: string } | { ok: false; reason: string };

/**
 * A Python with the packages of test/requirements.txt: one that is there, or a private environment that is made now. That takes half a
 * minute, at first use and whenever the requirements have changed.
 */
export async function testPython(): Promise<TestPython> {
  for (const place of PLACES) if (await isComplete(place)) return { ok: true, ...programs(place) };
  const [, place] = PLACES;
  const { python, bin } = programs(place);
  const system = windows ? "python" : "python3";
  try {
    await execute(system, ["-c", "import venv, ensurepip"]);
  } catch {
    return { ok: false, reason: `no ${system} with venv: install Python 3 (on Debian also python3-venv)` };
  }
  try {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { recursive: true });
    await execute(system, ["-m", "venv", place]);
    await execute(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]);
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr || error).trim();
    return { ok: false, reason: `pip could not install test/requirements.txt: ${said.split("\n").at(-1)}` };
  }
  return { ok: true, python, bin };
}

function programs(place: string): { python: string; bin: string } {
  const bin = join(place, windows ? "Scripts" : "bin");
  return { python: join(bin, windows ? "python.exe" : "python"), bin };
}

/** Whether an environment has every package that is required, in its version. */
async function isComplete(place: string): Promise<boolean> {
  const { python } = programs(place);
  if (!existsSync(python)) return false;
  const pins = readFileSync(REQUIREMENTS, "utf8").match(/^[\w-]+==\S+$/gm) ?? [];
  const code =
    "import sys; from importlib.metadata import version; sys.exit(any(version(n) != v for n, v in (pin.split('==') for pin in sys.argv[1:])))";
  return execute(python, ["-c", code, ...pins]).then(
    () => true,
    () => false,
  );
}

/** Runs a program and gives its exit code and all that it wrote, without colours; never throws for an exit code. */
export async function output(
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; timeout?: number } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await execute(program, args, {
      ...options,
      env: { ...process.env, PYTHONPATH: pythonPath(), ...options.env },
      maxBuffer: 1e8,
    });
    return { code: 0, stdout: plain(stdout), stderr: plain(stderr) };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: number | string; stdout?: string; stderr?: string };
    if (typeof code !== "number") throw error;
    return { code, stdout: plain(stdout), stderr: plain(stderr) };
  }
}
