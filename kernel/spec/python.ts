import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** A Python that runs. */
export interface Python {
  /** Command and first arguments: `["python3"]`, `["py", "-3"]`. */
  command: string[];
  version: [major: number, minor: number];
  /** Its installation or environment: `sys.prefix`. */
  prefix: string;
}

/** The oldest Python that the pinned JupyterLab runs on; kernel/start/requirements.txt is resolved for it and later ones. */
export const OLDEST_PYTHON: [number, number] = [3, 9];

const QUESTION = "import sys, json; print(json.dumps([*sys.version_info[:2], sys.prefix]))";

/**
 * The first Python on the PATH that works and is recent enough.
 *
 * @param candidates - commands to try; default the usual names. A command that exists but does not work (the
 * Windows Store's placeholder, a pyenv shim without its version) counts as absent.
 * @param oldest - the oldest acceptable version
 * @returns undefined if there is none
 */
export async function findPython(
  candidates: string[][] = defaultCandidates(),
  oldest: [number, number] = OLDEST_PYTHON,
): Promise<Python | undefined> {
  for (const command of candidates) {
    const python = await ask(command);
    if (python && isAtLeast(python.version, oldest)) return python;
  }
  return undefined;
}

async function ask(command: string[]): Promise<Python | undefined> {
  const [file, ...args] = command;
  try {
    const { stdout } = await promisify(execFile)(file!, [...args, "-c", QUESTION], { timeout: 20_000 });
    const [major, minor, prefix] = JSON.parse(stdout) as [number, number, string];
    return { command, version: [major, minor], prefix };
  } catch {
    return undefined;
  }
}

function isAtLeast([major, minor]: [number, number], [wantMajor, wantMinor]: [number, number]): boolean {
  return major > wantMajor || (major === wantMajor && minor >= wantMinor);
}

/** The names that Python goes by on this system. */
export function defaultCandidates(): string[][] {
  if (process.platform === "win32") return [["python"], ["py", "-3"], ["python3"]];
  const versions = ["3.14", "3.13", "3.12", "3.11", "3.10", "3.9"].map((version) => [`python${version}`]);
  return [["python3"], ["python"], ...versions];
}
