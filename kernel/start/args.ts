import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

export const USAGE = `npm start [-- [--check] [--port N] [--no-browser] [NOTEBOOK]]

  NOTEBOOK      a notebook's path, or the number of one of the lesson's; default 00
  --port N      first port to try; default 8888
  --no-browser  only print the address
  --check       do all of it, run one cell through the installed kernel, and exit`;

/** What `npm start` was asked for. */
export interface StartOptions {
  check: boolean;
  help: boolean;
  browser: boolean;
  port: number;
  notebook: Place;
}

/** Where JupyterLab is opened. */
export interface Place {
  /** The folder that its file browser shows. */
  folder: string;
  /** The notebook in it, as a path with forward slashes. */
  file: string;
}

/**
 * @param args - what stands behind `npm start --`
 * @param root - the package's folder
 * @param cwd - the folder in which the user typed it; relative paths mean that one
 * @throws Error where an option is unknown or a value is wrong
 */
export function parseStartArgs(args: string[], root: string, cwd: string): StartOptions {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    allowNegative: true,
    options: {
      check: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      browser: { type: "boolean", default: true },
      port: { type: "string", default: "8888" },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`--port ${values.port}: expected a whole number from 1 to 65535.`);
  }
  if (positionals.length > 1)
    throw new Error(`${positionals.length} notebooks given (${positionals.join(", ")}); expected one.`);
  const notebook = findNotebook(positionals[0] ?? "00", join(root, "notebooks"), cwd);
  return { check: values.check, help: values.help, browser: values.browser, port, notebook };
}

/**
 * The lesson's notebooks, in order.
 *
 * @returns file names in `folder`
 */
export function lessonNotebooks(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^\d\d-.*\.ipynb$/.test(name))
    .sort();
}

function findNotebook(wanted: string, lesson: string, cwd: string): Place {
  if (/^\d{1,2}$/.test(wanted)) {
    const file = lessonNotebooks(lesson).find((name) => name.startsWith(wanted.padStart(2, "0")));
    if (!file) throw new Error(`no notebook ${wanted}; there are ${lessonNotebooks(lesson).join(", ") || "none"}.`);
    return { folder: lesson, file };
  }
  const path = [resolve(cwd, wanted), join(lesson, wanted)].find(existsSync);
  if (!path?.endsWith(".ipynb")) {
    const got = path ? "is no .ipynb file" : "no such file";
    throw new Error(`${wanted}: ${got}. The lesson has ${lessonNotebooks(lesson).join(", ")}.`);
  }
  const inLesson = relative(lesson, path);
  // The kernel sees the packages from the lesson's folder; a notebook elsewhere opens in its own.
  if (!inLesson.startsWith("..") && !isAbsolute(inLesson))
    return { folder: lesson, file: inLesson.replaceAll("\\", "/") };
  return { folder: dirname(path), file: basename(path) };
}
