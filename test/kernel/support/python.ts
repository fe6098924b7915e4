import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters as plain, promisify } from "node:util";
import { ROOT } from "../../root.ts";

const execute = promisify(execFile);
const VENV = join(ROOT, ".cache/test-python");
const REQUIREMENTS = join(ROOT, "test/requirements.txt");

/** A Python that has what test/requirements.txt names, or the reason why there is none. */
export type TestPython = { ok: true; python: string; bin: string } | { ok: false; reason: string };

/**
 * The private virtual environment of the tests, made at first use and whenever the requirements have changed.
 * Takes half a minute then, and nothing later.
 */
export async function testPython(): Promise<TestPython> {
  const bin = join(VENV, process.platform === "win32" ? "Scripts" : "bin");
  const python = join(bin, "python");
  const wanted = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex");
  const stamp = join(VENV, "requirements.sha256");
  if (existsSync(stamp) && existsSync(python) && readFileSync(stamp, "utf8") === wanted)
    return { ok: true, python, bin };
  const system = process.platform === "win32" ? "python" : "python3";
  try {
    await execute(system, ["-c", "import venv, ensurepip"]);
  } catch {
    return { ok: false, reason: `no ${system} with venv: install Python 3 (on Debian also python3-venv)` };
  }
  try {
    rmSync(VENV, { recursive: true, force: true });
    mkdirSync(VENV, { recursive: true });
    await execute(system, ["-m", "venv", VENV]);
    await execute(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]);
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr || error).trim();
    return { ok: false, reason: `pip could not install test/requirements.txt: ${said.split("\n").at(-1)}` };
  }
  writeFileSync(stamp, wanted);
  return { ok: true, python, bin };
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
      env: { ...process.env, ...options.env },
      maxBuffer: 1e8,
    });
    return { code: 0, stdout: plain(stdout), stderr: plain(stderr) };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: number | string; stdout?: string; stderr?: string };
    if (typeof code !== "number") throw error;
    return { code, stdout: plain(stdout), stderr: plain(stderr) };
  }
}
