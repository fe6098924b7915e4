import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { defaultCandidates, findPython } from "../spec/python.ts";
import { QUIET } from "../spec/quiet.ts";
import { addToEnvironment, type JupyterLab, jupyterProgram, pythonPath } from "../start/jupyter.ts";
import { placeKernel } from "../start/kernel-place.ts";
import { run } from "../start/run.mjs";
import { StepError } from "../start/steps.mjs";
import { Grader } from "./grader.ts";

/** The nbgrader that this is built on and tested with; kernel/class/requirements.txt pins it. */
export const NBGRADER = "0.9.6";

/** nbgrader 0.9 needs at least this Python. */
const OLDEST_PYTHON: [number, number] = [3, 11];

/** nbgrader, and the folder of course files that Python reads. */
export class Nbgrader {
  readonly #lab: JupyterLab;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(lab: JupyterLab, env: NodeJS.ProcessEnv) {
    this.#lab = lab;
    this.#env = env;
  }

  /**
   * The nbgrader in the private environment of `npm start`, or the first one of the right version on the PATH; if there is
   * neither, it is installed into the private environment.
   *
   * @param root - the package's folder
   * @throws StepError if there is none and it cannot be installed
   */
  static async provide(root: string, report: (text: string) => void = () => {}): Promise<Nbgrader> {
    const lab = onPath(root) ?? (await privateJupyterLab(root, report));
    const { dataDir } = placeKernel(root, lab);
    const JUPYTER_PATH = [dataDir, process.env.JUPYTER_PATH].filter(Boolean).join(delimiter);
    const python = join(root, "kernel", "class", "python");
    return new Nbgrader(lab, {
      ...QUIET,
      ...process.env,
      JUPYTER_PATH,
      // nbgrader starts programs that are installed beside it, alembic for one.
      PATH: [lab.bin, process.env.PATH].filter(Boolean).join(delimiter),
      PYTHONUTF8: "1",
      PYTHONPATH: pythonPath(python),
      // Also outside the folder of a course: for "Validate".
      JUPYTER_CONFIG_PATH: [python, process.env.JUPYTER_CONFIG_PATH].filter(Boolean).join(delimiter),
      DIFFLAB_NODE: process.execPath,
    });
  }

  /** Its folder. */
  get bin(): string {
    return this.#lab.bin;
  }

  /** Runs `nbgrader ARGS` in a folder. */
  run(args: string[], cwd: string, onOutput?: (text: string) => void): ReturnType<typeof run> {
    return run(jupyterProgram(this.#lab, "nbgrader"), args, { cwd, env: this.#env, ...(onOutput && { onOutput }) });
  }

  /** Runs a Python script of kernel/class/python in a folder. @returns what it printed, as JSON */
  async ask<T>(script: string, args: string[], root: string, cwd: string): Promise<T> {
    const file = join(root, "kernel", "class", "python", script);
    const { code, output } = await run(jupyterProgram(this.#lab, "python"), [file, ...args], { cwd, env: this.#env });
    const answer = /^\{"answer": ([\s\S]*)\}$/m.exec(output)?.[1];
    if (code === 0 && answer !== undefined) return JSON.parse(answer) as T;
    throw new StepError(output.trim().split("\n").at(-1) ?? `${script} failed`, { next: "", detail: output });
  }

  /** A process that grades one student after another. */
  grader(root: string, cwd: string): Grader {
    const file = join(root, "kernel", "class", "python", "grader.py");
    return new Grader([jupyterProgram(this.#lab, "python"), file], cwd, this.#env);
  }

  /** Runs a step of nbgrader. @throws StepError with its output if it fails */
  async step(args: string[], cwd: string, next: string): Promise<string> {
    const { code, output } = await this.run(args, cwd);
    if (code === 0) return output;
    throw new StepError(`nbgrader ${args[0]} failed: ${lastError(output)}`, { next, detail: output });
  }
}

/** The last line in which a Jupyter program reported an error, without its prefix. */
export function lastError(output: string): string {
  const lines = output
    .trim()
    .split("\n")
    .map((line) => line.replace(/^\[[^\]]*\]\s*(ERROR \| ?)?/, "").trim());
  const errors = output.match(/^\[[^\]]*\] ERROR \| .*$/gm) ?? [];
  const last = errors.at(-1)?.replace(/^\[[^\]]*\] ERROR \| /, "");
  const raised = lines.filter((line) => /^[\w.]*(Error|Exception|Entry)\b.*:/.test(line)).at(-1);
  return (raised ?? last ?? lines.at(-1) ?? "no reason given; see its output").slice(0, 300);
}

function onPath(root: string): JupyterLab | undefined {
  const folders = [join(root, ".venv", process.platform === "win32" ? "Scripts" : "bin")];
  for (const bin of [...folders, ...(process.env.PATH ?? "").split(delimiter)]) {
    const prefix = bin === folders[0] ? { prefix: join(root, ".venv") } : {};
    const lab: JupyterLab = { bin, version: NBGRADER, ...prefix };
    if (bin && existsSync(jupyterProgram(lab, "nbgrader")) && isInstalled(bin)) return lab;
  }
  return undefined;
}

/** Whether the environment of a folder of programs has our nbgrader. Its files tell; asking nbgrader itself takes seconds. */
function isInstalled(bin: string): boolean {
  const name = `nbgrader-${NBGRADER}.dist-info`;
  const lib = join(realpathSync(bin), "..", "lib");
  const versions = existsSync(lib) ? readdirSync(lib).filter((folder) => folder.startsWith("python")) : [];
  const places = [...versions.map((version) => join(lib, version)), join(realpathSync(bin), "..", "Lib")];
  return places.some((place) => existsSync(join(place, "site-packages", name)));
}

async function privateJupyterLab(root: string, report: (text: string) => void): Promise<JupyterLab> {
  const environment = join(root, ".venv", process.platform === "win32" ? "Scripts" : "bin", "python");
  const candidates = existsSync(environment) ? [[environment]] : defaultCandidates();
  const python = await findPython(candidates, OLDEST_PYTHON);
  if (!python) {
    const wanted = OLDEST_PYTHON.join(".");
    throw existsSync(environment)
      ? new StepError(`nbgrader needs Python ${wanted} or later, and the one in .venv is older`, {
          next: `Install Python ${wanted} or later, remove the folder .venv, and run this again.`,
        })
      : new StepError(`nbgrader needs Python ${wanted} or later, and none was found`, {
          next: `Install one (https://www.python.org/downloads), then run this again.`,
        });
  }
  const requirements = join(root, "kernel", "class", "requirements.txt");
  const lab = await addToEnvironment(root, { name: "class", requirements, python }, report);
  writeConfig(root, join(root, ".venv", "etc", "jupyter"));
  return lab;
}

/** Makes JupyterLab's button "Validate" treat notebooks as grading does. */
function writeConfig(root: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const ours = join(root, "kernel", "class", "python", "nbgrader_config.py");
  writeFileSync(join(folder, "nbgrader_config.py"), `load_subconfig(${JSON.stringify(ours)})\n`);
}
