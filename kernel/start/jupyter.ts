import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { packageRoot } from "../spec/package-root.ts";
import { findPython, OLDEST_PYTHON, type Python } from "../spec/python.ts";
import { run } from "./run.mjs";
import { StepError } from "./steps.mjs";

/** A JupyterLab that can be started. */
export interface JupyterLab {
  /** Folder of its programs: `jupyter-lab`, `jupyter-execute`. */
  bin: string;
  version: string;
  /** The environment that `npm start` created for itself; undefined for a JupyterLab that the user installed. */
  prefix?: string;
}

const OLDEST_LAB = 4;
const windows = process.platform === "win32";
const program = (bin: string, name: string) => join(bin, windows ? `${name}.exe` : name);

/** The command of a program that belongs to a JupyterLab. */
export function jupyterProgram(lab: JupyterLab, name: string): string {
  return program(lab.bin, name);
}

/**
 * Where Jupyter's programs look for Python's modules first: `PYTHONPATH` for their environment. A module there spares them
 * most of the time in which they load, two thirds of `jupyter --version`.
 *
 * @param more - folders that come first
 */
export function pythonPath(...more: string[]): string {
  const ours = join(packageRoot(), "kernel", "start", "python");
  return [...more, ours, process.env.PYTHONPATH].filter(Boolean).join(delimiter);
}

/** The available JupyterLab: the one in `.venv` if that is complete, otherwise the first on the PATH that is recent enough. */
export async function findJupyter(root: string, home = root): Promise<JupyterLab | undefined> {
  return new PrivateEnvironment(root, home).lab() ?? (await labOnPath(home));
}

/**
 * Finds a JupyterLab, or makes a private environment in `.venv` with the pinned one.
 *
 * @param root - the package's folder
 * @param report - called with a progress message
 * @param home - the folder of `.venv`; default the package's
 * @returns undefined if there is no Python at all
 * @throws StepError if there is one, but the environment cannot be made
 */
export async function provideJupyter(
  root: string,
  report: (text: string) => void,
  home = root,
): Promise<JupyterLab | undefined> {
  const found = await findJupyter(root, home);
  if (found) return found;
  const python = await findPython();
  return python && new PrivateEnvironment(root, home).make(python, report);
}

/**
 * Adds packages to the private environment, creating it first if necessary.
 *
 * @param name - of the set of packages; recorded so that it is not installed twice
 * @param requirements - the file that pins it
 * @param python - what to make the environment with
 * @throws StepError if it cannot be installed
 */
export async function addToEnvironment(
  root: string,
  { name, requirements, python }: { name: string; requirements: string; python: Python },
  report: (text: string) => void,
): Promise<JupyterLab> {
  const environment = new PrivateEnvironment(root, root);
  const lab = environment.lab() ?? (await environment.make(python, report));
  await environment.add(name, requirements, report);
  return lab;
}

/** `.venv/difflab.json`. */
interface Stamp {
  /** Digest of the requirements file. */
  requirements: string;
  /** JupyterLab's version. */
  version: string;
}

/** The virtual environment in `.venv`. */
class PrivateEnvironment {
  readonly #folder: string;
  readonly #requirements: string;
  /** Records what was installed. Written last, so an environment that has this file is complete. */
  readonly #stamp: string;

  constructor(root: string, home: string) {
    this.#folder = join(home, ".venv");
    this.#requirements = join(root, "kernel", "start", "requirements.txt");
    this.#stamp = join(this.#folder, "difflab.json");
  }

  get #bin(): string {
    return join(this.#folder, windows ? "Scripts" : "bin");
  }

  get #python(): string {
    return program(this.#bin, "python");
  }

  /** The JupyterLab in it; undefined if the environment is missing, incomplete, or made from other requirements. */
  lab(): JupyterLab | undefined {
    // existsSync follows the link: false where the Python that made the environment has been removed since.
    if (!existsSync(this.#python) || !existsSync(this.#stamp)) return undefined;
    const { requirements, version } = JSON.parse(readFileSync(this.#stamp, "utf8")) as Stamp;
    return requirements === this.#digest() ? { bin: this.#bin, version, prefix: this.#folder } : undefined;
  }

  async make(python: Python, report: (text: string) => void): Promise<JupyterLab> {
    if (!existsSync(this.#python)) {
      report("making .venv, a private environment for it");
      const [command, ...args] = python.command;
      const { code, output } = await run(command!, [...args, "-m", "venv", "--clear", this.#folder]);
      if (code !== 0) {
        rmSync(this.#folder, { recursive: true, force: true });
        throw new StepError(`${python.command.join(" ")} -m venv failed`, {
          next: venvHint(python, output),
          detail: output,
        });
      }
    }
    const output = await this.#install(this.#requirements, report);
    const version =
      output.match(/\bjupyterlab-(\d[\w.]*)/)?.[1] ?? (await labVersion(program(this.#bin, "jupyter-lab")));
    if (!version) {
      const next = "Remove the folder .venv and run npm start again.";
      throw new StepError("JupyterLab does not start", { next });
    }
    writeQuietSettings(this.#folder);
    // JupyterLab runs a script of its own with Node, which would take it for a module because of our package.json.
    writeFileSync(join(this.#folder, "package.json"), "{}\n");
    const stamp: Stamp = { requirements: this.#digest(), version };
    writeFileSync(this.#stamp, JSON.stringify(stamp));
    return { bin: this.#bin, version, prefix: this.#folder };
  }

  /** Installs the packages that a requirements file pins, unless that has already been done. */
  async add(name: string, requirements: string, report: (text: string) => void): Promise<void> {
    const stamp = join(this.#folder, `difflab-${name}.json`);
    const digest = this.#digest(requirements);
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
    await this.#install(requirements, report);
    writeFileSync(stamp, digest);
  }

  /** @returns what pip said */
  async #install(requirements: string, report: (text: string) => void): Promise<string> {
    const args = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", requirements];
    // A user's PIP_USER=1 or PIP_REQUIRE_... is about installations outside of environments.
    const env = { ...process.env, PIP_USER: "0", PIP_PROGRESS_BAR: "off", PYTHONUTF8: "1" };
    const { code, output } = await run(this.#python, args, {
      env,
      onOutput: (text) => {
        const name = text.match(/(?:Collecting|Downloading|Installing collected packages)[ :]*([^\s=;,]*)/g)?.at(-1);
        if (name) report(`pip install: ${name}`.slice(0, 52));
      },
    });
    if (code !== 0) {
      const detail = output.replace(/^Ignoring .*\n/gm, "");
      throw new StepError("pip install failed", { next: pipHint(output), detail });
    }
    return output;
  }

  #digest(requirements = this.#requirements): string {
    return createHash("sha256").update(readFileSync(requirements)).digest("hex");
  }
}

/** Turns off JupyterLab's question about news, in the environment that is ours alone. */
function writeQuietSettings(prefix: string): void {
  const folder = join(prefix, "share", "jupyter", "lab", "settings");
  mkdirSync(folder, { recursive: true });
  const notification = { fetchNews: "false", checkForUpdates: false };
  const settings = { "@jupyterlab/apputils-extension:notification": notification };
  writeFileSync(join(folder, "overrides.json"), `${JSON.stringify(settings, null, 2)}\n`);
}

/** The first JupyterLab on the PATH that is new enough. */
async function labOnPath(home: string): Promise<JupyterLab | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const file = program(folder, "jupyter-lab");
    if (!folder || !existsSync(file)) continue;
    // pipx links only jupyter-lab itself into the PATH; the other programs are where the link points.
    const real = realpathSync(file);
    const version = await rememberedVersion(home, real);
    if (version && Number.parseInt(version, 10) >= OLDEST_LAB) return { bin: dirname(real), version };
  }
  return undefined;
}

/** Asking takes more than a second, so the answer is cached until the program's file changes. */
async function rememberedVersion(home: string, file: string): Promise<string | undefined> {
  const memo = join(home, ".cache", "jupyter-lab.json");
  const key = `${file} ${statSync(file).mtimeMs}`;
  try {
    const { [key]: version } = JSON.parse(readFileSync(memo, "utf8")) as Record<string, string>;
    if (version) return version;
  } catch {
    // Not asked yet.
  }
  const version = await labVersion(file);
  if (version) {
    mkdirSync(dirname(memo), { recursive: true });
    writeFileSync(memo, JSON.stringify({ [key]: version }));
  }
  return version;
}

async function labVersion(file: string): Promise<string | undefined> {
  const { code, output } = await run(file, ["--version"], { env: { ...process.env, PYTHONPATH: pythonPath() } });
  return code === 0 ? output.match(/^\d+\.\d+\S*/m)?.[0] : undefined;
}

function venvHint(python: Python, output: string): string {
  const version = python.version.join(".");
  if (/ensurepip|python3-venv|No module named venv/i.test(output)) {
    return `This Python comes without venv. On Debian or Ubuntu: sudo apt install python${version}-venv\nThen run npm start again.`;
  }
  return "Fix that, then run npm start again; or install JupyterLab yourself so that it is on the PATH.";
}

function pipHint(output: string): string {
  if (
    /NewConnectionError|Failed to establish|Name or service|getaddrinfo|timed out|ProxyError|Network is unreachable|ConnectionError|from versions: none/i.test(
      output,
    )
  ) {
    return "pip could not reach the package index. Check your network connection (or proxy: HTTPS_PROXY), then run npm start again.";
  }
  if (/No matching distribution|requires a different Python/i.test(output)) {
    return `A pinned package is not available for this Python (needed: CPython ${OLDEST_PYTHON.join(".")} or later). Install JupyterLab yourself (pip install jupyterlab) so that it is on the PATH, then run npm start again.`;
  }
  if (/No space left/i.test(output)) return "The disk is full; the environment needs about 300 MB.";
  return "Fix that, then run npm start again; or install JupyterLab yourself (pip install jupyterlab) so that it is on the PATH.";
}
