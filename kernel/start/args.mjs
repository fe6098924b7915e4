// The options of `npm start`. Plain JavaScript, because they are parsed, and --help is printed, before anything is installed.
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

export const USAGE = `npm start [-- [--check] [--port N] [--no-browser] [NOTEBOOK]]

Opens your copy of the lesson, in the folder lesson/, or a notebook of your own.

  NOTEBOOK      the number of a lesson notebook, or the path of any notebook; default 00
  --port N      first port to try; default 8888
  --no-browser  only print the address
  --check       set everything up, run one cell through the installed kernel, and exit`;

/**
 * The parsed options of `npm start`.
 *
 * @typedef {object} StartOptions
 * @property {boolean} check
 * @property {boolean} help
 * @property {boolean} browser
 * @property {number} port
 * @property {Place} notebook
 * @property {string} home - the folder for everything that is generated: `.venv`, `.cache` and `out`
 * @property {string} copy - the folder of the student's copy of the lesson
 */

/**
 * Where JupyterLab is opened.
 *
 * @typedef {object} Place
 * @property {string} folder - the folder that its file browser shows
 * @property {string} file - the notebook in it, as a path with forward slashes
 */

/**
 * The folder of the lesson in the repository.
 *
 * @param {string} root - the package's folder
 */
export function lessonSource(root) {
  return join(root, "notebooks");
}

/**
 * The folder of the student's own copy, which git ignores.
 *
 * @param {string} root - the package's folder
 */
export function workingCopy(root) {
  return join(root, "lesson");
}

/**
 * @param {string[]} args - the arguments after `npm start --`
 * @param {string} root - the package's folder
 * @param {string} cwd - the folder in which the command was typed; relative paths are resolved against it
 * @param {{ home: string, copy: string }} places - default: the clone, and `lesson` in it
 * @returns {StartOptions}
 * @throws Error if an option is unknown or a value is wrong
 */
export function parseStartArgs(args, root, cwd, places = { home: root, copy: workingCopy(root) }) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    allowNegative: true,
    options: {
      check: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      browser: { type: "boolean", default: true },
      port: { type: "string", default: "8888" },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`--port ${values.port}: expected a whole number from 1 to 65535.`);
  }
  if (positionals.length > 1)
    throw new Error(`${positionals.length} notebooks given (${positionals.join(", ")}); expected at most one.`);
  const notebook = findNotebook(positionals[0] ?? "00", root, cwd, places.copy);
  return { check: values.check, help: values.help, browser: values.browser, port, notebook, ...places };
}

/**
 * The lesson's notebooks, in order.
 *
 * @param {string} folder
 * @returns {string[]} file names in `folder`
 */
export function lessonNotebooks(folder) {
  return readdirSync(folder)
    .filter((name) => /^\d\d-.*\.ipynb$/.test(name))
    .sort();
}

/**
 * What students get a copy of: the lesson's notebooks and those that stand beside them.
 *
 * @param {string} folder
 * @returns {string[]} file names in `folder`
 */
export function copiedNotebooks(folder) {
  const extras = ["index.ipynb", "explore.ipynb"].filter((name) => existsSync(join(folder, name)));
  return [...lessonNotebooks(folder), ...extras];
}

/**
 * @param {string} wanted
 * @param {string} root
 * @param {string} cwd
 * @param {string} mine - the student's copy
 * @returns {Place}
 */
function findNotebook(wanted, root, cwd, mine) {
  const lesson = lessonNotebooks(lessonSource(root));
  if (/^\d{1,2}$/.test(wanted)) {
    const file = lesson.find((name) => name.startsWith(wanted.padStart(2, "0")));
    if (!file)
      throw new Error(`no notebook ${wanted}; expected one of ${lesson.join(", ") || "(the lesson has none)"}.`);
    return { folder: mine, file };
  }
  const path = resolve(cwd, wanted);
  if (!existsSync(path) && lesson.includes(wanted)) return { folder: mine, file: wanted };
  if (!existsSync(path) || !path.endsWith(".ipynb")) {
    const got = existsSync(path) ? "not an .ipynb file" : "no such file";
    throw new Error(`${wanted}: ${got}. The lesson has ${lesson.join(", ")}.`);
  }
  // The file browser shows the whole lesson; a notebook elsewhere opens in its own folder, where its packages are found.
  for (const folder of [mine, lessonSource(root)]) {
    const inside = relative(folder, path);
    if (!inside.startsWith("..") && !isAbsolute(inside)) return { folder, file: inside.replaceAll("\\", "/") };
  }
  return { folder: dirname(path), file: basename(path) };
}
